//! What no fault names passes as it came.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use super::support::{Ended, Proxy, Response};
use crate::support::{SSE_HEAD, Server, chunked, hold, run, send};
use crate::tls::tls_server;

/// A byte order mark, a second one, every line end, NUL, bytes that are no
/// UTF-8, comments, an id alone, fields nobody knows, an unfinished event.
const ODD: &[u8] = b"\xef\xbb\xbf\xef\xbb\xbf: hi\r\rid: 1\rdata: a\r\r\ndata: \xff\xc3\n\
    data:\0\r\n\r\nid: 2\0\n\nid\n\n: ping\n\nwhat: ever\nretry: 5\nevent: x\n\n\n\ndata: unfinis";

fn odd_server() -> Server {
    Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}X-Kept: 1\r\n\r\n"));
        for byte in ODD {
            send(stream, [*byte]);
        }
    })
}

#[test]
fn a_stream_passes_byte_for_byte() {
    let server = odd_server();
    let whole_events = ["drop,type=never", "cut,after-events=99,where=mid-event"];
    for faults in [&[][..], &whole_events] {
        let proxy = Proxy::with(&server, faults);
        let mut response = proxy.get();
        assert_eq!(response.status, 200);
        assert_eq!(response.field("content-type"), Some("text/event-stream"));
        assert_eq!(response.field("x-kept"), Some("1"));
        assert_eq!(response.rest(), (ODD.to_vec(), Ended::Whole), "{faults:?}");
        assert_eq!(proxy.counter("/events_received"), 2);
        assert_eq!(proxy.counter("/events_sent"), 2);
    }
}

#[test]
fn any_request_and_answer_pass_on_one_connection() {
    let server = Server::start(|number, request, stream| {
        assert_eq!(
            request.header("host"),
            Some(stream.local_addr().unwrap().to_string().as_str())
        );
        match number {
            0 => send(stream, b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 3\r\nX-A: 1\r\nX-A: 2\r\n\r\n\0\xff\n"),
            1 => send(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            2 => send(stream, b"HTTP/1.1 204 No Content\r\n\r\n"),
            _ => send(stream, chunked(&["a", "b"]).replace("text/event-stream", "text/plain")),
        }
    });
    let proxy = Proxy::start(&server, &[]);
    let fields = [
        "X-Tenant: a",
        "Content-Length: 4",
        "Connection: keep-alive, x-hop",
        "X-Hop: 1",
    ];
    let mut response = Response::open_with(
        proxy.address,
        "PATCH /a%20b/../c?d=%zz&e",
        &fields,
        b"\0\xffab",
    );
    assert_eq!(response.status, 418);
    assert!(response.head.contains("x-a: 1\r\n") && response.head.contains("x-a: 2\r\n"));
    assert_eq!(response.rest(), (b"\0\xff\n".to_vec(), Ended::Whole));

    response.ask("HEAD /", &["Accept-Encoding: br"], b"");
    response.read_head().unwrap();
    assert_eq!(response.field("content-length"), Some("5"));
    response.ask(
        "POST /",
        &["Transfer-Encoding: chunked", "Expect: 100-continue"],
        b"2\r\nhi\r\n0\r\n\r\n",
    );
    response.read_head().unwrap();
    assert_eq!(response.status, 100);
    response.read_head().unwrap();
    assert_eq!(response.status, 204);
    response.ask("GET /", &["Connection: close"], b"");
    response.read_head().unwrap();
    assert_eq!(response.text(), ("ab".to_owned(), Ended::Whole));
    assert_eq!(response.chunk(), Err(Ended::Closed));

    let requests = server.requests();
    assert_eq!(requests[0].line, "PATCH /a%20b/../c?d=%zz&e HTTP/1.1");
    assert_eq!(requests[0].body, b"\0\xffab");
    assert_eq!(requests[0].header("x-tenant"), Some("a"));
    assert_eq!(requests[0].header("x-hop"), None);
    assert_eq!(requests[1].line, "HEAD / HTTP/1.1");
    assert_eq!(requests[1].header("accept-encoding"), Some("br"));
    assert_eq!(requests[2].header("transfer-encoding"), Some("chunked"));
    assert_eq!(proxy.counter("/connections"), 1);
    assert_eq!(proxy.counter("/requests"), 4);
}

#[test]
fn a_path_of_the_upstream_stands_before_that_of_the_request_and_redirects_stay_within() {
    let server = Server::start(|_, request, stream| {
        let own = format!("http://{}", stream.local_addr().unwrap());
        let location = match request.line.as_str() {
            "GET /base/own HTTP/1.1" => format!("{own}/base/there?x"),
            "GET /base/out HTTP/1.1" => format!("{own}/elsewhere"),
            _ => "http://other.example/base/".to_owned(),
        };
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        );
        send(stream, head);
    });
    let upstream = format!("http://{}/base/", server.address);
    let proxy = Proxy::before(&upstream, &[]);
    let location = |path: &str| {
        let response = Response::open(proxy.address, &format!("GET {path}"), &[]);
        response.field("location").unwrap().to_owned()
    };
    assert_eq!(location("/own"), "/there?x");
    assert_eq!(
        location("/out"),
        format!("http://{}/elsewhere", server.address)
    );
    assert_eq!(location("/other"), "http://other.example/base/");
}

#[test]
fn an_event_stream_is_asked_for_without_compression() {
    let server = Server::answering(chunked(&[]));
    let proxy = Proxy::start(&server, &[]);
    let fields = [
        "Accept: text/html, TEXT/Event-Stream;q=1",
        "Accept-Encoding: gzip",
    ];
    Response::open(proxy.address, "GET /", &fields);
    assert_eq!(
        server.requests()[0].header("accept-encoding"),
        Some("identity")
    );
}

#[test]
fn http_1_0_gets_a_body_that_ends_with_the_connection() {
    let server = Server::answering(chunked(&["data: a\n\n"]));
    let proxy = Proxy::start(&server, &[]);
    let mut response = Response::asking(proxy.address, "", &[], b"");
    response.socket = std::net::TcpStream::connect(proxy.address).unwrap();
    response
        .socket
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .unwrap();
    response.read_head().unwrap();
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.text(), ("data: a\n\n".to_owned(), Ended::Closed));
}

