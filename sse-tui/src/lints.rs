//! The lints of all streams, with the rows that show them.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use sse_core::Item;
use sse_core::client::Update;
use sse_core::lint::{Lint, LintKind, Linter, Moment, Severity};

use crate::cursor::Cursor;
use crate::ingest::Received;
use crate::message::End;

/// Which lint of which stream.
pub type Key = (usize, LintKind);

/// A linter for each stream, and which of their lints is looked at. Places are
/// numbers of rows: that of an event, or of the next row where there is none.
#[derive(Debug)]
pub struct Lints {
    linters: Vec<Linter>,
    /// Which lint is selected.
    pub cursor: Cursor<Key>,
}

impl Default for Lints {
    fn default() -> Self {
        Self {
            linters: Vec::new(),
            cursor: Cursor::at_first(),
        }
    }
}

impl Lints {
    /// A stream asks for a connection.
    pub fn request(&mut self, source: usize, at: Timestamp, row: u64) {
        self.linter(source).request(moment(at, row));
    }

    /// A connection opens; one without headers is no server's.
    pub fn open(
        &mut self,
        source: usize,
        at: Timestamp,
        row: u64,
        leg: u64,
        head: Option<&HeaderMap>,
    ) {
        let linter = self.linter(source);
        match head {
            Some(head) => linter.open(moment(at, row), leg, head),
            None => linter.open_plain(moment(at, row), leg),
        }
    }

    /// Bytes arrive.
    pub fn read(&mut self, source: usize, at: Timestamp, row: u64, bytes: &[u8]) {
        self.linter(source).read(moment(at, row), bytes);
    }

    /// An item of them.
    pub fn item(&mut self, source: usize, at: Timestamp, row: u64, item: &Item<'_>) {
        self.linter(source).item(moment(at, row), item);
    }

    /// A connection ends.
    pub fn end(&mut self, source: usize, at: Timestamp, row: u64, end: &End) {
        let linter = self.linter(source);
        linter.end(moment(at, row), &end.cause, end.unfinished);
    }

    /// What a stream does, where nothing keeps rows.
    pub fn observe(&mut self, received: &Received) {
        let (source, at) = (received.source, received.at);
        match &received.update {
            Update::Connecting { .. } => self.request(source, at, 0),
            Update::Open { leg, headers, .. } => self.open(source, at, 0, *leg, Some(headers)),
            Update::Batch(batch) => {
                self.read(source, at, 0, &batch.raw);
                for item in batch.items() {
                    self.item(source, at, 0, &item);
                }
            }
            Update::Disconnected {
                cause, unfinished, ..
            }
            | Update::Closed {
                cause, unfinished, ..
            } => self.linter(source).end(moment(at, 0), cause, *unfinished),
            _ => {}
        }
    }

    /// Time passes.
    pub fn time(&mut self, now: Timestamp) {
        for linter in &mut self.linters {
            linter.time(since_epoch(now));
        }
    }

    /// Nobody told the time for a while: this program was suspended until now.
    pub fn away(&mut self, until: Timestamp) {
        for linter in &mut self.linters {
            linter.away(since_epoch(until));
        }
    }

    /// All lints with their streams: errors first, of the same severity the
    /// older first.
    pub fn rows(&self) -> Vec<(usize, &Lint)> {
        let mut rows: Vec<_> = self
            .linters
            .iter()
            .enumerate()
            .flat_map(|(source, linter)| linter.lints().iter().map(move |lint| (source, lint)))
            .collect();
        rows.sort_by_key(|(source, lint)| {
            let severity = std::cmp::Reverse(lint.severity);
            (severity, lint.first.moment.at, *source, lint.kind)
        });
        rows
    }

    /// What tells those rows apart.
    pub fn keys(&self) -> Vec<Key> {
        let rows = self.rows();
        rows.iter()
            .map(|(source, lint)| (*source, lint.kind))
            .collect()
    }

    /// The selected lint.
    pub fn selected(&self) -> Option<(usize, &Lint)> {
        let rows = self.rows();
        let index = self.cursor.index(&self.keys());
        rows.get(index).copied()
    }

    /// How many lints there are, and how bad the worst is.
    pub fn summary(&self) -> Option<(usize, Severity)> {
        let lints = || self.linters.iter().flat_map(Linter::lints);
        let worst = lints().map(|lint| lint.severity).max()?;
        Some((lints().count(), worst))
    }

    fn linter(&mut self, source: usize) -> &mut Linter {
        if self.linters.len() <= source {
            self.linters.resize_with(source + 1, Linter::new);
        }
        &mut self.linters[source]
    }
}

/// A time of a lint as others are shown.
pub fn timestamp(at: Duration) -> Timestamp {
    Timestamp::UNIX_EPOCH
        .saturating_add(at)
        .unwrap_or(Timestamp::MAX)
}

fn moment(at: Timestamp, place: u64) -> Moment {
    let at = since_epoch(at);
    Moment { at, place }
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::try_from(at.as_duration()).unwrap_or_default()
}
