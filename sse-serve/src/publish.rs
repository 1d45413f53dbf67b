//! `sse-serve publish`: one event to a running hub.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes read from a file or stdin: what a hub takes, and one more.
const DATA_MAX: u64 = (8 << 20) + 1;

/// Holds the token where no file is named.
pub(crate) const TOKEN: &str = "SSE_SERVE_TOKEN";

const TOKEN_MAX: u64 = 64 << 10;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PublishArgs {
    /// Event type [default: message].
    #[arg(long, value_name = "TYPE")]
    event: Option<String>,
    /// Data; @FILE reads a file and - stdin, without the last line end.
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    data: String,
    /// Topic [default: default].
    #[arg(long)]
    topic: Option<String>,
    /// Only for subscriptions of this session.
    #[arg(long)]
    session: Option<String>,
    /// Only for this live connection.
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// What the data must be: json is checked, the others pass as they are.
    #[arg(long, value_name = "FORMAT", value_parser = ["auto", "json", "string"])]
    format: Option<String>,
    /// Seconds after which the event is skipped instead of delivered.
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<f64>,
    /// Reconnection time in milliseconds, sent with the event.
    #[arg(long, value_name = "MILLISECONDS")]
    retry: Option<u64>,
    /// Publishes it once: repeated, it is answered with the first one's id.
    #[arg(long)]
    key: Option<String>,
    /// Where the hub is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = server)]
    server: Url,
    /// File of a token to publish with; else the variable `SSE_SERVE_TOKEN`, if set.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Header of the request, as 'Name: value'; repeatable.
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

const EXAMPLES: &str = "\
Examples:
  sse-serve publish --event note --data 'hello'
  sse-serve publish --event order --data @order.json --format json --topic orders
  date | sse-serve publish --data - --server http://127.0.0.1:9000";

#[derive(Debug, Serialize)]
struct Body<'a> {
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
struct Published {
    ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

pub(crate) async fn run(args: PublishArgs) -> anyhow::Result<()> {
    let data = read(&args.data)?;
    let body = Body {
        data: &data,
        event: args.event.as_deref(),
        topic: args.topic.as_deref(),
        session: args.session.as_deref(),
        connection: args.connection.as_deref(),
        format: args.format.as_deref(),
        ttl: args.ttl,
        retry: args.retry,
        key: args.key.as_deref(),
    };
    let url = trigger(&args.server);
    let mut headers: HeaderMap = args.headers.into_iter().collect();
    if !headers.contains_key(AUTHORIZATION)
        && let Some(authorization) = authorization(args.token_file.as_deref())?
    {
        headers.insert(AUTHORIZATION, authorization);
    }
    let ids = post(url, headers, &body).await?;
    let mut stdout = std::io::stdout().lock();
    for id in ids {
        writeln!(stdout, "{id}").context("published, but cannot write the id to stdout")?;
    }
    Ok(())
}

/// The token of the file, else of the environment.
fn authorization(file: Option<&Path>) -> anyhow::Result<Option<HeaderValue>> {
    let (token, source) = match (file, std::env::var(TOKEN)) {
        (Some(path), _) => {
            let mut token = String::new();
            File::open(path)
                .and_then(|file| file.take(TOKEN_MAX).read_to_string(&mut token))
                .with_context(|| format!("cannot read the token from {}", path.display()))?;
            (token, path.display().to_string())
        }
        (None, Ok(token)) => (token, TOKEN.to_owned()),
        (None, Err(std::env::VarError::NotPresent)) => return Ok(None),
        (None, Err(_)) => bail!("{TOKEN} is no token: it is not UTF-8"),
    };
    let token = token.trim();
    if token.is_empty() {
        bail!("the token of {source} is empty");
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| anyhow!("the token of {source} is no token: it cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

async fn post(url: Url, headers: HeaderMap, body: &Body<'_>) -> anyhow::Result<Vec<String>> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .build()
        .context("cannot set up the client")?;
    let request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .headers(headers)
        .body(serde_json::to_vec(body)?);
    let response = request.send().await.map_err(|error| {
        anyhow!(
            "cannot reach {url}: {}; is a hub running there? --server names another",
            root_cause(&error)
        )
    })?;
    let status = response.status();
    let answer = response
        .bytes()
        .await
        .map_err(|error| anyhow!("the answer of {url} broke off: {}", root_cause(&error)))?;
    if !status.is_success() {
        match serde_json::from_slice::<Problem>(&answer) {
            Ok(problem) => bail!("{url} refused it with {status}: {}", problem.detail),
            Err(_) => {
                bail!("{url} refused it with {status}; is that a hub? --server names another")
            }
        }
    }
    let published: Published = serde_json::from_slice(&answer)
        .map_err(|_| anyhow!("{url} did not answer as a hub does; --server names another"))?;
    Ok(published.ids)
}

fn read(data: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    if data == "-" {
        std::io::stdin()
            .take(DATA_MAX)
            .read_to_string(&mut text)
            .context("cannot read the data from stdin")?;
    } else if let Some(path) = data.strip_prefix('@') {
        std::fs::File::open(path)
            .and_then(|file| file.take(DATA_MAX).read_to_string(&mut text))
            .with_context(|| format!("cannot read the data from {path}"))?;
    } else {
        return Ok(data.to_owned());
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
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

fn server(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "give a URL such as http://127.0.0.1:8080".to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let usage = || "give a header such as 'Name: value'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(usage)?;
    let name = name.trim().parse().map_err(|_| usage())?;
    let value = value.trim().parse().map_err(|_| usage())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

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
