//! The protocol below the stream.

use std::io::Read;

use crate::support::Server;

/// V01, V02, V05
#[test]
fn the_head_of_a_stream_comes_at_once() {
    let server = Server::start(&[]);
    let stream = server.open_stream("", "");
    assert_eq!(stream.head.version, "HTTP/1.1");
    assert_eq!(stream.head.header("cache-control"), Some("no-store"));
    assert_eq!(stream.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(stream.head.header("transfer-encoding"), Some("chunked"));
    for absent in [
        "content-length",
        "content-encoding",
        "access-control-allow-origin",
    ] {
        assert_eq!(stream.head.header(absent), None, "{absent}");
    }
}

/// V38
#[test]
fn a_stream_is_never_compressed() {
    let server = Server::start(&[]);
    let stream = server.open_stream("", "Accept-Encoding: gzip, br\r\n");
    assert_eq!(stream.head.header("content-encoding"), None);
}

/// V03, V04
#[test]
fn accept_decides() {
    let server = Server::start(&[]);
    let ask = |accept: &str| {
        let mut connection = server.connect();
        connection.send(format!(
            "GET /events HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n"
        ));
        connection.head().status
    };
    assert_eq!(ask(""), 200);
    assert_eq!(ask("Accept: */*\r\n"), 200);
    assert_eq!(ask("Accept: text/html, text/event-stream\r\n"), 200);
    assert_eq!(ask("Accept: text/event-stream;q=0\r\n"), 406);
    let mut connection = server.connect();
    let detail = connection
        .request("GET", "/events", "Accept: text/html\r\n")
        .problem(406);
    assert!(detail.contains("text/event-stream"), "{detail}");
}

/// V08
#[test]
fn http_1_0_gets_a_body_that_ends_with_the_connection() {
    let server = Server::start(&["--drain", "0s"]);
    let mut connection = server.connect();
    connection.send(b"GET /events HTTP/1.0\r\n\r\n");
    let mut stream = connection.into_stream();
    assert_eq!(stream.head.version, "HTTP/1.0");
    assert_eq!(stream.head.header("transfer-encoding"), None);
    assert_eq!(stream.head.header("content-length"), None);
    stream.event_of_type("connected");
    server.publish(r#"{"data":"hello"}"#);
    assert_eq!(stream.event().data, "hello");
    #[cfg(unix)]
    {
        server.signal(rustix::process::Signal::TERM);
        assert!(matches!(
            stream.rest()[..],
            [crate::support::Block::Retry(_)]
        ));
    }
}

/// V09
#[test]
fn head_shows_the_headers_and_leaves_no_subscriber() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let head = connection.request("HEAD", "/events", "");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("content-length"), None);
    assert_eq!(server.connections(), 0);
    // Nothing followed the head: the next answer on the connection is whole.
    assert_eq!(connection.request("GET", "/health", "").status, 200);
    assert_eq!(
        connection
            .request("HEAD", "/events", "Accept: text/html\r\n")
            .status,
        406
    );
    assert_eq!(
        connection
            .request("HEAD", "/notifications/alice", "")
            .status,
        200
    );
}

/// V10
#[test]
fn a_method_that_is_not_taken_is_answered_with_those_that_are() {
    let server = Server::start(&[]);
    for (method, path, allowed) in [
        ("DELETE", "/events", "GET,HEAD,POST"),
        ("PUT", "/events/stream", "GET,HEAD"),
        ("GET", "/trigger", "POST"),
        ("POST", "/health", "GET,HEAD"),
    ] {
        let response = server.connect().request(method, path, "");
        assert_eq!(response.header("allow"), Some(allowed), "{method} {path}");
        assert!(response.problem(405).contains(method));
    }
    assert!(server.get("/nowhere").problem(404).contains("/events"));
}

#[test]
fn health_and_readiness() {
    let server = Server::start(&[]);
    let stream = server.subscribe("");
    let health = server.get("/health").json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["connections"], 1);
    assert_eq!(health["events"], 2);
    assert!(health["uptime_s"].is_u64());
    assert_eq!(server.get("/ready").status, 200);
    drop(stream);
}

