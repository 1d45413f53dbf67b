//! What cannot work is said before anything is sent, and what the network
//! does is told apart.

use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, HeaderName};
use sse_core::client::{
    Auth, ConnectError, EventStream, Options, Proxy, Request, Transport, TransportOptions,
};
use sse_core::{Cause, EventSource, NetworkErrorKind};

use crate::client::{Client, quick, stream};
use crate::mock::{Mock, STREAM};

fn refusal(request: Request, transport: TransportOptions) -> ConnectError {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options {
        transport,
        ..Options::default()
    };
    match EventStream::connect(request, options) {
        Err(error) => error,
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn requests_that_cannot_work_are_refused() {
    let refused = |request| refusal(request, TransportOptions::default()).to_string();
    assert_eq!(
        refused(Request::get(
            "ftp://me:secret@example.com/".parse().unwrap()
        )),
        "ftp://example.com/: only http and https URLs can be read"
    );
    let request = || Request::get("http://example.com/".parse().unwrap());
    assert_eq!(
        refused(request().header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
        "Accept-Encoding cannot be set: a stream is read as it comes, uncompressed"
    );
    let words = refused(request().auth(Auth::Bearer("two\nlines".into())));
    assert!(words.starts_with("the request cannot be sent: "), "{words}");
    let id = HeaderName::from_static("last-event-id");
    assert_eq!(
        refused(request().header(id, HeaderValue::from_bytes(b"\xff").unwrap())),
        "the Last-Event-ID header is not valid UTF-8"
    );
}

#[test]
fn certificate_files_that_cannot_be_used_are_named() {
    let request = || Request::get("https://example.com/".parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem");
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for path in [missing, empty] {
        let transport = TransportOptions {
            extra_authorities: vec![path.clone()],
            ..TransportOptions::default()
        };
        let words = refusal(request(), transport).to_string();
        assert!(words.contains(&path.display().to_string()), "{words}");
    }
}

#[tokio::test]
async fn a_last_event_id_among_the_headers_is_the_initial_one() {
    let server = Mock::bind().await;
    let id = HeaderName::from_static("last-event-id");
    let request = Request::get(server.url("/")).header(id, HeaderValue::from_static("12"));
    let _client = Client::start(request, quick());
    let first = server.answer(format!("{STREAM}id: 13\n\n")).await;
    assert_eq!(first.last_event_id(), Some("12"));
    assert_eq!(server.accept().await.request.last_event_id(), Some("13"));
}

async fn failure(client: &mut Client) -> NetworkErrorKind {
    match client.disconnected().await.0 {
        Cause::Network(error) => error.kind,
        other => panic!("saw {other:?}"),
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_told_apart() {
    let options = Options {
        transport: TransportOptions {
            connect_timeout: None,
            proxy: Proxy::Direct,
            ..TransportOptions::default()
        },
        source: quick(),
    };
    let url = "http://no-such-host.invalid/".parse().unwrap();
    let mut client = Client::drive(crate::client::stream_with(Request::get(url), options));
    assert_eq!(failure(&mut client).await, NetworkErrorKind::Unresolved);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_told_apart() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    server.answer("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    assert_eq!(failure(&mut client).await, NetworkErrorKind::Protocol);
}

#[test]
fn debug_output_holds_no_credentials() {
    let secret = HeaderValue::from_static("secret");
    let request = Request::get("http://me:secret@example.com/".parse().unwrap())
        .auth(Auth::Bearer("secret".into()))
        .header(http::header::AUTHORIZATION, secret);
    let stream = stream(request.clone(), quick());
    let transport = TransportOptions {
        proxy: Proxy::Url("http://me:secret@proxy.example/".parse().unwrap()),
        ..TransportOptions::default()
    };
    let mut source = EventSource::new(
        std::time::Instant::now(),
        request.url.clone(),
        quick(),
        || 0.0,
    );
    let connect = source.poll();
    let connections = Transport::new(&transport).unwrap();
    let shown =
        format!("{request:?} {stream:?} {transport:?} {connections:?} {source:?} {connect:?}");
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("example.com") && shown.contains("authorization"));
}
