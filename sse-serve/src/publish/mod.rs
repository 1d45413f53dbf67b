//! `sse-serve publish`: events to a running hub.

mod client;
mod session;
mod source;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;

use crate::cli::value;
use client::{Client, Trust};
pub(crate) use session::Ended;
use source::Source;

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
    #[arg(
        short,
        long,
        value_name = "DATA",
        allow_hyphen_values = true,
        required_unless_present = "lines",
        default_value_if("lines", "true", "-")
    )]
    data: Option<String>,
    /// Publish each line as an event of its own, as it comes; without --data
    /// those of stdin.
    #[arg(long, conflicts_with_all = ["key"])]
    lines: bool,
    /// Events per second, each due at its time whether or not the one before is
    /// answered; without --lines and --count until Ctrl-C.
    #[arg(long, value_name = "N", conflicts_with = "key", value_parser = value::rate)]
    rate: Option<f64>,
    /// Events to publish: of the same data, or so many lines [default: 1, or all].
    #[arg(long, value_name = "N", conflicts_with = "key", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
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
    /// PEM file of the authorities to trust in place of the system's.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Accept any certificate.
    #[arg(long)]
    insecure: bool,
    /// Header of the request, as 'Name: value'; repeatable.
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

const EXAMPLES: &str = "\
Examples:
  sse-serve publish --event note --data 'hello'
  sse-serve publish --event order --data @order.json --format json --topic orders
  date | sse-serve publish --data - --server http://127.0.0.1:9000
  tail -f app.log | sse-serve publish --lines --event log
  sse-serve publish --lines --data @ticks.ndjson --format json --rate 50
  sse-serve publish --data 'load' --rate 1000 --count 60000

Lines wait for nothing but an answer: those that come meanwhile go together in one
request. At the first that is refused it stops and names it; those before it are
published. Ids stand on stdout, one on each line.

Exit codes: 0 published, or ended by Ctrl-C where it would not have ended; 1 not all
is published; 2 usage; 130 interrupted by Ctrl-C before all was published.";

/// What all events of one command have in common.
#[derive(Debug, Clone, Serialize)]
struct Envelope {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

pub(crate) async fn run(args: PublishArgs) -> anyhow::Result<Ended> {
    let mut headers: HeaderMap = args.headers.into_iter().collect();
    if !headers.contains_key(AUTHORIZATION)
        && let Some(authorization) = authorization(args.token_file.as_deref())?
    {
        headers.insert(AUTHORIZATION, authorization);
    }
    let trust = Trust {
        cacert: args.cacert.as_deref(),
        insecure: args.insecure,
    };
    let client = Client::new(&args.server, headers, &trust)?;
    let data = args.data.as_deref().unwrap_or("-");
    let source = if args.lines {
        Source::lines(data, args.count, args.rate).await?
    } else {
        // Without an end if a rate alone is given.
        let count = args.count.or(args.rate.is_none().then_some(1));
        Source::repeat(source::read(data)?, count, args.rate)
    };
    let envelope = Envelope {
        event: args.event,
        topic: args.topic,
        session: args.session,
        connection: args.connection,
        format: args.format,
        ttl: args.ttl,
        retry: args.retry,
        key: args.key,
    };
    session::publish(source, client, envelope).await
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
