//! The bytes of a request, also of one that no library would send.

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, HOST, USER_AGENT};
use url::Position;

use crate::target::Target;

/// Who asks, unless `-H User-Agent` says otherwise.
const AGENT: &str = concat!("sse-bench/", env!("CARGO_PKG_VERSION"));

/// A request, to be changed and sent.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    method: String,
    target: String,
    version: &'static str,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Ask {
    /// As an event source asks, with what the user gave.
    pub(super) fn new(target: &Target) -> Self {
        let url = &target.url;
        let path = match &url[Position::BeforePath..Position::AfterQuery] {
            "" => "/",
            path => path,
        };
        let mut ask = Self {
            method: target.method.to_string(),
            target: path.to_owned(),
            version: "HTTP/1.1",
            fields: Vec::new(),
            body: target.body.clone().unwrap_or_default(),
        };
        let host = &url[Position::BeforeHost..Position::AfterPort];
        for (name, value) in [
            (HOST, host),
            (USER_AGENT, AGENT),
            (ACCEPT, "text/event-stream"),
            (CACHE_CONTROL, "no-cache"),
        ] {
            if !target.headers.contains_key(&name) {
                ask = ask.and(name.as_str(), value);
            }
        }
        let id = target.last_event_id.as_str();
        if !id.is_empty() {
            ask = ask.with("last-event-id", id);
        }
        for (name, value) in &target.headers {
            ask = ask.and(name.as_str(), value.as_bytes());
        }
        if target.body.is_some() && !target.headers.contains_key(CONTENT_LENGTH) {
            let length = ask.body.len().to_string();
            ask = ask.and("content-length", length);
        }
        ask
    }

    /// Another method, without the body.
    pub(super) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self.body.clear();
        self.without("content-length").without("content-type")
    }

    pub(super) fn http_1_0(mut self) -> Self {
        self.version = "HTTP/1.0";
        self
    }

    /// With this field instead of others of its name.
    pub(super) fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).and(name, value)
    }

    /// With this field behind others of its name.
    pub(super) fn and(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.encode_unfinished();
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Without the blank line that ends the head.
    pub(super) fn encode_unfinished(&self) -> Vec<u8> {
        let line = format!("{} {} {}\r\n", self.method, self.target, self.version);
        let mut bytes = line.into_bytes();
        for (name, value) in &self.fields {
            bytes.extend(name.as_bytes());
            bytes.extend(b": ");
            bytes.extend(value);
            bytes.extend(b"\r\n");
        }
        bytes
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// The same as a request of HTTP/2, which has no place for some fields.
    pub(super) fn to_http2(&self, target: &Target) -> Option<http::Request<()>> {
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(target.url.as_str())
            .version(http::Version::HTTP_2);
        for (name, value) in &self.fields {
            if !["host", "connection", "transfer-encoding"].contains(&name.as_str()) {
                request = request.header(name, value.as_slice());
            }
        }
        request.body(()).ok()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}
