//! What arrived, kept in segments under a byte budget; the oldest segment goes first.

use std::collections::VecDeque;
use std::ops::Range;

use jiff::Timestamp;

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
}

/// A row, borrowed from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// What it is.
    pub kind: RowKind,
    /// When its bytes arrived.
    pub at: Timestamp,
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
    at: Timestamp,
    leg: u64,
    start: usize,
    type_end: usize,
    id_end: usize,
    end: usize,
    kind: RowKind,
    source: u16,
    lane: u16,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    text: String,
    rows: Vec<Meta>,
}

impl Segment {
    fn bytes(&self) -> usize {
        self.text.capacity() + self.rows.capacity() * size_of::<Meta>()
    }
}

const SEGMENT_ROWS: usize = 4096;

/// Rows numbered from 0 for ever; those of the oldest segments are evicted when
/// the budget is spent. The newest row is always kept, even if it alone is
/// larger than the budget.
#[derive(Debug)]
pub struct Store {
    segments: VecDeque<Segment>,
    /// Bytes of all segments but the last.
    sealed_bytes: usize,
    budget: usize,
    segment_bytes: usize,
    end: u64,
    used: usize,
    evicted: u64,
}

impl Store {
    /// A store that holds at most about `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self {
            segments: VecDeque::new(),
            sealed_bytes: 0,
            budget,
            segment_bytes: (budget / 16).clamp(4 << 10, 256 << 10),
            end: 0,
            used: 0,
            evicted: 0,
        }
    }

    /// Appends a row and evicts what the budget no longer covers.
    pub fn push(&mut self, row: &Row<'_>) {
        let length = row.event_type.len() + row.id.len() + row.data.len();
        let full = self.segments.back().is_none_or(|last| {
            last.text.capacity() - last.text.len() < length || last.rows.len() >= SEGMENT_ROWS
        });
        if full {
            self.sealed_bytes += self.segments.back().map_or(0, Segment::bytes);
            self.segments.push_back(Segment {
                first: self.end,
                text: String::with_capacity(length.max(self.segment_bytes)),
                rows: Vec::new(),
            });
        }
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        let start = segment.text.len();
        segment.text.push_str(row.event_type);
        let type_end = segment.text.len();
        segment.text.push_str(row.id);
        let id_end = segment.text.len();
        segment.text.push_str(row.data);
        segment.rows.push(Meta {
            at: row.at,
            leg: row.leg,
            start,
            type_end,
            id_end,
            end: segment.text.len(),
            kind: row.kind,
            source: row.source,
            lane: row.lane,
        });
        self.end += 1;
        self.used += length + size_of::<Meta>();
        self.evict();
    }

    /// The row of this number, if it is still held.
    pub fn get(&self, number: u64) -> Option<Row<'_>> {
        if number >= self.end {
            return None;
        }
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        let meta = segment.rows.get((number - segment.first) as usize)?;
        Some(Row {
            kind: meta.kind,
            at: meta.at,
            source: meta.source,
            lane: meta.lane,
            leg: meta.leg,
            event_type: &segment.text[meta.start..meta.type_end],
            id: &segment.text[meta.type_end..meta.id_end],
            data: &segment.text[meta.id_end..meta.end],
        })
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

    /// Events (not other rows) evicted for the budget so far.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn evict(&mut self) {
        while self.segments.len() > 1 && self.bytes() > self.budget {
            if let Some(oldest) = self.segments.pop_front() {
                self.sealed_bytes -= oldest.bytes();
                self.used -= oldest.text.len() + oldest.rows.len() * size_of::<Meta>();
                let events = oldest
                    .rows
                    .iter()
                    .filter(|row| row.kind == RowKind::Event)
                    .count();
                self.evicted += events as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(id: &'a str, data: &'a str) -> Row<'a> {
        Row {
            kind: RowKind::Event,
            at: Timestamp::UNIX_EPOCH,
            source: 0,
            lane: 0,
            leg: 1,
            event_type: "tick",
            id,
            data,
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was_pushed() {
        let mut store = Store::new(1 << 20);
        store.push(&row("1", "ä"));
        store.push(&row("", ""));
        assert_eq!(store.get(0), Some(row("1", "ä")));
        assert_eq!(store.get(1), Some(row("", "")));
        assert_eq!(store.get(2), None);
        assert_eq!(store.range(), 0..2);
    }

    #[test]
    fn memory_stays_within_the_budget_and_every_row_is_held_or_counted() {
        let budget = 256 << 10;
        let mut store = Store::new(budget);
        for number in 0..50_000_u64 {
            let data = "x".repeat((number % 97) as usize);
            store.push(&row(&number.to_string(), &data));
            assert!(store.bytes() <= budget, "{} bytes", store.bytes());
        }
        let held = store.range();
        assert!(store.evicted() > 0);
        assert_eq!(held.start, store.evicted());
        assert_eq!(held.end, 50_000);
        for number in held.clone() {
            assert_eq!(store.get(number).unwrap().id, number.to_string());
        }
        assert_eq!(store.get(held.start - 1), None);
    }

    #[test]
    fn an_event_larger_than_the_budget_is_kept_alone() {
        let mut store = Store::new(8 << 10);
        store.push(&row("1", "small"));
        let huge = "x".repeat(1 << 20);
        store.push(&row("2", &huge));
        assert_eq!(store.range(), 1..2);
        assert_eq!(store.get(1).unwrap().data.len(), 1 << 20);
        store.push(&row("3", "small"));
        assert_eq!(store.range(), 2..3);
        assert_eq!(store.evicted(), 2);
    }

    #[test]
    fn rows_that_are_no_events_are_not_counted_as_evicted() {
        let mut store = Store::new(0);
        for _ in 0..SEGMENT_ROWS {
            store.push(&Row {
                kind: RowKind::Lost,
                ..row("", "")
            });
        }
        store.push(&row("1", ""));
        store.push(&row("2", &"x".repeat(8 << 10)));
        assert_eq!(store.evicted(), 1);
    }
}
