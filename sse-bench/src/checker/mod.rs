//! What connections received, recorded and judged, without I/O and without a clock.
//!
//! A [`Checker`] is told, with the time since the start of the run, which
//! connections (legs) the slots of one group opened and closed and what each
//! received; [`Checker::judge`] says what was lost, repeated or out of order.
//!
//! Each event gets the next index of one global table when its first receiver
//! has it, so a leg on which nothing is wrong receives consecutive indexes, and
//! one run of them is all that is kept of it. What all slots have received once
//! and in order is let go of; memory grows with the anomalies and with what came
//! after the first of them, not with the deliveries.

mod findings;
mod greeting;
mod identity;
mod intervals;
mod judge;
mod lag;
mod order;
mod owed;
mod prune;
mod reconnects;
mod record;
mod shared;
mod sighting;
mod slot;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use findings::{
    Anomaly, AnomalyKind, Around, Findings, Integrity, LegResult, Level, Log, Logged, Mode,
    Reconnects, Reopened, Replays, Spot, Strangers, Undecided,
};
pub use identity::{Arrival, KeyPointer, Sequence};
pub use record::LegEnd;
pub use sighting::{Sighter, Sighting};

use greeting::{Held, Types};
use lag::Lags;
use prune::{Again, LetGo};
use record::{Leg, SlotRecord};
use sighting::Class;
use table::{Place, Seen, Table, name_of_namesake};

/// Microseconds since the start of the run.
pub type Micros = u64;

/// Anomalies listed by name, of each kind.
const LISTED: usize = 10;

/// What a checker goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Events of these types are no part of the stream.
    pub control_events: Vec<String>,
    /// Events of these types announce what is missing.
    pub gap_events: Vec<String>,
    /// Where a number without holes stands.
    pub sequence: Option<Sequence>,
    /// Where a unique value stands in the data, if there are neither ids nor a sequence.
    pub key_pointer: Option<KeyPointer>,
    /// Only data that contains this has a number.
    pub marker: Option<String>,
    /// The silence that is a stall while others receive.
    pub stall: Micros,
    /// How long a replay may take from the opening of its leg.
    pub delivery_timeout: Micros,
    /// What is first received later than this before the end is owed to nobody.
    pub drain: Micros,
    /// Events known and runs recorded, at most, beyond which nothing is recorded.
    pub most_records: usize,
    /// Events known, or legs and runs, at which it is first looked for what is settled.
    pub prune_at: usize,
    /// Settled events whose names are still known, at most.
    pub remembered: usize,
    /// Anomalies in the log, at most; 0 keeps none.
    pub logged: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            control_events: vec!["connected".into()],
            gap_events: vec!["gap".into()],
            sequence: None,
            key_pointer: None,
            marker: None,
            stall: 5_000_000,
            delivery_timeout: 5_000_000,
            drain: 3_000_000,
            most_records: 20_000_000,
            prune_at: 16_384,
            remembered: 1_000_000,
            logged: 0,
        }
    }
}

/// Records one group of slots.
#[derive(Debug, Clone)]
pub struct Checker {
    settings: Settings,
    table: Table,
    types: Types,
    slots: Vec<SlotRecord>,
    counts: Counts,
    /// Runs and legs.
    runs: usize,
    /// Legs that are open.
    open: usize,
    /// Events known, and runs and legs, when it is next looked for what is settled.
    prune_at: usize,
    prune_runs_at: usize,
    let_go: LetGo,
    lags: Lags,
    /// When the bound on records was reached.
    truncated: Option<Micros>,
    /// Numbers that were published and acknowledged, where only these are owed.
    acknowledged: Option<HashMap<u64, Micros>>,
}

/// What is counted as it arrives.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    deliveries: u64,
    control: u64,
    unkeyed: u64,
    gap_events: u64,
    /// Ids on which the expression of the sequence does not match, and matches.
    unnumbered: u64,
    numbered: u64,
    /// Events received again after they were let go of; those of them at or before
    /// the last event ID of their leg; and those with another content.
    repeats: u64,
    overlaps: u64,
    conflicts: u64,
}

/// What is known of an event when it is received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reception {
    /// How much later than the first slot to receive it, if that was after the leg
    /// had opened.
    pub skew: Option<Micros>,
    /// Its number among the receptions of all slots.
    pub delivery: u64,
    /// Keyed events of the leg before it; `None` if it has no key.
    pub ordinal: Option<u32>,
    /// It does not simply follow the one before it: the next event as others
    /// received them, not announcing a loss, with the content that is known.
    pub is_unusual: bool,
}

/// Counts while a run goes on; what was lost or repeated is known at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Events told apart.
    pub told_apart: u64,
    /// Control events.
    pub control: u64,
    /// Events that nothing tells from others.
    pub unkeyed: u64,
    /// Losses that the server announced.
    pub announced: u64,
    /// Ids with more than one content.
    pub id_conflict: u64,
}

