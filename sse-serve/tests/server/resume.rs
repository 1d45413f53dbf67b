//! Coming back with a last event ID.

use serde_json::Value;

use crate::support::{Event, Server, Stream};

fn resume(server: &Server, id: &str) -> Stream {
    server.open_stream("", &format!("Last-Event-ID: {id}\r\n"))
}

/// The `gap` event, which must stand in front of `connected` and share its id.
fn gap(stream: &mut Stream) -> (Event, Value) {
    let gap = stream.event();
    assert_eq!(gap.event_type, "gap", "{gap:?}");
    let connected = stream.event();
    assert_eq!(connected.event_type, "connected");
    assert_eq!(connected.id, gap.id);
    let data = gap.json();
    (gap, data)
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event.data.parse().unwrap())
        .collect()
}

/// V22
#[test]
fn replay_is_strictly_after_the_id_in_order_and_once() {
    let server = Server::start(&[]);
    let ids = server.publish_numbers(0..1000);
    let mut stream = resume(&server, &ids[99]);
    let connected = stream.event();
    assert_eq!(
        (connected.event_type.as_str(), &connected.id),
        ("connected", &ids[99])
    );
    let events = stream.events(900);
    assert_eq!(numbers(&events), (100..1000).collect::<Vec<_>>());
    assert!(events.iter().map(|event| &event.id).eq(&ids[100..]));
    server.publish(r#"{"data":"live"}"#);
    assert_eq!(stream.event().data, "live");
}

#[test]
fn the_id_of_connected_loses_nothing_either() {
    let server = Server::start(&[]);
    let mut stream = server.open_stream("", "");
    let connected = stream.event();
    drop(stream);
    server.publish(r#"{"data":"while away"}"#);
    let mut stream = resume(&server, &connected.id);
    assert_eq!(stream.event().event_type, "connected");
    assert_eq!(stream.event().data, "while away");
}

#[test]
fn replay_is_filtered_as_live_delivery_is() {
    let server = Server::start(&[]);
    let ids = server.publish(
        r#"[{"data":0,"topic":"a"},{"data":1,"topic":"b"},{"data":2,"topic":"a"},
            {"data":3,"topic":"a","event":"x"},{"data":4,"topic":"a","session":"s"}]"#,
    );
    let header = format!("Last-Event-ID: {}\r\n", ids[0]);
    let mut stream = server.subscribe_with("?topic=a&event=message", &header);
    server.publish(r#"{"data":5,"topic":"a"}"#);
    assert_eq!(numbers(&stream.events(2)), [2, 5]);
}

/// V23
#[test]
fn nothing_is_lost_or_repeated_while_publishing_goes_on() {
    const EVENTS: u64 = 3000;
    let server = Server::start(&[]);
    let first = server.publish(r#"{"data":0}"#).remove(0);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            let mut connection = server.connect();
            for n in 1..EVENTS {
                let body = format!("{{\"data\":{n}}}");
                assert_eq!(connection.post("/trigger", "", body.as_bytes()).status, 200);
            }
        });
        for _ in 0..4 {
            scope.spawn(|| {
                // Drops after a random number of events and comes back, until it
                // has them all.
                let mut id = first.clone();
                let mut expected = 1;
                while expected < EVENTS {
                    let mut stream = resume(&server, &id);
                    assert_eq!(stream.event().event_type, "connected");
                    for _ in 0..fastrand::u64(1..200).min(EVENTS - expected) {
                        let event = stream.event();
                        assert_eq!(event.data, expected.to_string());
                        expected += 1;
                        id = event.id;
                    }
                }
            });
        }
        publisher.join().unwrap();
    });
}

/// V24
#[test]
fn an_evicted_id_is_answered_with_a_gap_that_counts() {
    let server = Server::start(&["--log-events", "10"]);
    let ids = server.publish_numbers(0..30);
    let mut stream = resume(&server, &ids[4]);
    let (event, data) = gap(&mut stream);
    assert_eq!(event.id, ids[19]);
    assert_eq!(data["reason"], "expired");
    assert_eq!(data["requested"], ids[4]);
    assert_eq!(
        (&data["oldest"], &data["newest"]),
        (&ids[20].as_str().into(), &ids[29].as_str().into())
    );
    assert_eq!(data["missed"], 15);
    assert_eq!(numbers(&stream.events(10)), (20..30).collect::<Vec<_>>());
}

