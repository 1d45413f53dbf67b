//! Letting go of what is settled: the events at the front of the table that all
//! slots received once and in order, so that nothing can be said of them any
//! more. What they add to the counts is added up first.
//!
//! A name is kept of each, in a bounded memory, so that a repeat is still known
//! as one.

use super::findings::{
    Anomaly, AnomalyKind, Around, LegResult, Level, Log, Logged, Reconnects, Reopened,
};
use super::intervals::{Piece, pieces};
use super::order::Order;
use super::owed::Map;
use super::record::{Leg, SlotRecord};
use super::shared::{Open, Watched, each_begins_anew, unshared};
use super::slot::SlotView;
use super::{Checker, LISTED, Micros, Settings, reconnects};

/// What was counted of events and legs that are no longer there.
#[derive(Debug, Clone, Default)]
pub(super) struct LetGo {
    pub(super) events: u64,
    pub(super) shared: u64,
    /// One connection alone received them, live.
    pub(super) unshared: u64,
    /// Reconnects.
    pub(super) reconnects: Reconnects,
    pub(super) legs: Reopened,
    /// Legs that received events.
    pub(super) begun: usize,
    /// The first of each kind.
    pub(super) anomalies: Vec<Anomaly>,
    /// All of them, if that is wanted.
    pub(super) log: Log,
    pub(super) watched: Watched,
}

impl LetGo {
    pub(super) fn list(&mut self, anomaly: Anomaly, around: Around) {
        if self.log.is_wanted() {
            self.log.add(Logged::new(anomaly.clone(), around));
        }
        let same = |listed: &&Anomaly| listed.kind == anomaly.kind;
        if self.anomalies.iter().filter(same).count() < LISTED {
            self.anomalies.push(anomaly);
        }
    }
}

/// What of one slot goes.
struct Leaving {
    expected: u64,
    /// It has begun: what is owed to it starts before what is kept.
    begun: bool,
    stalled: Option<(u32, Micros)>,
    /// Legs at the front.
    legs: usize,
}

impl Checker {
    /// Lets go of what is settled, if that is enough to be worth the work.
    pub(super) fn prune(&mut self, now: Micros) {
        let settings = &self.settings;
        let lag = settings.drain + settings.delivery_timeout + settings.stall;
        let horizon = now.saturating_sub(lag);
        self.let_go(horizon, now);
        let keep = self.table.len() as usize;
        self.prune_at = (keep * 2).max(self.settings.prune_at);
        self.prune_runs_at = (self.runs / 2 * 3).max(self.settings.prune_at);
    }

