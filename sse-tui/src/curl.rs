//! A request as a curl command.

use std::fmt::Write as _;

use sse_core::client::{Auth, HttpVersion, Proxy, Request, TransportOptions};

/// The command that asks for what comes after an event, for a POSIX shell.
pub fn command(request: &Request, last_event_id: &str, transport: &TransportOptions) -> String {
    let mut text = "curl -N".to_owned();
    let plain = if request.body.is_empty() {
        "GET"
    } else {
        "POST"
    };
    if request.method.as_str() != plain {
        let _ = write!(text, " -X {}", quote(request.method.as_str()));
    }
    if !request.headers.contains_key(http::header::ACCEPT) {
        text.push_str(" -H 'Accept: text/event-stream'");
    }
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = write!(text, " -H {}", quote(&format!("{name}: {value}")));
    }
    if !last_event_id.is_empty() && !last_event_id.contains(char::is_control) {
        let _ = write!(
            text,
            " -H {}",
            quote(&format!("Last-Event-ID: {last_event_id}"))
        );
    }
    match &request.auth {
        Some(Auth::Basic { user, password }) => {
            let user = format!("{user}:{}", password.as_deref().unwrap_or_default());
            let _ = write!(text, " -u {}", quote(&user));
        }
        Some(Auth::Bearer(token)) => {
            let _ = write!(
                text,
                " -H {}",
                quote(&format!("Authorization: Bearer {token}"))
            );
        }
        None => {}
    }
    if !request.body.is_empty() {
        let body = String::from_utf8_lossy(&request.body);
        let _ = write!(text, " --data-binary {}", quote(&body));
    }
    text.push_str(&options(transport));
    let _ = write!(text, " {}", quote(request.url.as_str()));
    text
}

/// How the connection is made, where that was said.
fn options(transport: &TransportOptions) -> String {
    let mut text = String::new();
    match &transport.proxy {
        Proxy::System => {}
        Proxy::Direct => text.push_str(" --noproxy '*'"),
        Proxy::Url(url) => text = format!(" -x {}", quote(url.as_str())),
    }
    for path in &transport.extra_authorities {
        let _ = write!(text, " --cacert {}", quote(&path.to_string_lossy()));
    }
    if transport.insecure {
        text.push_str(" -k");
    }
    if transport.http_version == HttpVersion::Http2 {
        text.push_str(" --http2-prior-knowledge");
    }
    if let Some(path) = &transport.unix_socket {
        let _ = write!(text, " --unix-socket {}", quote(&path.to_string_lossy()));
    }
    text
}

/// As one word of a shell's command.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Method};

    use super::*;

    fn command(request: &Request, last_event_id: &str) -> String {
        super::command(request, last_event_id, &TransportOptions::default())
    }

    #[test]
    fn the_connection_is_made_as_here() {
        let request = Request::get("https://h/".parse().unwrap());
        let transport = TransportOptions {
            proxy: Proxy::Url("socks5://p:1080".parse().unwrap()),
            extra_authorities: vec!["/my ca.pem".into()],
            insecure: true,
            http_version: HttpVersion::Http2,
            ..TransportOptions::default()
        };
        assert_eq!(
            super::command(&request, "", &transport),
            "curl -N -H 'Accept: text/event-stream' -x 'socks5://p:1080' \
             --cacert '/my ca.pem' -k --http2-prior-knowledge 'https://h/'"
        );
    }

    #[test]
    fn a_plain_request_resumes_after_the_event() {
        let request = Request::get("http://h/events?a=b&c".parse().unwrap());
        assert_eq!(
            command(&request, "k-7"),
            "curl -N -H 'Accept: text/event-stream' -H 'Last-Event-ID: k-7' 'http://h/events?a=b&c'"
        );
        assert!(!command(&request, "").contains("Last-Event-ID"));
        assert!(!command(&request, "\u{1b}c").contains("Last-Event-ID"));
    }

    #[test]
    fn nothing_in_it_can_end_a_word() {
        let request = Request::new(Method::PUT, "http://h/".parse().unwrap())
            .header(
                HeaderName::from_static("x-a"),
                HeaderValue::from_static("it's $(x)"),
            )
            .body("{\"a\": 'b'}")
            .auth(Auth::Basic {
                user: "me".to_owned(),
                password: Some("'p".to_owned()),
            });
        assert_eq!(
            command(&request, "'"),
            "curl -N -X 'PUT' -H 'Accept: text/event-stream' -H 'x-a: it'\\''s $(x)' \
             -H 'Last-Event-ID: '\\''' -u 'me:'\\''p' --data-binary '{\"a\": '\\''b'\\''}' 'http://h/'"
        );
    }
}
