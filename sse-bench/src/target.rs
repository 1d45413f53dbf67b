//! What every connection of a run asks for.

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use sse_core::EventId;
use url::Url;

use crate::cli::RequestArgs;
use crate::tls;
use crate::transport::{Transport, check_fields};

/// A request.
#[derive(Debug)]
pub struct Target {
    /// Where to, without user information.
    pub url: Url,
    /// How to ask.
    pub method: Method,
    /// Header fields that the user gave.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Option<Vec<u8>>,
    /// Where the stream starts, if not at its beginning.
    pub last_event_id: EventId,
    /// How to get there.
    pub transport: Transport,
}

impl Target {
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(url: &str, args: RequestArgs) -> Result<Self> {
        let mut url = parse_url(url)?;
        let mut headers = parse_headers(&args)?;
        if let Some(credentials) = credentials(&args, &url)? {
            headers.entry(AUTHORIZATION).or_insert(credentials);
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if args.transport.http2 {
            check_fields(&headers)?;
        }
        let body = body(&args)?;
        let tls = tls::config(args.cacert.as_deref(), args.insecure, args.transport.http2);
        if url.scheme() == "https" || args.cacert.is_some() {
            tls.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        }
        let last_event_id = args.last_event_id.unwrap_or_default();
        Ok(Self {
            url,
            method: parse_method(args.method.as_deref(), body.is_some())?,
            headers,
            body,
            last_event_id: EventId::new(last_event_id).context("--last-event-id")?,
            transport: Transport::new(&args.transport, tls.map_err(|error| format!("{error:#}")))?,
        })
    }
}

fn parse_url(text: &str) -> Result<Url> {
    let mend = "give one such as http://127.0.0.1:8080/events";
    let url = Url::parse(text).map_err(|error| anyhow!("{text} is no URL ({error}): {mend}"))?;
    let known = matches!(url.scheme(), "http" | "https");
    ensure!(
        known && url.has_host(),
        "{text} is no http:// or https:// URL: {mend}"
    );
    Ok(url)
}

fn parse_method(given: Option<&str>, has_body: bool) -> Result<Method> {
    match given {
        Some(name) => Method::from_bytes(name.as_bytes())
            .map_err(|_| anyhow!("{name:?} is no HTTP method: give one such as GET or POST")),
        None if has_body => Ok(Method::POST),
        None => Ok(Method::GET),
    }
}

fn parse_headers(args: &RequestArgs) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in &args.headers {
        let mend = "write it as \"Name: value\"";
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| anyhow!("header {line:?} has no colon: {mend}"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| anyhow!("header {line:?} has no valid name: {mend}"))?;
        headers.append(name, header_value(line, value.trim())?);
    }
    if let Some(content_type) = &args.content_type {
        headers.insert(CONTENT_TYPE, header_value("Content-Type", content_type)?);
    }
    Ok(headers)
}

fn header_value(field: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| anyhow!("header {field:?} holds a control character"))
}

/// From `-a`, else from the URL.
fn credentials(args: &RequestArgs, url: &Url) -> Result<Option<HeaderValue>> {
    let plain = match &args.basic_auth {
        Some(given) => {
            ensure!(
                given.contains(':'),
                "-a has no colon: write it as \"user:password\""
            );
            given.clone().into_bytes()
        }
        None if url.username().is_empty() && url.password().is_none() => return Ok(None),
        None => {
            let password = url.password().unwrap_or_default();
            let text = format!("{}:{password}", url.username());
            percent_decode_str(&text).collect()
        }
    };
    let mut value: HeaderValue = format!("Basic {}", BASE64_STANDARD.encode(plain)).parse()?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn body(args: &RequestArgs) -> Result<Option<Vec<u8>>> {
    match (&args.body, &args.body_file) {
        (Some(text), _) => Ok(Some(text.clone().into_bytes())),
        (None, Some(path)) => {
            let read = std::fs::read(path);
            read.map(Some)
                .with_context(|| format!("cannot read -D {}", path.display()))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn target(arguments: &[&str]) -> Result<Target> {
        let fixed = ["sse-bench", "load"].iter().chain(arguments);
        match Cli::try_parse_from(fixed)?.command {
            Command::Load(args) => Target::new(&args.url, args.request),
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_body_makes_it_a_post_unless_a_method_is_given() {
        assert_eq!(target(&["http://h"]).unwrap().method, Method::GET);
        assert_eq!(
            target(&["http://h", "-d", "{}"]).unwrap().method,
            Method::POST
        );
        let put = target(&["http://h", "-d", "{}", "-X", "PUT"]).unwrap();
        assert_eq!((put.method, put.body), (Method::PUT, Some(b"{}".to_vec())));
    }

    #[test]
    fn credentials_come_from_the_option_or_the_url_and_are_in_no_report() {
        let target = target(&["http://al%3Aice:s%20ecret@h/x#y"]).unwrap();
        let expected = format!("Basic {}", BASE64_STANDARD.encode("al:ice:s ecret"));
        assert_eq!(target.headers[AUTHORIZATION], expected);
        assert_eq!(target.url.as_str(), "http://h/x");
    }

    #[test]
    fn given_headers_win() {
        let given = [
            "http://h",
            "-a",
            "u:p",
            "-H",
            "authorization: Bearer x",
            "-H",
            "X-A:  b ",
        ];
        let target = target(&given).unwrap();
        assert_eq!(target.headers[AUTHORIZATION], "Bearer x");
        assert_eq!(target.headers["x-a"], "b");
    }
}
