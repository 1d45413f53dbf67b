//! Events by which a server greets each connection: of a type that is seen
//! nowhere but first on a leg. They are no part of the stream.
//!
//! Until its type is seen elsewhere the first event of a leg is held back.

use std::collections::HashMap;

use super::identity::Identity;
use super::record::SlotRecord;
use super::table::Seen;

/// Types told apart; of others no event is held.
const MOST_TYPES: usize = 256;
/// Legs that must begin with a type before it counts as a greeting.
const FEWEST_GREETINGS: usize = 3;

/// The first event of a leg, held back.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) slot: usize,
    pub(super) identity: Identity<'static>,
    pub(super) number: Option<(String, u64)>,
    pub(super) seen: Seen,
}

impl Held {
    pub(super) fn new(
        slot: usize,
        identity: Identity<'static>,
        number: Option<(String, u64)>,
        seen: Seen,
    ) -> Self {
        Self {
            slot,
            identity,
            number,
            seen,
        }
    }

    /// The leg that received it.
    pub(super) fn leg(&self, slots: &[SlotRecord]) -> usize {
        let opened = self.seen.at - self.seen.age;
        let legs = &slots[self.slot].legs;
        let held = |leg: &super::Leg| leg.held && leg.opened == opened;
        legs.iter().rposition(held).unwrap_or(usize::MAX)
    }
}

#[derive(Debug, Default)]
struct Type {
    held: Vec<Held>,
    elsewhere: bool,
}

/// The types of events, as far as greetings go.
#[derive(Debug, Default)]
pub(super) struct Types {
    types: HashMap<Box<str>, Type>,
}

impl Types {
    /// Whether this type, first on a leg, may be a greeting.
    pub(super) fn may_greet(&self, event_type: &str) -> bool {
        match self.types.get(event_type) {
            Some(known) => !known.elsewhere,
            None => self.types.len() < MOST_TYPES,
        }
    }

    pub(super) fn hold(&mut self, event_type: &str, held: Held) {
        let known = self.types.entry(event_type.into()).or_default();
        known.held.push(held);
    }

    /// The type is no greeting: what was held back of it.
    pub(super) fn seen_elsewhere(&mut self, event_type: &str) -> Vec<Held> {
        match self.types.get_mut(event_type) {
            Some(known) => {
                known.elsewhere = true;
                std::mem::take(&mut known.held)
            }
            None => {
                if self.types.len() < MOST_TYPES {
                    let elsewhere = true;
                    let held = Vec::new();
                    self.types
                        .insert(event_type.into(), Type { held, elsewhere });
                }
                Vec::new()
            }
        }
    }

    /// At the end of a run: the types that greet with the number of their
    /// events, and what was held back of other types.
    pub(super) fn finish(&mut self, legs: usize) -> (Vec<(String, u64)>, Vec<Held>) {
        let others = self.types.values().any(|known| known.elsewhere);
        let mut greetings = Vec::new();
        let mut released = Vec::new();
        for (name, known) in &mut self.types {
            let count = known.held.len();
            if others && count >= FEWEST_GREETINGS && count * 2 > legs {
                greetings.push((name.to_string(), count as u64));
            } else {
                released.append(&mut known.held);
            }
        }
        released.sort_by_key(|held| held.seen.at);
        greetings.sort();
        (greetings, released)
    }
}
