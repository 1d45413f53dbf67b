//! Proxy, certificates, credentials, cookies, refusals: what a stream is reached with.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::print::{command, stderr, stdout};
use crate::server::{Answer, serve, stream};

const PATIENCE: Duration = Duration::from_secs(60);
const EVENT: &str = "data: hello\n\n";

/// As a shell would, but not for ever.
fn run(arguments: &[&str]) -> Output {
    finish(command(arguments))
}

fn finish(mut command: Command) -> Output {
    let child = command.spawn().unwrap();
    let (sender, output) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let waited_for = "the program to end";
    output.recv_timeout(PATIENCE).expect(waited_for).unwrap()
}

/// The request that a server gets for these options, and what came of it.
fn request_with(options: &[&str]) -> String {
    let server = serve(vec![Answer::Close(stream(EVENT))]);
    let mut arguments = vec!["-n", "1", &server.url];
    arguments.extend(options);
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("hello"), "{output:?}");
    server.requests.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn user_and_password_are_sent_as_basic_authentication() {
    // RFC 7617 §2.
    let request = request_with(&["-u", "Aladdin:open sesame"]);
    assert!(
        request.contains("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
        "{request}"
    );
    let alone = request_with(&["--user", "me"]);
    assert!(alone.contains("authorization: Basic bWU6\r\n"), "{alone}");
}

#[test]
fn cookies_stand_in_one_field() {
    let request = request_with(&["-b", "a=1; b=2", "-b", "c=3"]);
    assert!(request.contains("cookie: a=1; b=2; c=3\r\n"), "{request}");
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = serve(vec![Answer::Close(stream(EVENT))]);
    let address = proxy.url.trim_end_matches("/events").to_owned();
    let bare = address.trim_start_matches("http://");
    for proxy_option in [address.as_str(), bare] {
        let output = run(&[
            "-n",
            "1",
            "-x",
            proxy_option,
            "http://stream.invalid/events?a=b",
        ]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let request = proxy.requests.recv_timeout(PATIENCE).unwrap();
        assert!(
            request.starts_with("GET http://stream.invalid/events?a=b HTTP/1.1\r\n"),
            "{request}"
        );
    }
}

#[test]
fn no_proxy_is_asked_where_none_is_wanted() {
    let server = serve(vec![Answer::Close(stream(EVENT))]);
    let mut direct = command(&["-n", "1", "-x", "none", &server.url]);
    direct.env("http_proxy", "http://127.0.0.1:1");
    let output = finish(direct);
    assert!(stdout(&output).contains("hello"), "{output:?}");
}

#[test]
fn a_certificate_is_trusted_with_its_authority_or_when_asked_to() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certified.cert.pem()).unwrap();
    let authority = file.path().to_str().unwrap();
    let url = serve_tls(&certified);

    let distrusted = run(&["--no-reconnect", &url]);
    assert_eq!(distrusted.status.code(), Some(1), "{distrusted:?}");
    assert!(
        stderr(&distrusted).contains("certificate"),
        "{distrusted:?}"
    );
    for trust in [&["--cacert", authority][..], &["-k"], &["--insecure"]] {
        let output = run(&[trust, &["-n", "1", &url]].concat());
        assert!(stdout(&output).contains("hello"), "{trust:?} {output:?}");
    }
    let missing = run(&["--cacert", "/no/such/file", &url]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(stderr(&missing).contains("/no/such/file"), "{missing:?}");
}

/// An event stream over TLS at localhost.
fn serve_tls(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, tcp);
            // A client that distrusts it hangs up here.
            if tls.read(&mut [0; 4096]).is_ok() {
                let _ = tls.write_all(stream(EVENT).as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    format!("https://localhost:{port}/events")
}

#[test]
fn a_status_that_is_to_be_retried_is_no_end() {
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    let answers = || vec![Answer::Close(busy.to_owned()), Answer::Close(stream(EVENT))];
    let server = serve(answers());
    let output = run(&["-n", "1", "--retry-status", "429,503", &server.url]);
    assert!(stdout(&output).contains("hello"), "{output:?}");
    let server = serve(answers());
    let output = run(&["-n", "1", &server.url]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn silence_longer_than_asked_for_ends_a_connection() {
    let server = serve(vec![
        Answer::Hold(stream("retry: 100\n\n")),
        Answer::Close(stream(EVENT)),
    ]);
    let output = run(&["-n", "1", "--read-timeout", "200ms", &server.url]);
    assert!(stdout(&output).contains("hello"), "{output:?}");
    assert!(
        stderr(&output).contains("nothing received for"),
        "{output:?}"
    );
}

#[test]
fn a_refusal_says_what_the_server_said() {
    let body = "{\"error\":{\"message\":\"Incorrect API key\\u001b[31m\",\"code\":401}}";
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = serve(vec![Answer::Close(answer)]);
    let output = run(&[&server.url]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        stderr(&output).ends_with("401 Unauthorized, not 200: Incorrect API key␛[31m\n"),
        "{output:?}"
    );
}

#[test]
fn options_that_cannot_work_are_refused_with_the_mend() {
    for (arguments, words) in [
        (["-b", "no pair"], "NAME=VALUE"),
        (
            ["-x", "ftp://host"],
            "http://host:port or socks5://host:port",
        ),
        (["--retry-status", "200"], "400 to 599"),
        (["-u", "a\u{7}:b"], "control characters"),
        (["--read-timeout", "soon"], "--read-timeout"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(words), "{words}: {output:?}");
    }
}
