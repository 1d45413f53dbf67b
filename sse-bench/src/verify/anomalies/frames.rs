//! The blocks of one slot as they came over the wire, as far as they are kept.
//!
//! Three rooms of the same size: the latest blocks; those around reconnects, of
//! which the oldest go first; those around what was unusual when it came, of
//! which the first stay.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use crate::checker::{Around, Micros, Reception, Spot};

/// Blocks kept at the end of a leg, and at the start of the next one.
const AT_BOUNDARY: usize = 3;
/// What a block takes beside its bytes, roughly.
const OVERHEAD: usize = 96;
/// Blocks shown around one anomaly.
const MOST_SHOWN: u64 = 8;
/// A block longer than this part of a room is kept cut off.
const LONGEST_PART: usize = 8;

/// One block.
#[derive(Debug)]
pub(super) struct Frame {
    /// Blocks of the slot before it.
    serial: u64,
    /// From 1.
    pub(super) leg: usize,
    /// When its last bytes were read.
    pub(super) at: Micros,
    /// The id of its own that the event has.
    pub(super) id: Option<Box<str>>,
    /// From the end of the block before it to its own end; cut off where it is long.
    pub(super) bytes: Box<[u8]>,
    /// How long it is.
    pub(super) length: u64,
    delivery: u64,
    ordinal: Option<u32>,
    worth: Worth,
}

/// How long a block is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Latest,
    Boundary,
    Unusual,
}

/// Blocks, and what they take.
#[derive(Debug, Default)]
struct Room {
    frames: VecDeque<Frame>,
    size: usize,
}

impl Room {
    fn push(&mut self, frame: Frame) {
        self.size += frame.size();
        self.frames.push_back(frame);
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.size -= frame.size();
        Some(frame)
    }
}

/// What is kept of one slot.
#[derive(Debug)]
pub struct SlotFrames {
    /// The size of each room.
    most: usize,
    serial: u64,
    leg: usize,
    /// Blocks of this leg.
    on_leg: usize,
    /// The next block follows what was unusual.
    follows_unusual: bool,
    /// The start of a block, and how much there was of it.
    begun: Vec<u8>,
    begun_length: u64,
    latest: Room,
    boundary: Room,
    unusual: Room,
    /// The last event ID in the request of each leg.
    cursors: VecDeque<(usize, Box<str>)>,
    cursors_size: usize,
}

impl Frame {
    fn size(&self) -> usize {
        OVERHEAD + self.bytes.len() + self.id.as_deref().map_or(0, str::len)
    }
}

impl SlotFrames {
    /// With rooms of this size in bytes.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            serial: 0,
            leg: 0,
            on_leg: 0,
            follows_unusual: false,
            begun: Vec::new(),
            begun_length: 0,
            latest: Room::default(),
            boundary: Room::default(),
            unusual: Room::default(),
            cursors: VecDeque::new(),
            cursors_size: 0,
        }
    }

    /// A leg opened, with this last event ID in its request.
    pub fn opened(&mut self, cursor: &str) {
        self.leg += 1;
        self.on_leg = 0;
        self.follows_unusual = false;
        self.begun.clear();
        self.begun_length = 0;
        for frame in self.latest.frames.iter_mut().rev().take(AT_BOUNDARY) {
            frame.worth = frame.worth.max(Worth::Boundary);
        }
        self.cursors_size += OVERHEAD + cursor.len();
        self.cursors.push_back((self.leg, cursor.into()));
        while self.cursors_size > self.most.max(OVERHEAD) && self.cursors.len() > 1 {
            if let Some((_, cursor)) = self.cursors.pop_front() {
                self.cursors_size -= OVERHEAD + cursor.len();
            }
        }
    }

    /// These bytes begin a block, or go on with one.
    pub fn begins(&mut self, bytes: &[u8]) {
        let room = (self.most / LONGEST_PART).saturating_sub(self.begun.len());
        self.begun
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.begun_length += bytes.len() as u64;
    }

    /// A block ended with these bytes, and was an event.
    pub fn block(&mut self, at: Micros, end: &[u8], id: Option<Box<str>>, reception: &Reception) {
        self.begins(end);
        let (bytes, length) = (self.begun.as_slice().into(), self.begun_length);
        self.begun.clear();
        self.begun_length = 0;
        self.on_leg += 1;
        let is_unusual = reception.is_unusual;
        let worth = if is_unusual || self.follows_unusual {
            Worth::Unusual
        } else if self.leg > 1 && self.on_leg <= AT_BOUNDARY {
            Worth::Boundary
        } else {
            Worth::Latest
        };
        self.follows_unusual = is_unusual;
        if is_unusual && let Some(before) = self.latest.frames.back_mut() {
            before.worth = Worth::Unusual;
        }
        self.latest.push(Frame {
            serial: self.serial,
            leg: self.leg,
            at,
            id,
            bytes,
            length,
            delivery: reception.delivery,
            ordinal: reception.ordinal,
            worth,
        });
        self.serial += 1;
        // The last one stays, so that it can be told that it came before what is unusual.
        while self.latest.size > self.most && (self.most == 0 || self.latest.frames.len() > 1) {
            match self.latest.pop() {
                Some(frame) => self.retire(frame),
                None => break,
            }
        }
    }

    /// A block leaves the latest ones.
    fn retire(&mut self, frame: Frame) {
        match frame.worth {
            Worth::Latest => {}
            Worth::Boundary => {
                self.boundary.push(frame);
                while self.boundary.size > self.most {
                    self.boundary.pop();
                }
            }
            Worth::Unusual => {
                if self.unusual.size + frame.size() <= self.most {
                    self.unusual.push(frame);
                }
            }
        }
    }

    /// All that is kept, to look things up.
    pub(super) fn kept(&self) -> Kept<'_> {
        let rooms = [&self.unusual, &self.boundary, &self.latest];
        let mut frames: Vec<&Frame> = rooms.iter().flat_map(|room| &room.frames).collect();
        frames.sort_unstable_by_key(|frame| frame.serial);
        let places = frames.iter().enumerate().filter_map(|(index, frame)| {
            let (leg, ordinal) = (frame.leg, frame.ordinal?);
            Some((Spot { leg, ordinal }, index))
        });
        Kept {
            places: places.collect(),
            cursors: self.cursors.iter().map(|(leg, id)| (*leg, &**id)).collect(),
            frames,
        }
    }
}

