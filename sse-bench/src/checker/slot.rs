//! What one slot was owed, received, and lost.

use super::findings::Spot;
use super::intervals::Piece;
use super::owed::Map;
use super::record::{Leg, LegEnd, SlotRecord};
use super::{Micros, Settings};

/// From when on a slot is owed events though it received none.
const OWED_AFTER: Micros = 1_000_000;

/// Consecutive positions that one leg received in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) position: u32,
    pub(super) length: u32,
    pub(super) leg: u32,
    pub(super) ordinal: u32,
}

impl Segment {
    pub(super) fn end(&self) -> u32 {
        self.position + self.length
    }
}

/// Owed events in a row that did not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    /// Positions between which it lies.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) count: u32,
    /// Legs on which the events on both sides arrived.
    pub(super) before: Option<u32>,
    pub(super) after: Option<u32>,
    /// Announced by the server.
    pub(super) declared: u32,
}

impl Loss {
    /// Lost while connected, as far as that can be told.
    pub(super) fn while_connected(&self, last_leg: u32) -> bool {
        self.before.unwrap_or(0) == self.after.unwrap_or(last_leg)
    }
}

/// The receptions of one slot by position.
#[derive(Debug)]
pub(super) struct SlotView<'a> {
    pub(super) map: &'a Map<'a>,
    pub(super) record: &'a SlotRecord,
    /// First receptions as they arrived, and by position.
    pub(super) arrived: Vec<Segment>,
    pub(super) sorted: Vec<Segment>,
    /// Repeats as they arrived.
    pub(super) repeats: Vec<Segment>,
    /// What is owed begins here; `None` if nothing is.
    pub(super) start: Option<u32>,
    /// And ends before this position.
    pub(super) end: u32,
}

impl<'a> SlotView<'a> {
    pub(super) fn new(
        map: &'a Map<'a>,
        record: &'a SlotRecord,
        pieces: &[Piece],
        settings: &Settings,
        end: Micros,
    ) -> Self {
        let (mut arrived, mut repeats) = (Vec::new(), Vec::new());
        for piece in pieces {
            let into = if piece.new {
                &mut arrived
            } else {
                &mut repeats
            };
            map.order
                .split(piece.start, piece.length, |offset, position, length| {
                    into.push(Segment {
                        position,
                        length,
                        leg: piece.leg,
                        ordinal: piece.ordinal + offset,
                    });
                });
        }
        let mut sorted = arrived.clone();
        sorted.sort_unstable_by_key(|segment: &Segment| segment.position);
        let mut view = Self {
            map,
            record,
            arrived,
            sorted,
            repeats,
            start: None,
            end: map.len(),
        };
        view.start = view.find_start();
        if !view.settled(settings, end) {
            view.end = view.sorted.last().map_or(0, Segment::end);
        }
        view
    }

    /// At its first event, or [`OWED_AFTER`] it opened, whichever comes first.
    fn find_start(&self) -> Option<u32> {
        if self.record.begun {
            return Some(0);
        }
        let opened = self.first_leg()?.opened;
        let due = opened + OWED_AFTER;
        let due = due + self.map.lags.longest(opened, due);
        let first = self.arrived.first().map(|segment| segment.position);
        let legs = self.record.legs.iter();
        let first_at = legs.filter_map(|leg| leg.first_at.get()).min();
        let first_at = first_at.unwrap_or(Micros::MAX);
        // What others were replayed at that time is history to this slot.
        let live = self
            .map
            .between(due, first_at)
            .filter(|index| self.map.table.keys[*index as usize].live)
            .filter_map(|index| self.map.position(index))
            .filter(|position| self.map.is_owed(*position));
        let published = self.map.published_between(due, first_at);
        live.chain(first).chain(published).min()
    }

    /// The leg with which the slot began: a client that comes back before it ever
    /// had an id is new to the server.
    fn first_leg(&self) -> Option<&Leg> {
        let legs = &self.record.legs;
        let received = legs.iter().position(|leg| leg.received > 0);
        let upto = received.map_or(legs.len(), |leg| leg + 1);
        let new = legs[..upto].iter().rfind(|leg| !leg.resumes);
        new.or(legs.first())
    }

