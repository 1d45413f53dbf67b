//! Letting go of what is settled: the events at the front of the table that all
//! slots received once and in order, so that nothing can be said of them any
//! more. What they add to the counts is added up first.
//!
//! A name is kept of each, in a bounded memory, so that a repeat is still known
//! as one.

use std::collections::HashSet;

use super::findings::{Anomaly, AnomalyKind, Around, LegResult, Level, Log, Logged};
use super::intervals::{Piece, pieces};
use super::order::Order;
use super::owed::Map;
use super::shared::{Open, Watched, each_begins_anew, unshared};
use super::slot::SlotView;
use super::{Checker, LISTED, Micros, reconnects};

/// What was counted of events and legs that are no longer there.
#[derive(Debug, Clone, Default)]
pub(super) struct LetGo {
    pub(super) events: u64,
    pub(super) shared: u64,
    /// One connection alone received them, live.
    pub(super) unshared: u64,
    /// Reconnects.
    pub(super) legs: Vec<LegResult>,
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
    watched: bool,
    stalled: Option<(usize, Micros)>,
    /// Legs at the front.
    legs: usize,
    results: Vec<Option<LegResult>>,
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
    }

    fn let_go(&mut self, horizon: Micros, now: Micros) -> Option<()> {
        let level = self.level();
        if matches!(level, Level::None | Level::Content) {
            return None;
        }
        let slots: Vec<Vec<Piece>> = self.slots.iter().map(|slot| pieces(&slot.legs)).collect();
        let keys = &self.table.keys;
        let excluded = |index: u32| !keys[index as usize].confirmed || keys[index as usize].hashed;
        let acknowledged = self.acknowledged.as_ref();
        let order = Order::new(keys, excluded, &slots, acknowledged);
        if order.no_sequence || (level == Level::Sequence && self.table.has_several_series()) {
            return None;
        }
        let owed: Vec<bool> = order
            .key_at
            .iter()
            .map(|key| self.is_owed(*key, &order, level, horizon))
            .collect();
        let places = self.settled_keys(&order, horizon);
        let mut limit = *places.last()?;
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
        let views: Vec<Option<SlotView<'_>>> = self
            .slots
            .iter()
            .zip(&slots)
            .map(|(record, pieces)| {
                let any = !record.legs.is_empty();
                any.then(|| SlotView::new(&map, record, pieces, &self.settings, now))
            })
            .collect();
        for view in views.iter().flatten() {
            limit = limit.min(received_upto(view));
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
            below.find(|place| *place <= limit && numbered(*place))
        };
        // What is settled decides reconnects though it stays: with somebody always
        // away, each limit lies within an outage.
        let settled = place(limit)?;
        let undecided = views
            .iter()
            .flatten()
            .filter_map(|view| undecided(view, settled));
        limit = place(undecided.min().unwrap_or(settled).min(settled))?;
        if (limit as usize) < keys.len() / 4 || limit == 0 {
            return None;
        }
        let kept = keys[limit as usize..].iter().map(|key| key.first_at).min();
        let until = horizon.min(kept?.saturating_sub(1));
        let open = Open::new(&self.slots, now, &self.let_go.watched);
        let part = |index: u32| index < limit && !excluded(index);
        let unshared = unshared(&self.table, &open, horizon, part);
        let leaving: Vec<Option<Leaving>> = views
            .iter()
            .map(|view| Some(self.leaving(view.as_ref()?, limit, settled, until)))
            .collect();
        let watched = open.upto(until);
        drop(views);
        drop(map);
        self.let_go.watched = watched;
        self.let_go.unshared += unshared;
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
        for (number, leaving) in leaving.into_iter().enumerate() {
            if let Some(leaving) = leaving {
                self.forget(number, leaving);
            }
            let slot = &mut self.slots[number];
            for leg in &mut slot.legs {
                leg.drop_front(limit);
            }
        }
        let legs = self.slots.iter().flat_map(|slot| &slot.legs);
        self.runs = legs.map(|leg| leg.runs.len() + 1).sum();
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

    fn leaving(&self, view: &SlotView<'_>, limit: u32, settled: u32, until: Micros) -> Leaving {
        let record = view.record;
        let settings = &self.settings;
        let decided = |leg: &super::Leg| leg.head <= settled;
        let results = (0..record.legs.len()).map(|number| {
            let leg = &record.legs[number];
            let reconnect = number > 0 || record.dropped > 0;
            leg.result.or_else(|| {
                (reconnect && decided(leg)).then(|| reconnects::judge(view, &[], number, settings))
            })
        });
        let results: Vec<Option<LegResult>> = results.collect();
        let first_kept = view.arrived.iter().find(|segment| segment.end() > limit);
        let by_receptions = first_kept.map_or(record.legs.len(), |segment| segment.leg as usize);
        let by_time = record
            .legs
            .iter()
            .position(|leg| leg.closed_at() > until)
            .unwrap_or(record.legs.len());
        // Each reconnect is judged with the leg before it.
        let undecided = (0..record.legs.len())
            .find(|number| *number > 0 && results[*number].is_none())
            .map_or(record.legs.len(), |number| number - 1);
        let legs = by_receptions.min(by_time).min(undecided);
        let legs = legs.min(record.legs.len() - 1);
        let end = view.sorted.last().map_or(0, super::slot::Segment::end);
        let start = view.start.unwrap_or(u32::MAX).min(limit);
        let watched = |leg: &super::Leg| leg.closed_at().min(until) - leg.opened >= settings.stall;
        Leaving {
            expected: view.map.owed(start, limit.min(end)).into(),
            begun: record.begun || start < limit,
            watched: record.legs[..legs].iter().any(watched),
            stalled: view.stall(settings.stall, Some(until)),
            legs,
            results,
        }
    }

    fn forget(&mut self, number: usize, leaving: Leaving) {
        let settings = &self.settings;
        let slot = &mut self.slots[number];
        slot.expected += leaving.expected;
        slot.begun = leaving.begun;
        slot.watched |= leaving.watched;
        slot.stalled = slot.stalled.or(leaving.stalled);
        for (leg, result) in slot.legs.iter_mut().zip(leaving.results) {
            leg.result = result;
            let until = self.let_go.watched.upto;
            leg.silences
                .retain(|(_, to)| to.saturating_sub(settings.stall) > until);
        }
        for leg in slot.legs.drain(..leaving.legs) {
            self.let_go.begun += usize::from(leg.has_events);
            if let Some(result) = leg.result {
                if result.complete == Some(false) {
                    let anomaly = Anomaly {
                        kind: AnomalyKind::IncompleteReplay,
                        slot: number + 1,
                        leg: slot.dropped + 1,
                        at: leg.opened + settings.delivery_timeout,
                        count: result.owed,
                        first: None,
                        last: None,
                    };
                    self.let_go.list(anomaly, Around::Opening);
                }
                self.let_go.legs.push(result);
            }
            slot.dropped += 1;
        }
    }
}