#[test]
fn the_last_id_before_the_window_is_no_gap() {
    let server = Server::start(&["--log-events", "10"]);
    let ids = server.publish_numbers(0..30);
    let mut stream = resume(&server, &ids[19]);
    assert_eq!(stream.event().event_type, "connected");
    assert_eq!(numbers(&stream.events(10)), (20..30).collect::<Vec<_>>());
}

#[test]
fn a_gap_can_go_on_at_the_head_instead() {
    let server = Server::start(&["--log-events", "10", "--gap", "latest"]);
    let ids = server.publish_numbers(0..30);
    let mut stream = resume(&server, &ids[4]);
    let (event, data) = gap(&mut stream);
    assert_eq!(event.id, ids[29]);
    assert_eq!(data["missed"], 25);
    server.publish(r#"{"data":30}"#);
    assert_eq!(stream.event().data, "30");

    let header = format!("Last-Event-ID: {}\r\n", ids[4]);
    let mut stream = server.open_stream("?gap=oldest", &header);
    assert_eq!(gap(&mut stream).1["missed"], 16);
    assert_eq!(stream.event().data, "21");
}

#[test]
fn a_busy_topic_raises_no_false_alarm_on_a_rare_one() {
    let server = Server::start(&["--log-events", "10"]);
    let rare = server
        .publish(r#"{"data":"rare","topic":"rare"}"#)
        .remove(0);
    server.publish_numbers(0..30);
    let header = format!("Last-Event-ID: {rare}\r\n");
    let mut stream = server.open_stream("?topic=rare", &header);
    assert_eq!(stream.event().event_type, "connected");
    server.publish(r#"{"data":"next","topic":"rare"}"#);
    assert_eq!(stream.event().data, "next");

    // One that was there before the rare event lost it, and cannot know how
    // many others were its own.
    let (epoch, _) = rare.split_once('-').unwrap();
    let header = format!("Last-Event-ID: {epoch}-0\r\n");
    let mut stream = server.open_stream("?topic=rare", &header);
    let (_, data) = gap(&mut stream);
    assert_eq!(data["reason"], "expired");
    assert_eq!(data["missed"], Value::Null);
}

/// V24, V25
#[test]
fn an_id_of_nobodys_is_answered_with_a_gap() {
    let server = Server::start(&[]);
    let ids = server.publish_numbers(0..3);
    let (epoch, _) = ids[0].split_once('-').unwrap();
    let long = "9".repeat(4096);
    for (id, reason) in [
        ("42", "unknown"),
        ("✓", "unknown"),
        (&*format!("{epoch}-99"), "unknown"),
        (&*format!("{epoch}-x"), "unknown"),
        (&*long, "unknown"),
        ("zzzz9999-2", "store_reset"),
    ] {
        let mut stream = resume(&server, id);
        let (event, data) = gap(&mut stream);
        assert_eq!(data["reason"], reason, "{id}");
        assert_eq!(data["missed"], Value::Null);
        assert_eq!(
            data["requested"].as_str().unwrap(),
            &id[..id.len().min(256)]
        );
        assert_eq!(event.id, format!("{epoch}-0"));
        assert_eq!(stream.events(5)[4].data, "2");
    }
}

/// V25
#[test]
fn invalid_utf_8_in_an_id_is_an_unknown_id() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection
        .send(b"GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: \xff\xfe\xc3\r\n\r\n");
    let mut stream = connection.into_stream();
    let (_, data) = gap(&mut stream);
    assert_eq!(data["reason"], "unknown");
    assert_eq!(data["requested"], "\u{fffd}\u{fffd}\u{fffd}");
}

/// V17
#[test]
fn a_nul_or_a_line_end_in_an_id_is_no_position() {
    let server = Server::start(&[]);
    let id = server.publish(r#"{"data":0}"#).remove(0);
    // A header that holds one is no header (RFC 9110 §5.5).
    let mut connection = server.connect();
    let header = format!("Last-Event-ID: {id}\0\r\n");
    assert_eq!(connection.request("GET", "/events", &header).status, 400);
    for end in ["%00", "%0A", "%0D", "%20", "+"] {
        let mut stream = server.open_stream(&format!("?last_event_id={id}{end}"), "");
        let (_, data) = gap(&mut stream);
        assert_eq!(data["reason"], "unknown", "{end}");
        assert!(!stream.body.contains(&0) && !stream.body.contains(&b'\r'));
    }
}

#[test]
fn numbers_at_the_end_of_their_range_are_unknown() {
    let server = Server::start(&[]);
    let id = server.publish(r#"{"data":0}"#).remove(0);
    let (epoch, _) = id.split_once('-').unwrap();
    for number in [
        "18446744073709551615",
        "18446744073709551614",
        "18446744073709551616",
        "9223372036854775807",
        "9223372036854775808",
    ] {
        for query in ["", "?gap=latest", "?topic=none"] {
            let id = format!("{epoch}-{number}");
            let mut stream = server.open_stream(query, &format!("Last-Event-ID: {id}\r\n"));
            assert_eq!(gap(&mut stream).1["reason"], "unknown", "{id} {query}");
        }
    }
    let mut stream = server.subscribe(&format!("?last={}", u64::MAX));
    assert_eq!(stream.events(3)[2].id, id);
}

/// V26
#[test]
fn an_empty_id_is_as_good_as_none() {
    let server = Server::start(&[]);
    server.publish_numbers(0..3);
    let mut stream = resume(&server, "");
    assert_eq!(stream.event().event_type, "connected");
    server.publish(r#"{"data":"live"}"#);
    assert_eq!(stream.event().data, "live");
}

/// V26, V27
#[test]
fn an_id_too_long_or_given_twice_is_refused() {
    let server = Server::start(&[]);
    let ask = |headers: &str| server.connect().request("GET", "/events", headers);
    let detail = ask("Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n").problem(400);
    assert!(detail.contains("`Last-Event-ID`"), "{detail}");
    let detail = ask(&format!("Last-Event-ID: {}\r\n", "9".repeat(4097))).problem(400);
    assert!(detail.contains("4096"), "{detail}");
    let status = ask(&format!("Last-Event-ID: {}\r\n", "9".repeat(65536))).status;
    assert_eq!(status, 431);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_first_visit_can_ask_for_history() {
    let server = Server::start(&[]);
    server.publish(
        r#"[{"data":0},{"data":1,"event":"x"},{"data":2},{"data":3,"event":"x"},{"data":4}]"#,
    );
    let first = |query: &str| server.subscribe(query).event();
    assert_eq!(
        first("?last_event_id=earliest")
            .id
            .split_once('-')
            .unwrap()
            .1,
        "1"
    );
    assert_eq!(first("?last=1").data, "4");
    assert_eq!(first("?last=2&event=x").data, "1");
    assert_eq!(first("?last=99&event=x").data, "1");
    let mut stream = server.subscribe("?last=0");
    server.publish(r#"{"data":"live"}"#);
    assert_eq!(stream.event().data, "live");
}

#[test]
fn the_earliest_and_the_last_of_an_empty_log_are_its_head() {
    for query in ["?last_event_id=earliest", "?last=5", "?last=0", ""] {
        let server = Server::start_hub(&[]);
        let mut stream = server.open_stream(query, "");
        let connected = stream.event();
        assert_eq!(connected.event_type, "connected", "{query}");
        assert!(connected.id.ends_with("-0"), "{}", connected.id);
        server.publish(r#"{"data":"first"}"#);
        assert_eq!(stream.event().data, "first");
        let header = format!("Last-Event-ID: {}\r\n", connected.id);
        let mut again = server.subscribe_with("", &header);
        assert_eq!(again.event().data, "first");
    }
}

/// V41
#[test]
fn after_a_restart_the_history_is_another() {
    let before = Server::start(&[]);
    let id = before.publish(r#"{"data":"old"}"#).remove(0);
    drop(before);
    let after = Server::start(&[]);
    let mut stream = resume(&after, &id);
    let (event, data) = gap(&mut stream);
    assert_eq!(data["reason"], "store_reset");
    assert_eq!(data["requested"], id);
    assert_ne!(
        event.id.split_once('-').unwrap().0,
        id.split_once('-').unwrap().0
    );
    assert_eq!(stream.events(2).len(), 2);
}

#[test]
fn the_last_events_of_a_rare_type_are_found_far_back() {
    let server = Server::start_hub(&[]);
    let ids = server.publish(r#"[{"event":"rare","data":1},{"event":"rare","data":2}]"#);
    let frequent = format!("[{}]", vec![r#"{"data":0}"#; 5000].join(","));
    server.publish(&frequent);
    server.publish(r#"{"event":"rare","data":3}"#);
    let mut stream = server.subscribe("?event=rare&last=2");
    assert_eq!(stream.event().id, ids[1]);
    assert_eq!(stream.event().data, "3");
    let mut all = server.subscribe("?event=rare&last=9");
    assert_eq!(all.event().id, ids[0]);
    let mut none = server.subscribe("?event=other&last=9");
    server.publish(r#"{"event":"other","data":"live"}"#);
    assert_eq!(none.event().data, "live");
}