#[test]
fn the_path_can_be_renamed() {
    let server = Server::start_demo(&["--path", "/sse/prices"]);
    let mut connection = server.connect();
    connection.send(b"GET /sse/prices HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.into_stream().event_of_type("connected");
    assert_eq!(server.get("/events").status, 404);
    assert_eq!(server.post("/sse/prices", "", br#"{"data":1}"#).status, 200);
}

#[test]
fn a_host_that_is_not_this_machine_is_refused() {
    let server = Server::start(&[]);
    let ask = |host: &str| {
        let mut connection = server.connect();
        connection.send(format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        connection.response(true)
    };
    assert_eq!(ask("localhost:1234").status, 200);
    assert_eq!(ask("[::1]").status, 200);
    assert!(ask("rebound.example").problem(403).contains("`Host`"));
}

#[test]
fn a_foreign_origin_may_not_publish() {
    let server = Server::start(&[]);
    let publish = |origin: &str| {
        let headers = format!("Origin: {origin}\r\n");
        server.post("/events", &headers, br#"{"data":1}"#)
    };
    assert_eq!(publish(&server.url()).status, 200);
    assert!(
        publish("http://evil.example")
            .problem(403)
            .contains("`Origin`")
    );
    assert_eq!(publish("null").status, 403);
}

/// V36
#[test]
fn a_slow_request_head_is_not_waited_for() {
    let server = Server::start_hub(&["--header-timeout", "100ms"]);
    let mut connection = server.connect();
    connection.send(b"GET /events HTTP/1.1\r\nHost: loc");
    assert!(connection.is_closed());
}

/// V37
#[test]
fn a_request_head_too_large_is_refused() {
    let server = Server::start(&[]);
    let headers = format!("X-Filler: {}\r\n", "x".repeat(65536));
    assert_eq!(
        server.connect().request("GET", "/events", &headers).status,
        431
    );
}

#[test]
fn without_a_place_a_subscriber_is_told_when_to_come_back() {
    let server = Server::start(&["--max-connections", "1"]);
    let stream = server.subscribe("");
    let response = server.get("/events");
    assert_eq!(response.header("retry-after"), Some("2"));
    response.problem(503);
    drop(stream);
    server.wait_for_connections(0);
    server.subscribe("");
}

#[test]
fn without_a_place_a_browser_can_be_made_to_come_back() {
    let server = Server::start(&["--max-connections", "1", "--when-full", "retry"]);
    let _stream = server.subscribe("");
    let response = server.get("/events");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let retry = response.text().strip_prefix("retry: ").unwrap().trim_end();
    assert!(
        (2000..=4000).contains(&retry.parse::<u32>().unwrap()),
        "{retry}"
    );
}

#[test]
fn a_connection_can_be_used_again_after_a_refusal() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.post("/trigger", "", b"{").problem(400);
    connection
        .post("/nowhere", "", &vec![b'x'; 100_000])
        .problem(404);
    assert_eq!(
        connection.post("/trigger", "", br#"{"data":1}"#).status,
        200
    );
}

#[test]
fn five_hundred_streams_are_served_at_once() {
    let server = Server::start(&[]);
    let mut streams: Vec<_> = (0..500).map(|_| server.open_stream("", "")).collect();
    server.wait_for_connections(500);
    let ids = server.publish_numbers(0..20);
    for stream in &mut streams {
        stream.event_of_type("connected");
        let events = stream.events(20);
        assert!(events.iter().map(|event| &event.id).eq(&ids));
    }
    drop(streams);
    server.wait_for_connections(0);
}

#[test]
fn what_a_client_sends_on_its_stream_harms_nobody() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    std::io::Write::write_all(&mut stream.socket, &[b'x'; 1000]).unwrap();
    server.publish(r#"{"data":"still here"}"#);
    assert_eq!(stream.event().data, "still here");
    let mut other = server.connect();
    other.send(b"\x16\x03\x01 not http\r\n\r\n");
    let mut answer = Vec::new();
    let _ = other.socket.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    assert_eq!(server.get("/health").status, 200);
}
