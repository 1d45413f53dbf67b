//! What arrived, kept in segments under a byte budget; the oldest segment goes first.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use crate::sanitize::prefix;
use crate::wire::Wire;

/// What a row of the list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A dispatched event.
    Event,
    /// A connection opened; the data says how.
    Opened,
    /// A connection was lost; the data says why.
    Lost,
    /// A stream ended for good; the data says why.
    Closed,
    /// Events are missing between two that arrived; the data says which.
    Missing,
    /// A dispatched event by which the server declares a gap.
    Gap,
    /// This program did not run, so that no stream was read; the data says for
    /// how long.
    Away,
}

impl RowKind {
    /// Whether it was dispatched.
    pub fn is_event(self) -> bool {
        matches!(self, Self::Event | Self::Gap)
    }
}

/// A row, borrowed from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// What it is.
    pub kind: RowKind,
    /// When its bytes arrived.
    pub at: Timestamp,
    /// Time since the event before it of the same stream, to about a part in
    /// ten million; `None` for the first, and for rows that are no event.
    pub delta: Option<Duration>,
    /// Index of the stream it came from.
    pub source: u16,
    /// Index of its event type in [`Stats`](crate::stats::Stats).
    pub lane: u16,
    /// The connection it arrived on, counted from 1.
    pub leg: u64,
    /// The event type, empty for rows that are no event.
    pub event_type: &'a str,
    /// The last event ID at dispatch.
    pub id: &'a str,
    /// The data, or the text of a row that is no event.
    pub data: &'a str,
}

#[derive(Debug, Clone, Copy)]
struct Meta {
    /// Nanoseconds since the epoch.
    at: i64,
    /// Seconds; NaN for none.
    delta: f32,
    leg: u32,
    wire: Span,
    event_type: Span,
    id: Span,
    data: Span,
    source: u16,
    lane: u16,
    kind: RowKind,
    /// The wire bytes are no UTF-8 and stand apart from the text.
    odd_wire: bool,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Debug)]
struct Segment {
    first: u64,
    text: String,
    /// Wire bytes that are no UTF-8.
    odd: Vec<u8>,
    rows: Vec<Meta>,
    /// Index of a row, and where in its wire bytes a read began.
    reads: Vec<(u32, u32)>,
}

impl Segment {
    /// Room for so much text, and for a little more rows and reads than this.
    fn new(first: u64, text: usize, (rows, reads): (usize, usize)) -> Self {
        let more = |count: usize| count + count / 16;
        Self {
            first,
            text: String::with_capacity(text),
            odd: Vec::new(),
            rows: Vec::with_capacity(more(rows)),
            reads: Vec::with_capacity(more(reads)),
        }
    }

    fn emptied(mut self, first: u64) -> Self {
        self.first = first;
        self.text.clear();
        self.odd = Vec::new();
        self.rows.clear();
        self.reads.clear();
        self
    }

    fn bytes(&self) -> usize {
        self.text.capacity()
            + self.odd.capacity()
            + self.rows.capacity() * size_of::<Meta>()
            + self.reads.capacity() * size_of::<(u32, u32)>()
    }

    fn used(&self) -> usize {
        self.text.len()
            + self.odd.len()
            + self.rows.len() * size_of::<Meta>()
            + self.reads.len() * size_of::<(u32, u32)>()
    }

    fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span {
            start,
            end: self.text.len() as u32,
        }
    }

    /// A text that is the same for many rows in turn is kept once.
    fn keep_or_share(&mut self, text: &str, before: Option<Span>) -> Span {
        match before {
            Some(before) if self.text[before.range()] == *text => before,
            _ => self.keep(text),
        }
    }

    /// Appends a row. Data that stands in the wire bytes as it is, which is
    /// nearly all data of one line, is not kept twice.
    fn push(&mut self, row: &Row<'_>, wire: &Wire<'_>) {
        let (span, odd_wire) = match std::str::from_utf8(wire.bytes) {
            Ok(text) => (self.keep(text), false),
            Err(_) => {
                let start = self.odd.len() as u32;
                self.odd.extend_from_slice(wire.bytes);
                let end = self.odd.len() as u32;
                (Span { start, end }, true)
            }
        };
        let line_ends: &[u8] = b"\r\n";
        let body = wire.bytes.trim_ascii_end().len();
        let trimmed = wire.bytes[body..]
            .iter()
            .position(|byte| line_ends.contains(byte));
        let body = trimmed.map_or(wire.bytes.len(), |spaces| body + spaces);
        let data = if !odd_wire && wire.bytes[..body].ends_with(row.data.as_bytes()) {
            let end = span.start + body as u32;
            Span {
                start: end - row.data.len() as u32,
                end,
            }
        } else {
            self.keep(row.data)
        };
        let before = self.rows.last().copied();
        let event_type = self.keep_or_share(row.event_type, before.map(|row| row.event_type));
        let id = self.keep_or_share(row.id, before.map(|row| row.id));
        let index = self.rows.len() as u32;
        self.reads
            .extend(wire.reads.iter().map(|offset| (index, *offset)));
        self.rows.push(Meta {
            at: i64::try_from(row.at.as_nanosecond()).unwrap_or(i64::MAX),
            delta: row.delta.map_or(f32::NAN, |delta| delta.as_secs_f32()),
            leg: u32::try_from(row.leg).unwrap_or(u32::MAX),
            wire: span,
            event_type,
            id,
            data,
            source: row.source,
            lane: row.lane,
            kind: row.kind,
            odd_wire,
        });
    }

    fn get(&self, index: usize) -> Option<Row<'_>> {
        let meta = self.rows.get(index)?;
        Some(Row {
            kind: meta.kind,
            at: Timestamp::from_nanosecond(meta.at.into()).unwrap_or_default(),
            delta: (!meta.delta.is_nan())
                .then(|| Duration::try_from_secs_f32(meta.delta).unwrap_or_default()),
            source: meta.source,
            lane: meta.lane,
            leg: meta.leg.into(),
            event_type: &self.text[meta.event_type.range()],
            id: &self.text[meta.id.range()],
            data: &self.text[meta.data.range()],
        })
    }
}

