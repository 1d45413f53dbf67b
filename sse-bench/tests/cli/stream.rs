//! What is read off the wire, counted exactly.

use serde_json::{Value, json};

use crate::support::{SSE_HEAD, STREAM, Server, chunked, expect_stream, hold, load, send};

#[test]
fn a_finite_stream_is_counted_exactly_by_type() {
    let server = Server::answering(chunked(&[STREAM]));
    let run = load(&server, &["-c", "7", "--no-reconnect"]);
    let report = run.json();
    expect_stream(&report, 7);
    assert_eq!(run.code(), 0);
    assert_eq!(report["ending"], "all_ended");
    assert_eq!(server.requests().len(), 7);
}

#[test]
fn chunks_and_writes_split_at_every_byte_are_read_the_same() {
    let bytes: Vec<String> = STREAM.chars().map(String::from).collect();
    let pieces: Vec<&str> = bytes.iter().map(String::as_str).collect();
    let wire = chunked(&pieces);
    let server = Server::start(move |_, _, stream| {
        for byte in wire.as_bytes() {
            send(stream, [*byte]);
        }
    });
    let run = load(&server, &["-c", "3", "--no-reconnect"]);
    expect_stream(&run.json(), 3);
}

#[test]
fn bodies_that_end_with_the_connection_or_at_a_length_are_whole() {
    let close = format!("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{STREAM}");
    let length = format!(
        "{SSE_HEAD}Content-Length: {}\r\n\r\n{STREAM}data: beyond\n\n",
        STREAM.len()
    );
    for wire in [close, length] {
        let run = load(&Server::answering(wire), &["-c", "2", "--no-reconnect"]);
        expect_stream(&run.json(), 2);
        assert_eq!(run.code(), 0);
    }
}

#[test]
fn no_more_events_are_counted_than_asked_for() {
    let endless = Server::start(|_, _, stream| {
        use std::io::Write;
        send(stream, format!("{SSE_HEAD}\r\n"));
        while stream.write_all(b"data: x\n\ndata: y\n\n").is_ok() {}
    });
    let report = load(&endless, &["-c", "4", "-n", "1001"]).json();
    assert_eq!(report["deliveries"]["total"], 1001);
    assert_eq!(report["deliveries"]["by_type"]["message"], 1001);
}

#[test]
fn timestamps_are_found_and_replay_is_told_from_live() {
    let server = Server::answering(chunked(&[
        "data: {\"at\":1790000000000000000}\n\n",
        "data: {\"at\":1790000000000000001}\n\n",
        "data: {\"at\":9000000000000}\n\ndata: plain\n\n",
    ]));
    let arguments = ["-c", "2", "--no-reconnect", "--timestamp-pointer", "/at"];
    let report = load(&server, &arguments).json();
    let timestamps = json!({
        "pointer": "/at", "units": {"ns": 4, "ms": 2}, "without": 2, "from_the_future": 2
    });
    assert_eq!(report["timestamps"], timestamps);
    assert_eq!(report["latency"]["replay"]["count"], 4);
    assert_eq!(report["latency"]["delivery"], Value::Null);
}

#[test]
fn many_connections_are_all_opened_whatever_the_concurrency() {
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\ndata: a\n\n"));
        hold(stream);
    });
    let arguments = [
        "-c",
        "60",
        "-n",
        "60",
        "--connect-concurrency",
        "1",
        "--connect-rate",
        "100000",
    ];
    let report = load(&server, &arguments).json();
    assert_eq!(report["deliveries"]["total"], 60);
    assert_eq!(report["connections"]["opened"], 60);
}

#[test]
fn an_endless_line_ends_at_the_limit() {
    let server = Server::start(|_, _, stream| {
        use std::io::Write;
        send(stream, format!("{SSE_HEAD}\r\ndata: "));
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let run = load(&server, &["-c", "1", "--max-event-size", "64KiB"]);
    let report = run.json();
    assert_eq!(run.code(), 3);
    let example = report["errors"]["by_kind"]["too_long"]["example"]
        .as_str()
        .unwrap();
    assert!(example.contains("65536"), "{example}");
    assert_eq!(report["connections"]["given_up"], 1);
}
