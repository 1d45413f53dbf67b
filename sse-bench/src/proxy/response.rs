//! Heads of responses, the upstream's changed where they must be, and answers
//! of the proxy's own.

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use url::Url;

use super::client::Request;
use super::output::Framing;
use super::upstream::{is_hop_by_hop, put, relocate};
use crate::http::ResponseHead;

/// A head to send.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) framing: Framing,
    /// The connection can serve another request afterwards.
    pub(super) keeps_alive: bool,
}

/// What becomes of the content type.
#[derive(Debug, Default)]
pub(super) enum ContentType {
    #[default]
    Kept,
    Replaced(HeaderValue),
    Removed,
}

/// What faults make of a head.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) content_type: ContentType,
    pub(super) compress: bool,
    /// The length of the body may change.
    pub(super) any_length: bool,
}

/// The upstream's head as the client gets it.
pub(super) fn pass_on(
    head: &ResponseHead,
    request: &Request,
    changes: &Changes,
    upstream: &Url,
) -> Head {
    let mut headers = HeaderMap::new();
    let connection = head.headers.get(CONNECTION).map(HeaderValue::as_bytes);
    for (name, value) in &head.headers {
        if !is_hop_by_hop(name.as_str(), connection.unwrap_or_default()) {
            headers.append(name, value.clone());
        }
    }
    match &changes.content_type {
        ContentType::Replaced(value) => {
            headers.insert(CONTENT_TYPE, value.clone());
        }
        ContentType::Removed => {
            headers.remove(CONTENT_TYPE);
        }
        ContentType::Kept => {}
    }
    if changes.compress {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(
            http::header::VARY,
            HeaderValue::from_static("accept-encoding"),
        );
    }
    if changes.compress || changes.any_length {
        headers.remove(CONTENT_LENGTH);
    }
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    if let Some(path) = location.and_then(|location| relocate(location, upstream))
        && let Ok(value) = HeaderValue::from_str(&path)
    {
        headers.insert(LOCATION, value);
    }
    frame(head.status, headers, request)
}

fn frame(status: StatusCode, mut headers: HeaderMap, request: &Request) -> Head {
    let empty = request.method == "HEAD"
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut keeps_alive = request.keeps_alive();
    let framing = if empty {
        Framing::None
    } else if headers.contains_key(CONTENT_LENGTH) {
        Framing::Plain
    } else if request.is_http_1_0 {
        keeps_alive = false;
        Framing::Plain
    } else {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        Framing::Chunked
    };
    let token = if keeps_alive { "keep-alive" } else { "close" };
    headers.insert(CONNECTION, HeaderValue::from_static(token));
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &headers {
        put(&mut bytes, name.as_str(), value.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    Head {
        bytes,
        framing,
        keeps_alive,
    }
}

/// An answer of the proxy's own: its head and its body.
pub(super) fn own(
    status: StatusCode,
    detail: &str,
    retry_after: Option<u64>,
    request: &Request,
) -> (Head, Vec<u8>) {
    let mut headers = HeaderMap::new();
    let mut body = Vec::new();
    if let Some(seconds) = retry_after {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        body = problem(status, detail);
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    (frame(status, headers, request), body)
}

/// A problem (RFC 9457).
pub(super) fn problem(status: StatusCode, detail: &str) -> Vec<u8> {
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": format!("sse-bench proxy: {detail}"),
    });
    let mut body = problem.to_string().into_bytes();
    body.push(b'\n');
    body
}

/// Whether a response is an event stream, by its media type in any case.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/event-stream")
}

/// The coding that hides the bytes of a body.
pub(super) fn coding(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_ENCODING)?;
    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
    Some(value).filter(|coding| !coding.eq_ignore_ascii_case("identity"))
}
