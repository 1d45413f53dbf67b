//! What a receiving thread tells the checker, in batches: a thread of its own
//! checks, so that receiving waits neither for it nor for other threads.

use std::ops::Range;
use std::sync::mpsc::SyncSender;

use crate::checker::{Arrival, LegEnd, Micros, Sighter, Sighting};

/// Entries of one batch.
const MOST_ENTRIES: usize = 1024;
/// Bytes of one batch, beyond which it is handed over.
const MOST_BYTES: usize = 64 << 10;
/// Batches under way from all threads to the checker, at most; beyond that reading
/// waits for it, and the read lag shows that.
pub(super) const MOST_BATCHES: usize = 256;

/// A part of the texts of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What happened to a slot.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// It is about to ask for a stream.
    Asked,
    /// A leg opened, with this last event ID in its request.
    Opened(Span),
    Closed(LegEnd),
    Rejected,
    Gone,
    /// An event arrived.
    Sighted(Sighted),
    /// The block of the last event ends with these bytes; its id.
    Block(Span, Option<Span>),
    /// A block begins with these bytes.
    Begins(Span),
    /// What was ready then was read by now, on this thread.
    Looked(Micros),
    /// The server has accepted the event of this number.
    Acknowledged(u64),
}

/// A [`Sighting`], its texts in the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighted {
    sighting: Sighting<'static>,
    event_type: Span,
    key: Option<Span>,
    series: Span,
}

/// One entry of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) at: Micros,
    pub(super) slot: u32,
    pub(super) what: What,
}

/// Entries of one thread in order of time.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    text: String,
    bytes: Vec<u8>,
    /// No later batch of the thread has anything from before.
    pub(super) upto: Micros,
    last_type: Span,
    last_key: Span,
}

impl Batch {
    pub(super) fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }

    /// As it was before it was put into the batch.
    pub(super) fn sighting(&self, sighted: &Sighted) -> Sighting<'_> {
        let key = sighted.key.map(|key| self.text(key));
        let (event_type, series) = (self.text(sighted.event_type), self.text(sighted.series));
        sighted.sighting.with_texts(event_type, key, series)
    }

    fn add_text(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        Span { start, end }
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len() as u32;
        Span { start, end }
    }

    fn add_sighting(&mut self, sighting: &Sighting<'_>) -> Sighted {
        // Many connections receive the same event, one after the other.
        if self.text(self.last_type) != sighting.event_type {
            self.last_type = self.add_text(sighting.event_type);
        }
        let key = sighting.key.map(|key| {
            if self.text(self.last_key) != key {
                self.last_key = self.add_text(key);
            }
            self.last_key
        });
        let series = match sighting.series {
            "" => Span::default(),
            series => self.add_text(series),
        };
        Sighted {
            sighting: sighting.without_texts(),
            event_type: self.last_type,
            key,
            series,
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MOST_ENTRIES || self.text.len() + self.bytes.len() >= MOST_BYTES
    }
}

/// The way of one thread to the checker.
#[derive(Debug)]
pub(super) struct Feed {
    source: usize,
    sighter: Sighter,
    batch: Batch,
    batches: SyncSender<(usize, Batch)>,
}

impl Feed {
    pub(super) fn new(
        source: usize,
        sighter: Sighter,
        batches: SyncSender<(usize, Batch)>,
    ) -> Self {
        Self {
            source,
            sighter,
            batch: Batch::default(),
            batches,
        }
    }

    /// An event arrived.
    pub(super) fn received(&mut self, slot: u32, at: Micros, arrival: &Arrival<'_>) {
        let sighting = self.sighter.sight(arrival);
        let sighted = self.batch.add_sighting(&sighting);
        self.add(slot, at, What::Sighted(sighted));
    }

    pub(super) fn opened(&mut self, slot: u32, at: Micros, cursor: &str) {
        let cursor = self.batch.add_text(cursor);
        self.add(slot, at, What::Opened(cursor));
    }

    /// A text that the next entry names.
    pub(super) fn text(&mut self, text: &str) -> Span {
        self.batch.add_text(text)
    }

    /// After [`received`](Self::received): the bytes since the block before.
    pub(super) fn block(&mut self, slot: u32, at: Micros, bytes: &[u8], id: Option<Span>) {
        let bytes = self.batch.add_bytes(bytes);
        self.add(slot, at, What::Block(bytes, id));
    }

    /// Bytes of a block that is not whole yet.
    pub(super) fn begins(&mut self, slot: u32, at: Micros, bytes: &[u8]) {
        let bytes = self.batch.add_bytes(bytes);
        self.add(slot, at, What::Begins(bytes));
    }

    pub(super) fn add(&mut self, slot: u32, at: Micros, what: What) {
        self.batch.entries.push(Entry { at, slot, what });
    }

    /// Hands over what is full; between two reads.
    pub(super) fn hand_over_full(&mut self, now: Micros) {
        if self.batch.is_full() {
            self.hand_over(now);
        }
    }

    /// Hands over what there is; nothing from before `now` follows.
    pub(super) fn hand_over(&mut self, now: Micros) {
        let next = Batch {
            entries: Vec::with_capacity(self.batch.entries.len()),
            ..Batch::default()
        };
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.upto = now;
        // The checker ends after the threads; where it failed, that is told at the end.
        let _ = self.batches.send((self.source, batch));
    }
}