    /// Whether its last leg was open long enough to receive all that was owed.
    fn settled(&self, settings: &Settings, end: Micros) -> bool {
        let enough = match self.record.opened {
            1 => settings.drain,
            _ => settings.drain.max(settings.delivery_timeout),
        };
        let enough = enough + self.map.lags.longest(end.saturating_sub(enough), end);
        self.record.legs.last().is_some_and(|leg| {
            matches!(leg.ended, Some((_, LegEnd::EndOfRun))) && leg.opened + enough <= end
        })
    }

    pub(super) fn last_leg(&self) -> u32 {
        self.record.legs.len().saturating_sub(1) as u32
    }

    pub(super) fn expected(&self) -> u64 {
        self.start
            .map_or(0, |start| self.map.owed(start, self.end).into())
    }

    /// Owed events that it received.
    pub(super) fn received(&self) -> u64 {
        let Some(start) = self.start else { return 0 };
        let owed = |segment: &Segment| {
            let (from, to) = (segment.position.max(start), segment.end().min(self.end));
            u64::from(self.map.owed(from, to))
        };
        self.sorted.iter().map(owed).sum()
    }

    /// The runs that did not come, with what of them was announced.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let Some(start) = self.start else {
            return Vec::new();
        };
        let mut losses = Vec::new();
        let mut at = start;
        let mut before = None;
        let mut add = |start: u32, end: u32, before, after| {
            let count = self.map.owed(start, end);
            if count > 0 {
                losses.push(Loss {
                    start,
                    end,
                    count,
                    before,
                    after,
                    declared: 0,
                });
            }
        };
        for segment in &self.sorted {
            if segment.position > at {
                add(at, segment.position, before, Some(segment.leg));
            }
            at = at.max(segment.end());
            before = Some(segment.leg);
        }
        add(at.max(start), self.end.max(at), before, None);
        self.declare(&mut losses);
        losses
    }

    fn declare(&self, losses: &mut [Loss]) {
        for (from, to, missed, at) in self.announced() {
            let mut left = missed.unwrap_or(u64::MAX);
            for loss in losses.iter_mut() {
                let known = self.map.first_at(loss.start) <= at;
                if loss.start >= from && loss.end <= to && (loss.after.is_some() || known) {
                    let declared = left.min(u64::from(loss.count - loss.declared));
                    loss.declared += declared as u32;
                    left -= declared;
                }
            }
        }
    }

    /// Positions between which the server announced a loss, and of how many.
    fn announced(&self) -> Vec<(u32, u32, Option<u64>, Micros)> {
        let mut places = Vec::new();
        for (leg, record) in self.record.legs.iter().enumerate() {
            for announcement in record.announcements() {
                let place = (leg as u32, announcement.ordinal);
                // The part of a segment before and after the place.
                let before = |segment: &Segment| {
                    let own = segment.leg == place.0;
                    match place.1.saturating_sub(segment.ordinal) {
                        _ if segment.leg < place.0 => segment.length,
                        passed if own => passed.min(segment.length),
                        _ => 0,
                    }
                };
                let arrived = self.arrived.iter();
                let from = arrived
                    .clone()
                    .filter(|segment| before(segment) > 0)
                    .map(|segment| segment.position + before(segment))
                    .max()
                    .unwrap_or(0);
                let to = arrived
                    .filter(|segment| before(segment) < segment.length)
                    .map(|segment| (segment.position + before(segment), segment.end()))
                    .find(|(_, end)| *end > from)
                    .map_or(self.map.len(), |(position, _)| position.max(from));
                places.push((from, to, announcement.missed, announcement.at));
            }
        }
        places
    }

    /// Where the slot received this position first.
    pub(super) fn find(&self, position: u32) -> Option<(u32, u32)> {
        let after = self
            .sorted
            .partition_point(|segment| segment.position <= position);
        let segment = self.sorted[..after].last()?;
        (position < segment.end())
            .then(|| (segment.leg, segment.ordinal + position - segment.position))
    }

    /// The position up to which the last event ID of a leg's request says the
    /// slot has all; where that names no event, up to which it received any.
    pub(super) fn cursor(&self, leg: usize) -> Option<u32> {
        let named = self.record.legs[leg].cursor;
        named
            .and_then(|index| self.map.position(index))
            .or_else(|| {
                let earlier = self.arrived.iter();
                earlier
                    .filter(|segment| (segment.leg as usize) < leg)
                    .map(|segment| segment.end() - 1)
                    .max()
            })
    }

    /// What is outside the longest increasing run of first receptions, by leg.
    pub(super) fn reorders(&self) -> Vec<(u32, Vec<Segment>)> {
        let mut found = Vec::new();
        for leg in self.arrived.chunk_by(|one, next| one.leg == next.leg) {
            let outside = outside_longest_run(leg);
            if !outside.is_empty() {
                found.push((leg[0].leg, outside));
            }
        }
        found
    }

    /// The position of what a leg received after so many keyed events.
    pub(super) fn received_at(&self, leg: u32, ordinal: u32) -> Option<u32> {
        [&self.arrived, &self.repeats].into_iter().find_map(|list| {
            let after = list.partition_point(|one| (one.leg, one.ordinal) <= (leg, ordinal));
            let segment = list[..after].last()?;
            let offset = ordinal.checked_sub(segment.ordinal)?;
            (segment.leg == leg && offset < segment.length).then(|| segment.position + offset)
        })
    }

    /// The same reception as others know it.
    pub(super) fn place(&self, (leg, ordinal): (u32, u32)) -> Spot {
        Spot {
            leg: self.record.legs[leg as usize].number as usize,
            ordinal: self.record.legs[leg as usize].gone + ordinal,
        }
    }

    /// Whether it stalled: on which leg, and since when. With `until`, in a
    /// silence that is decided by then.
    pub(super) fn stall(&self, stall: Micros, until: Option<Micros>) -> Option<(u32, Micros)> {
        if self.record.stalled.is_some() {
            return self.record.stalled;
        }
        let start = self.start?;
        let silences = self.record.legs.iter().flat_map(|leg| {
            let silences = leg.silences().iter();
            silences.map(|(from, to)| (leg.number, *from, *to))
        });
        silences
            .filter(|(_, _, to)| until.is_none_or(|until| to.saturating_sub(stall) <= until))
            .filter(|(_, from, to)| {
                let long = stall + self.map.lags.longest(*from, *to);
                let missed = self.map.between(*from, to.saturating_sub(long));
                let mut positions = missed.filter_map(|index| self.map.position(index));
                positions.any(|position| position >= start && self.map.is_owed(position))
            })
            .map(|(leg, from, _)| (leg, from))
            .next()
    }
}