impl Checker {
    /// A checker that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            prune_at: settings.prune_at,
            prune_runs_at: settings.prune_at,
            table: Table::naming(settings.logged.max(LISTED)),
            let_go: LetGo {
                log: Log::new(settings.logged),
                ..LetGo::default()
            },
            settings,
            types: Types::default(),
            slots: Vec::new(),
            counts: Counts::default(),
            runs: 0,
            open: 0,
            lags: Lags::default(),
            truncated: None,
            acknowledged: None,
        }
    }

    /// What is known before the run is judged.
    pub fn so_far(&self) -> SoFar {
        SoFar {
            told_apart: self.table.len().into(),
            control: self.counts.control,
            unkeyed: self.counts.unkeyed,
            announced: self.counts.gap_events,
            id_conflict: self.table.conflicting,
        }
    }

    /// Events known and runs of them: what a copy costs.
    pub fn records(&self) -> usize {
        self.runs + self.table.len() as usize
    }

    /// A copy to [`judge`](Self::judge) while this one goes on: the names that only
    /// further events would be compared with are not in it.
    #[must_use]
    pub fn copy_to_judge(&mut self) -> Self {
        let names = self.table.remembered.take_names();
        let copy = self.clone();
        self.table.remembered = names;
        copy
    }

    /// So many slots more.
    pub fn add_slots(&mut self, count: usize) {
        self.slots.reserve_exact(count);
        for _ in 0..count {
            self.add_slot();
        }
    }

    /// Another slot: its number.
    pub fn add_slot(&mut self) -> usize {
        self.slots.push(SlotRecord::default());
        self.slots.len() - 1
    }

    /// The slot is about to ask for a stream. What comes to others before this is
    /// history to it; what comes between this and the answer may be live or replayed.
    pub fn asked(&mut self, slot: usize, at: Micros) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.asked = Some(at);
        }
    }

    /// A leg of the slot opened, with this last event ID in its request: asked for now,
    /// where it was not said [before](Self::asked).
    pub fn opened(&mut self, slot: usize, at: Micros, cursor: &str) {
        if self.truncated.is_some() {
            return;
        }
        let resumes = !cursor.is_empty();
        let cursor = resumes.then(|| self.table.find(cursor)).flatten();
        let head = self.table.len();
        if let Some(slot) = self.slots.get_mut(slot) {
            let asked = slot.asked.take().unwrap_or(at).min(at);
            let number = slot.opened + 1;
            let mut leg = Leg::new(number, asked, at, resumes, cursor, head);
            let upto = cursor.map_or(head, |cursor| cursor + 1);
            leg.resumed_at = (self.let_go.events as u32).wrapping_add(upto);
            slot.push(leg);
            self.runs += 1;
            self.open += 1;
        }
        self.bound(at);
    }

    /// The open leg of the slot ended.
    pub fn closed(&mut self, slot: usize, at: Micros, end: LegEnd) {
        let at = self.truncated.map_or(at, |truncated| truncated.min(at));
        let stall = self.settings.stall;
        if let Some(leg) = self.leg(slot) {
            leg.close(at, end, stall);
            self.open -= 1;
        }
    }

    /// A slot that had been open was refused, and does not come back.
    pub fn rejected(&mut self, slot: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.rejected = true;
        }
    }

    /// The slot does not come back, whatever the reason.
    pub fn gone(&mut self, slot: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.gone = true;
        }
    }

    /// The publisher was told that the event of this number is accepted; from
    /// the first call on only such numbers are owed.
    pub fn acknowledged(&mut self, number: u64, at: Micros) {
        self.acknowledged.get_or_insert_default().insert(number, at);
    }

    /// Only what [`acknowledged`](Self::acknowledged) says is owed.
    pub fn owe_acknowledged(&mut self) {
        self.acknowledged.get_or_insert_default();
    }

    /// What was ready to be read at `since` was read by `at`: said often, for each
    /// reader, this is how a server is not charged with the slowness of its readers.
    pub fn looked(&mut self, reader: usize, since: Micros, at: Micros) {
        self.lags.looked(reader, since, at);
    }

    /// The open leg of the slot received an event.
    pub fn sighted(&mut self, slot: usize, at: Micros, sighting: &Sighting<'_>) -> Reception {
        let mut reception = Reception::default();
        if self.truncated.is_some() {
            return reception;
        }
        self.counts.deliveries += 1;
        reception.delivery = self.counts.deliveries;
        self.take(slot, at, sighting, &mut reception);
        reception
    }

    fn take(
        &mut self,
        slot: usize,
        at: Micros,
        sighting: &Sighting<'_>,
        reception: &mut Reception,
    ) -> Option<()> {
        let stall = self.settings.stall;
        let leg = self.slots.get_mut(slot).and_then(SlotRecord::open_leg)?;
        reception.is_unusual = leg.heard(at, stall);
        match sighting.class {
            Class::Event => {}
            Class::Gap(missed) => {
                self.counts.gap_events += 1;
                leg.announced(at, missed);
                reception.is_unusual = true;
                return None;
            }
            Class::Control => {
                self.counts.control += 1;
                return None;
            }
        }
        let first_on_leg = !std::mem::replace(&mut leg.has_events, true);
        let (opened, ordinal) = (leg.opened, leg.gone + leg.received);
        let may_greet = first_on_leg && self.types.may_greet(sighting.event_type);
        if may_greet {
            let age = at.saturating_sub(opened);
            self.types.first_on_leg(sighting.event_type, age);
        } else if !first_on_leg {
            for held in self.types.seen_elsewhere(sighting.event_type) {
                self.release(&held);
            }
        }
        match sighting.numbered {
            Some(true) => self.counts.numbered += 1,
            Some(false) => self.counts.unnumbered += 1,
            None => {}
        }
        let seen = Seen {
            slot: slot as u32,
            leg: self.slots[slot].opened,
            delivery: reception.delivery,
            at,
            age: at.saturating_sub(opened),
            content: sighting.content,
            has_id: sighting.has_id,
            watchers: self.open.min(255) as u8,
        };
        let namesake = self.namesake(sighting, &seen);
        let sighting = &sighting.named(namesake.as_deref());
        let index = match self.table.add(sighting, &seen) {
            Some(Place::Index(index)) => index,
            Some(Place::Gone(again, event)) => {
                self.repeated(&seen, sighting, again, event);
                reception.is_unusual = true;
                return None;
            }
            None => {
                self.counts.unkeyed += 1;
                return None;
            }
        };
        if may_greet {
            let held = Held {
                slot,
                leg: seen.leg,
                index,
                seen,
            };
            self.types.hold(sighting.event_type, held);
        } else {
            reception.is_unusual |= self.table.confirm(index, &seen);
        }
        let first = &self.table.keys[index as usize];
        let new = first.first_at >= opened && first.first_slot != seen.slot;
        reception.skew = new.then(|| at.saturating_sub(first.first_at));
        reception.ordinal = Some(ordinal);
        reception.is_unusual |= self.append(slot, index, at);
        Some(())
    }

    /// One id may name several events on each connection. What a slot is given under an
    /// id that it had with other content, or that was used before it came, is another
    /// event, and no repeat: a name for it.
    fn namesake(&mut self, sighting: &Sighting<'_>, seen: &Seen) -> Option<String> {
        let id = sighting.key.filter(|_| sighting.number.is_none())?;
        let first = self.table.other_content(id, seen.content)?;
        let name = name_of_namesake(id, seen.content);
        if self.table.find(&name).is_none() {
            let slot = &self.slots[seen.slot as usize];
            let before = slot.began_after(self.table.keys[first as usize].first_at);
            if !before && !slot.has(first) {
                return None;
            }
            self.table.add_namesake(first);
        }
        Some(name)
    }

    /// An event that was let go of came again.
    fn repeated(&mut self, seen: &Seen, sighting: &Sighting<'_>, again: Again, event: u32) {
        let number = seen.slot as usize;
        let slot = &mut self.slots[number];
        if !slot.begun {
            // History, to a slot that is new.
            self.counts.unkeyed += 1;
            return;
        }
        let reconnected = slot.opened > 1;
        if again != Again::Same {
            self.counts.unkeyed += 1;
        }
        self.counts.repeats += u64::from(again == Again::Same);
        if let Some(leg) = slot.open_leg()
            && again == Again::Same
            && reconnected
            && event.wrapping_sub(leg.resumed_at).cast_signed() < 0
        {
            leg.repeats += 1;
            self.counts.overlaps += 1;
        }
        self.counts.conflicts += u64::from(again == Again::Conflict);
        let Some(name) = sighting.key else {
            return;
        };
        let anomaly = Anomaly {
            kind: match again {
                Again::Same => AnomalyKind::Duplicate,
                Again::Conflict | Again::KnownConflict => AnomalyKind::IdConflict,
            },
            slot: number + 1,
            leg: slot.opened as usize,
            at: seen.at,
            count: 1,
            first: Some(name.to_string()),
            last: Some(name.to_string()),
        };
        self.let_go.list(anomaly, Around::Delivery(seen.delivery));
    }

    /// Whether it does not follow the event before it.
    fn append(&mut self, slot: usize, index: u32, at: Micros) -> bool {
        let timeout = self.settings.delivery_timeout;
        let mut breaks = false;
        if let Some(leg) = self.leg(slot) {
            let runs = leg.runs.len();
            leg.append(index, at, timeout);
            let added = leg.runs.len() - runs;
            breaks = added > 0 && runs > 0;
            self.runs += added;
        }
        self.bound(at);
        breaks
    }

    /// Lets go of what is settled, now and then; beyond the bound nothing more is recorded.
    fn bound(&mut self, at: Micros) {
        if self.records() > self.settings.most_records {
            self.truncated = Some(at);
        } else if self.table.len() as usize >= self.prune_at || self.runs >= self.prune_runs_at {
            self.prune(at);
        }
    }

    /// The first event of a leg is known to be no greeting.
    fn release(&mut self, held: &Held) {
        self.table.confirm_held(held.index, &held.seen);
    }

    fn leg(&mut self, slot: usize) -> Option<&mut Leg> {
        self.slots.get_mut(slot)?.open_leg()
    }
}
