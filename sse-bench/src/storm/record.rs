//! Where each slot of one thread stands in a storm.

use std::time::Duration;

use super::order::Place;
use super::tally::Tally;

/// What becomes of a slot in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// No storm is on, or the slot was not open when this one began.
    #[default]
    Calm,
    /// Open since before the storm.
    AtRisk,
    /// Lost, and not open again.
    Lost,
    /// Open again.
    Open,
    /// Open again, and reads slowly: nobody waits for it to catch up.
    OpenSlow,
    /// Open again, and caught up.
    CaughtUp,
    /// Over for good by a failure: a refusal, as `EventSource` takes it.
    GivenUp,
    /// Told by a 204 to stop.
    Stopped,
}

const PHASES: usize = 8;

/// How many slots are in each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases([u32; PHASES]);

impl Phases {
    /// How many are in this one.
    pub fn of(&self, phase: Phase) -> u32 {
        self.0[phase as usize]
    }

    /// Adds those of another thread.
    pub fn merge(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            *mine += others;
        }
    }

    fn moves(&mut self, from: Phase, to: Phase) {
        self.0[from as usize] -= 1;
        self.0[to as usize] += 1;
    }
}

/// What became of one slot. Times since the start of the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fate {
    /// Where it stood in the end.
    pub phase: Phase,
    /// 0 reads as fast as it can.
    pub cohort: usize,
    /// Whether it has tried to come back.
    pub tried: bool,
    /// Its first loss.
    pub lost_at: Option<Duration>,
    /// When the connection opened that was still open in the end.
    pub opened_at: Option<Duration>,
    /// When that had caught up.
    pub caught_up_at: Option<Duration>,
}

impl Fate {
    /// Whether it was lost and has not tried to come back since.
    pub fn is_waiting(&self) -> bool {
        self.phase == Phase::Lost && !self.tried
    }
}

/// One slot.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    open: bool,
    cohort: usize,
    fate: Fate,
    /// The place it must reach to have caught up.
    goal: Place,
    /// Its last loss and the reconnection time then in force, until the next attempt.
    away: Option<(Duration, Duration)>,
}

/// The slots of one thread, and what is counted of them.
#[derive(Debug, Default)]
pub struct Record {
    slots: Vec<Entry>,
    phases: Phases,
    /// What is counted while a storm is on.
    pub tally: Tally,
}

