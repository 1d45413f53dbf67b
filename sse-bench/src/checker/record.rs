//! What is kept of a slot and its legs.

use smallvec::SmallVec;

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

/// A moment that may not have come. Half as large as an `Option`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(Micros);

impl Moment {
    const NEVER: Self = Self(Micros::MAX);

    pub(super) fn get(self) -> Option<Micros> {
        Some(self.0).filter(|at| *at < Micros::MAX)
    }

    fn set_first(&mut self, at: Micros) {
        self.0 = self.0.min(at);
    }
}

/// What few legs have anything of.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare {
    announcements: Vec<Announcement>,
    /// Silences as long as a stall.
    silences: Vec<(Micros, Micros)>,
}

/// One physical connection. There is at least one of each client, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// Of its slot, from 1.
    pub(super) number: u32,
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
    pub(super) runs: SmallVec<[Run; 2]>,
    /// Keyed events received, and those of them before the delivery timeout.
    pub(super) received: u32,
    /// Keyed events received before those, that are no longer counted.
    pub(super) gone: u32,
    pub(super) in_time: u32,
    pub(super) first_at: Moment,
    second_at: Moment,
    /// When it first received something after the delivery timeout.
    pub(super) late_at: Moment,
    /// When it first received the newest event known when it opened, or a newer one.
    pub(super) caught_up: Moment,
    rare: Option<Box<Rare>>,
    heard_at: Micros,
    /// Any event but control events.
    pub(super) has_events: bool,
    /// What came of the reconnect that opened it, once that is settled.
    pub(super) result: Option<Box<LegResult>>,
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
    /// Legs that it ever had.
    pub(super) opened: u32,
    /// What is owed to it starts before what is kept.
    pub(super) begun: bool,
    /// Owed and received, of what was let go of.
    pub(super) expected: u64,
    /// A leg that was let go of was long enough for a stall to show.
    pub(super) watched: bool,
    /// The first stall: on which leg, by its number, and since when.
    pub(super) stalled: Option<(u32, Micros)>,
}

impl SlotRecord {
    /// Room is made for one at a time: most slots have one or two at once.
    pub(super) fn push(&mut self, leg: Leg) {
        self.opened = leg.number;
        self.legs.reserve_exact(1);
        self.legs.push(leg);
    }

    /// The leg of this number, if it is still known.
    pub(super) fn leg(&mut self, number: u32) -> Option<&mut Leg> {
        let at = self.legs.binary_search_by_key(&number, |leg| leg.number);
        self.legs.get_mut(at.ok()?)
    }

    /// Whether it asked for its first leg after this time.
    pub(super) fn began_after(&self, at: Micros) -> bool {
        let first = self.legs.first().filter(|leg| leg.number == 1);
        first.is_some_and(|leg| leg.asked > at)
    }

    /// Legs that ended before the run did.
    pub(super) fn lost(&self) -> u64 {
        let lasted = |leg: &Leg| matches!(leg.ended, None | Some((_, LegEnd::EndOfRun)));
        u64::from(self.opened) - u64::from(self.legs.last().is_some_and(lasted))
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
        number: u32,
        asked: Micros,
        opened: Micros,
        resumes: bool,
        cursor: Option<u32>,
        head: u32,
    ) -> Self {
        Self {
            number,
            asked,
            opened,
            ended: None,
            resumes,
            cursor,
            head,
            runs: SmallVec::new(),
            received: 0,
            gone: 0,
            in_time: 0,
            first_at: Moment::NEVER,
            second_at: Moment::NEVER,
            late_at: Moment::NEVER,
            caught_up: Moment::NEVER,
            rare: None,
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
        self.runs.retain(|run| {
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
        if let Some(rare) = &mut self.rare {
            rare.announcements
                .retain(|announcement| announcement.ordinal >= dropped);
            for announcement in &mut rare.announcements {
                announcement.ordinal -= dropped;
            }
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
        if index + 1 >= self.head {
            self.caught_up.set_first(at);
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
        for announcement in self
            .rare
            .iter_mut()
            .flat_map(|rare| &mut rare.announcements)
        {
            announcement.ordinal = announcement.ordinal.saturating_sub(1);
        }
    }

    fn count(&mut self, at: Micros, timeout: Micros) {
        self.received += 1;
        if at <= self.opened + timeout {
            self.in_time += 1;
        } else {
            self.late_at.set_first(at);
        }
        match self.received {
            1 => self.first_at = Moment(at),
            2 => self.second_at = Moment(at),
            _ => {}
        }
    }

    pub(super) fn announced(&mut self, at: Micros, missed: Option<u64>) {
        let ordinal = self.received;
        self.rare().announcements.push(Announcement {
            ordinal,
            at,
            missed,
        });
    }

    /// Any event arrived: a silence is over. Whether it was as long as a stall.
    pub(super) fn heard(&mut self, at: Micros, stall: Micros) -> bool {
        let long = at.saturating_sub(self.heard_at) >= stall;
        if long {
            let silence = (self.heard_at, at);
            self.rare().silences.push(silence);
        }
        self.heard_at = at;
        long
    }

    pub(super) fn close(&mut self, at: Micros, end: LegEnd, stall: Micros) {
        self.heard(at, stall);
        self.ended = Some((at, end));
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Forgets silences that were decided.
    pub(super) fn keep_silences(&mut self, keep: impl Fn(&(Micros, Micros)) -> bool) {
        if let Some(rare) = &mut self.rare {
            rare.silences.retain(keep);
            if rare.silences.is_empty() && rare.announcements.is_empty() {
                self.rare = None;
            }
        }
    }

    pub(super) fn announcements(&self) -> &[Announcement] {
        self.rare.as_ref().map_or(&[], |rare| &rare.announcements)
    }

    /// Silences as long as a stall.
    pub(super) fn silences(&self) -> &[(Micros, Micros)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.silences)
    }

    /// Whether it has nothing but that it was there.
    pub(super) fn is_bare(&self) -> bool {
        self.runs.is_empty() && self.rare.is_none()
    }

    pub(super) fn closed_at(&self) -> Micros {
        self.ended.map_or(Micros::MAX, |(at, _)| at)
    }
}
