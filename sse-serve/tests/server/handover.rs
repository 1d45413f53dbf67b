//! From a request to a stream on the same connection, and what a stream meets on it.

use std::io::Write;

use crate::support::{Block, Server, until};

/// Of the streams and whatever else, only the connection that asks is left.
fn wait_for_the_last_socket(server: &Server) {
    until("the sockets to be closed", || server.metric("sockets") == 1);
}

fn ask(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[test]
fn a_stream_begins_on_a_connection_that_was_used_before() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    assert_eq!(connection.request("GET", "/health", "").status, 200);
    connection.request("GET", "/nowhere", "").problem(404);
    assert_eq!(
        connection
            .post("/trigger", "", br#"{"data":"first"}"#)
            .status,
        200
    );
    assert_eq!(connection.request("HEAD", "/events", "").status, 200);
    connection.send(ask("/events?last=1"));
    let mut stream = connection.into_stream();
    assert_eq!(stream.head.header("connection"), Some("close"));
    assert!(stream.head.header("date").is_some());
    stream.event_of_type("connected");
    assert_eq!(stream.event().data, "first");
    server.publish(r#"{"data":"second"}"#);
    assert_eq!(stream.event().data, "second");
}

#[test]
fn what_was_asked_before_is_answered_whole_and_what_comes_after_not_at_all() {
    const BEFORE: usize = 300;
    let server = Server::start(&["--drain", "0s"]);
    let mut connection = server.connect();
    // Far more than the socket's buffers hold: nothing is read until all is asked.
    let asked = ask("/metrics").repeat(BEFORE) + &ask("/events") + &ask("/health").repeat(10);
    let mut socket = connection.socket.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || socket.write_all(asked.as_bytes()).unwrap());
        until("the server to have answered some", || {
            server.metric("sockets") >= 2
        });
        for _ in 0..BEFORE {
            let response = connection.response(true);
            assert_eq!(response.status, 200);
            assert!(response.text().ends_with("# EOF\n"));
        }
        let mut stream = connection.into_stream();
        stream.event_of_type("connected");
        server.publish(r#"{"data":"hello"}"#);
        assert_eq!(stream.event().data, "hello");
        let id = server.get("/connections").json()["connections"][0]["id"].clone();
        let path = format!("/connections/{}", id.as_str().unwrap());
        server.connect().request("DELETE", &path, "");
        // Up to the last chunk, and nothing after it.
        assert_eq!(
            stream.rest(),
            [Block::Comment("closed by an operator".to_owned())]
        );
    });
    wait_for_the_last_socket(&server);
}

#[test]
fn a_request_with_a_body_gets_its_stream_too() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    let mut stream = connection.into_stream();
    stream.event_of_type("connected");
    server.publish(r#"{"data":"hello"}"#);
    assert_eq!(stream.event().data, "hello");
}

#[test]
fn http_1_0_is_told_that_its_connection_ends_whatever_it_asked_for() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(b"GET /events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut stream = connection.into_stream();
    assert_eq!(stream.head.version, "HTTP/1.0");
    assert_eq!(stream.head.header("connection"), Some("close"));
    assert_eq!(stream.head.header("transfer-encoding"), None);
    stream.event_of_type("connected");
    let id = server.get("/connections").json()["connections"][0]["id"].clone();
    let path = format!("/connections/{}", id.as_str().unwrap());
    server.connect().request("DELETE", &path, "");
    assert_eq!(
        stream.rest(),
        [Block::Comment("closed by an operator".to_owned())]
    );
}

#[test]
fn a_stream_has_the_marks_of_cors() {
    let server = Server::start(&["--cors-origin", "https://app.example"]);
    let stream = server.open_stream("", "Origin: https://app.example\r\n");
    assert_eq!(
        stream.head.header("access-control-allow-origin"),
        Some("https://app.example")
    );
}

