//! TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use http::Version;
use testing::LONG;

use crate::frames::connect;
use crate::server::{Certificate, PATIENCE, Server, command};

/// Reads a stream until this text has come.
async fn until(response: &mut reqwest::Response, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk());
        let chunk = chunk.await.unwrap().unwrap().expect("the stream ended");
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn the_client_chooses_http_2_or_http_1_1() {
    let certificate = Certificate::new();
    let server = certificate.start(&[]);
    assert!(server.url.starts_with("https://"));
    for (builder, version) in [
        (certificate.client(), Version::HTTP_2),
        (certificate.client().http1_only(), Version::HTTP_11),
    ] {
        let client = builder.build().unwrap();
        let url = format!("{}/events", server.url);
        let mut stream = client.get(url).send().await.unwrap();
        assert_eq!(stream.version(), version);
        until(&mut stream, "event: connected").await;
        let url = format!("{}/trigger", server.url);
        let answer = client.post(url).body(r#"{"data":"hello"}"#).send().await;
        assert_eq!(answer.unwrap().status(), 200);
        until(&mut stream, "data: hello\n\n").await;
        assert_eq!(server.connections().await, 1);
        drop(stream);
        server.wait_for_connections(0).await;
    }
}

#[tokio::test]
async fn a_client_without_alpn_speaks_http_1_1() {
    let certificate = Certificate::new();
    let server = certificate.start(&[]);
    let mut roots = rustls::RootCertStore::empty();
    let root = rustls::pki_types::pem::PemObject::from_pem_slice(certificate.pem.as_bytes());
    roots.add(root.unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(
        rustls::crypto::ring::default_provider().into(),
    );
    let config = config
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, connect(&server));
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    // Without a closing alert this would be an error.
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn plain_http_is_told_that_the_port_speaks_tls() {
    let server = Certificate::new().start(&[]);
    let plain = format!("http://{}/events", server.addr);
    let answer = reqwest::get(plain).await.unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("https://"), "{text}");
    let counted = "requests_refused_total{reason=\"no_tls\"}";
    assert_eq!(server.metric(counted).await, 1);
    assert_eq!(server.connections().await, 0);
}

#[tokio::test]
async fn a_handshake_that_fails_or_does_not_come_is_counted() {
    let server = Certificate::new().start(&["--header-timeout", "3s"]);
    let counted = "tls_handshakes_failed_total";
    let mut socket = connect(&server);
    socket.write_all(b"\x16\x03\x01\x00\x05nonsense").unwrap();
    end(&mut socket);
    server.wait_for_metric(counted, 1).await;
    let mut silent = connect(&server);
    let mut socket = connect(&server);
    socket.write_all(b"\x16\x03\x01").unwrap();
    end(&mut socket);
    server.wait_for_metric(counted, 2).await;
    end(&mut silent);
    server
        .wait_for_metric("requests_refused_total{reason=\"head_time\"}", 1)
        .await;
}

fn end(socket: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
}

#[tokio::test]
async fn a_write_that_stands_still_is_given_up_over_tls_too() {
    let certificate = Certificate::new();
    // The client that publishes has to answer a PING within three quarters of it.
    let flags = ["--write-timeout", "8s", "--heartbeat", "1h"];
    let server = certificate.start(&flags);
    for http1_only in [true, false] {
        // A window that no socket has room for, or the stream would stall first.
        let builder = certificate
            .client()
            .http2_initial_stream_window_size(1 << 30)
            .http2_initial_connection_window_size(1 << 30);
        let builder = if http1_only {
            builder.http1_only()
        } else {
            builder
        };
        // On a runtime of its own, which does not run while it stalls.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let stalled = std::thread::scope(|scope| {
            let ask = || {
                runtime.block_on(async {
                    let client = builder.build().unwrap();
                    let url = format!("{}/events", server.url);
                    client.get(url).send().await.unwrap()
                })
            };
            scope.spawn(ask).join().unwrap()
        });
        server.wait_for_connections(1).await;
        let before = server.metric("write_timeouts_total").await;
        let deadline = Instant::now() + LONG;
        while server.connections().await > 0 {
            assert!(Instant::now() < deadline, "no write stands still");
            server.flood(50).await;
        }
        server
            .wait_for_metric("write_timeouts_total", before + 1)
            .await;
        drop(stalled);
        runtime.shutdown_background();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_drain_ends_streams_over_tls_cleanly() {
    let certificate = Certificate::new();
    let mut server = certificate.start(&["--drain", "3s"]);
    let mut streams = Vec::new();
    for builder in [certificate.client(), certificate.client().http1_only()] {
        let url = format!("{}/events", server.url);
        let stream = builder.build().unwrap().get(url).send().await.unwrap();
        streams.push(stream);
    }
    server.signal(rustix::process::Signal::TERM);
    for stream in streams {
        let text = stream.text().await.unwrap();
        assert!(text.matches("retry: ").count() == 2, "{text}");
        assert!(text.ends_with("\n\n"), "{text}");
    }
    assert_eq!(server.wait().await, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_renewed_certificate_is_read_on_sighup_and_a_broken_one_is_not_taken() {
    let old = Certificate::new();
    let server = old.start(&[]);
    let url = format!("{}/events", server.url);
    let old_client = old.client().build().unwrap();
    let mut stream = old_client.get(&url).send().await.unwrap();
    until(&mut stream, "event: connected").await;

    let new = old.renewed();
    server.signal(rustix::process::Signal::HUP);
    let deadline = Instant::now() + PATIENCE;
    while new
        .client()
        .build()
        .unwrap()
        .get(&url)
        .send()
        .await
        .is_err()
    {
        assert!(Instant::now() < deadline, "not read again");
    }
    std::fs::write(new.cert(), "no certificate").unwrap();
    server.signal(rustix::process::Signal::HUP);
    // The stream that was open stays, and the new certificate too.
    server.publish(r#"{"data":"still here"}"#.to_owned()).await;
    until(&mut stream, "data: still here").await;
    assert!(new.client().build().unwrap().get(&url).send().await.is_ok());
}

#[tokio::test]
async fn a_file_and_the_environment_can_name_the_certificate() {
    let certificate = Certificate::new();
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("hub.toml");
    let cert = certificate.cert().display().to_string();
    std::fs::write(&config, format!("tls-cert = {cert:?}\n")).unwrap();
    let mut command = command();
    command
        .args(["hub", "--listen", "127.0.0.1:0", "--config"])
        .arg(&config)
        .env("SSE_SERVE_TLS_KEY", certificate.key());
    let server = Server::spawn(&mut command);
    let client = certificate.client().build().unwrap();
    let health = client.get(format!("{}/health", server.url)).send().await;
    assert_eq!(health.unwrap().status(), 200);
}

#[test]
fn files_that_cannot_be_used_are_said_in_one_line() {
    let (own, other) = (Certificate::new(), Certificate::new());
    let (cert, key) = (own.cert(), own.key());
    let encrypted = own.cert().with_file_name("encrypted.pem");
    let begin =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(&encrypted, begin).unwrap();
    let broken = own.cert().with_file_name("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n*\n").unwrap();
    let absent = Path::new("absent.pem");
    for (cert, key, needle) in [
        (Some(absent), Some(&*key), "absent.pem cannot be read"),
        (Some(&*cert), Some(absent), "--tls-key"),
        (Some(&*key), Some(&*key), "holds no certificate"),
        (Some(&*cert), None, "holds no private key"),
        (Some(&*cert), Some(&*other.key()), "is not the key of"),
        (Some(&*cert), Some(&*encrypted), "openssl pkey"),
        (Some(&*broken), Some(&*key), "PEM"),
        (None, Some(&*key), "--tls-cert"),
    ] {
        let mut command = command();
        command.args(["hub", "--listen", "127.0.0.1:0"]);
        for (flag, path) in [("--tls-cert", cert), ("--tls-key", key)] {
            if let Some(path) = path {
                command.arg(flag).arg(path);
            }
        }
        let output = testing::output(&mut command);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let code = if cert.is_none() { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(needle), "{needle}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn the_command_publishes_over_tls_to_whom_it_trusts() {
    let certificate = Certificate::new();
    let server = certificate.start(&[]);
    let cert = certificate.cert().display().to_string();
    let key = certificate.key().display().to_string();
    for (flags, code, needle) in [
        (&["--cacert", &cert][..], 0, ""),
        (&["--insecure"], 0, ""),
        (&[], 1, "--cacert"),
        (&["--cacert", &key], 1, "no certificate"),
        (&["--cacert", "absent.pem"], 1, "absent.pem"),
    ] {
        let mut command = command();
        command.args(["publish", "--data", "x", "--server", &server.url]);
        let output = testing::output(command.args(flags));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(needle), "{stderr}");
        assert_eq!(output.stdout.is_empty(), code != 0);
    }
}
