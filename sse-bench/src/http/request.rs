//! The bytes of a request (RFC 9112 §3).

use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use url::{Position, Url};

use crate::exchange::Request;

/// Who asks, unless `-H User-Agent` says otherwise.
pub const AGENT: &str = concat!("sse-bench/", env!("CARGO_PKG_VERSION"));

/// Head and body of a request. `Host`, `User-Agent` and `Content-Length` are
/// added where it names none.
pub fn encode_request(request: &Request<'_>) -> Vec<u8> {
    let Request {
        method,
        url,
        headers,
        body,
        ..
    } = *request;
    let mut out = Vec::with_capacity(256 + body.map_or(0, <[u8]>::len));
    for part in [method.as_str(), " ", target(url), " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    if !headers.contains_key(HOST) {
        put(
            &mut out,
            "host",
            url[Position::BeforeHost..Position::AfterPort].as_bytes(),
        );
    }
    if !headers.contains_key(USER_AGENT) {
        put(&mut out, "user-agent", AGENT.as_bytes());
    }
    for (name, value) in headers {
        put(&mut out, name.as_str(), value.as_bytes());
    }
    if let Some(body) = body
        && !headers.contains_key(CONTENT_LENGTH)
    {
        put(
            &mut out,
            "content-length",
            body.len().to_string().as_bytes(),
        );
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
    out
}

fn target(url: &Url) -> &str {
    match &url[Position::BeforePath..Position::AfterQuery] {
        "" => "/",
        target => target,
    }
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    fn encoded(method: &Method, url: &Url, headers: &HeaderMap, body: Option<&[u8]>) -> String {
        let wire = encode_request(&Request {
            method,
            url,
            headers,
            body,
            slot: 0,
        });
        String::from_utf8(wire).unwrap()
    }

    #[test]
    fn a_request_names_target_and_host_and_carries_its_body() {
        let url = "http://u:p@[::1]:8080/a%20b?c=d#e".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-a", "1".parse().unwrap());
        let wire = encoded(&Method::POST, &url, &headers, Some(b"{}"));
        let expected = format!(
            "POST /a%20b?c=d HTTP/1.1\r\nhost: [::1]:8080\r\nuser-agent: {AGENT}\r\nx-a: 1\r\n\
             content-length: 2\r\n\r\n{{}}"
        );
        assert_eq!(wire, expected);
    }

    #[test]
    fn given_fields_replace_those_sent_by_default() {
        let url = "http://localhost".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "other".parse().unwrap());
        headers.insert(USER_AGENT, "me".parse().unwrap());
        let wire = encoded(&Method::GET, &url, &headers, None);
        let expected = "GET / HTTP/1.1\r\nhost: other\r\nuser-agent: me\r\n\r\n";
        assert_eq!(wire, expected);
    }
}
