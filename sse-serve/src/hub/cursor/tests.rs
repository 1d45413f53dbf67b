use futures_util::FutureExt;

use super::*;
use crate::hub::Start;
use crate::hub::{Hub, HubConfig, Publication, SlowPolicy};
use crate::log::{Filter, Retention};

const HEARTBEAT: Duration = Duration::from_secs(10);

fn hub(events: usize) -> Hub {
    Hub::new(HubConfig {
        heartbeat: HEARTBEAT,
        drain: Duration::from_secs(4),
        retention: Retention {
            events,
            ..Retention::default()
        },
        ..HubConfig::default()
    })
}

/// Past its greeting.
fn cursor(hub: &Hub, start: Start) -> Cursor {
    let request = Subscribe {
        filter: Filter::default(),
        start,
        gap: None,
        peer: None,
        expires: None,
        replaces: None,
    };
    let mut cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
    cursor.follow();
    assert!(text(cursor.due(Instant::now(), None)).starts_with("retry: 2000\n\n"));
    cursor
}

fn publish(hub: &Hub, data: &str) {
    let published = hub.publish(&[Publication::new(data)]).now_or_never();
    published.unwrap().unwrap();
}

fn text(due: Due) -> String {
    let Due::Write(delivery) = due else {
        panic!("{due:?}");
    };
    String::from_utf8(delivery.into_bytes().to_vec()).unwrap()
}

fn bytes(due: Due) -> Option<Bytes> {
    match due {
        Due::Write(delivery) => Some(delivery.into_bytes()),
        _ => None,
    }
}

#[test]
fn everything_due_is_one_write() {
    let hub = hub(100);
    let mut cursor = cursor(&hub, Start::Head);
    let now = Instant::now();
    assert!(matches!(cursor.due(now, None), Due::Nothing));
    publish(&hub, "a");
    publish(&hub, "b");
    let written = text(cursor.due(now, None));
    assert_eq!(written.matches("\n\n").count(), 2);
    assert!(written.contains("data: a\n\n") && written.ends_with("data: b\n\n"));
    assert!(matches!(cursor.due(now, None), Due::Nothing));
}

#[test]
fn one_write_is_bounded_but_by_a_single_event() {
    let hub = hub(100);
    let mut cursor = cursor(&hub, Start::Head);
    for _ in 0..4 {
        publish(&hub, &"x".repeat(20_000));
    }
    publish(&hub, &"y".repeat(100_000));
    let now = Instant::now();
    let lengths: Vec<usize> = std::iter::from_fn(|| bytes(cursor.due(now, None)))
        .map(|bytes| bytes.len())
        .collect();
    assert_eq!(lengths.len(), 5);
    assert!(lengths[4] > 100_000);
}

#[test]
fn a_heartbeat_falls_due_after_silence_since_the_last_write() {
    let hub = hub(100);
    let mut cursor = cursor(&hub, Start::Head);
    let start = Instant::now();
    publish(&hub, "a");
    let later = start + HEARTBEAT / 2;
    assert!(bytes(cursor.due(later, None)).is_some());
    assert_eq!(cursor.deadline(), later + HEARTBEAT);
    assert!(matches!(
        cursor.due(start + HEARTBEAT + HEARTBEAT / 4, None),
        Due::Nothing
    ));
    assert_eq!(text(cursor.due(later + HEARTBEAT, None)), ":keepalive\n\n");
    assert_eq!(cursor.deadline(), later + HEARTBEAT * 2);
}