    fn let_go(&mut self, horizon: Micros, now: Micros) -> Option<()> {
        let level = self.level();
        if level == Level::Content {
            return None;
        }
        let pieces: Vec<Vec<Piece>> = self.slots.iter().map(|slot| pieces(&slot.legs)).collect();
        let keys = &self.table.keys;
        let excluded = |index: u32| !keys[index as usize].confirmed || keys[index as usize].hashed;
        let acknowledged = self.acknowledged.as_ref();
        let order = Order::new(keys, excluded, &pieces, acknowledged);
        if order.no_sequence || (level == Level::Sequence && self.table.has_several_series()) {
            return None;
        }
        let owed: Vec<bool> = order
            .key_at
            .iter()
            .map(|key| self.is_owed(*key, &order, level, horizon))
            .collect();
        let places = self.settled_keys(&order, horizon);
        let map = Map::new(
            &self.table,
            order,
            &self.lags,
            &owed,
            acknowledged.is_some(),
        );
        if self.let_go.events == 0 && each_begins_anew(&self.table, &self.slots, &map.by_time, now)
        {
            return None;
        }
        let settings = &self.settings;
        let all = places.last().copied().unwrap_or(0);
        let mut limit = all;
        let mut received = Vec::with_capacity(self.slots.len());
        for (record, pieces) in self.slots.iter().zip(&pieces) {
            let upto = match record.legs[..] {
                [] => Received::all(),
                _ => Received::of(&SlotView::new(&map, record, pieces, settings, now)),
            };
            limit = limit.min(upto.may_go);
            received.push(upto.whole.min(all));
        }
        limit = limit.min(self.types.first_held().unwrap_or(limit));
        // One that is settled stays: the sequence goes on from its number.
        limit = limit.saturating_sub(1);
        let place = |limit: u32| {
            let numbered = |place: u32| {
                let key = keys.get(place as usize);
                level != Level::Sequence || key.is_some_and(|key| key.number.is_some())
            };
            let mut below = places.iter().rev().copied();
            let found = below.find(|place| *place <= limit && numbered(*place));
            found.unwrap_or(0)
        };
        // What is settled decides reconnects though it stays: with somebody always
        // away, each limit lies within an outage.
        let settled = place(limit);
        let mut undecided = settled;
        let slots = self.slots.iter_mut().zip(&pieces).zip(&received);
        for ((record, pieces), received) in slots {
            if record.legs.is_empty() {
                continue;
            }
            let results = {
                let view = SlotView::new(&map, record, pieces, settings, now);
                let decided = |leg: &Leg| {
                    leg.head <= settled || (leg.closed_at() <= horizon && leg.head <= *received)
                };
                let results = results(&view, decided, settings);
                undecided = undecided.min(first_undecided(&view, settled, &results));
                results
            };
            for (leg, result) in record.legs.iter_mut().zip(results) {
                leg.result = leg.result.take().or(result.map(Box::new));
            }
        }
        limit = place(undecided);
        let kept = keys[limit as usize..].iter().map(|key| key.first_at).min();
        let until = kept.map_or(horizon, |kept| horizon.min(kept.saturating_sub(1)));
        let part = |index: u32| index < limit && !excluded(index);
        self.let_go.unshared += unshared(&self.table, horizon, part);
        self.let_go.watched = Open::new(&self.slots, now, &self.let_go.watched).upto(horizon);
        for (number, (record, pieces)) in self.slots.iter_mut().zip(&pieces).enumerate() {
            if record.legs.is_empty() {
                continue;
            }
            let view = SlotView::new(&map, record, pieces, settings, now);
            let leaving = leaving(&view, settings, limit, until, horizon);
            self.let_go
                .forget(number, record, &leaving, settings, horizon);
        }
        drop(map);
        self.let_go.events += u64::from(limit);
        let gone = &self.table.keys[..limit as usize];
        self.let_go.shared += gone.iter().filter(|key| key.shared).count() as u64;
        if let Some(numbers) = &mut self.acknowledged {
            for number in gone.iter().filter_map(|key| key.number) {
                numbers.remove(&number.number);
            }
        }
        self.table.drop_front(limit, self.settings.remembered);
        self.types.rebase(limit);
        self.runs = 0;
        for (number, slot) in self.slots.iter_mut().enumerate() {
            for leg in &mut slot.legs {
                leg.drop_front(limit);
            }
            self.let_go
                .forget_bare(number, slot, &self.settings, horizon);
            slot.legs.shrink_to(2);
            self.runs += slot
                .legs
                .iter()
                .map(|leg| leg.runs.len() + 1)
                .sum::<usize>();
        }
        Some(())
    }

    /// How many keys at the front can go as far as they themselves are concerned:
    /// all such numbers, so that the first keys are the first positions too.
    fn settled_keys(&self, order: &Order, horizon: Micros) -> Vec<u32> {
        let acknowledged = self.acknowledged.as_ref();
        let settled = |index: u32| {
            let key = &self.table.keys[index as usize];
            // An acknowledgement may yet come.
            let waits = acknowledged
                .zip(key.number)
                .is_some_and(|(numbers, number)| !numbers.contains_key(&number.number));
            key.confirmed && !key.conflict && !key.hashed && !waits && key.first_at <= horizon
        };
        let mut last = 0;
        let keys = (0..self.table.len()).take_while(|index| settled(*index));
        keys.filter_map(|index| {
            last = last.max(order.position[index as usize]);
            (last == index).then_some(index + 1)
        })
        .collect()
    }
}

