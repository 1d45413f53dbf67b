//! One chunk of a response, and the items that ended in it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use crate::event::{EventRef, IdOrigin};
use crate::parse::{Ignored, Item};

/// When the transport handed a chunk over, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedAt {
    /// For people.
    pub system: SystemTime,
    /// For measuring.
    pub instant: Instant,
}

impl ReceivedAt {
    pub(super) fn now() -> Self {
        Self {
            system: SystemTime::now(),
            instant: Instant::now(),
        }
    }
}

/// One chunk as it was received, and the items that ended in it.
///
/// The items' texts lie in one buffer that the batch owns: no event allocates.
/// Besides its text an item takes 72 bytes (on 64-bit machines), and an item may
/// be as short as two bytes on the wire.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The connection's number.
    pub leg: u64,
    /// When it was received, before anything was parsed.
    pub received_at: ReceivedAt,
    /// The bytes of the body, as they came.
    pub raw: Bytes,
    text: String,
    entries: Vec<Entry>,
    /// The type and the last event ID kept last, to be shared: a long id on
    /// many short events must not be kept once for each.
    shared: [Span; 2],
    closed: Arc<AtomicBool>,
}

type Span = Range<usize>;

#[derive(Debug, Clone)]
struct Entry {
    kind: Kind,
    /// Where in `raw` it ends.
    end: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    Event(EventSpans),
    Comment(Span),
    Retry(Duration),
    UnknownField(Span),
    InvalidRetry(Span),
    NulInId,
    NoData(EventSpans),
}

#[derive(Debug, Clone)]
struct EventSpans {
    event_type: Span,
    data: Span,
    last_event_id: Span,
    origin: IdOrigin,
}

impl Batch {
    pub(super) fn new(
        leg: u64,
        received_at: ReceivedAt,
        raw: Bytes,
        closed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            leg,
            received_at,
            raw,
            text: String::new(),
            entries: Vec::new(),
            shared: [0..0, 0..0],
            closed,
        }
    }

    /// Keeps an item; [`end_item`](Self::end_item) then says where it ended.
    pub(super) fn push(&mut self, item: Item<'_>) {
        if self.entries.is_empty() {
            self.text.reserve(self.raw.len());
        }
        let kind = match item {
            Item::Event(event) => Kind::Event(self.keep_event(event)),
            Item::Comment(text) => Kind::Comment(self.keep(text)),
            Item::Retry(time) => Kind::Retry(time),
            Item::Ignored(Ignored::UnknownField { name }) => Kind::UnknownField(self.keep(name)),
            Item::Ignored(Ignored::InvalidRetry { value }) => Kind::InvalidRetry(self.keep(value)),
            Item::Ignored(Ignored::NulInId) => Kind::NulInId,
            Item::Ignored(Ignored::NoData(event)) => Kind::NoData(self.keep_event(event)),
        };
        let end = self.raw.len();
        self.entries.push(Entry { kind, end });
    }

    pub(super) fn end_item(&mut self, end: usize) {
        if let Some(entry) = self.entries.last_mut() {
            entry.end = end;
        }
    }

    /// The items, in order. Those of a batch already received stay readable
    /// after a close; see [`dispatch`](Self::dispatch) for those who dispatch.
    pub fn items(&self) -> BatchItems<'_> {
        BatchItems {
            batch: self,
            next: 0,
            until_closed: false,
        }
    }

    /// The items, in order, ending at once where the stream is closed: after
    /// `close()` nothing is dispatched, not even what was received before
    /// (HTML Living Standard §9.2.2).
    pub fn dispatch(&self) -> BatchItems<'_> {
        BatchItems {
            until_closed: true,
            ..self.items()
        }
    }

    /// How many items ended in this chunk.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no item ended in this chunk.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory that it takes, as far as it knows: `raw` may be part of
    /// something larger.
    pub fn memory(&self) -> usize {
        self.raw.len() + self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn keep_event(&mut self, event: EventRef<'_>) -> EventSpans {
        EventSpans {
            event_type: self.keep_or_share(0, event.event_type),
            data: self.keep(event.data),
            last_event_id: if event.has_id() || self.shared[1].is_empty() {
                self.keep_or_share(1, event.last_event_id)
            } else {
                // The one before, which need not be compared.
                self.shared[1].clone()
            },
            origin: event.origin,
        }
    }

    fn keep_or_share(&mut self, which: usize, text: &str) -> Span {
        let before = self.shared[which].clone();
        if self.text[before.clone()] == *text {
            return before;
        }
        self.shared[which] = self.keep(text);
        self.shared[which].clone()
    }

    fn item(&self, kind: &Kind) -> Item<'_> {
        let text = |span: &Span| &self.text[span.clone()];
        let event = |spans: &EventSpans| EventRef {
            event_type: text(&spans.event_type),
            data: text(&spans.data),
            last_event_id: text(&spans.last_event_id),
            origin: spans.origin,
        };
        match kind {
            Kind::Event(spans) => Item::Event(event(spans)),
            Kind::Comment(span) => Item::Comment(text(span)),
            Kind::Retry(time) => Item::Retry(*time),
            Kind::UnknownField(span) => Item::Ignored(Ignored::UnknownField { name: text(span) }),
            Kind::InvalidRetry(span) => Item::Ignored(Ignored::InvalidRetry { value: text(span) }),
            Kind::NulInId => Item::Ignored(Ignored::NulInId),
            Kind::NoData(spans) => Item::Ignored(Ignored::NoData(event(spans))),
        }
    }
}

/// The items of a [`Batch`].
#[derive(Debug, Clone)]
pub struct BatchItems<'a> {
    batch: &'a Batch,
    next: usize,
    until_closed: bool,
}

impl<'a> BatchItems<'a> {
    /// Each item with the range of [`Batch::raw`] that it came in: from the end
    /// of the item before. Where it began in an earlier chunk, the range holds
    /// only its rest.
    pub fn with_ranges(mut self) -> impl Iterator<Item = (Item<'a>, Range<usize>)> {
        let mut start = match self.next.checked_sub(1) {
            Some(before) => self.batch.entries[before].end,
            None => 0,
        };
        std::iter::from_fn(move || {
            let item = self.next()?;
            let end = self.batch.entries[self.next - 1].end;
            Some((item, std::mem::replace(&mut start, end)..end))
        })
    }
}

impl<'a> Iterator for BatchItems<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.until_closed && self.batch.closed.load(Ordering::Acquire) {
            return None;
        }
        let entry = self.batch.entries.get(self.next)?;
        self.next += 1;
        Some(self.batch.item(&entry.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Parser;

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn an_item_takes_72_bytes() {
        assert_eq!(size_of::<Entry>(), 72);
    }

    #[test]
    fn a_long_id_is_kept_once_for_many_short_events() {
        let mut parser = Parser::new();
        let wire = format!(
            "id: {}\n{}",
            "i".repeat(60_000),
            "data\n\n: c\n".repeat(1_000)
        );
        let raw = Bytes::from(wire);
        let closed = Arc::new(AtomicBool::new(false));
        let mut batch = Batch::new(1, ReceivedAt::now(), raw.clone(), closed);
        let mut items = parser.feed(&raw);
        while let Some(item) = items.next().unwrap() {
            batch.push(item);
        }
        assert_eq!(batch.len(), 2_000);
        assert!(batch.text.len() < 2 * raw.len(), "{}", batch.text.len());
    }
}
