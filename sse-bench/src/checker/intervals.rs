//! Which of a slot's receptions are its first ones.

use std::collections::BTreeMap;

use super::record::Leg;

/// Consecutive indexes that one leg received in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) leg: u32,
    /// Keyed events of the leg before it.
    pub(super) ordinal: u32,
    pub(super) start: u32,
    pub(super) length: u32,
    /// Whether the slot had none of them before; else it had each.
    pub(super) new: bool,
}

/// Disjoint ranges of indexes.
#[derive(Debug, Default)]
struct Intervals(BTreeMap<u32, u32>);

impl Intervals {
    /// Adds `start..end`; tells its parts in order, and whether each is new.
    fn add(&mut self, start: u32, end: u32, mut part: impl FnMut(u32, u32, bool)) {
        let mut at = start;
        let before = self.0.range(..=start).next_back();
        let (mut merged_start, mut merged_end) = (start, end);
        if let Some((&known, &known_end)) = before
            && known_end >= start
        {
            merged_start = known;
            merged_end = merged_end.max(known_end);
            if known_end > start {
                at = known_end.min(end);
                part(start, at, false);
            }
        }
        let inside: Vec<(u32, u32)> = self
            .0
            .range((start + 1)..=end)
            .map(|(known, known_end)| (*known, *known_end))
            .collect();
        for (known, known_end) in inside {
            if known > at {
                part(at, known.min(end), true);
                at = known.min(end);
            }
            let upto = known_end.min(end);
            if upto > at {
                part(at, upto, false);
                at = upto;
            }
            merged_end = merged_end.max(known_end);
            self.0.remove(&known);
        }
        if at < end {
            part(at, end, true);
        }
        self.0.insert(merged_start, merged_end);
    }
}

/// The receptions of a slot in order, cut where first ones and repeats meet.
pub(super) fn pieces(legs: &[Leg]) -> Vec<Piece> {
    let mut known = Intervals::default();
    let mut pieces = Vec::new();
    for (leg, record) in legs.iter().enumerate() {
        let mut ordinal = 0;
        for run in &record.runs {
            known.add(run.start, run.start + run.length, |start, end, new| {
                pieces.push(Piece {
                    leg: leg as u32,
                    ordinal,
                    start,
                    length: end - start,
                    new,
                });
                ordinal += end - start;
            });
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn parts_agree_with_a_set_of_numbers() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let (mut intervals, mut set) = (Intervals::default(), HashSet::new());
            for _ in 0..12 {
                let start = random.u32(0..30);
                let end = start + random.u32(1..12);
                let mut seen = Vec::new();
                intervals.add(start, end, |from, to, new| {
                    assert!(from < to);
                    seen.extend((from..to).map(|number| (number, new)));
                });
                let expected: Vec<_> = (start..end)
                    .map(|number| (number, set.insert(number)))
                    .collect();
                assert_eq!(seen, expected);
            }
        }
    }
}
