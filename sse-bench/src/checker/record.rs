//! What is kept of a slot and its legs.

use super::Micros;
use super::findings::LegResult;

/// Consecutive indexes of the table, received one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// How a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEnd {
    /// This side cut it, in the manner of this number.
    Cut(u16),
    /// The server or the network ended it.
    Server,
    /// The run was over.
    EndOfRun,
}

/// A loss that the server announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announcement {
    /// Keyed events that the leg had received before.
    pub(super) ordinal: u32,
    pub(super) at: Micros,
    /// How many; `None` if it does not say.
    pub(super) missed: Option<u64>,
}

/// One physical connection.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// When its request was sent: the server answered after this.
    pub(super) asked: Micros,
    /// When the head of the response was read.
    pub(super) opened: Micros,
    pub(super) ended: Option<(Micros, LegEnd)>,
    /// Its request had a last event ID.
    pub(super) resumes: bool,
    /// The event that it named, if that is known.
    pub(super) cursor: Option<u32>,
    /// Events known when it opened.
    pub(super) head: u32,
    pub(super) runs: Vec<Run>,
    /// Keyed events received, and those of them before the delivery timeout.
    pub(super) received: u32,
    /// Keyed events received before those, that are no longer counted.
    pub(super) gone: u32,
    pub(super) in_time: u32,
    pub(super) first_at: Option<Micros>,
    second_at: Option<Micros>,
    /// When it first received something after the delivery timeout.
    pub(super) late_at: Option<Micros>,
    /// When it first received the newest event known when it opened, or a newer one.
    pub(super) caught_up: Option<Micros>,
    pub(super) announcements: Vec<Announcement>,
    /// Silences as long as a stall.
    pub(super) silences: Vec<(Micros, Micros)>,
    heard_at: Micros,
    /// Any event but control events.
    pub(super) has_events: bool,
    /// What came of the reconnect that opened it, once that is settled.
    pub(super) result: Option<LegResult>,
    /// Its first receptions were let go of.
    pub(super) trimmed: bool,
    /// The events since the start, up to its last event ID; may wrap.
    pub(super) resumed_at: u32,
    /// Events up to there received again after they were let go of.
    pub(super) repeats: u32,
}

/// A slot.
#[derive(Debug, Clone, Default)]
pub(super) struct SlotRecord {
    pub(super) legs: Vec<Leg>,
    /// When the request that is underway was sent.
    pub(super) asked: Option<Micros>,
    pub(super) rejected: bool,
    /// It does not come back.
    pub(super) gone: bool,
    /// Legs before these that were let go of.
    pub(super) dropped: usize,
    /// What is owed to it starts before what is kept.
    pub(super) begun: bool,
    /// Owed and received, of what was let go of.
    pub(super) expected: u64,
    /// A leg that was let go of was long enough for a stall to show.
    pub(super) watched: bool,
    /// The first stall: on which leg, from 0 and dropped ones included, and since when.
    pub(super) stalled: Option<(usize, Micros)>,
}

impl SlotRecord {
    /// Of the last leg, from 1.
    pub(super) fn number(&self) -> usize {
        self.dropped + self.legs.len()
    }

    /// Whether it asked for its first leg after this time.
    pub(super) fn began_after(&self, at: Micros) -> bool {
        let first = self.legs.first().filter(|_| self.dropped == 0);
        first.is_some_and(|leg| leg.asked > at)
    }

    /// Legs that ended before the run did.
    pub(super) fn lost(&self) -> u64 {
        let lost = |leg: &&Leg| !matches!(leg.ended, None | Some((_, LegEnd::EndOfRun)));
        (self.dropped + self.legs.iter().filter(lost).count()) as u64
    }

    /// Whether it received the event of this index.
    pub(super) fn has(&self, index: u32) -> bool {
        let mut runs = self.legs.iter().flat_map(|leg| &leg.runs);
        runs.any(|run| (run.start..run.start + run.length).contains(&index))
    }

