//! Several lists of records, read as one in the order of their numbers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use crate::log::Record;
use crate::log::window::{Place, Pool};

/// One list, and what of it is still to be read.
#[derive(Debug)]
pub(super) struct Source<'a> {
    list: List<'a>,
    rest: Range<usize>,
}

#[derive(Debug, Clone, Copy)]
enum List<'a> {
    Pool(&'a Pool),
    Lane(&'a VecDeque<Place>, &'a [Pool]),
}

impl<'a> Source<'a> {
    /// The records of a pool after `cursor`.
    pub(super) fn pool(pool: &'a Pool, cursor: u64) -> Self {
        let length = pool.records.len();
        let start = first_after(length, cursor, |index| pool.records[index].0);
        Self {
            list: List::Pool(pool),
            rest: start..length,
        }
    }

    /// The records of a lane after `cursor`.
    pub(super) fn lane(lane: &'a VecDeque<Place>, pools: &'a [Pool], cursor: u64) -> Self {
        let start = first_after(lane.len(), cursor, |index| lane[index].seq);
        Self {
            list: List::Lane(lane, pools),
            rest: start..lane.len(),
        }
    }

    /// Leaves out what comes after `end`.
    pub(super) fn end_at(&mut self, end: u64) {
        let length = self.rest.end;
        self.rest.end = first_after(length, end, |index| self.seq(index)).max(self.rest.start);
    }

    fn seq(&self, index: usize) -> u64 {
        match self.list {
            List::Pool(pool) => pool.records[index].0,
            List::Lane(lane, _) => lane[index].seq,
        }
    }

    fn record(&self, index: usize) -> Option<(u64, &'a Record)> {
        match self.list {
            List::Pool(pool) => pool.records.get(index).map(|(seq, record)| (*seq, record)),
            List::Lane(lane, pools) => {
                let place = lane.get(index)?;
                let record = pools.get(place.pool)?.get(place.ordinal)?;
                Some((place.seq, record))
            }
        }
    }
}

/// The first index whose number is above `cursor`. Most readers are near the
/// end: it is searched from there, in steps that double.
fn first_after(length: usize, cursor: u64, seq: impl Fn(usize) -> u64) -> usize {
    let mut step = 1;
    let mut high = length;
    while step <= length && seq(length - step) > cursor {
        high = length - step;
        step *= 2;
    }
    let mut low = length.saturating_sub(step);
    while low < high {
        let middle = low + (high - low) / 2;
        if seq(middle) > cursor {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Oldest first.
pub(super) fn forward(mut sources: Vec<Source<'_>>) -> impl Iterator<Item = (u64, &Record)> {
    let mut heap: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    for (at, source) in sources.iter().enumerate() {
        if !source.rest.is_empty() {
            heap.push(Reverse((source.seq(source.rest.start), at)));
        }
    }
    std::iter::from_fn(move || {
        let Reverse((_, at)) = heap.pop()?;
        let source = &mut sources[at];
        let found = source.record(source.rest.start);
        source.rest.start += 1;
        if !source.rest.is_empty() {
            heap.push(Reverse((source.seq(source.rest.start), at)));
        }
        found
    })
}

/// Newest first.
pub(super) fn backward(mut sources: Vec<Source<'_>>) -> impl Iterator<Item = (u64, &Record)> {
    let mut heap: BinaryHeap<(u64, usize)> = BinaryHeap::new();
    for (at, source) in sources.iter().enumerate() {
        if !source.rest.is_empty() {
            heap.push((source.seq(source.rest.end - 1), at));
        }
    }
    std::iter::from_fn(move || {
        let (_, at) = heap.pop()?;
        let source = &mut sources[at];
        source.rest.end -= 1;
        let found = source.record(source.rest.end);
        if !source.rest.is_empty() {
            heap.push((source.seq(source.rest.end - 1), at));
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_from_the_end_finds_what_a_scan_finds() {
        for length in 0..40_usize {
            let seqs: Vec<u64> = (0..length as u64).map(|n| n * 3 + 5).collect();
            for cursor in 0..140 {
                let scanned = seqs.iter().position(|&seq| seq > cursor);
                let found = first_after(length, cursor, |index| seqs[index]);
                assert_eq!(found, scanned.unwrap_or(length), "{length} {cursor}");
            }
        }
    }
}
