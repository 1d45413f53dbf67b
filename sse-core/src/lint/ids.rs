//! What ids do to a client that comes back with them.

use std::hash::{BuildHasher as _, RandomState};

use super::report::{Report, quoted};
use super::{LintKind, Severity};
use crate::event::EventRef;

/// Slots for ids seen on a connection; a newer id takes the place of an older.
const SLOTS: usize = 1024;
/// Servers take headers of 8 KiB in all, some less.
const LONG: usize = 1024;

/// The ids of one connection.
#[derive(Debug, Default)]
pub(super) struct Ids {
    hasher: RandomState,
    /// Hashes of ids, each where its low bits say; empty before the first id.
    seen: Vec<u64>,
    /// The last id: its text before the number it ends with, and that.
    prefix: String,
    number: Option<u64>,
    /// The last event ID is not empty.
    some: bool,
}

impl Ids {
    pub(super) fn open(&mut self) {
        self.seen.fill(0);
        self.prefix.clear();
        self.number = None;
    }

    /// An event with an id of its own.
    pub(super) fn event(&mut self, event: &EventRef<'_>, report: &mut Report) {
        self.block(event, report);
        let id = event.last_event_id;
        // Those of a hub have a position for an id, which is another event's.
        if id.is_empty() || matches!(event.event_type, "connected" | "gap") {
            return;
        }
        if self.remember(id) {
            report.see(LintKind::IdRepeated, Severity::Warning, || quoted(id));
        }
        self.compare(id, report);
    }

    /// A block with an id, with data or without.
    pub(super) fn block(&mut self, event: &EventRef<'_>, report: &mut Report) {
        let id = event.last_event_id;
        if id.is_empty() {
            if std::mem::take(&mut self.some) {
                report.see(LintKind::IdReset, Severity::Note, || {
                    "a client that comes back then sends no Last-Event-ID".to_owned()
                });
            }
            return;
        }
        self.some = true;
        check(id, report);
    }

    /// Whether it was seen before, as far as is remembered.
    fn remember(&mut self, id: &str) -> bool {
        let hash = self.hasher.hash_one(id) | 1;
        self.seen.resize(SLOTS, 0);
        let slot = &mut self.seen[(hash >> 1) as usize % SLOTS];
        std::mem::replace(slot, hash) == hash
    }

    fn compare(&mut self, id: &str, report: &mut Report) {
        let digits = id.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (prefix, number) = id.split_at(id.len() - digits);
        let number = number.parse::<u64>().ok();
        let before = self.number;
        if prefix == self.prefix {
            if let (Some(before), Some(number)) = (before, number)
                && number < before
            {
                report.see(LintKind::IdBackwards, Severity::Warning, || {
                    format!(
                        "{} after {}",
                        quoted(id),
                        quoted(&format!("{prefix}{before}"))
                    )
                });
            }
        } else if prefix.len() <= LONG {
            prefix.clone_into(&mut self.prefix);
        } else {
            self.prefix.clear();
            self.number = None;
            return;
        }
        self.number = number;
    }
}

/// Whether it comes back as it went out (RFC 9110 §5.5).
#[inline]
fn check(id: &str, report: &mut Report) {
    let bytes = id.as_bytes();
    if id.len() > LONG {
        report.see(LintKind::IdLong, Severity::Warning, || {
            format!("{} bytes: {}", id.len(), quoted(id))
        });
    }
    // All others are as they should be.
    if bytes.iter().all(u8::is_ascii_graphic) {
        return;
    }
    let space = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    if space(bytes.first()) || space(bytes.last()) {
        report.see(LintKind::IdSpaces, Severity::Error, || quoted(id));
    }
    if bytes
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        report.see(LintKind::IdUnsendable, Severity::Error, || quoted(id));
    }
    if !id.is_ascii() {
        report.see(LintKind::IdNotAscii, Severity::Note, || quoted(id));
    }
}
