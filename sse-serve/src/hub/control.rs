//! The blocks that the hub itself puts into a stream.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use sse_core::{Event, EventId, EventType};

use crate::hub::position::GapReason;
use crate::metrics::Closed;

/// Types that only the hub sends.
pub(crate) const RESERVED_TYPES: [&str; 2] = ["connected", "gap"];

/// The most bytes of a requested id that a `gap` event repeats.
const REQUESTED_MAX: usize = 256;

#[derive(Debug, Serialize)]
pub(super) struct Connected<'a> {
    pub(super) connection: &'a str,
    pub(super) cursor: &'a str,
    /// Milliseconds.
    pub(super) retry: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Gap {
    pub(super) reason: GapReason,
    pub(super) requested: String,
    pub(super) oldest: Option<String>,
    pub(super) newest: Option<String>,
    /// `None` where filters make the number unknown.
    pub(super) missed: Option<u64>,
}

pub(super) fn put_connected(out: &mut BytesMut, id: &str, connected: &Connected<'_>) {
    put(out, "connected", id, connected);
}

pub(super) fn put_gap(out: &mut BytesMut, id: &str, gap: &Gap) {
    put(out, "gap", id, gap);
}

pub(super) fn put_retry(out: &mut BytesMut, reconnection_time: Duration) {
    Event::from_retry(reconnection_time).encode(out);
}

/// A block that moves the last event ID and dispatches nothing.
pub(super) fn position(id: &str) -> Bytes {
    let mut out = BytesMut::new();
    if let Ok(id) = EventId::new(id) {
        Event::from_id(id).encode(&mut out);
    }
    out.freeze()
}

/// The last of a stream that is ended before its time: a comment that says why.
pub(super) fn ending(cause: Closed) -> Bytes {
    Bytes::from_static(match cause {
        Closed::Kicked => b":closed by an operator\n\n",
        Closed::Expired => b":the credential has expired\n\n",
        Closed::Superseded => b":the ticket has opened another stream\n\n",
        Closed::Lagged => b":closed for reading too slowly\n\n",
        Closed::Aged | Closed::Gone | Closed::Drained | Closed::Unreadable => b"",
    })
}

pub(super) const KEEPALIVE: Bytes = Bytes::from_static(b":keepalive\n\n");

/// Lossy UTF-8, cut at a character so that it fits a `gap` event.
pub(super) fn printable(requested: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(requested).into_owned();
    let mut end = text.len().min(REQUESTED_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn put(out: &mut BytesMut, event_type: &str, id: &str, data: &impl Serialize) {
    let event = Event::new(serde_json::to_string(data).unwrap_or_default());
    let Ok(event_type) = EventType::new(event_type) else {
        return;
    };
    let Ok(id) = EventId::new(id) else { return };
    event.with_type(event_type).with_id(id).encode(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_id_is_cut_at_a_character() {
        let long = format!("a{}", "✓".repeat(200));
        let text = printable(long.as_bytes());
        assert_eq!(text.len(), 256);
        assert!(long.starts_with(&text));
        assert_eq!(printable(b"a\xffb"), "a\u{fffd}b");
        assert!(printable(&[0xff; 4096]).len() <= 256);
    }

    #[test]
    fn the_wire_form_of_a_gap() {
        let mut out = BytesMut::new();
        let gap = Gap {
            reason: GapReason::StoreReset,
            requested: "old".into(),
            oldest: None,
            newest: None,
            missed: None,
        };
        put_gap(&mut out, "e-0", &gap);
        let expected = concat!(
            "id: e-0\nevent: gap\n",
            r#"data: {"reason":"store_reset","requested":"old","oldest":null,"newest":null,"missed":null}"#,
            "\n\n"
        );
        assert_eq!(out, expected);
    }
}
