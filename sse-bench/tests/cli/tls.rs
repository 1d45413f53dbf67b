//! https: whom the binary trusts, against a real TLS server.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::support::{Request, Run, Server, chunked, run};

/// The settings of a server whose certificate nobody has vouched for, and the
/// certificate as PEM.
fn server_config(protocols: &[&[u8]]) -> (Arc<ServerConfig>, String) {
    let signed = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    config_with(signed, protocols)
}

fn config_with(
    CertifiedKey { cert, signing_key }: CertifiedKey<KeyPair>,
    protocols: &[&[u8]],
) -> (Arc<ServerConfig>, String) {
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (Arc::new(config), cert.pem())
}

/// For a server that negotiates one of these protocols.
pub(crate) fn acceptor(protocols: &[&[u8]]) -> tokio_rustls::TlsAcceptor {
    server_config(protocols).0.into()
}

/// A server whose certificate nobody has vouched for: its URL, and the
/// certificate as PEM.
pub(crate) fn tls_server() -> (String, String) {
    start(server_config(&[]))
}

fn start((config, pem): (Arc<ServerConfig>, String)) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (socket, config) = (socket.unwrap(), Arc::clone(&config));
            thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, socket);
                if Request::read(&mut stream).is_some() {
                    let events = "data: a\n\n".repeat(1000);
                    let _ = stream.write_all(chunked(&[&events]).as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            });
        }
    });
    (format!("https://localhost:{port}/events"), pem)
}

fn load(url: &str, arguments: &[&str]) -> Run {
    let fixed = ["load", url, "--no-reconnect", "--output-format", "json"];
    run(&[&fixed[..], arguments].concat())
}

#[test]
fn an_unknown_certificate_is_refused_unless_its_authority_is_given_or_any_will_do() {
    let (url, pem) = tls_server();
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("authority.pem");
    std::fs::write(&authority, pem).unwrap();
    let authority = authority.display().to_string();

    let refused = load(&url, &["-c", "2"]);
    assert_eq!(refused.code(), 4, "{refused:?}");
    assert_eq!(
        refused.json()["errors"]["by_kind"]["certificate"]["count"],
        2
    );
    let report = refused.json();
    let example = &report["errors"]["by_kind"]["certificate"]["example"];
    let example = example.as_str().unwrap();
    assert!(example.contains("name its own with --cacert"), "{example}");

    for trust in [&["--cacert", &authority][..], &["--insecure"]] {
        let trusted = load(&url, &[trust, &["-c", "2"]].concat());
        let report = trusted.json();
        assert_eq!(trusted.code(), 0, "{report:#}");
        assert_eq!(report["deliveries"]["by_type"], json!({ "message": 2000 }));
        assert_eq!(report["errors"]["total"], 0, "{report:#}");
    }
}

#[test]
fn tls_against_a_plain_server_is_an_error_of_tls() {
    let server = Server::answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    let url = format!("https://{}/events", server.address);
    let refused = load(&url, &["-c", "1", "--insecure", "-z", "100ms"]);
    assert_eq!(refused.code(), 4);
    let said = |url: &str| run(&["doctor", url, "--insecure"]).stdout;
    let closed = said(&url);
    assert!(
        closed.contains("closed within the TLS handshake"),
        "{closed}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/events", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            crate::support::hold(&mut socket);
        }
    });
    let answered = said(&url);
    assert!(answered.contains("is it an http:// address?"), "{answered}");
}

/// What `openssl req -x509` makes unless told otherwise.
#[test]
fn a_server_that_shows_the_certificate_of_an_authority_is_told_what_to_make_instead() {
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signing_key = KeyPair::generate().unwrap();
    let cert = parameters.self_signed(&signing_key).unwrap();
    let (url, pem) = start(config_with(CertifiedKey { cert, signing_key }, &[]));
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("authority.pem");
    std::fs::write(&authority, pem).unwrap();
    let refused = run(&["doctor", &url, "--cacert", &authority.display().to_string()]);
    assert_eq!(refused.code(), 4);
    let said = refused.stdout.contains("make one with CA:FALSE");
    assert!(said, "{}", refused.stdout);
}