#[test]
fn what_is_no_request_is_refused() {
    let server = Server::answering("");
    let proxy = Proxy::start(&server, &[]);
    for (request, field, status) in [
        ("GET", "", 400),
        ("GET /", "Content-Length: x", 400),
        ("GET /", &format!("X: {}", "x".repeat(70_000)), 431),
        ("CONNECT host:1", "A: b", 501),
    ] {
        let response = Response::open(proxy.address, request, &[field]);
        assert_eq!(response.status, status, "{request}");
    }
}

#[test]
fn how_the_upstream_breaks_off_is_how_the_client_sees_it() {
    let server = Server::start(|_, _, stream| {
        send(
            stream,
            format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n40\r\ndata: a"),
        );
    });
    let proxy = Proxy::start(&server, &[]);
    assert_eq!(proxy.get().text(), ("data: a".to_owned(), Ended::Closed));
    assert_eq!(proxy.counter("/upstream_cut_short"), 1);
}

#[test]
fn an_upstream_that_is_not_there_is_a_warning_and_then_502() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let proxy = Proxy::before(&upstream, &[]);
    proxy.logged(&["warning: upstream", &upstream, "refused"]);
    let mut response = Response::open(proxy.address, "GET /", &[]);
    assert_eq!(response.status, 502);
    assert_eq!(
        response.field("content-type"),
        Some("application/problem+json")
    );
    let (body, _) = response.rest();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains(&upstream) && detail.contains("refused"),
        "{detail}"
    );
    assert_eq!(proxy.counter("/upstream_failures"), 1);
}

#[test]
fn an_https_upstream_is_trusted_as_told() {
    let (url, pem) = tls_server();
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("authority.pem");
    std::fs::write(&authority, pem).unwrap();
    let proxy = Proxy::before(&url, &["--cacert", &authority.display().to_string()]);
    let mut response = Response::open(proxy.address, "GET /", &[]);
    assert_eq!(response.text(), ("data: a\n\n".repeat(1000), Ended::Whole));
    let proxy = Proxy::before(&url, &[]);
    assert_eq!(Response::open(proxy.address, "GET /", &[]).status, 502);
}

#[test]
fn a_client_that_does_not_read_stops_the_upstream() {
    const ALL: usize = 256 << 20;
    for fault in [
        "drop,type=never",
        "latency,delay=1ms",
        "buffer,for=10ms",
        "duplicate",
    ] {
        let (written, taken) = mpsc::channel();
        let server = Server::start(move |_, _, stream| {
            stream
                .set_write_timeout(Some(Duration::from_secs(1)))
                .unwrap();
            send(stream, format!("{SSE_HEAD}\r\n"));
            let event = format!("data: {}\n\n", "x".repeat(65_528)).into_bytes();
            let mut sent = 0;
            while sent < ALL && stream.write_all(&event).is_ok() {
                sent += event.len();
            }
            let _ = written.send(sent);
            hold(stream);
        });
        let proxy = Proxy::with(&server, &[fault]);
        let response = proxy.get();
        let sent = testing::receive(&taken, "the server to be stopped");
        assert!(sent < ALL, "{fault}: all {sent} bytes were taken");
        if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", proxy.id())) {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"));
            let kib: u64 = line.unwrap()[6..]
                .trim()
                .trim_end_matches(" kB")
                .parse()
                .unwrap();
            assert!(kib < 64 << 10, "{fault}: {kib} KiB");
        }
        drop(response);
    }
}

#[test]
fn a_client_that_leaves_frees_the_upstream() {
    let (left, gone) = mpsc::channel();
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n: hi\n\n"));
        hold(stream);
        let _ = left.send(());
    });
    for fault in ["black-hole,at=head", "drop"] {
        let proxy = Proxy::with(&server, &[fault]);
        drop(proxy.get());
        testing::receive(&gone, "the upstream to be left");
    }
}

#[test]
fn what_cannot_be_done_is_said_before_the_start() {
    let upstream = "http://127.0.0.1:9";
    for (options, said) in [
        (
            &["--upstream", "localhost:80"][..],
            "give a URL such as http://",
        ),
        (&["--upstream", "http://h/?q"], "without query"),
        (
            &["--upstream", upstream, "--fault", "dorp"],
            "did you mean \"drop\"?",
        ),
        (
            &[
                "--upstream",
                upstream,
                "-f",
                "drop,name=a",
                "-f",
                "split,name=a",
            ],
            "a fault named \"a\"",
        ),
        (
            &["--upstream", upstream, "--scenario", "/nowhere.toml"],
            "--scenario /nowhere.toml",
        ),
        (
            &["--upstream", upstream, "--listen", "192.0.2.1:80"],
            "--listen 192.0.2.1:80",
        ),
    ] {
        let run = run(&[&["proxy"], options].concat());
        assert_eq!(run.code(), 2, "{options:?}");
        assert!(run.stderr.contains(said), "{options:?}: {}", run.stderr);
    }
}
