//! Readers that do not read.

use crate::support::{Block, Server, until};

/// Publishes `count` bodies of about 64 KiB, numbered.
fn flood(server: &Server, count: usize) {
    let filler = "x".repeat(64 << 10);
    let mut connection = server.connect();
    for n in 0..count {
        let body = format!("{{\"data\":\"{n} {filler}\"}}");
        assert_eq!(connection.post("/trigger", "", body.as_bytes()).status, 200);
    }
}

fn number(data: &str) -> usize {
    data.split_once(' ').unwrap().0.parse().unwrap()
}

/// V33, V34
#[test]
fn a_slow_reader_is_told_what_it_missed_and_others_lose_nothing() {
    let server = Server::start(&["--log-bytes", "2MiB", "--write-timeout", "1h"]);
    let mut slow = server.subscribe("");
    let mut fast = server.subscribe("");
    std::thread::scope(|scope| {
        // A window of 2 MiB is 32 of these: the fast reader keeps up event by
        // event, or it would be lagging itself.
        let filler = "x".repeat(64 << 10);
        let mut connection = server.connect();
        scope.spawn(move || {
            for n in 0..800 {
                let body = format!("{{\"data\":\"{n} {filler}\"}}");
                assert_eq!(connection.post("/trigger", "", body.as_bytes()).status, 200);
                let event = fast.event();
                assert_eq!(
                    (event.event_type.as_str(), number(&event.data)),
                    ("message", n)
                );
            }
        });
    });

    let mut expected = 0;
    let mut gaps = 0;
    while expected < 800 {
        let event = slow.event();
        if event.event_type == "gap" {
            let gap = event.json();
            assert_eq!(gap["reason"], "lagged");
            gaps += 1;
            expected += usize::try_from(gap["missed"].as_u64().unwrap()).unwrap();
        } else {
            assert_eq!(number(&event.data), expected);
            expected += 1;
        }
    }
    assert!(gaps >= 1);
}

#[cfg(target_os = "linux")]
/// V33
#[test]
fn the_memory_of_slow_readers_does_not_grow_with_their_backlog() {
    const READERS: usize = 100;
    let server = Server::start(&["--log-bytes", "4MiB", "--write-timeout", "1h"]);
    let streams: Vec<_> = (0..READERS).map(|_| server.subscribe("")).collect();
    flood(&server, 200);
    let before = resident(&server);
    // 64 MiB more for each of a hundred readers that read nothing.
    flood(&server, 1000);
    let after = resident(&server);
    assert!(after < before + (16 << 20), "{before} -> {after}");
    drop(streams);
}

#[cfg(target_os = "linux")]
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn a_write_that_stands_still_is_given_up() {
    // The heartbeat keeps the system's own deadline out of the way.
    let server = Server::start(&["--write-timeout", "4s", "--heartbeat", "1h"]);
    let stalled = server.subscribe("");
    let mut reading = server.subscribe("");
    std::thread::scope(|scope| {
        scope.spawn(|| flood(&server, 400));
        let mut seen = 0;
        while seen < 400 {
            assert_eq!(number(&reading.event().data), seen);
            seen += 1;
        }
    });
    until("the stalled connection to go", || server.connections() == 1);
    drop(stalled);
    server.publish(r#"{"data":"0 still here"}"#);
    assert_eq!(reading.event().data, "0 still here");
}

#[test]
fn a_long_replay_is_pulled_as_it_is_read() {
    let server = Server::start(&[]);
    flood(&server, 300);
    let mut stream = server.subscribe("?last_event_id=earliest");
    for n in 0..300 {
        let event = loop {
            match stream.block() {
                Block::Event(event) if event.event_type == "message" => break event,
                _ => {}
            }
        };
        assert_eq!(number(&event.data), n);
    }
}

#[test]
fn a_slow_reader_can_be_closed_instead_of_told() {
    let server = Server::start(&[
        "--log-bytes",
        "2MiB",
        "--slow",
        "close",
        "--write-timeout",
        "1h",
    ]);
    let mut slow = server.subscribe("");
    flood(&server, 400);
    // It reads on only now, and gets whole what was on its way.
    let mut blocks = slow.rest();
    let last = Block::Comment("closed for reading too slowly".to_owned());
    assert_eq!(blocks.pop(), Some(last));
    for (n, block) in blocks.iter().enumerate() {
        let Block::Event(event) = block else {
            panic!("{block:?}");
        };
        assert_eq!(number(&event.data), n);
    }
    server.wait_for_connections(0);
    assert_eq!(
        server.metric("connections_closed_total{reason=\"lagged\"}"),
        1
    );
    assert_eq!(server.metric("gaps_total{reason=\"lagged\"}"), 0);
    // Coming back, it is told.
    let headers = format!("Last-Event-ID: {}\r\n", slow.last_event_id());
    let mut again = server.open_stream("", &headers);
    assert_eq!(again.event().json()["reason"], "expired");
}

/// A batch larger than the history evicts its own beginning before anybody could
/// read it.
#[test]
fn readers_at_the_head_are_told_what_a_batch_evicted_of_itself() {
    let server = Server::start_hub(&["--log-events", "5"]);
    let mut streams: Vec<_> = (0..3).map(|_| server.subscribe("")).collect();
    streams.push(server.subscribe("?topic=*"));
    for _ in 0..3 {
        server.publish_numbers(0..20);
        for stream in &mut streams {
            let gap = stream.event();
            assert_eq!(gap.event_type, "gap", "{gap:?}");
            assert_eq!(gap.json()["reason"], "lagged");
            assert_eq!(gap.json()["missed"], 15);
            for n in 15..20 {
                assert_eq!(stream.event().data, n.to_string());
            }
        }
    }
}
