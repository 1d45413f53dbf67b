//! What is encoded is what is parsed, and nothing else is.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sse_core::{Event, EventId, EventType, Item, Parser};

use crate::drive;
use crate::encoded::seen;
use crate::model::{Caps, Seen};
use crate::streams::sizes;

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        2 => "[ -~]{0,12}",
        2 => prop::sample::select(vec![
            "\n", "\r", "\r\n", "\n\r", "\n\n", "data: x\n\n", "\nid: 6\n", ":", " ", "\0",
            "\u{FEFF}", "\u{2028}", "\u{85}", "\x0b", "event: y\r\r", "retry: 1\n",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn without(text: &str, bad: &[char]) -> String {
    text.replace(bad, "")
}

fn event() -> impl Strategy<Value = Event> {
    let time = prop_oneof![
        (0_u64..100_000).prop_map(Duration::from_millis),
        any::<Duration>(),
    ];
    (
        option::of(text()),
        option::of(text()),
        option::of(text()),
        option::of(time),
        option::weighted(0.8, text()),
    )
        .prop_map(|(comment, id, event_type, retry, data)| {
            let mut event = Event::default();
            if let Some(comment) = comment {
                event = event.with_comment(comment);
            }
            if let Some(id) = id {
                event = event
                    .with_id(EventId::new(without(&id, &['\r', '\n', '\0'])).expect("a valid id"));
            }
            if let Some(name) = event_type {
                event = event.with_type(
                    EventType::new(without(&name, &['\r', '\n'])).expect("a valid type"),
                );
            }
            if let Some(retry) = retry {
                event = event.with_retry(retry);
            }
            if let Some(data) = data {
                event = event.with_data(data);
            }
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn events_arrive_as_they_were_sent(events in vec(event(), 0..6), sizes in sizes()) {
        let mut wire = Vec::new();
        let mut expected = Vec::new();
        let mut last_event_id = String::new();
        for event in &events {
            event.encode(&mut wire);
            expected.extend(seen(event, &mut last_event_id));
        }
        let outcome = drive::read(&drive::cut(&wire, &sizes), Caps::NONE);
        prop_assert_eq!(outcome.seen, expected);
        prop_assert_eq!(outcome.last_event_id, last_event_id);
        prop_assert_eq!(outcome.cut_off, None);
    }

    #[test]
    fn a_cut_wire_never_shows_half_an_event(event in event(), cut in any::<prop::sample::Index>()) {
        let mut wire = Vec::new();
        event.encode(&mut wire);
        prop_assume!(!wire.is_empty());
        let cut = cut.index(wire.len());
        let outcome = drive::read(&[&wire[..cut]], Caps::NONE);
        let dispatched = outcome.seen.iter().any(|seen| matches!(seen, Seen::Event { .. } | Seen::NoData { .. }));
        prop_assert!(!dispatched);
        prop_assert_eq!(outcome.last_event_id, "");
    }

    #[test]
    fn a_received_event_encodes_to_an_equal_one(event in event()) {
        let mut wire = Vec::new();
        event.encode(&mut wire);
        let mut parser = Parser::new();
        let mut items = parser.feed(&wire);
        while let Some(item) = items.next().unwrap() {
            if let Item::Event(received) = item {
                let mut again = Vec::new();
                received.to_event().encode(&mut again);
                let mut parser = Parser::new();
                let mut items = parser.feed(&again);
                prop_assert_eq!(items.next(), Ok(Some(Item::Event(received))));
                prop_assert_eq!(items.next(), Ok(None));
            }
        }
    }
}

#[test]
fn an_event_without_any_part_is_not_a_block() {
    let mut wire = Vec::new();
    Event::default().encode(&mut wire);
    assert_eq!(wire, b"");
}

#[test]
fn each_part_has_its_line() {
    let wire = |event: Event| {
        let mut wire = Vec::new();
        event.encode(&mut wire);
        String::from_utf8(wire).unwrap()
    };
    let id = |id| EventId::new(id).unwrap();
    assert_eq!(wire(Event::new("")), "data: \n\n");
    assert_eq!(wire(Event::new("a\n")), "data: a\ndata: \n\n");
    assert_eq!(wire(Event::new(" a")), "data:  a\n\n");
    assert_eq!(
        wire(Event::new("a\rb\r\nc\nd")),
        "data: a\ndata: b\ndata: c\ndata: d\n\n"
    );
    assert_eq!(wire(Event::from_comment("")), ":\n\n");
    assert_eq!(wire(Event::from_comment("a\nb")), ":a\n:b\n\n");
    assert_eq!(wire(Event::from_id(id(""))), "id: \n\n");
    assert_eq!(wire(Event::from_id(id("7"))), "id: 7\n\n");
    assert_eq!(wire(Event::from_retry(Duration::ZERO)), "retry: 0\n\n");
    assert_eq!(
        wire(Event::from_retry(Duration::from_micros(1999))),
        "retry: 1\n\n"
    );
    assert_eq!(
        wire(Event::from_retry(Duration::MAX)),
        "retry: 18446744073709551615\n\n"
    );
}

#[test]
fn ids_and_types_that_would_break_the_stream_cannot_be_made() {
    for bad in ["\n", "a\r", "a\r\nb", "\0"] {
        assert!(EventId::new(bad).is_err(), "{bad:?}");
    }
    for bad in ["\n", "a\r", "a\r\nb"] {
        assert!(EventType::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        EventId::new("ab\0").unwrap_err().to_string(),
        "an event id may not contain a NUL (byte 2)"
    );
    assert!(
        EventType::new("a\0b").is_ok(),
        "a NUL is harmless in a type"
    );
}