    pub(super) fn open_leg(&mut self) -> Option<&mut Leg> {
        self.legs.last_mut().filter(|leg| leg.ended.is_none())
    }
}

impl Leg {
    pub(super) fn new(
        asked: Micros,
        opened: Micros,
        resumes: bool,
        cursor: Option<u32>,
        head: u32,
    ) -> Self {
        Self {
            asked,
            opened,
            ended: None,
            resumes,
            cursor,
            head,
            runs: Vec::new(),
            received: 0,
            gone: 0,
            in_time: 0,
            first_at: None,
            second_at: None,
            late_at: None,
            caught_up: None,
            announcements: Vec::new(),
            silences: Vec::new(),
            heard_at: opened,
            has_events: false,
            result: None,
            trimmed: false,
            resumed_at: 0,
            repeats: 0,
        }
    }

    /// The first `count` events of the table are gone.
    pub(super) fn drop_front(&mut self, count: u32) {
        let mut dropped = 0;
        self.runs.retain_mut(|run| {
            let here = count.saturating_sub(run.start).min(run.length);
            dropped += here;
            run.start = (run.start + here).saturating_sub(count);
            run.length -= here;
            run.length > 0
        });
        self.trimmed |= dropped > 0;
        self.received -= dropped;
        self.gone += dropped;
        self.in_time = self.in_time.saturating_sub(dropped);
        self.announcements
            .retain(|announcement| announcement.ordinal >= dropped);
        for announcement in &mut self.announcements {
            announcement.ordinal -= dropped;
        }
        self.cursor = self.cursor.and_then(|cursor| cursor.checked_sub(count));
        self.head = self.head.saturating_sub(count);
    }

    pub(super) fn append(&mut self, index: u32, at: Micros, timeout: Micros) {
        match self.runs.last_mut() {
            Some(run) if run.start + run.length == index => run.length += 1,
            _ => self.runs.push(Run {
                start: index,
                length: 1,
            }),
        }
        if index + 1 >= self.head && self.caught_up.is_none() {
            self.caught_up = Some(at);
        }
        self.count(at, timeout);
    }

    /// Takes its first keyed event away.
    pub(super) fn drop_first(&mut self) {
        let Some(run) = self.runs.first_mut() else {
            return;
        };
        (run.start, run.length) = (run.start + 1, run.length - 1);
        if run.length == 0 {
            self.runs.remove(0);
        }
        self.received -= 1;
        self.gone += 1;
        self.in_time = self.in_time.saturating_sub(1);
        self.first_at = self.second_at;
        for announcement in &mut self.announcements {
            announcement.ordinal = announcement.ordinal.saturating_sub(1);
        }
    }

    fn count(&mut self, at: Micros, timeout: Micros) {
        self.received += 1;
        if at <= self.opened + timeout {
            self.in_time += 1;
        } else {
            self.late_at.get_or_insert(at);
        }
        match self.received {
            1 => self.first_at = Some(at),
            2 => self.second_at = Some(at),
            _ => {}
        }
    }

    pub(super) fn announced(&mut self, at: Micros, missed: Option<u64>) {
        self.announcements.push(Announcement {
            ordinal: self.received,
            at,
            missed,
        });
    }

    /// Any event arrived: a silence is over. Whether it was as long as a stall.
    pub(super) fn heard(&mut self, at: Micros, stall: Micros) -> bool {
        let long = at.saturating_sub(self.heard_at) >= stall;
        if long {
            self.silences.push((self.heard_at, at));
        }
        self.heard_at = at;
        long
    }

    pub(super) fn close(&mut self, at: Micros, end: LegEnd, stall: Micros) {
        self.heard(at, stall);
        self.ended = Some((at, end));
    }

    pub(super) fn closed_at(&self) -> Micros {
        self.ended.map_or(Micros::MAX, |(at, _)| at)
    }
}