/// What is kept of a slot, at the end of the run.
#[derive(Debug, Default)]
pub(super) struct Kept<'a> {
    /// As they came.
    frames: Vec<&'a Frame>,
    places: HashMap<Spot, usize>,
    cursors: HashMap<usize, &'a str>,
}

/// What a block is to an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Before,
    Event,
    /// Between the event before and the one after, and not at fault.
    Between,
    After,
}

impl<'a> Kept<'a> {
    /// `None`: no longer known. Empty: the request had none.
    pub(super) fn cursor(&self, leg: usize) -> Option<&'a str> {
        self.cursors.get(&leg).copied()
    }

    /// The blocks around an anomaly of `count` events on a leg that are still there.
    pub(super) fn around(&self, around: Around, leg: usize, count: u64) -> Vec<(Role, &'a Frame)> {
        match around {
            Around::Receptions {
                before,
                first,
                after,
            } => self.between(before, first, after, count),
            Around::Delivery(number) => {
                let at = |frame: &&Frame| frame.delivery < number;
                let index = self.frames.partition_point(at);
                let found = self.frames.get(index);
                match found.filter(|frame| frame.delivery == number) {
                    Some(_) => self.shown([
                        (Role::Before, self.beside(index, false)),
                        (Role::Event, Some(index)),
                        (Role::After, self.beside(index, true)),
                    ]),
                    None => Vec::new(),
                }
            }
            Around::Time(at) => self.split(|frame| (frame.leg, frame.at) <= (leg, at)),
            Around::Opening => self.split(|frame| frame.leg < leg),
        }
    }

    fn between(
        &self,
        before: Option<Spot>,
        first: Option<Spot>,
        after: Option<Spot>,
        count: u64,
    ) -> Vec<(Role, &'a Frame)> {
        let find = |spot: Option<Spot>| self.places.get(&spot?).copied();
        let event = find(first);
        // The first of its leg has one of an earlier leg before it.
        let before = find(before).or_else(|| self.beside(event?, false));
        let after = find(after);
        let (from, to) = (before.or(event), after.or(event));
        let (Some(from), Some(to)) = (from, to) else {
            return self.shown([(Role::Before, before), (Role::After, after)]);
        };
        let distance = |to: usize| self.frames[to].serial.abs_diff(self.frames[from].serial);
        if from > to || distance(to) > MOST_SHOWN {
            return self.shown([
                (Role::Before, before),
                (Role::Event, event),
                (Role::After, after),
            ]);
        }
        let at_fault = |frame: &Frame| {
            let spot = first.filter(|first| first.leg == frame.leg);
            let offset = spot.and_then(|first| frame.ordinal?.checked_sub(first.ordinal));
            offset.is_some_and(|offset| u64::from(offset) < count)
        };
        let role = |index: usize| match Some(index) {
            index if index == before => Role::Before,
            index if index == after => Role::After,
            _ if at_fault(self.frames[index]) => Role::Event,
            _ => Role::Between,
        };
        (from..=to)
            .map(|index| (role(index), self.frames[index]))
            .collect()
    }

    /// The last of those that come before, and the first that does not.
    fn split(&self, comes_before: impl Fn(&Frame) -> bool) -> Vec<(Role, &'a Frame)> {
        let index = self.frames.partition_point(|frame| comes_before(frame));
        let before = index.checked_sub(1);
        let after = (index < self.frames.len()).then_some(index);
        // With a hole between them they are not neighbours.
        let serial = |index: usize| self.frames[index].serial;
        let adjoin = after
            .is_none_or(|after| serial(after) == before.map_or(0, |before| serial(before) + 1));
        if !adjoin {
            return Vec::new();
        }
        self.shown([(Role::Before, before), (Role::After, after)])
    }

    /// The block just before or after this one.
    fn beside(&self, index: usize, after: bool) -> Option<usize> {
        let other = if after {
            index + 1
        } else {
            index.checked_sub(1)?
        };
        let (one, other_frame) = (self.frames.get(index)?, self.frames.get(other)?);
        (one.serial.abs_diff(other_frame.serial) == 1).then_some(other)
    }

    fn shown<const N: usize>(&self, some: [(Role, Option<usize>); N]) -> Vec<(Role, &'a Frame)> {
        let some = some.into_iter();
        some.filter_map(|(role, index)| Some((role, self.frames[index?])))
            .collect()
    }
}
