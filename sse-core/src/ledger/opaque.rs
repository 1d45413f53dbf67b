//! The ledger of ids that say nothing but which event it is.

use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::{Counts, Observation};

/// A ledger of opaque ids. It sees duplicates, replay overlap, and events that
/// were sent again in another order, each within a window of recent ids. It
/// cannot see a gap.
///
/// Ids are kept as hashes of 64 bits: two that differ are taken for the same
/// about once in 2^64 comparisons.
///
/// ```
/// use sse_core::ledger::{IdLedger, Observation};
///
/// let mut ledger = IdLedger::default();
/// ledger.open_leg("");
/// assert_eq!(ledger.observe("a"), Observation::InOrder);
/// assert_eq!(ledger.observe("b"), Observation::InOrder);
/// ledger.open_leg("b");
/// assert_eq!(ledger.observe("b"), Observation::Duplicate { overlap: true, reorder: false });
/// assert_eq!(ledger.observe("c"), Observation::InOrder);
/// ```
#[derive(Debug, Clone)]
pub struct IdLedger {
    /// Of the recent ids, in the order in which they first came.
    hashes: VecDeque<u64>,
    /// For each of them, the leg on which it last came.
    legs: VecDeque<u32>,
    window: usize,
    leg: u32,
    /// The place of the cursor at which the leg opened, if the window had it.
    cursor: Option<u64>,
    /// The highest place on this leg.
    highest: Option<u64>,
    counts: Counts,
}

impl IdLedger {
    /// The default of [`IdLedger::with_window`].
    pub const WINDOW: usize = 256;

    /// A ledger that knows this many of the last ids; at least one. Those that
    /// leave the window are counted as forgotten.
    pub fn with_window(window: usize) -> Self {
        Self {
            hashes: VecDeque::new(),
            legs: VecDeque::new(),
            window: window.max(1),
            leg: 0,
            cursor: None,
            highest: None,
            counts: Counts::default(),
        }
    }

    /// A connection opens; `cursor` is the last event ID that it sends, empty
    /// if it sends none.
    pub fn open_leg(&mut self, cursor: &str) {
        self.counts.legs += 1;
        self.leg = self.leg.wrapping_add(1);
        self.highest = None;
        self.cursor = self.find(hash(cursor)).map(|index| self.place(index));
    }

    /// An event arrives whose block has this id. An empty id is a reset of the
    /// last event ID and no key: do not give it.
    pub fn observe(&mut self, id: &str) -> Observation {
        self.counts.received += 1;
        let hash = hash(id);
        let Some(index) = self.find(hash) else {
            if self.hashes.len() == self.window {
                self.hashes.pop_front();
                self.legs.pop_front();
                self.counts.forgotten += 1;
            }
            self.hashes.push_back(hash);
            self.legs.push_back(self.leg);
            self.highest = Some(self.place(self.hashes.len() - 1));
            return Observation::InOrder;
        };
        let place = self.place(index);
        let repeat = std::mem::replace(&mut self.legs[index], self.leg) == self.leg;
        let reorder = !repeat && self.highest.is_some_and(|highest| place < highest);
        let overlap = self.cursor.is_some_and(|cursor| place <= cursor);
        self.highest = self.highest.max(Some(place));
        self.counts.duplicate += 1;
        self.counts.replay_overlap += u64::from(overlap);
        self.counts.reorder += u64::from(reorder);
        Observation::Duplicate { overlap, reorder }
    }

    /// The sums so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Where the window holds it. A replay is of the latest, so those first.
    fn find(&self, hash: u64) -> Option<usize> {
        self.hashes.iter().rposition(|known| *known == hash)
    }

    /// The number of ids that came first before the one at `index`.
    fn place(&self, index: usize) -> u64 {
        self.counts.forgotten + index as u64
    }
}

impl Default for IdLedger {
    fn default() -> Self {
        Self::with_window(Self::WINDOW)
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Remembers everything.
    #[derive(Default)]
    struct Model {
        /// Each id once, as it first came.
        ids: Vec<u8>,
        leg: Vec<u8>,
        cursor: Option<u8>,
    }

    impl Model {
        fn observe(&mut self, id: u8, window: usize) -> Observation {
            let place = |id| self.ids.iter().position(|known| *known == id);
            let recent = self.ids.len().saturating_sub(window);
            let observation = match place(id) {
                Some(at) if at >= recent => Observation::Duplicate {
                    overlap: self
                        .cursor
                        .and_then(place)
                        .is_some_and(|cursor| at <= cursor),
                    reorder: !self.leg.contains(&id)
                        && self.leg.iter().any(|other| place(*other) > Some(at)),
                },
                _ => Observation::InOrder,
            };
            if observation == Observation::InOrder {
                // An id that was forgotten is a new one.
                self.ids.retain(|known| *known != id);
                self.ids.push(id);
            }
            self.leg.push(id);
            observation
        }
    }

    proptest! {
        #[test]
        fn the_ledger_says_what_one_that_forgets_nothing_says(
            steps in prop::collection::vec((any::<bool>(), 0_u8..30), 0..80),
            jumps in prop::collection::vec(prop::option::weighted(0.1, 0_u8..30), 80),
        ) {
            let mut ledger = IdLedger::default();
            let mut model = Model::default();
            for ((_, id), jump) in steps.into_iter().zip(jumps) {
                if let Some(cursor) = jump {
                    ledger.open_leg(&cursor.to_string());
                    model.leg.clear();
                    model.cursor = Some(cursor).filter(|cursor| model.ids.contains(cursor));
                }
                prop_assert_eq!(ledger.observe(&id.to_string()), model.observe(id, IdLedger::WINDOW));
            }
        }
    }

    #[test]
    fn ids_out_of_the_window_are_forgotten_and_counted() {
        let mut ledger = IdLedger::with_window(3);
        for id in ["a", "b", "c", "d", "a"] {
            assert_eq!(ledger.observe(id), Observation::InOrder);
        }
        assert!(matches!(ledger.observe("c"), Observation::Duplicate { .. }));
        assert_eq!(ledger.counts().forgotten, 2);
        assert_eq!(ledger.hashes.len(), 3);
    }
}