/// What came of each reconnect that is decided now; each is judged with the leg before it.
fn results(
    view: &SlotView<'_>,
    decided: impl Fn(&Leg) -> bool,
    settings: &Settings,
) -> Vec<Option<LegResult>> {
    let legs = view.record.legs.iter().enumerate();
    let result = |(at, leg): (usize, &Leg)| {
        let due = at > 0 && leg.result.is_none() && decided(leg);
        due.then(|| reconnects::judge(view, &[], at, settings))
    };
    legs.map(result).collect()
}

fn leaving(
    view: &SlotView<'_>,
    settings: &Settings,
    limit: u32,
    until: Micros,
    horizon: Micros,
) -> Leaving {
    let record = view.record;
    let start = view.start.unwrap_or(u32::MAX).min(limit);
    let begun = record.begun || start < limit;
    let first_kept = view.arrived.iter().find(|segment| segment.end() > limit);
    let by_receptions = first_kept.map_or(record.legs.len(), |segment| segment.leg as usize);
    // What is owed to a slot that has not begun depends on when its legs opened.
    let upto = if begun { horizon } else { until };
    let by_time = record.legs.iter().position(|leg| leg.closed_at() > upto);
    let by_time = by_time.unwrap_or(record.legs.len());
    // Each reconnect is judged with the leg before it.
    let undecided = record
        .legs
        .iter()
        .skip(1)
        .position(|leg| leg.result.is_none());
    let undecided = undecided.unwrap_or(record.legs.len());
    let legs = by_receptions.min(by_time).min(undecided);
    let end = view.sorted.last().map_or(0, super::slot::Segment::end);
    Leaving {
        expected: view.map.owed(start, limit.min(end)).into(),
        begun,
        stalled: view.stall(settings.stall, Some(horizon)),
        legs: legs.min(record.legs.len() - 1),
    }
}

impl LetGo {
    fn forget(
        &mut self,
        number: usize,
        slot: &mut SlotRecord,
        leaving: &Leaving,
        settings: &Settings,
        horizon: Micros,
    ) {
        slot.expected += leaving.expected;
        slot.begun = leaving.begun;
        slot.stalled = slot.stalled.or(leaving.stalled);
        for leg in &mut slot.legs {
            leg.keep_silences(|(_, to)| to.saturating_sub(settings.stall) > horizon);
        }
        let legs: Vec<Leg> = slot.legs.drain(..leaving.legs).collect();
        for leg in &legs {
            slot.watched |= self.forget_leg(number, leg, settings);
        }
    }

    /// Legs between others on which nothing happened.
    fn forget_bare(
        &mut self,
        number: usize,
        slot: &mut SlotRecord,
        settings: &Settings,
        horizon: Micros,
    ) {
        let (begun, mut watched) = (slot.begun, slot.watched);
        let next: Vec<bool> = slot
            .legs
            .windows(2)
            .map(|pair| pair[1].result.is_some() && (begun || pair[0].resumes || !pair[1].resumes))
            .collect();
        let mut at = 0;
        slot.legs.retain(|leg| {
            let first = at == 0;
            let may_go = next.get(at).is_some_and(|next| *next);
            at += 1;
            if first || !may_go || !leg.is_bare() || leg.result.is_none() {
                return true;
            }
            let over = leg.closed_at() <= horizon;
            if over {
                watched |= self.forget_leg(number, leg, settings);
            }
            !over
        });
        slot.watched = watched;
    }

    /// Whether it was long enough for a stall to show.
    fn forget_leg(&mut self, slot: usize, leg: &Leg, settings: &Settings) -> bool {
        self.begun += usize::from(leg.has_events);
        if let Some(result) = &leg.result {
            if result.complete == Some(false) {
                let anomaly = Anomaly {
                    kind: AnomalyKind::IncompleteReplay,
                    slot: slot + 1,
                    leg: leg.number as usize,
                    at: leg.opened + settings.delivery_timeout,
                    count: result.owed,
                    first: None,
                    last: None,
                };
                self.list(anomaly, Around::Opening);
            }
            self.reconnects.add(result);
            self.legs.add(result);
        }
        leg.closed_at().saturating_sub(leg.opened) >= settings.stall
    }
}

