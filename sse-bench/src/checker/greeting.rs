//! Events by which a server greets each connection: of a type that nearly all
//! legs begin with, at once, and that is seen nowhere else. They are no part of
//! the stream.
//!
//! Until its type is seen elsewhere the first event of a leg has its place, but
//! counts for nothing.

use std::collections::HashMap;

use super::Micros;
use super::table::Seen;

/// Types told apart; of others no event is held.
const MOST_TYPES: usize = 256;
/// A greeting comes at once.
const PROMPT: Micros = 1_000_000;
/// Legs that must begin with a type before it counts as a greeting.
const FEWEST_GREETINGS: usize = 3;

/// The first event of a leg, of which nothing is made yet.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) slot: usize,
    /// Its number.
    pub(super) leg: u32,
    pub(super) index: u32,
    pub(super) seen: Seen,
}

#[derive(Debug, Clone, Default)]
struct Type {
    /// Legs that began with it.
    legs: usize,
    /// Their events, where something tells them from others.
    held: Vec<Held>,
    elsewhere: bool,
    /// Those of them to which it came as soon as they had opened.
    prompt: usize,
}

/// The types of events, as far as greetings go.
#[derive(Debug, Clone, Default)]
pub(super) struct Types {
    types: HashMap<Box<str>, Type, foldhash::fast::RandomState>,
    /// The one last seen elsewhere, of which nothing is held: types come in runs.
    last_elsewhere: Box<str>,
}

impl Types {
    /// Whether this type, first on a leg, may be a greeting.
    pub(super) fn may_greet(&self, event_type: &str) -> bool {
        if *self.last_elsewhere == *event_type && !event_type.is_empty() {
            return false;
        }
        match self.types.get(event_type) {
            Some(known) => !known.elsewhere,
            None => self.types.len() < MOST_TYPES,
        }
    }

    /// A leg of this age began with it.
    pub(super) fn first_on_leg(&mut self, event_type: &str, age: Micros) {
        let known = self.types.entry(event_type.into()).or_default();
        known.legs += 1;
        known.prompt += usize::from(age <= PROMPT);
    }

    pub(super) fn hold(&mut self, event_type: &str, held: Held) {
        let known = self.types.entry(event_type.into()).or_default();
        known.held.push(held);
    }

    /// The type is no greeting: what was held of it.
    pub(super) fn seen_elsewhere(&mut self, event_type: &str) -> Vec<Held> {
        if *self.last_elsewhere == *event_type && !event_type.is_empty() {
            return Vec::new();
        }
        match self.types.get_mut(event_type) {
            Some(known) => {
                known.elsewhere = true;
                self.last_elsewhere = event_type.into();
                std::mem::take(&mut known.held)
            }
            None => {
                if self.types.len() < MOST_TYPES {
                    let elsewhere = true;
                    let known = Type {
                        elsewhere,
                        ..Type::default()
                    };
                    self.types.insert(event_type.into(), known);
                }
                Vec::new()
            }
        }
    }

    /// The first place that is held.
    pub(super) fn first_held(&self) -> Option<u32> {
        let held = self.types.values().flat_map(|known| &known.held);
        held.map(|held| held.index).min()
    }

    /// The first `count` events of the table are gone.
    pub(super) fn rebase(&mut self, count: u32) {
        for known in self.types.values_mut() {
            for held in &mut known.held {
                held.index -= count;
            }
        }
    }

    /// At the end of a run, in which so many legs received events.
    pub(super) fn finish(&mut self, legs: usize) -> Greetings {
        let mut greetings = Greetings::default();
        for (name, known) in &mut self.types {
            let count = known.legs;
            // A few may have been read late.
            let prompt = known.prompt * 10 >= count * 9;
            if prompt && count >= FEWEST_GREETINGS && count * 10 >= legs * 9 {
                greetings.types.push((name.to_string(), count as u64));
                greetings.events.append(&mut known.held);
            } else {
                greetings.none.append(&mut known.held);
            }
        }
        greetings.types.sort();
        greetings
    }
}

/// What the types seen nowhere but first on a leg turned out to be.
#[derive(Debug, Default)]
pub(super) struct Greetings {
    /// The types that greet, with the number of their events.
    pub(super) types: Vec<(String, u64)>,
    /// These events.
    pub(super) events: Vec<Held>,
    /// Events that do not greet after all.
    pub(super) none: Vec<Held>,
}
