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

    /// Remembers everything: each id with the step at which it came as new.
    #[derive(Default)]
    struct Model {
        window: usize,
        ids: Vec<(u8, usize)>,
        /// What came on this leg, by the same steps.
        leg: Vec<usize>,
        cursor: Option<usize>,
        steps: usize,
    }

    impl Model {
        fn known(&self, id: u8) -> Option<usize> {
            let recent = self.ids.iter().rev().take(self.window);
            recent
                .filter(|(known, _)| *known == id)
                .map(|(_, step)| *step)
                .next()
        }

        fn open_leg(&mut self, cursor: u8) {
            self.leg.clear();
            self.cursor = self.known(cursor);
        }

        fn observe(&mut self, id: u8) -> Observation {
            self.steps += 1;
            let Some(step) = self.known(id) else {
                self.ids.push((id, self.steps));
                self.leg.push(self.steps);
                return Observation::InOrder;
            };
            let overlap = self.cursor.is_some_and(|cursor| step <= cursor);
            let later = self.leg.iter().any(|other| *other > step);
            let reorder = later && !self.leg.contains(&step);
            self.leg.push(step);
            Observation::Duplicate { overlap, reorder }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 500, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn the_ledger_says_what_one_that_remembers_everything_says(
            steps in prop::collection::vec((0_u8..20, prop::option::weighted(0.15, 0_u8..20)), 0..80),
            window in 1_usize..25,
        ) {
            let mut ledger = IdLedger::with_window(window);
            let mut model = Model { window, ..Model::default() };
            for (id, cursor) in steps {
                if let Some(cursor) = cursor {
                    ledger.open_leg(&cursor.to_string());
                    model.open_leg(cursor);
                }
                prop_assert_eq!(ledger.observe(&id.to_string()), model.observe(id));
            }
            let ids = model.ids.len();
            prop_assert_eq!(ledger.counts().forgotten, ids.saturating_sub(window) as u64);
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
