//! Every event that any connection received.

use std::collections::{HashMap, HashSet};

use super::Micros;
use super::prune::{Again, Remembered};
use super::sighting::Sighting;

/// How old a leg is when what it receives counts as live.
const SETTLED_AGE: Micros = 1_000_000;

/// One reception.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) slot: u32,
    /// Of the slot, from 1.
    pub(super) leg: u32,
    /// Number of the reception.
    pub(super) delivery: u64,
    pub(super) at: Micros,
    /// Since the leg opened.
    pub(super) age: Micros,
    /// Hash of type and data.
    pub(super) content: u64,
    pub(super) has_id: bool,
    /// Legs that were open.
    pub(super) watchers: u8,
}

/// A number of a series that counts without holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    pub(super) series: u32,
    pub(super) number: u64,
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) first_at: Micros,
    content: u64,
    pub(super) number: Option<Number>,
    pub(super) first_slot: u32,
    /// Received as a part of the stream, not only as a greeting.
    pub(super) confirmed: bool,
    /// Received by two slots or more.
    pub(super) shared: bool,
    /// Received at least once on a leg that had been open for a while.
    pub(super) live: bool,
    pub(super) has_id: bool,
    /// Only its content tells it from others.
    pub(super) hashed: bool,
    /// Received with different contents.
    pub(super) conflict: bool,
    /// Legs open when it was first received, this one among them; at most 255.
    pub(super) watchers: u8,
}

/// Events by identity; their index is the order of their first reception.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    texts: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    /// The name last looked for and its index: most receptions are of the same event as
    /// the one before them.
    latest: Option<(String, u32)>,
    hashes: HashMap<u64, u32, foldhash::fast::FixedState>,
    pub(super) keys: Vec<Key>,
    series: HashMap<Box<str>, u32>,
    /// Events that have the id of another one, which they name.
    namesakes: HashMap<u32, u32, foldhash::fast::FixedState>,
    /// Ids of which connections were given different contents.
    disputed: HashSet<u32, foldhash::fast::FixedState>,
    pub(super) ids_seen: bool,
    /// Events with more than one content.
    pub(super) conflicting: u64,
    /// Of conflicts, the first few: the event and its other content.
    pub(super) conflicts: Vec<(u32, Seen)>,
    /// So many.
    most_conflicts: usize,
    /// What was let go of.
    pub(super) remembered: Remembered,
}

/// Where an event has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Index(u32),
    /// It was let go of; its number since the start.
    Gone(Again, u32),
}