/// Up to which position a slot received all that was owed to it, once and in order.
fn received_upto(view: &SlotView<'_>) -> u32 {
    let unlimited = view.map.len();
    let (Some(start), Some(first)) = (view.start, view.arrived.first()) else {
        return view.start.unwrap_or(unlimited);
    };
    if start != first.position {
        return start.min(first.position);
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
        return rest;
    }
    // Its last reception stays.
    rest.min(at.saturating_sub(1))
}

/// Where what reconnects that are not decided yet may be owed begins.
fn undecided(view: &SlotView<'_>, settled: u32) -> Option<u32> {
    let mut stands = view.start.unwrap_or(u32::MAX);
    let mut arrived = view.arrived.iter().peekable();
    let mut first = None;
    for (number, leg) in view.record.legs.iter().enumerate() {
        let reconnect = number > 0 || view.record.dropped > 0;
        if reconnect && leg.result.is_none() && leg.head > settled {
            let from = stands.min(leg.cursor.unwrap_or(stands));
            first = Some(first.map_or(from, |first: u32| first.min(from)));
        }
        while let Some(segment) = arrived.next_if(|segment| segment.leg as usize == number) {
            stands = segment.end();
        }
    }
    first
}

/// Names of events that were let go of, the latest ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    /// By the hash of the name: a part of the hash of the content.
    contents: std::collections::HashMap<u64, u32, foldhash::fast::RandomState>,
    order: std::collections::VecDeque<u64>,
    conflicts: HashSet<u64>,
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
        self.contents.insert(hash, content as u32);
        self.order.push_back(hash);
        while self.order.len() > most {
            if let Some(oldest) = self.order.pop_front() {
                self.contents.remove(&oldest);
                self.forgotten += 1;
            }
        }
    }

    /// `None`: the name is new.
    pub(super) fn find(&mut self, name: &str, content: u64) -> Option<Again> {
        if self.order.is_empty() {
            return None;
        }
        let hash = self.hash(name);
        let known = *self.contents.get(&hash)?;
        Some(if known == content as u32 {
            Again::Same
        } else if self.conflicts.len() < LISTED * 1000 && self.conflicts.insert(hash) {
            Again::Conflict
        } else {
            Again::KnownConflict
        })
    }

    fn hash(&self, name: &str) -> u64 {
        use std::hash::BuildHasher;
        self.contents.hasher().hash_one(name)
    }
}
