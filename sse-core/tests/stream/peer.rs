//! The parser against `eventsource-stream`, where that one is right: valid
//! UTF-8 without a BOM, lines that end with LF or CRLF, no plus sign in
//! `retry`, and no `id` or `retry` in a block without data.

use std::pin::pin;

use eventsource_stream::Eventsource;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::drive;
use crate::model::{Caps, Seen};
use crate::streams::sizes;

/// Event type, data and last event ID of each event.
type Dispatched = Vec<(String, String, String)>;

fn peer(chunks: &[&[u8]]) -> Dispatched {
    let chunks = stream::iter(
        chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())),
    );
    let events = pin!(chunks.eventsource())
        .map(|event| event.expect("valid UTF-8"))
        .map(|event| (event.event, event.data, event.id))
        .collect()
        .now_or_never();
    events.expect("all chunks are ready")
}

fn ours(chunks: &[&[u8]]) -> Dispatched {
    let dispatched = |seen| match seen {
        Seen::Event {
            event_type,
            data,
            last_event_id,
            ..
        } => Some((event_type, data, last_event_id)),
        _ => None,
    };
    let seen = drive::read(chunks, Caps::NONE).seen;
    seen.into_iter().filter_map(dispatched).collect()
}

fn block() -> impl Strategy<Value = Vec<String>> {
    let text = || "[^\\r\\n\\x00\u{FEFF}]{0,30}";
    let space = || select(vec!["", " ", "  "]);
    let other = prop_oneof![
        4 => (space(), text()).prop_map(|(space, text)| format!("data:{space}{text}")),
        1 => (space(), text()).prop_map(|(space, text)| format!("event:{space}{text}")),
        1 => (space(), text()).prop_map(|(space, text)| format!("id:{space}{text}")),
        1 => text().prop_map(|text| format!(":{text}")),
        1 => text().prop_map(|text| format!("x{text}")),
        1 => (0_u32..9999).prop_map(|retry| format!("retry: {retry}")),
        1 => select(vec!["retry: soon", "data", "event", "Data: no", " data: no"])
            .prop_map(str::to_owned),
    ];
    (vec(other.clone(), 0..4), text(), vec(other, 0..4)).prop_map(|(mut lines, text, after)| {
        lines.push(format!("data: {text}"));
        lines.extend(after);
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn eventsource_stream_dispatches_the_same(
        blocks in vec(block(), 0..12),
        line_end in select(vec!["\n", "\r\n"]),
        rest in select(vec!["", "data: unfinished", "id: 9"]),
        sizes in sizes(),
    ) {
        let mut input = String::new();
        for line in blocks.iter().flat_map(|block| block.iter().map(String::as_str).chain([""])) {
            input.push_str(line);
            input.push_str(line_end);
        }
        input.push_str(rest);
        let chunks = drive::cut(input.as_bytes(), &sizes);
        prop_assert_eq!(ours(&chunks), peer(&chunks));
    }
}
