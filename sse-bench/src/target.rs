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
use crate::template::{Slot, Template};
use crate::tls;
use crate::transport::{Transport, check_fields};

/// Connections whose own request is looked at beforehand.
const MOST_CHECKED: u32 = 100_000;

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
    template: Option<Box<RequestTemplate>>,
}

impl Target {
    /// The same request on each connection.
    ///
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(url: &str, args: RequestArgs) -> Result<Self> {
        for text in texts(url, &args) {
            ensure!(
                !["{{conn}}", "{{uuid}}", "{{line:"]
                    .iter()
                    .any(|name| text.contains(name)),
                "{text}: only load has placeholders: here all connections are to send the same \
                 request, as what they receive is compared or counted together"
            );
        }
        let asked = Asked::new(url, &args)?;
        Self::of(asked, None, args)
    }

    /// A request that may differ from connection to connection by placeholders.
    ///
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn templated(url: &str, args: RequestArgs, connections: u32, seed: u64) -> Result<Self> {
        let template = RequestTemplate::new(url, &args)?;
        if template.is_plain() {
            return Self::new(url, args);
        }
        // What one of them cannot send is known before any is opened.
        for number in 1..connections.min(MOST_CHECKED) {
            template.render(Slot::constant(number, seed))?;
        }
        let asked = template.render(Slot::constant(0, seed))?;
        Self::of(asked, Some(Box::new(template)), args)
    }

    /// What slot `number` asks for, where that is its own.
    pub fn asked_by(&self, number: u32, seed: u64) -> Option<Asked> {
        self.asked(Slot::constant(number, seed))
    }

    /// What is asked for by a slot in its turn, where that is its own.
    pub fn asked(&self, slot: Slot) -> Option<Asked> {
        self.template.as_ref()?.render(slot).ok()
    }

    /// So many turns make each line of the body's files a part of it.
    pub fn turns_of_body(&self) -> u64 {
        let body = self.template.as_ref().and_then(|it| it.body.as_ref());
        body.map_or(1, Template::turns).min(MOST_CHECKED.into())
    }

    fn of(asked: Asked, template: Option<Box<RequestTemplate>>, args: RequestArgs) -> Result<Self> {
        let Asked { url, headers, body } = asked;
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
            template,
        })
    }
}

/// What one connection asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where, without user information.
    pub url: Url,
    /// Header fields that the user gave.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Option<Vec<u8>>,
}

impl Asked {
    fn new(url: &str, args: &RequestArgs) -> Result<Self> {
        let mut url = parse_url(url)?;
        let mut headers = parse_headers(args)?;
        if let Some(credentials) = credentials(args, &url)? {
            headers.entry(AUTHORIZATION).or_insert(credentials);
        }
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        if args.transport.http2 {
            check_fields(&headers)?;
        }
        let body = body(args)?;
        Ok(Self { url, headers, body })
    }
}

/// Where placeholders may stand.
fn texts<'a>(url: &'a str, args: &'a RequestArgs) -> impl Iterator<Item = &'a str> {
    let others = args
        .headers
        .iter()
        .chain(&args.body)
        .chain(&args.basic_auth);
    std::iter::once(url).chain(others.map(String::as_str))
}

/// A request with placeholders.
#[derive(Debug)]
struct RequestTemplate {
    url: Template,
    headers: Vec<Template>,
    basic_auth: Option<Template>,
    body: Option<Template>,
    /// A body from a file has no placeholders.
    file: Option<Vec<u8>>,
    args: RequestArgs,
}

impl RequestTemplate {
    fn new(url: &str, args: &RequestArgs) -> Result<Self> {
        let file = match args.body {
            None => body(args)?,
            Some(_) => None,
        };
        let optional = |text: &Option<String>, place| {
            let text = text.as_deref();
            text.map(|text| Template::parse(text, place)).transpose()
        };
        let headers = args.headers.iter();
        Ok(Self {
            url: Template::parse(url, "the URL")?,
            headers: headers
                .map(|text| Template::parse(text, "--header"))
                .collect::<Result<_>>()?,
            basic_auth: optional(&args.basic_auth, "--basic-auth")?,
            body: optional(&args.body, "--data")?,
            file,
            args: RequestArgs {
                body_file: None,
                ..args.clone()
            },
        })
    }

    fn is_plain(&self) -> bool {
        let others = self
            .headers
            .iter()
            .chain(&self.basic_auth)
            .chain(&self.body);
        std::iter::once(&self.url)
            .chain(others)
            .all(Template::is_plain)
    }

    fn render(&self, slot: Slot) -> Result<Asked> {
        let optional = |template: &Option<Template>| {
            let template = template.as_ref();
            template.map(|template| template.render(slot))
        };
        let args = RequestArgs {
            headers: self
                .headers
                .iter()
                .map(|header| header.render(slot))
                .collect(),
            basic_auth: optional(&self.basic_auth),
            body: self.body.as_ref().map(|body| body.render_body(slot)),
            ..self.args.clone()
        };
        let mut asked = Asked::new(&self.url.render_url(slot), &args)?;
        asked.body = asked.body.or_else(|| self.file.clone());
        Ok(asked)
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
            Command::Load(args) => Target::templated(&args.url, args.request, 3, 0),
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
    fn each_slot_asks_for_its_own() {
        let given = [
            "http://h/{{conn}}?u={{uuid}}",
            "-H",
            "X-{{conn}}: {{uuid}}",
            "-d",
            r#"{"user":"{{conn}}"}"#,
            "-a",
            "user-{{conn}}:secret",
        ];
        let target = target(&given).unwrap();
        assert_eq!(target.url.path(), "/0");
        let asked = target.asked_by(2, 0).unwrap();
        let uuid = asked.headers["x-2"].to_str().unwrap();
        assert_eq!(asked.url.as_str(), format!("http://h/2?u={uuid}"));
        assert_eq!(asked.body.unwrap(), br#"{"user":"2"}"#);
        let expected = format!("Basic {}", BASE64_STANDARD.encode("user-2:secret"));
        assert_eq!(asked.headers[AUTHORIZATION], expected);
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
