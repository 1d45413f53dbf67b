//! Anomalies as the log has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::frames::{Frame, Kept, Role};
use crate::checker::{AnomalyKind, Log, Logged, Micros};

/// One anomaly. Slots and legs count from 1.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    kind: &'static str,
    slot: usize,
    leg: usize,
    /// Since the start of the run.
    at_us: Micros,
    /// The same, RFC 3339.
    at: String,
    count: u64,
    first: Option<&'a str>,
    last: Option<&'a str>,
    /// The last event ID in the leg's request, empty if it had none; null: no longer known.
    cursor: Option<&'a str>,
    /// The events that the slot received before and after.
    before: Option<&'a str>,
    after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor_past_hole: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_overlap: Option<u64>,
    /// Null: gone by the end of the run.
    frames: Option<Vec<FrameLine>>,
}

/// One block as it was received.
#[derive(Debug, Serialize)]
struct FrameLine {
    role: &'static str,
    leg: usize,
    at_us: Micros,
    at: String,
    /// How long it is; more than `raw` where that is cut off.
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    raw: String,
}

/// The last line.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    kind: &'static str,
    /// Lines before it.
    anomalies: usize,
    left_out: u64,
}

impl Summary {
    pub(super) fn new(log: &Log) -> Self {
        Self {
            kind: "summary",
            anomalies: log.entries.len(),
            left_out: log.left_out,
        }
    }
}

impl<'a> Line<'a> {
    pub(super) fn new(entry: &'a Logged, kept: &Kept<'a>, started: Timestamp) -> Self {
        let anomaly = &entry.anomaly;
        let frames = kept.around(entry.around, anomaly.leg, anomaly.count);
        let of = |role: Role| frames.iter().find(move |(its, _)| *its == role);
        let at_us = received(&frames).unwrap_or(anomaly.at);
        let id = |role: Role| of(role).and_then(|(_, frame)| frame.id.as_deref());
        let kind = anomaly.kind;
        Self {
            kind: kind.name(),
            slot: anomaly.slot,
            leg: anomaly.leg,
            at_us,
            at: wall(started, at_us),
            count: anomaly.count,
            first: anomaly.first.as_deref(),
            last: anomaly.last.as_deref(),
            cursor: kept.cursor(anomaly.leg),
            before: entry.before.as_deref().or_else(|| id(Role::Before)),
            after: entry.after.as_deref().or_else(|| id(Role::After)),
            cursor_past_hole: (kind == AnomalyKind::Gap).then_some(entry.cursor_past_hole),
            replay_overlap: (kind == AnomalyKind::Duplicate).then_some(entry.replay_overlap),
            frames: (!frames.is_empty()).then(|| {
                let line = |(role, frame): &(Role, &Frame)| FrameLine::new(*role, frame, started);
                frames.iter().map(line).collect()
            }),
        }
    }
}

/// When it was received, which says more than when its leg opened, as far as known.
pub(super) fn time(entry: &Logged, kept: &Kept<'_>) -> Micros {
    let anomaly = &entry.anomaly;
    let frames = kept.around(entry.around, anomaly.leg, anomaly.count);
    received(&frames).unwrap_or(anomaly.at)
}

fn received(frames: &[(Role, &Frame)]) -> Option<Micros> {
    let event = frames.iter().find(|(role, _)| *role == Role::Event);
    event.map(|(_, frame)| frame.at)
}

impl FrameLine {
    fn new(role: Role, frame: &Frame, started: Timestamp) -> Self {
        let (encoding, raw) = match std::str::from_utf8(&frame.bytes) {
            Ok(text) => (None, text.to_owned()),
            Err(_) => (Some("base64"), STANDARD.encode(&frame.bytes)),
        };
        Self {
            role: match role {
                Role::Before => "before",
                Role::Event => "event",
                Role::Between => "between",
                Role::After => "after",
            },
            leg: frame.leg,
            at_us: frame.at,
            at: wall(started, frame.at),
            bytes: frame.length,
            encoding,
            raw,
        }
    }
}

/// RFC 3339, in microseconds.
fn wall(started: Timestamp, at: Micros) -> String {
    let since = SignedDuration::from_micros(i64::try_from(at).unwrap_or(i64::MAX));
    let time = started.checked_add(since).unwrap_or(Timestamp::MAX);
    format!("{time:.6}")
}