#[test]
fn a_reset_in_every_phase_leaves_nothing_behind() {
    let server = Server::start(&[]);
    server.publish_numbers(0..100);
    let reset = |socket: &std::net::TcpStream| {
        let socket = socket2::SockRef::from(socket);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    };
    let request = ask("/events?last_event_id=earliest");
    for _ in 0..20 {
        for sent in [0, 10, request.len()] {
            let mut connection = server.connect();
            connection.send(&request.as_bytes()[..sent]);
            reset(&connection.socket);
        }
        let mut connection = server.connect();
        connection.send(&request);
        connection.head();
        reset(&connection.socket);
        server.subscribe("").reset();
        let mut stream = server.subscribe("");
        server.publish(r#"{"data":"live"}"#);
        stream.event();
        stream.reset();
    }
    server.wait_for_connections(0);
    wait_for_the_last_socket(&server);
}

#[test]
fn whoever_stalls_can_be_closed_from_outside() {
    let server = Server::start(&["--heartbeat", "1h", "--write-timeout", "1h"]);
    let stalled = server.subscribe("");
    let mut reading = server.subscribe("");
    let filler = "x".repeat(256 << 10);
    for n in 0..60 {
        server.publish(&format!("{{\"data\":\"{n} {filler}\"}}"));
        reading.event();
    }
    let peer = stalled.socket.local_addr().unwrap().to_string();
    let listed = server.get("/connections").json();
    let entries = listed["connections"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["peer"] == peer).unwrap();
    assert!(entry["lag"].as_u64().unwrap() > 0, "{entry}");
    let path = format!("/connections/{}", entry["id"].as_str().unwrap());
    server.connect().request("DELETE", &path, "");
    server.wait_for_connections(1);
    assert_eq!(
        server.metric("connections_closed_total{reason=\"kicked\"}"),
        1
    );
    server.publish(r#"{"data":"still here"}"#);
    assert_eq!(reading.event().data, "still here");
}

/// Subscribers that begin at all places while events are published, some of them
/// for one connection alone: each gets all of its own, in order, once.
fn everybody_gets_everything(flags: &[&str]) {
    const EVENTS: u64 = 600;
    let server = Server::start(flags);
    let mut first = server.open_stream("", "");
    let own = first.event_of_type("connected").json()["connection"].clone();
    std::thread::scope(|scope| {
        let server = &server;
        let publishing = scope.spawn(move || {
            let mut connection = server.connect();
            for n in 0..EVENTS {
                let target = if n % 50 == 7 {
                    format!(",\"connection\":{own}")
                } else {
                    String::new()
                };
                let body = format!("{{\"data\":\"{n:0500}\"{target}}}");
                let answer = connection.post("/trigger", "", body.as_bytes());
                assert_eq!(answer.status, 200);
            }
        });
        for reader in 0..24 {
            scope.spawn(move || {
                let mut expected: Vec<u64> = (0..EVENTS).filter(|n| n % 50 != 7).collect();
                let mut stream = server.subscribe("?last_event_id=earliest&event=message");
                // Comes back now and then, where it was.
                for turn in 0..4 {
                    let take = expected.len().min(reader * 10 + turn);
                    let mut last = String::new();
                    for n in expected.drain(..take) {
                        let event = stream.event();
                        assert_eq!(event.data.parse(), Ok(n));
                        last = format!("Last-Event-ID: {}\r\n", event.id);
                    }
                    if !last.is_empty() {
                        stream = server.subscribe_with("?event=message", &last);
                    }
                }
                for n in expected {
                    assert_eq!(stream.event().data.parse(), Ok(n));
                }
            });
        }
        for n in 0..EVENTS {
            assert_eq!(first.event().data.parse(), Ok(n));
        }
        publishing.join().unwrap();
    });
    drop(first);
    server.wait_for_connections(0);
    assert_eq!(server.metric("lag_events"), 0);
}

#[test]
fn everybody_gets_everything_wherever_he_begins() {
    everybody_gets_everything(&[]);
}

#[test]
fn everybody_gets_everything_from_several_threads_that_pause() {
    everybody_gets_everything(&["--writer-threads", "3", "--flush-interval", "3ms"]);
}

#[test]
fn everybody_gets_everything_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("events.db").display());
    // Memory holds the newest few hundred: the replays read the file.
    let flags = ["--durability", "normal", "--log-memory", "64KiB"];
    everybody_gets_everything(&[&["--store", &store][..], &flags].concat());
}
