//! What a subscriber is sent.

use crate::support::{Block, Server};

/// V28
#[test]
fn a_stream_begins_with_retry_and_connected() {
    let server = Server::start(&["--retry", "1500ms"]);
    let mut stream = server.open_stream("", "");
    assert_eq!(
        stream.block(),
        Block::Retry(std::time::Duration::from_millis(1500))
    );
    assert!(stream.body.starts_with(b"retry: 1500\n\n"));
    let Block::Event(connected) = stream.block() else {
        panic!("no event");
    };
    assert_eq!(connected.event_type, "connected");
    let data = connected.json();
    assert_eq!(data["cursor"], connected.id);
    assert_eq!(data["retry"], 1500);
    assert_eq!(data["connection"].as_str().unwrap().len(), 16);
    let (epoch, seq) = connected.id.split_once('-').unwrap();
    assert_eq!((epoch.len(), seq), (8, "2"));

    server.publish_numbers(0..50);
    stream.events(50);
    let body = String::from_utf8(stream.body).unwrap();
    assert_eq!(body.matches("retry:").count(), 1);
}

#[test]
fn a_demo_speaks_at_once_and_goes_on() {
    let server = Server::start_demo(&["--tick-interval", "20ms", "--status-interval", "30ms"]);
    let mut stream = server.subscribe("?last_event_id=earliest");
    let status = stream.event_of_type("status").json();
    for key in [
        "uptime_s",
        "connections",
        "events_published",
        "memory_bytes",
    ] {
        assert!(status.get(key).is_some(), "{key}");
    }
    let mut stream = server.subscribe("?last_event_id=earliest&event=tick");
    for seq in 1..=5 {
        let tick = stream.event();
        assert_eq!(tick.event_type, "tick");
        let tick = tick.json();
        assert_eq!(tick["seq"], seq);
        assert!(tick["symbol"].is_string() && tick["price"].is_number());
        // Nanoseconds, not any coarser: between 2020 and 2100.
        let at = tick["at"].as_u64().unwrap();
        assert!((1_577_836_800_000_000_000..4_102_444_800_000_000_000).contains(&at));
    }
    stream.event_of_type("tick");
    let mut statuses = server.subscribe("?last_event_id=earliest&event=status");
    statuses.events(3);
}

#[test]
fn the_rate_of_ticks_can_be_set() {
    let server = Server::start_demo(&["--rate", "5000"]);
    let mut stream = server.subscribe("?event=tick&last_event_id=earliest");
    for seq in 1..=2000 {
        assert_eq!(stream.event().json()["seq"], seq);
    }
}