impl Record {
    /// Of this many slots.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: vec![Entry::default(); slots],
            ..Self::default()
        }
    }

    /// A storm begins: all that are open are at risk.
    pub fn begin(&mut self) {
        self.tally = Tally::default();
        self.phases = Phases::default();
        for entry in &mut self.slots {
            let phase = if entry.open {
                Phase::AtRisk
            } else {
                Phase::Calm
            };
            entry.fate = Fate {
                phase,
                cohort: entry.cohort,
                ..Fate::default()
            };
            entry.away = None;
            self.phases.0[phase as usize] += 1;
        }
    }

    /// The storm is over: what became of those that were at risk.
    pub fn end(&mut self) -> (Vec<Fate>, Tally) {
        let fates = self.slots.iter().map(|entry| entry.fate);
        let fates = fates.filter(|fate| fate.phase != Phase::Calm).collect();
        (fates, std::mem::take(&mut self.tally))
    }

    /// How many slots are in each phase.
    pub fn phases(&self) -> Phases {
        self.phases
    }

    /// A connection has opened. Until it has seen an event that the slot had not
    /// had before and that is at least as new as `newest`, it has not caught up.
    pub fn opened(&mut self, slot: usize, at: Duration, newest: Place, cohort: usize) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        entry.open = true;
        entry.cohort = cohort;
        entry.goal = entry.goal.max(newest);
        if entry.fate.phase == Phase::Lost {
            entry.fate.opened_at = Some(at);
            let phase = if cohort == 0 {
                Phase::Open
            } else {
                Phase::OpenSlow
            };
            self.go(slot, phase);
        }
    }

    /// An open connection was lost, of a slot that had come as far as `place`.
    pub fn lost(&mut self, slot: usize, at: Duration, place: Place, time: Duration) -> bool {
        let Some(entry) = self.slots.get_mut(slot) else {
            return false;
        };
        entry.open = false;
        entry.goal = place + 1;
        let again = match entry.fate.phase {
            Phase::Open | Phase::OpenSlow | Phase::CaughtUp => true,
            Phase::AtRisk => false,
            _ => return false,
        };
        entry.away = Some((at, time));
        entry.fate.lost_at.get_or_insert(at);
        (entry.fate.opened_at, entry.fate.caught_up_at) = (None, None);
        self.tally.lost_again += u64::from(again);
        self.go(slot, Phase::Lost);
        true
    }

    /// An attempt begins.
    pub fn attempt(&mut self, slot: usize, at: Duration) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        if let Some((lost_at, time)) = entry.away.take() {
            entry.fate.tried = true;
            let wait = at.saturating_sub(lost_at);
            self.tally.waits.record(wait);
            self.tally.early += u64::from(wait < time);
        }
    }

    /// The slot has received events: the newest was at `place`, which is 0 where
    /// ids do not count.
    pub fn received(&mut self, slot: usize, at: Duration, place: Place, by_id: bool) {
        let Some(entry) = self.slots.get_mut(slot) else {
            return;
        };
        let is_open = matches!(entry.fate.phase, Phase::Open | Phase::OpenSlow);
        if is_open && (!by_id || place >= entry.goal) {
            entry.fate.caught_up_at = Some(at);
            self.go(slot, Phase::CaughtUp);
        }
    }

    /// The slot is over for good.
    pub fn over(&mut self, slot: usize, phase: Phase) {
        let lost = |entry: &Entry| entry.fate.phase == Phase::Lost;
        if self.slots.get(slot).is_some_and(lost) {
            self.go(slot, phase);
        }
    }

    fn go(&mut self, slot: usize, to: Phase) {
        let phase = &mut self.slots[slot].fate.phase;
        self.phases.moves(*phase, to);
        *phase = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    /// Two slots, both open; a storm is on.
    fn record() -> Record {
        let mut record = Record::new(3);
        record.opened(0, seconds(1), 0, 0);
        record.opened(1, seconds(1), 0, 0);
        record.begin();
        assert_eq!(record.phases().of(Phase::AtRisk), 2);
        record
    }

    #[test]
    fn a_slot_catches_up_with_what_was_known_when_it_opened_again() {
        let mut record = record();
        assert!(record.lost(0, seconds(10), 7, seconds(2)));
        record.attempt(0, seconds(12));
        record.opened(0, seconds(13), 9, 0);
        record.received(0, seconds(14), 8, true);
        assert_eq!(record.phases().of(Phase::Open), 1);
        record.received(0, seconds(15), 9, true);
        assert_eq!(record.phases().of(Phase::CaughtUp), 1);
        let (fates, tally) = record.end();
        assert_eq!(
            fates.len(),
            2,
            "the slot that was never open is no part of it"
        );
        assert_eq!(fates[0].opened_at, Some(seconds(13)));
        assert_eq!(fates[0].caught_up_at, Some(seconds(15)));
        assert_eq!(fates[1].phase, Phase::AtRisk);
        assert_eq!((tally.early, tally.waits.summary().unwrap().count), (0, 1));
    }

    #[test]
    fn what_was_received_before_the_loss_is_no_catching_up() {
        let mut record = record();
        record.lost(0, seconds(10), 7, seconds(2));
        record.opened(0, seconds(12), 7, 0);
        record.received(0, seconds(12), 7, true);
        assert_eq!(record.phases().of(Phase::Open), 1);
        record.received(0, seconds(12), 8, true);
        assert_eq!(record.phases().of(Phase::CaughtUp), 1);
    }

    #[test]
    fn a_slot_that_reads_slowly_is_not_waited_for() {
        let mut record = Record::new(1);
        record.opened(0, seconds(1), 0, 1);
        record.begin();
        record.lost(0, seconds(10), 7, seconds(2));
        record.opened(0, seconds(12), 7, 1);
        assert_eq!(record.phases().of(Phase::OpenSlow), 1);
        record.received(0, seconds(13), 8, true);
        let (fates, _) = record.end();
        assert_eq!((fates[0].phase, fates[0].cohort), (Phase::CaughtUp, 1));
    }

    #[test]
    fn an_opening_that_does_not_last_does_not_count() {
        let mut record = record();
        record.lost(0, seconds(10), 0, seconds(2));
        record.opened(0, seconds(11), 0, 0);
        record.received(0, seconds(11), 0, false);
        record.lost(0, seconds(12), 0, seconds(2));
        assert_eq!(record.phases().of(Phase::Lost), 1);
        record.attempt(0, seconds(13));
        record.over(0, Phase::GivenUp);
        let (fates, tally) = record.end();
        assert_eq!((tally.lost_again, tally.early), (1, 1));
        assert_eq!(fates[0].phase, Phase::GivenUp);
        assert_eq!(fates[0].lost_at, Some(seconds(10)));
        assert_eq!((fates[0].opened_at, fates[0].caught_up_at), (None, None));
    }
}
