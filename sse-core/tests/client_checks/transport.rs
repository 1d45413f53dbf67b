//! TLS, HTTP/2, proxies, unix sockets.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use http::{Response, Version};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sse_core::client::{
    EventStream, HttpVersion, Options, Proxy, Request, TransportOptions, Update,
};
use sse_core::{Cause, NetworkErrorKind, SourceOptions};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::client::{Client, in_time, quick, stream_with};
use crate::mock::{Mock, STREAM, head};

fn with(transport: TransportOptions) -> Options {
    Options {
        source: quick(),
        transport,
    }
}

/// Serves streams of one event, in whatever version the client speaks.
async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S) {
    let service = service_fn(|_| async {
        let response = Response::builder().header("Content-Type", "text/event-stream");
        Ok::<_, Infallible>(
            response
                .body(Full::new(bytes::Bytes::from("data: hi\n\n")))
                .unwrap(),
        )
    });
    // A client that hangs up is no failure of the test.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A server with a certificate of its own authority, which goes to `authority`.
async fn tls_server(authority: &Path) -> Url {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(authority, signed.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Fails where the client does not trust the certificate.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        }
    });
    format!("https://localhost:{port}/").parse().unwrap()
}

/// The version of the first response.
async fn version(mut stream: EventStream) -> Version {
    loop {
        match in_time("an update", stream.next()).await {
            Some(Update::Open { version, .. }) => return version,
            Some(Update::Connecting { .. }) => {}
            other => panic!("saw {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_unknown_authority_is_final_and_an_extra_one_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("authority.pem");
    let url = tls_server(&authority).await;
    let direct = || TransportOptions {
        proxy: Proxy::Direct,
        ..TransportOptions::default()
    };

    let mut client = Client::drive(stream_with(Request::get(url.clone()), with(direct())));
    match client.closed().await {
        Cause::Network(error) => assert_eq!(error.kind, NetworkErrorKind::Certificate, "{error}"),
        other => panic!("saw {other:?}"),
    }

    let trusting = TransportOptions {
        extra_authorities: vec![authority],
        ..direct()
    };
    let stream = stream_with(Request::get(url.clone()), with(trusting.clone()));
    assert_eq!(
        version(stream).await,
        Version::HTTP_2,
        "ALPN chooses HTTP/2"
    );

    let http1 = TransportOptions {
        http_version: HttpVersion::Http1,
        ..trusting
    };
    let stream = stream_with(Request::get(url.clone()), with(http1));
    assert_eq!(version(stream).await, Version::HTTP_11);

    let insecure = TransportOptions {
        insecure: true,
        ..direct()
    };
    let mut client = Client::drive(stream_with(Request::get(url), with(insecure)));
    client.open().await;
    assert_eq!(client.data().await, "hi");
}

#[tokio::test]
async fn plain_http_on_an_https_url_is_a_tls_failure_and_tried_again() {
    let server = Mock::bind().await;
    let mut url = server.url("/");
    url.set_scheme("https").unwrap();
    let mut client = Client::get(url);
    for _ in 0..2 {
        let mut stream = server.accept_unread().await;
        stream.write_all(STREAM.as_bytes()).await.unwrap();
        match client.disconnected().await.0 {
            Cause::Network(error) => assert_eq!(error.kind, NetworkErrorKind::Tls, "{error}"),
            other => panic!("saw {other:?}"),
        }
    }
}

#[tokio::test]
async fn http_2_works_without_tls_by_prior_knowledge() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    let transport = TransportOptions {
        http_version: HttpVersion::Http2,
        ..TransportOptions::default()
    };
    let stream = stream_with(Request::get(url.clone()), with(transport.clone()));
    assert_eq!(version(stream).await, Version::HTTP_2);
    let mut client = Client::drive(stream_with(Request::get(url), with(transport)));
    for leg in 1..=2 {
        assert_eq!(client.open().await, leg);
        assert_eq!(client.data().await, "hi");
        assert_eq!(client.disconnected().await.0, Cause::EndOfStream);
    }
}

/// What the client says of an HTTP/2 connection that ends in the middle of a
/// stream, with a RST or without.
async fn end_of_http_2(reset: bool) -> NetworkErrorKind {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (cut, is_cut) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0.into_std().unwrap();
        let socket = socket2::Socket::from(stream.try_clone().unwrap());
        let stream = TcpStream::from_std(stream).unwrap();
        let service = service_fn(|_| async {
            let event = Frame::data(bytes::Bytes::from("data: hi\n\n"));
            let events = stream::iter([Ok::<_, Infallible>(event)]).chain(stream::pending());
            let response = Response::builder().header("Content-Type", "text/event-stream");
            Ok::<_, Infallible>(response.body(StreamBody::new(events)).unwrap())
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        tokio::select! {
            _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            _ = is_cut => {}
        }
        if reset {
            socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        } else {
            // Dropped, it might send a RST for what it has not read.
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            std::future::pending::<()>().await;
        }
    });
    let transport = TransportOptions {
        http_version: HttpVersion::Http2,
        ..TransportOptions::default()
    };
    let request = Request::get(url.parse().unwrap());
    let mut client = Client::drive(stream_with(request, with(transport)));
    client.open().await;
    assert_eq!(client.data().await, "hi");
    cut.send(()).unwrap();
    match client.disconnected().await.0 {
        Cause::Network(error) => error.kind,
        other => panic!("saw {other:?}"),
    }
}

#[tokio::test]
async fn an_http_2_connection_that_breaks_is_told_as_one_of_http_1_is() {
    assert_eq!(end_of_http_2(false).await, NetworkErrorKind::Truncated);
    assert_eq!(end_of_http_2(true).await, NetworkErrorKind::Reset);
}

#[tokio::test]
async fn a_server_that_does_not_know_http_2_is_told_apart() {
    let server = Mock::bind().await;
    let transport = TransportOptions {
        http_version: HttpVersion::Http2,
        ..TransportOptions::default()
    };
    let stream = stream_with(Request::get(server.url("/")), with(transport));
    let mut client = Client::drive(stream);
    let mut peer = server.accept_unread().await;
    let refusal = head("400 Bad Request", &["Content-Length: 0"]);
    peer.write_all(refusal.as_bytes()).await.unwrap();
    match client.disconnected().await.0 {
        Cause::Network(error) => assert_eq!(error.kind, NetworkErrorKind::Protocol, "{error}"),
        other => panic!("saw {other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = Mock::bind().await;
    let transport = TransportOptions {
        proxy: Proxy::Url(proxy.url("/")),
        ..TransportOptions::default()
    };
    let url = "http://no-such-host.invalid/events".parse().unwrap();
    let mut client = Client::drive(stream_with(Request::get(url), with(transport)));
    let request = proxy.answer(STREAM).await;
    assert_eq!(request.path, "http://no-such-host.invalid/events");
    client.open().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_spoken_to_whatever_the_host() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let transport = TransportOptions {
        unix_socket: Some(path),
        ..TransportOptions::default()
    };
    let url = "http://no-such-host.invalid/events".parse().unwrap();
    let mut client = Client::drive(stream_with(Request::get(url), with(transport)));
    for id in [None, Some("1")] {
        let (mut stream, _) = in_time("a connection", listener.accept()).await.unwrap();
        let request = in_time("a request", crate::mock::read_request(&mut stream)).await;
        assert_eq!((&*request.path, request.last_event_id()), ("/events", id));
        stream
            .write_all(format!("{STREAM}id: 1\ndata: x\n\n").as_bytes())
            .await
            .unwrap();
        drop(stream);
        client.open().await;
        assert_eq!(client.data().await, "x");
        client.disconnected().await;
    }
}

#[tokio::test]
async fn every_leg_is_a_connection_of_its_own() {
    let server = Mock::bind().await;
    let mut client = Client::start(Request::get(server.url("/")), SourceOptions { ..quick() });
    let mut peers = Vec::new();
    for leg in 1..=3 {
        let mut peer = server.accept().await;
        let headers = ["Content-Type: text/event-stream", "Content-Length: 0"];
        peer.send(head("200 OK", &headers)).await;
        // Kept open: a client that reused it would never be accepted again.
        peers.push(peer);
        assert_eq!(client.open().await, leg);
        assert_eq!(client.disconnected().await.0, Cause::EndOfStream);
    }
}