#[test]
fn a_cursor_that_fell_out_of_the_window_says_so_once() {
    let hub = hub(3);
    let mut cursor = cursor(&hub, Start::Head);
    for data in ["a", "b", "c", "d", "e"] {
        publish(&hub, data);
    }
    let written = text(cursor.due(Instant::now(), None));
    assert!(written.contains(r#""reason":"lagged""#), "{written}");
    assert!(written.contains(r#""missed":2"#), "{written}");
    assert!(written.starts_with("id: ") && written.ends_with("data: e\n\n"));
    assert_eq!(written.matches("data: ").count(), 4);
    let counted = hub.metrics().text(&hub.reading());
    assert!(
        counted.contains("sse_serve_gaps_total{reason=\"lagged\"} 1\n"),
        "{counted}"
    );
    assert!(matches!(cursor.due(Instant::now(), None), Due::Nothing));
}

#[test]
fn a_cursor_that_fell_out_of_the_window_can_be_closed_for_it() {
    let hub = Hub::new(HubConfig {
        slow: SlowPolicy::Close,
        ..hub(3).config().clone()
    });
    let mut cursor = cursor(&hub, Start::Head);
    for data in ["a", "b", "c"] {
        publish(&hub, data);
    }
    assert_eq!(
        text(cursor.due(Instant::now(), None))
            .matches("data: ")
            .count(),
        3
    );
    for data in ["a", "b", "c", "d"] {
        publish(&hub, data);
    }
    let last = text(cursor.due(Instant::now(), None));
    assert_eq!(last, ":closed for reading too slowly\n\n");
    assert!(matches!(cursor.due(Instant::now(), None), Due::End));
    drop(cursor);
    let counted = hub.metrics().text(&hub.reading());
    let sample = "sse_serve_connections_closed_total{reason=\"lagged\"} 1\n";
    assert!(counted.contains(sample), "{counted}");
}

#[test]
fn what_goes_after_a_gap_was_told_of_is_told_of_too() {
    let hub = Hub::new(HubConfig {
        retention: Retention {
            events: 1,
            ..Retention::default()
        },
        topics: vec![crate::log::TopicRetention {
            topics: "rare".into(),
            events: Some(3),
            ..Default::default()
        }],
        ..HubConfig::default()
    });
    let publish = |topic: &str, count: usize| {
        let event = Publication::new("x".repeat(20_000));
        let events = vec![event.with_topic(topic).unwrap(); count];
        hub.publish(&events).now_or_never().unwrap().unwrap();
    };
    let request = Subscribe {
        filter: Filter {
            topics: ["rare", "busy"].map(crate::log::TopicPattern::new).to_vec(),
            ..Filter::default()
        },
        start: Start::Head,
        gap: None,
        peer: None,
        expires: None,
        replaces: None,
    };
    let mut cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
    cursor.follow();
    let mut due = || text(cursor.due(Instant::now(), None));
    due();
    publish("rare", 3);
    publish("busy", 3);
    let first = due();
    assert!(first.contains(r#""missed":2"#), "{first}");
    assert!(first.contains("-1\ndata: x"), "{first}");
    // The second and third, both older than what was told of.
    publish("rare", 3);
    let second = due();
    assert!(second.contains(r#""reason":"lagged""#), "{second}");
    assert!(second.contains(r#""missed":null"#), "{second}");
}

#[test]
fn what_is_evicted_while_it_is_fetched_is_a_gap_and_no_fault() {
    let directory = tempfile::TempDir::new().unwrap();
    let options = crate::log::Options {
        path: directory.path().join("events.db"),
        durability: crate::log::Durability::Normal,
        memory: 1,
    };
    let retention = Retention {
        events: 3,
        ..Retention::default()
    };
    let log = crate::log::SqliteLog::open(&options, retention, &[]).unwrap();
    let hub = Hub::over(Box::new(log), HubConfig::default());
    let publish = |data: &str| {
        let event = [Publication::new(data)];
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(hub.publish(&event)).unwrap();
    };
    let mut cursor = cursor(&hub, Start::Head);
    let fetch = |cursor: &mut Cursor| {
        let Due::Blocks(seqs) = cursor.due(Instant::now(), None) else {
            panic!("in memory");
        };
        cursor.fetch(seqs).blocking_recv().unwrap().unwrap()
    };
    publish("a");
    let blocks = fetch(&mut cursor);
    for data in ["b", "c", "d", "e"] {
        publish(data);
    }
    cursor.supply(blocks);
    let written = text(cursor.due(Instant::now(), None));
    assert!(written.contains("event: gap\n"), "{written}");
    assert!(written.contains(r#""missed":2"#), "{written}");
    let blocks = fetch(&mut cursor);
    cursor.supply(blocks);
    let written = text(cursor.due(Instant::now(), None));
    assert!(written.ends_with("data: e\n\n"), "{written}");
}

#[test]
fn streams_close_spread_over_the_drain() {
    let hub = hub(100);
    let mut cursors: Vec<_> = (0..100).map(|_| cursor(&hub, Start::Head)).collect();
    hub.drain();
    let start = Instant::now();
    let mut closed_by = |seconds| {
        let now = start + Duration::from_secs(seconds);
        for cursor in &mut cursors {
            while bytes(cursor.due(now, None)).is_some() {}
        }
        cursors
            .iter()
            .filter(|cursor| cursor.closed.is_some())
            .count()
    };
    let half = closed_by(2);
    assert!((20..=80).contains(&half), "{half}");
    assert_eq!(closed_by(4), 100);
    assert!(matches!(
        Cursor::open(
            Arc::clone(&hub.shared),
            Subscribe {
                filter: Filter::default(),
                start: Start::Head,
                gap: None,
                peer: None,
                expires: None,
                replaces: None,
            }
        ),
        Err(Refused::Draining)
    ));
}

#[test]
fn a_closed_cursor_leaves_the_registry() {
    let hub = hub(100);
    let cursor = cursor(&hub, Start::Head);
    assert_eq!(hub.connections(), 1);
    drop(cursor);
    assert_eq!(hub.connections(), 0);
}

#[test]
fn a_stream_ends_with_its_credential_whatever_it_is_due() {
    let hub = hub(100);
    let mut cursor = cursor(&hub, Start::Head);
    let before = Instant::now() + Duration::from_secs(3);
    let expires = before + Duration::from_millis(1);
    cursor.expires = Some(expires);
    assert_eq!(cursor.deadline(), expires);
    assert!(matches!(cursor.due(before, None), Due::Nothing));
    publish(&hub, "a");
    assert_eq!(
        text(cursor.due(expires, None)),
        ":the credential has expired\n\n"
    );
    assert!(matches!(cursor.due(expires, None), Due::End));
    assert_eq!(cursor.closed, Some(Closed::Expired));
}

#[test]
fn what_was_looked_at_in_vain_for_one_is_not_for_the_next_of_its_selection() {
    let hub = hub(100_000);
    let events = vec![Publication::new("x"); 10_000];
    hub.publish(&events).now_or_never().unwrap().unwrap();
    let mut portions = Portions::default();
    let mut reads = Vec::new();
    let mut open = Vec::new();
    for _ in 0..3 {
        let request = Subscribe {
            filter: Filter {
                event_types: vec!["rare".to_owned()],
                ..Filter::default()
            },
            start: Start::Earliest,
            gap: None,
            peer: None,
            expires: None,
            replaces: None,
        };
        let mut cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
        cursor.follow();
        let now = Instant::now();
        text(cursor.due(now, Some(&mut portions)));
        assert!(matches!(cursor.due(now, Some(&mut portions)), Due::Nothing));
        open.push(cursor);
        reads.push(hub.reads());
    }
    assert_eq!(reads, [10_000; 3]);
    let event = Publication::new("y").with_type("rare").unwrap();
    hub.publish(&[event]).now_or_never().unwrap().unwrap();
    for cursor in &mut open {
        let written = text(cursor.due(Instant::now(), Some(&mut portions)));
        assert!(written.ends_with("data: y\n\n"), "{written}");
    }
}
