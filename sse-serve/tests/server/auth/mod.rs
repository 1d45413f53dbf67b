//! Who may subscribe, publish and administer, and what those are told who may not.

mod carrier;
mod claims;
mod expiry;
mod jwt;
mod secrets;
mod setup;
mod sign;
mod ticket;

use std::path::Path;

use tempfile::TempDir;

use crate::support::{Connection, Response, Server, Stream};

/// A hub with static tokens, and the files that hold them.
struct Guarded {
    server: Server,
    directory: TempDir,
}

/// The token of this name.
fn token(name: &str) -> String {
    format!("{name}-is-a-token-of-the-tests")
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The header of the static token of this name.
fn by(name: &str) -> String {
    bearer(&token(name))
}

/// A file for each of these tokens, and the flags that name them.
fn token_flags(directory: &Path, tokens: &[(&str, &str)]) -> Vec<String> {
    let flags = tokens.iter().flat_map(|(name, claims)| {
        let file = directory.join(name);
        std::fs::write(&file, format!("{}\n", token(name))).unwrap();
        let claims = if claims.is_empty() {
            ""
        } else {
            &format!(",{claims}")
        };
        [
            "--auth-token".to_owned(),
            format!("{name}:file={}{claims}", file.display()),
        ]
    });
    flags.collect()
}

impl Guarded {
    /// With these tokens and `root`, who may do everything.
    fn start(tokens: &[(&str, &str)], flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = ("root", "subscribe=*,publish=*,admin");
        let mut all = token_flags(directory.path(), &[&[root], tokens].concat());
        all.extend(flags.iter().map(ToString::to_string));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Self {
            server: Server::start_hub(&all),
            directory,
        }
    }

    fn connect(&self) -> Connection {
        self.server.connect()
    }

    fn get(&self, path: &str, headers: &str) -> Response {
        self.connect().request("GET", path, headers)
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> Response {
        self.server.post(path, headers, body.as_bytes())
    }

    /// Publishes by `root`.
    fn publish(&self, body: &str) -> Vec<String> {
        let response = self.post("/trigger", &by("root"), body);
        assert_eq!(response.status, 200, "{}", response.text());
        response.ids()
    }

    /// Subscribes to `/notifications` and what comes after.
    fn notifications(&self, rest: &str, headers: &str) -> Stream {
        let mut connection = self.connect();
        connection.send(format!(
            "GET /notifications{rest} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n"
        ));
        let mut stream = connection.into_stream();
        stream.event_of_type("connected");
        stream
    }

    fn ticket(&self, headers: &str) -> String {
        let response = self.post("/ticket", headers, "");
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()["ticket"].as_str().unwrap().to_owned()
    }

    /// A sample of `/metrics`.
    fn metric(&self, name: &str) -> u64 {
        let response = self.get("/metrics", &by("root"));
        let prefix = format!("sse_serve_{name} ");
        let mut samples = response.text().lines();
        let sample = samples.find_map(|line| line.strip_prefix(&prefix));
        sample
            .unwrap_or_else(|| panic!("no {name}"))
            .parse()
            .unwrap()
    }

    fn refused(&self, reason: &str) -> u64 {
        self.metric(&format!("requests_refused_total{{reason=\"{reason}\"}}"))
    }
}

/// The scheme and the error code of a challenge (RFC 6750 §3).
fn challenge(response: &Response) -> (&str, Option<&str>) {
    let challenge = response.header("www-authenticate").unwrap();
    let (scheme, parameters) = challenge.split_once(' ').unwrap();
    let error = parameters
        .split("error=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    (scheme, error)
}