const SEGMENT_ROWS: usize = 4096;
/// Longer texts are cut: places in a segment are of 32 bits.
const LONGEST: usize = 1 << 29;

/// Rows numbered from 0 for ever; those of the oldest segments are evicted when
/// the budget is spent. The newest row is always kept, even if it alone is
/// larger than the budget. Of a text, half a GiB is kept.
#[derive(Debug)]
pub struct Store {
    segments: VecDeque<Segment>,
    /// The last that was evicted: its memory is for the next. A store that is full
    /// allocates nothing, so that nothing of it comes to lie between the short
    /// lives of what streams bring, where it would keep an allocator from giving
    /// memory back.
    spare: Option<Segment>,
    /// Bytes of all segments but the last.
    sealed_bytes: usize,
    budget: usize,
    segment_bytes: usize,
    end: u64,
    used: usize,
    events: u64,
    evicted: u64,
}

impl Store {
    /// A store that holds at most about `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self {
            segments: VecDeque::new(),
            spare: None,
            sealed_bytes: 0,
            budget,
            segment_bytes: (budget / 16).clamp(4 << 10, 256 << 10),
            end: 0,
            used: 0,
            events: 0,
            evicted: 0,
        }
    }

    /// Appends a row and evicts what the budget no longer covers.
    pub fn push(&mut self, row: &Row<'_>) {
        self.push_with_wire(row, &Wire::default());
    }

    /// As [`push`](Self::push), with the bytes it was read from.
    pub fn push_with_wire(&mut self, row: &Row<'_>, wire: &Wire<'_>) {
        let row = Row {
            event_type: prefix(row.event_type, LONGEST),
            id: prefix(row.id, LONGEST),
            data: prefix(row.data, LONGEST),
            ..*row
        };
        let length = wire.bytes.len() + row.event_type.len() + row.id.len() + row.data.len();
        let full = self.segments.back().is_none_or(|last| {
            last.text.capacity() - last.text.len() < length || last.rows.len() >= SEGMENT_ROWS
        });
        if full {
            let last = self.segments.back();
            self.sealed_bytes += last.map_or(0, Segment::bytes);
            let alike = last.map_or((0, 0), |last| (last.rows.len(), last.reads.len()));
            let spare = self.spare.take();
            let spare = spare.filter(|spare| spare.text.capacity() >= length);
            self.segments.push_back(match spare {
                Some(spare) => spare.emptied(self.end),
                None => Segment::new(self.end, length.max(self.segment_bytes), alike),
            });
        }
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        let before = segment.used();
        segment.push(&row, wire);
        self.used += segment.used() - before;
        self.end += 1;
        self.events += u64::from(row.kind.is_event());
        self.evict();
    }

    /// The row of this number, if it is still held.
    pub fn get(&self, number: u64) -> Option<Row<'_>> {
        let (segment, index) = self.find(number)?;
        segment.get(index)
    }

    /// The bytes that a row was read from; none for rows that are no event.
    pub fn wire(&self, number: u64) -> Option<(&[u8], Vec<u32>)> {
        let (segment, index) = self.find(number)?;
        let meta = segment.rows.get(index)?;
        let all = if meta.odd_wire {
            segment.odd.as_slice()
        } else {
            segment.text.as_bytes()
        };
        let reads = &segment.reads;
        let first = reads.partition_point(|(row, _)| (*row as usize) < index);
        let reads = reads[first..]
            .iter()
            .take_while(|(row, _)| *row as usize == index)
            .map(|(_, offset)| *offset)
            .collect();
        Some((&all[meta.wire.range()], reads))
    }

    fn find(&self, number: u64) -> Option<(&Segment, usize)> {
        if number >= self.end {
            return None;
        }
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        Some((segment, (number - segment.first) as usize))
    }

    /// The numbers of the rows held.
    pub fn range(&self) -> Range<u64> {
        self.segments.front().map_or(self.end, |first| first.first)..self.end
    }

    /// Bytes that the rows held take, without room allocated ahead.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Bytes allocated for rows.
    pub fn bytes(&self) -> usize {
        self.sealed_bytes + self.segments.back().map_or(0, Segment::bytes)
    }

    /// The byte budget.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Events (not other rows) held.
    pub fn kept(&self) -> u64 {
        self.events - self.evicted
    }

    /// Events (not other rows) evicted for the budget so far.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn evict(&mut self) {
        while self.segments.len() > 1 && self.bytes() > self.budget {
            if let Some(oldest) = self.segments.pop_front() {
                self.sealed_bytes -= oldest.bytes();
                self.used -= oldest.used();
                let events = oldest.rows.iter().filter(|row| row.kind.is_event()).count();
                self.evicted += events as u64;
                // One of a large event would waste room.
                if oldest.text.capacity() < 2 * self.segment_bytes {
                    self.spare = Some(oldest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