/// What a slot has received of what it is owed.
struct Received {
    /// Up to where all of it, once and in order.
    whole: u32,
    /// The same without what must stay.
    may_go: u32,
}

impl Received {
    fn all() -> Self {
        Self::upto(u32::MAX)
    }

    fn upto(limit: u32) -> Self {
        Self {
            whole: limit,
            may_go: limit,
        }
    }

    fn of(view: &SlotView<'_>) -> Self {
        let unlimited = view.map.len();
        let (Some(start), Some(first)) = (view.start, view.arrived.first()) else {
            return Self::upto(view.start.unwrap_or(unlimited));
        };
        if start != first.position {
            return Self::upto(start.min(first.position));
        }
        let (mut at, mut rest) = (start, unlimited);
        let mut contiguous = true;
        for segment in &view.arrived {
            contiguous &= segment.position == at;
            if contiguous {
                at = segment.end();
            } else {
                rest = rest.min(segment.position);
            }
        }
        let repeats = view.repeats.iter().map(|repeat| repeat.position);
        let rest = repeats.min().unwrap_or(rest).min(rest);
        if view.record.gone && contiguous {
            return Self::upto(rest);
        }
        Self {
            whole: rest.min(at),
            // Its last reception stays.
            may_go: rest.min(at.saturating_sub(1)),
        }
    }
}

/// Where what reconnects that are not decided yet may be owed begins.
fn first_undecided(view: &SlotView<'_>, settled: u32, results: &[Option<LegResult>]) -> u32 {
    let mut stands = view.start.unwrap_or(u32::MAX);
    let mut arrived = view.arrived.iter().peekable();
    let mut first = u32::MAX;
    for (at, leg) in view.record.legs.iter().enumerate() {
        let open = leg.number > 1 && leg.result.is_none() && results[at].is_none();
        if open && leg.head > settled {
            first = first.min(stands).min(leg.cursor.unwrap_or(stands));
        }
        while let Some(segment) = arrived.next_if(|segment| segment.leg as usize == at) {
            stands = segment.end();
        }
    }
    first
}

/// Of a remembered content: another one is known.
const CONFLICT: u32 = 1;

/// Names of events that were let go of, the latest ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    /// By the hash of the name: a part of the hash of the content, the last bit of which
    /// says that another one is known; and the number of the event since the start,
    /// which may wrap.
    contents: std::collections::HashMap<u64, (u32, u32), foldhash::fast::RandomState>,
    added: u32,
    order: std::collections::VecDeque<u64>,
    /// Names that are known no longer.
    pub(super) forgotten: u64,
}

/// What a name that comes again says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Same,
    /// It has another content than before.
    Conflict,
    /// The same, which was counted before.
    KnownConflict,
}

impl Remembered {
    /// The names, which are taken away from it.
    pub(super) fn take_names(&mut self) -> Self {
        let forgotten = self.forgotten;
        let names = std::mem::take(self);
        self.forgotten = forgotten;
        names
    }

    pub(super) fn add(&mut self, name: &str, content: u64, most: usize) {
        let hash = self.hash(name);
        self.contents
            .insert(hash, (content as u32 & !CONFLICT, self.added));
        self.added = self.added.wrapping_add(1);
        self.order.push_back(hash);
        while self.order.len() > most {
            if let Some(oldest) = self.order.pop_front() {
                self.contents.remove(&oldest);
                self.forgotten += 1;
            }
        }
    }

    /// What it says and the number of the event; `None`: the name is new.
    pub(super) fn find(&mut self, name: &str, content: u64) -> Option<(Again, u32)> {
        if self.order.is_empty() {
            return None;
        }
        let hash = self.hash(name);
        let (known, number) = self.contents.get_mut(&hash)?;
        let again = if *known & !CONFLICT == content as u32 & !CONFLICT {
            Again::Same
        } else if *known & CONFLICT == 0 {
            *known |= CONFLICT;
            Again::Conflict
        } else {
            Again::KnownConflict
        };
        Some((again, *number))
    }

    fn hash(&self, name: &str) -> u64 {
        use std::hash::BuildHasher;
        self.contents.hasher().hash_one(name)
    }
}