/// V06
#[test]
fn an_event_arrives_while_the_stream_is_open() {
    // Nothing else shall make the stream look for events.
    let server = Server::start(&["--heartbeat", "1h"]);
    let mut stream = server.subscribe("");
    let ids = server.publish(r#"{"event":"note","data":"hello"}"#);
    let event = stream.event();
    assert_eq!(event.event_type, "note");
    assert_eq!(event.data, "hello");
    assert_eq!(vec![event.id], ids);
}

/// V21
#[test]
fn silence_is_broken_by_a_comment_that_changes_nothing() {
    let server = Server::start(&["--heartbeat", "30ms"]);
    let mut stream = server.subscribe("");
    let id = stream.last_event_id().to_owned();
    for _ in 0..3 {
        assert_eq!(stream.block(), Block::Comment("keepalive".into()));
    }
    assert!(stream.body.ends_with(b":keepalive\n\n"));
    assert_eq!(stream.last_event_id(), id);
}

#[test]
fn a_heartbeat_moves_the_id_past_events_for_others() {
    let server = Server::start(&["--heartbeat", "50ms"]);
    let mut stream = server.subscribe("?topic=mine");
    let ids = server.publish(r#"[{"data":1,"topic":"other"},{"data":2,"topic":"other"}]"#);
    // A heartbeat may fall before the two, or between them.
    let mut moved = (0..100).map(|_| stream.block());
    let moved = moved.find(|block| *block == Block::Id(ids[1].clone()));
    assert!(moved.is_some(), "the id never moved");
    assert_eq!(stream.block(), Block::Comment("keepalive".into()));

    let mut resumed =
        server.subscribe_with("?topic=mine", &format!("Last-Event-ID: {}\r\n", ids[1]));
    server.publish(r#"{"data":3,"topic":"mine"}"#);
    assert_eq!(resumed.event().data, "3");
}

/// V14, V15, V18, V42
#[test]
fn data_arrives_as_it_was_published() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    for (published, dispatched) in [
        ("plain", "plain"),
        ("two\\nlines", "two\nlines"),
        ("a\\rb\\r\\nc", "a\nb\nc"),
        ("", ""),
        ("\\n", "\n"),
        ("trailing\\n", "trailing\n"),
        (" leading", " leading"),
        (
            "id: 9\\n\\nevent: evil\\ndata: x",
            "id: 9\n\nevent: evil\ndata: x",
        ),
        (":comment", ":comment"),
        ("\\u0000 \\ufeff ✓ \\u2028", "\0 \u{feff} ✓ \u{2028}"),
    ] {
        let ids = server.publish(&format!("{{\"data\":\"{published}\"}}"));
        let event = stream.event();
        assert_eq!(event.event_type, "message", "{published}");
        assert_eq!(event.data, dispatched, "{published}");
        assert_eq!(event.id, ids[0]);
    }
    let body = String::from_utf8(stream.body.clone()).unwrap();
    assert!(body.contains("\ndata: two\ndata: lines\n\n"), "{body}");
    assert!(!stream.body.contains(&b'\r'));
    assert!(!stream.body.starts_with(b"\xEF\xBB\xBF"));
}

/// V19
#[test]
fn each_event_has_an_id_of_its_own_and_none_resets_it() {
    let server = Server::start(&["--heartbeat", "30ms"]);
    let mut stream = server.subscribe("?topic=*");
    let mut ids = server.publish(r#"[{"data":1},{"data":"","topic":"a"},{"data":3,"retry":500}]"#);
    stream.events(3);
    assert_eq!(stream.last_event_id(), ids[2]);
    // Nothing that comes without an event takes the id away.
    for _ in 0..3 {
        assert_eq!(stream.block(), Block::Comment("keepalive".into()));
        assert_eq!(stream.last_event_id(), ids[2]);
    }
    let body = String::from_utf8(stream.body).unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("id"));
    let sent: Vec<String> = lines
        .map(|value| value.strip_prefix(": ").unwrap().to_owned())
        .collect();
    ids.insert(0, sent[0].clone());
    assert_eq!(sent, ids, "`connected` and three events: {body}");
}

/// V20
#[test]
fn a_server_that_dies_leaves_no_half_event_that_looks_whole() {
    let server = Server::start(&["--heartbeat", "1h"]);
    let mut stream = server.subscribe("");
    let filler = "x".repeat(30_000);
    // More than sockets hold.
    for hundred in 0..6 {
        let events: Vec<String> = (hundred * 100..hundred * 100 + 100)
            .map(|n| format!("{{\"data\":\"{n} {filler} {n}\"}}"))
            .collect();
        server.publish(&format!("[{}]", events.join(",")));
    }
    let mut seen = stream.events(1);
    server.kill();
    seen.extend(stream.cut());
    for (n, event) in seen.iter().enumerate() {
        assert_eq!(event.data, format!("{n} {filler} {n}"));
    }
    assert!(seen.len() < 600, "nothing was cut");
}

/// V29
#[test]
fn a_stream_that_was_closed_is_there_again_for_whoever_comes_back() {
    let server = Server::start(&[]);
    let mut stream = server.open_stream("", "");
    let connected = stream.event_of_type("connected");
    let connection = connected.json()["connection"].as_str().unwrap().to_owned();
    let path = format!("/connections/{connection}");
    assert_eq!(server.connect().request("DELETE", &path, "").status, 200);
    stream.rest();
    for method in ["HEAD", "GET"] {
        let mut again = server.connect();
        let id = &connected.id;
        again.send(format!(
            "{method} /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {id}\r\n\r\n"
        ));
        assert_eq!(again.head().status, 200);
    }
}

#[test]
fn a_large_event_arrives_whole() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    let data = "x".repeat(1 << 20);
    server.publish(&format!("{{\"data\":\"{data}\"}}"));
    assert_eq!(stream.event().data, data);
}

/// V40
#[test]
fn two_subscribers_see_the_same_order_and_ids() {
    let server = Server::start(&[]);
    let mut first = server.subscribe("");
    let mut second = server.subscribe("");
    std::thread::scope(|scope| {
        for publisher in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.connect();
                for n in 0..100 {
                    let body = format!("{{\"data\":\"{publisher}-{n}\"}}");
                    let response = connection.post("/trigger", "", body.as_bytes());
                    assert_eq!(response.status, 200);
                }
            });
        }
    });
    let events = first.events(400);
    assert_eq!(events, second.events(400));
    let seqs: Vec<u64> = events
        .iter()
        .map(|event| event.id.split_once('-').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(seqs, (3..403).collect::<Vec<_>>());
}

/// V20
#[test]
fn every_write_ends_with_a_whole_block() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(b"GET /events?last_event_id=earliest HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut stream = connection.into_stream();
    stream.event_of_type("connected");
    server.publish_numbers(0..5000);
    while stream.event().data != "4999" {
        // Every chunk that was taken in so far ended with a blank line.
        assert!(stream.body.ends_with(b"\n\n"));
    }
}

/// V31
#[test]
fn a_client_that_resets_leaves_no_subscriber_behind() {
    let server = Server::start(&[]);
    let stream = server.subscribe("");
    let other = server.subscribe("");
    assert_eq!(server.connections(), 2);
    stream.reset();
    server.wait_for_connections(1);
    drop(other);
    server.wait_for_connections(0);
}

/// V32
#[test]
fn a_client_that_half_closes_is_taken_as_gone() {
    let server = Server::start(&[]);
    let stream = server.subscribe("");
    stream.half_close();
    server.wait_for_connections(0);
}

#[test]
fn a_stream_that_is_old_enough_ends_whole_and_comes_back() {
    let server = Server::start(&["--max-connection-age", "4s", "--heartbeat", "100ms"]);
    let mut stream = server.subscribe("");
    server.publish(r#"{"data":"young"}"#);
    assert_eq!(stream.event().data, "young");
    // To its last chunk, which reading insists on.
    let last = stream.rest().pop();
    assert!(matches!(last, Some(Block::Retry(_))), "{last:?}");
    assert_eq!(
        server.metric("connections_closed_total{reason=\"aged\"}"),
        1
    );
}
