//! What the head of a response means.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::cause::Cause;

/// Whether a response is an event stream (§9.2.3): `Ok`, or why not.
pub(super) fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Cause> {
    match status {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT => return Err(Cause::NoContent),
        _ => return Err(Cause::Status(status)),
    }
    if media_type(headers).as_deref() != Some("text/event-stream") {
        return Err(Cause::ContentType(joined(headers)));
    }
    for value in headers.get_all(CONTENT_ENCODING) {
        let coding = text(value);
        if !coding.trim().is_empty() && !coding.trim().eq_ignore_ascii_case("identity") {
            return Err(Cause::ContentEncoding(coding));
        }
    }
    Ok(())
}

/// The statuses that an event source follows (Fetch Standard, redirect status).
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

pub(super) fn location(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(LOCATION)
}

/// Statuses that a server may recover from.
pub(super) fn is_server_trouble(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The wait of `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3).
/// A date in the past is no wait; anything else is ignored.
pub(super) fn retry_after(headers: &HeaderMap, wall_clock: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(wall_clock).unwrap_or(Duration::ZERO))
}

pub(super) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The essence of the last media type among all `Content-Type` values, in
/// lower case (Fetch Standard, "extract a MIME type").
fn media_type(headers: &HeaderMap) -> Option<String> {
    let combined = joined(headers)?;
    let mut quoted = false;
    let mut escaped = false;
    combined
        .split(|character| {
            let ends = character == ',' && !quoted;
            match character {
                '"' if !escaped => quoted = !quoted,
                _ => {}
            }
            escaped = quoted && character == '\\' && !escaped;
            ends
        })
        .filter_map(essence)
        .next_back()
}

fn joined(headers: &HeaderMap) -> Option<String> {
    let values: Vec<String> = headers.get_all(CONTENT_TYPE).iter().map(text).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// `type/subtype` without parameters (MIME Sniffing Standard §4.4).
fn essence(value: &str) -> Option<String> {
    let essence = value
        .split(';')
        .next()?
        .trim_matches([' ', '\t', '\r', '\n']);
    let (kind, subtype) = essence.split_once('/')?;
    let token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    (token(kind) && token(subtype) && essence != "*/*").then(|| essence.to_ascii_lowercase())
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