impl Table {
    /// An empty one, that tells this many conflicts from others.
    pub(super) fn naming(most_conflicts: usize) -> Self {
        Self {
            most_conflicts,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.keys.len() as u32
    }

    pub(super) fn find(&self, id: &str) -> Option<u32> {
        match &self.latest {
            Some((latest, index)) if latest == id => Some(*index),
            _ => self.texts.get(id).copied(),
        }
    }

    /// The place of the first event with this id, where that one has other content.
    pub(super) fn other_content(&self, id: &str, content: u64) -> Option<u32> {
        let index = self.find(id)?;
        (self.keys[index as usize].content != content).then_some(index)
    }

    /// What is next added has the id of the event at `first`.
    pub(super) fn add_namesake(&mut self, first: u32) {
        self.namesakes.insert(self.len(), first);
    }

    /// The place of the first event that had the id of this one.
    pub(super) fn first_of_id(&self, index: u32) -> u32 {
        self.namesakes.get(&index).copied().unwrap_or(index)
    }

    /// Ids of which connections were given different contents: not those that name
    /// the same few events on each.
    pub(super) fn disputed(&self) -> u64 {
        self.disputed.len() as u64
    }

    /// The place of an event, which is new where nobody received it before; `None`
    /// where nothing tells it from others.
    pub(super) fn add(&mut self, sighting: &Sighting<'_>, seen: &Seen) -> Option<Place> {
        let next = self.keys.len() as u32;
        let index = match (sighting.key, &self.latest) {
            (Some(key), Some((latest, index))) if latest == key => *index,
            (Some(key), _) => {
                let index = match self.texts.get(key) {
                    Some(index) => *index,
                    None => {
                        if let Some((again, number)) = self.remembered.find(key, seen.content) {
                            return Some(Place::Gone(again, number));
                        }
                        self.texts.insert(key.into(), next);
                        next
                    }
                };
                let (latest, at) = self.latest.get_or_insert_default();
                latest.clear();
                latest.push_str(key);
                *at = index;
                index
            }
            (None, _) if sighting.hashed => *self.hashes.entry(seen.content).or_insert(next),
            (None, _) => return None,
        };
        if index == next {
            let number = sighting.number.map(|number| Number {
                series: self.series(sighting.series),
                number,
            });
            self.keys.push(Key {
                first_at: seen.at,
                content: seen.content,
                number,
                first_slot: seen.slot,
                confirmed: false,
                shared: false,
                live: false,
                has_id: seen.has_id,
                hashed: sighting.hashed,
                conflict: false,
                watchers: seen.watchers,
            });
        }
        Some(Place::Index(index))
    }

    /// Lets go of the first `count` events, of whose names the latest `remembered` stay.
    pub(super) fn drop_front(&mut self, count: u32, remembered: usize) {
        self.latest = None;
        let mut gone = Vec::with_capacity(count as usize);
        self.texts
            .retain(|text, index| match index.checked_sub(count) {
                Some(rest) => {
                    *index = rest;
                    true
                }
                None => {
                    gone.push((*index, text.clone()));
                    false
                }
            });
        gone.sort_unstable();
        for (index, name) in gone {
            let content = self.keys[index as usize].content;
            self.remembered.add(&name, content, remembered);
        }
        self.hashes
            .retain(|_, index| match index.checked_sub(count) {
                Some(rest) => {
                    *index = rest;
                    true
                }
                None => false,
            });
        self.keys.drain(..count as usize);
        self.namesakes = std::mem::take(&mut self.namesakes)
            .into_iter()
            .filter_map(|(index, first)| {
                Some((index.checked_sub(count)?, first.checked_sub(count)?))
            })
            .collect();
        self.disputed = std::mem::take(&mut self.disputed)
            .into_iter()
            .filter_map(|index| index.checked_sub(count))
            .collect();
        for (index, ..) in &mut self.conflicts {
            *index = index.saturating_sub(count);
        }
    }

    pub(super) fn has_several_series(&self) -> bool {
        self.series.len() > 1
    }

    /// A reception of the event counts. Whether it has another content than the first.
    pub(super) fn confirm(&mut self, index: u32, seen: &Seen) -> bool {
        self.ids_seen |= seen.has_id;
        let key = &mut self.keys[index as usize];
        key.live |= seen.age > SETTLED_AGE;
        if !std::mem::replace(&mut key.confirmed, true) {
            key.first_at = seen.at;
            key.content = seen.content;
            key.first_slot = seen.slot;
            key.watchers = seen.watchers;
            let first = self.namesakes.get(&index).copied();
            let first = first.filter(|first| self.keys[*first as usize].confirmed);
            if let Some(first) = first {
                self.conflict(first, seen);
            }
            return first.is_some();
        }
        key.shared |= key.first_slot != seen.slot;
        key.first_at = key.first_at.min(seen.at);
        let differs = key.content != seen.content;
        if differs {
            self.disputed.insert(index);
            self.conflict(index, seen);
        }
        differs
    }

    /// The same, of a reception that waited for it to be known whether it counts.
    pub(super) fn confirm_held(&mut self, index: u32, seen: &Seen) {
        self.confirm(index, seen);
        let confirmed = |namesake: &u32| self.keys[*namesake as usize].confirmed;
        let mut namesakes = self.namesakes.iter();
        if namesakes.any(|(namesake, first)| *first == index && confirmed(namesake)) {
            self.conflict(index, seen);
        }
    }

    fn conflict(&mut self, index: u32, seen: &Seen) {
        let key = &mut self.keys[index as usize];
        if !std::mem::replace(&mut key.conflict, true) {
            self.conflicting += 1;
            if self.conflicts.len() < self.most_conflicts {
                self.conflicts.push((index, *seen));
            }
        }
    }

    fn series(&mut self, name: &str) -> u32 {
        if let Some(series) = self.series.get(name) {
            return *series;
        }
        let next = self.series.len() as u32;
        self.series.insert(name.into(), next);
        next
    }

    /// The ids of these events, for people.
    pub(super) fn names(&self, wanted: &std::collections::HashSet<u32>) -> HashMap<u32, String> {
        let texts = self
            .texts
            .iter()
            .map(|(text, index)| (index, id_of(text).to_owned()));
        let hashes = self.hashes.iter();
        let hashes = hashes.map(|(hash, index)| (index, format!("content {hash:016x}")));
        texts
            .chain(hashes)
            .filter(|(index, _)| wanted.contains(index))
            .map(|(index, name)| (*index, name))
            .collect()
    }

    /// The name of a series by its number.
    pub(super) fn series_name(&self, series: u32) -> &str {
        let mut all = self.series.iter();
        let found = all.find(|(_, number)| **number == series);
        found.map_or("", |(name, _)| name)
    }
}

/// The name of a further event with this id. No id has a NUL.
pub(super) fn name_of_namesake(id: &str, content: u64) -> String {
    format!("{id}\0{content:016x}")
}

fn id_of(name: &str) -> &str {
    name.split_once('\0').map_or(name, |(id, _)| id)
}