/// What is outside the heaviest increasing run. Segments are disjoint, so each is in
/// the run as a whole or not at all.
fn outside_longest_run(segments: &[Segment]) -> Vec<Segment> {
    let in_order = |pair: &[Segment]| pair[0].position < pair[1].position;
    if segments.windows(2).all(in_order) {
        return Vec::new();
    }
    let mut ranks: Vec<u32> = segments.iter().map(|segment| segment.position).collect();
    ranks.sort_unstable();
    // A Fenwick tree of the heaviest run that ends at or before each rank: its weight
    // and its last segment, from 1.
    let mut tree = vec![(0_u64, 0_usize); ranks.len() + 1];
    let mut before = vec![0_usize; segments.len() + 1];
    let mut heaviest = (0, 0);
    for (number, segment) in (1..).zip(segments) {
        let rank = ranks.partition_point(|rank| *rank < segment.position) + 1;
        let mut best = (0, 0);
        let mut at = rank - 1;
        while at > 0 {
            best = best.max(tree[at]);
            at &= at - 1;
        }
        before[number] = best.1;
        let run = (best.0 + u64::from(segment.length), number);
        heaviest = heaviest.max(run);
        let mut at = rank;
        while at < tree.len() {
            tree[at] = tree[at].max(run);
            at += at & at.wrapping_neg();
        }
    }
    let mut inside = vec![false; segments.len() + 1];
    let mut at = heaviest.1;
    while at > 0 {
        inside[at] = true;
        at = before[at];
    }
    let outside = (1..).zip(segments).filter(|(number, _)| !inside[*number]);
    outside.map(|(_, segment)| *segment).collect()
}
