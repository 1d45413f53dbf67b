//! Requests to a hub.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use reqwest::Certificate;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Publishes to one hub, over one connection as long as it holds.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

/// Whom to trust over TLS.
#[derive(Debug)]
pub(super) struct Trust<'a> {
    pub(super) cacert: Option<&'a Path>,
    pub(super) insecure: bool,
}

/// Why events were not published, or may not have been.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// Nothing of the request was published.
    #[error("{url} refused it with {status}: {detail}")]
    Refused {
        url: Url,
        status: StatusCode,
        detail: String,
    },
    #[error("{url} refused it with {status}; is that a hub? --server names another")]
    NoHub { url: Url, status: StatusCode },
    /// The request never left.
    #[error("cannot reach {url}: {cause}; is a hub running there? --server names another")]
    Unreachable { url: Url, cause: String },
    #[error("cannot trust {url}: {cause}; --cacert names an authority to trust")]
    Untrusted { url: Url, cause: String },
    /// It may have been published.
    #[error("{url} gave no answer: {cause}; look whether it was published")]
    Unanswered { url: Url, cause: String },
    #[error("{url} redirects to {location}; if that is the hub, name it with --server")]
    Redirected { url: Url, location: String },
    #[error("{url} did not answer as a hub does; --server names another")]
    Nonsense { url: Url },
}

#[derive(Debug, Deserialize)]
struct Published {
    ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

impl Client {
    pub(super) fn new(server: &Url, headers: HeaderMap, trust: &Trust<'_>) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .tcp_nodelay(true)
            // Sent again, it would be published again.
            .retry(reqwest::retry::never())
            // Data and headers are for the server that was named.
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(trust.insecure);
        if let Some(path) = trust.cacert {
            builder = builder.tls_certs_only(authorities(path)?);
        }
        Ok(Self {
            http: builder.build().context("cannot set up the client")?,
            url: trigger(server),
            headers,
        })
    }

    /// Publishes what this is as JSON, an object or an array, and returns the ids.
    pub(super) async fn publish(&self, body: &impl Serialize) -> Result<Vec<String>, Failure> {
        let url = || self.url.clone();
        // What it is made of can always be written.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let request = self
            .http
            .post(url())
            .header("content-type", "application/json")
            .headers(self.headers.clone())
            .body(body);
        let response = request.send().await.map_err(|error| {
            let (url, cause) = (url(), root_cause(&error));
            if error.is_connect() && cause.contains("certificate") {
                Failure::Untrusted { url, cause }
            } else if error.is_connect() {
                Failure::Unreachable { url, cause }
            } else {
                Failure::Unanswered { url, cause }
            }
        })?;
        let status = response.status();
        let location = response
            .headers()
            .get(LOCATION)
            .filter(|_| status.is_redirection());
        if let Some(location) = location {
            return Err(Failure::Redirected {
                url: url(),
                location: printable(&String::from_utf8_lossy(location.as_bytes())),
            });
        }
        let answer = response
            .bytes()
            .await
            .map_err(|error| Failure::Unanswered {
                url: url(),
                cause: root_cause(&error),
            })?;
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Problem>(&answer) {
                Ok(Problem { detail }) => Failure::Refused {
                    url: url(),
                    status,
                    detail: printable(&detail),
                },
                Err(_) => Failure::NoHub { url: url(), status },
            });
        }
        serde_json::from_slice::<Published>(&answer)
            .map(|published| published.ids)
            .map_err(|_| Failure::Nonsense { url: url() })
    }
}

/// What another says, without what a terminal would take for a command.
fn printable(text: &str) -> String {
    let harmless = |character: char| {
        if character.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    text.chars().map(harmless).collect()
}

fn authorities(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let name = path.display();
    let pem = std::fs::read(path).with_context(|| format!("cannot read --cacert {name}"))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        return Err(anyhow!("--cacert {name}: no certificate in it"));
    }
    Ok(found)
}

fn trigger(server: &Url) -> Url {
    let mut url = server.clone();
    let path = format!("{}/trigger", server.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

fn root_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => root_cause(source),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::server;

    #[test]
    fn the_trigger_is_below_the_servers_own_path() {
        for (given, expected) in [
            ("http://h:1", "http://h:1/trigger"),
            ("http://h:1/", "http://h:1/trigger"),
            ("https://h/sse/", "https://h/sse/trigger"),
        ] {
            assert_eq!(trigger(&server(given).unwrap()).as_str(), expected);
        }
        assert!(server("h:1").is_err());
        assert!(server("ftp://h").is_err());
    }
}
