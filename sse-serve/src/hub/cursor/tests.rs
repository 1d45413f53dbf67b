use futures_util::FutureExt;

use super::*;
use crate::hub::{Hub, HubConfig, Publication};
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
    };
    let mut cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
    assert!(text(cursor.due(Instant::now())).starts_with("retry: 2000\n\n"));
    cursor
}

fn publish(hub: &Hub, data: &str) {
    let published = hub.publish(&[Publication::new(data)]).now_or_never();
    published.unwrap().unwrap();
}

fn text(due: Due) -> String {
    let Due::Bytes(bytes) = due else {
        panic!("{due:?}");
    };
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn bytes(due: Due) -> Option<Bytes> {
    match due {
        Due::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

#[test]
fn everything_due_is_one_write() {
    let hub = hub(100);
    let mut cursor = cursor(&hub, Start::Head);
    let now = Instant::now();
    assert_eq!(cursor.due(now), Due::Nothing);
    publish(&hub, "a");
    publish(&hub, "b");
    let written = text(cursor.due(now));
    assert_eq!(written.matches("\n\n").count(), 2);
    assert!(written.contains("data: a\n\n") && written.ends_with("data: b\n\n"));
    assert_eq!(cursor.due(now), Due::Nothing);
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
    let lengths: Vec<usize> = std::iter::from_fn(|| bytes(cursor.due(now)))
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
    assert!(bytes(cursor.due(later)).is_some());
    assert_eq!(cursor.deadline(), later + HEARTBEAT);
    assert_eq!(cursor.due(start + HEARTBEAT + HEARTBEAT / 4), Due::Nothing);
    assert_eq!(text(cursor.due(later + HEARTBEAT)), ":keepalive\n\n");
    assert_eq!(cursor.deadline(), later + HEARTBEAT * 2);
}

#[test]
fn a_cursor_that_fell_out_of_the_window_says_so_once() {
    let hub = hub(3);
    let mut cursor = cursor(&hub, Start::Head);
    for data in ["a", "b", "c", "d", "e"] {
        publish(&hub, data);
    }
    let written = text(cursor.due(Instant::now()));
    assert!(written.contains(r#""reason":"lagged""#), "{written}");
    assert!(written.contains(r#""missed":2"#), "{written}");
    assert!(written.starts_with("id: ") && written.ends_with("data: e\n\n"));
    assert_eq!(written.matches("data: ").count(), 4);
    let counted = hub.metrics().text(&hub.reading());
    assert!(
        counted.contains("sse_serve_gaps_total{reason=\"lagged\"} 1\n"),
        "{counted}"
    );
    assert_eq!(cursor.due(Instant::now()), Due::Nothing);
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
    };
    let mut cursor = Cursor::open(Arc::clone(&hub.shared), request).unwrap();
    let mut due = || text(cursor.due(Instant::now()));
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
        let Due::Blocks(seqs) = cursor.due(Instant::now()) else {
            panic!("in memory");
        };
        let (reply, blocks) = tokio::sync::oneshot::channel();
        cursor.log().fetch(seqs, reply);
        blocks.blocking_recv().unwrap().unwrap()
    };
    publish("a");
    let blocks = fetch(&mut cursor);
    for data in ["b", "c", "d", "e"] {
        publish(data);
    }
    cursor.supply(blocks);
    let written = text(cursor.due(Instant::now()));
    assert!(written.contains("event: gap\n"), "{written}");
    assert!(written.contains(r#""missed":2"#), "{written}");
    let blocks = fetch(&mut cursor);
    cursor.supply(blocks);
    let written = text(cursor.due(Instant::now()));
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
            while bytes(cursor.due(now)).is_some() {}
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
    assert_eq!(cursor.due(before), Due::Nothing);
    publish(&hub, "a");
    assert_eq!(text(cursor.due(expires)), ":the credential has expired\n\n");
    assert_eq!(cursor.due(expires), Due::End);
    assert_eq!(cursor.closed, Some(Closed::Expired));
}
