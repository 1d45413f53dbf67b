//! Whether the connections have one stream in common, and for how long at
//! least two of them watched it.

use super::Micros;
use super::record::{Leg, SlotRecord};
use super::table::Table;

/// Legs that opened at least so long after the first one are compared with it.
const LATER: Micros = 500_000;
/// What a leg must have received to be compared.
const FEWEST_EVENTS: u32 = 3;
/// Legs that must look like streams of their own.
const FEWEST: usize = 3;

/// How many connections were open, over time.
#[derive(Debug)]
pub(super) struct Open {
    before: Watched,
    steps: Vec<(Micros, u32)>,
}

/// The same up to a time, as far as it is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Watched {
    pub(super) upto: Micros,
    open: u32,
    /// From when two were open.
    since: Option<Micros>,
    /// How long after that fewer than two were.
    alone: Micros,
}

impl Open {
    /// `before` is not looked at again.
    pub(super) fn new(slots: &[SlotRecord], end: Micros, before: &Watched) -> Self {
        let legs = slots.iter().flat_map(|slot| &slot.legs);
        let mut changes: Vec<(Micros, bool)> = legs
            .flat_map(|leg| [(leg.opened, false), (leg.closed_at().min(end), true)])
            .collect();
        changes.sort_unstable();
        changes.retain(|(at, _)| *at > before.upto || before.since.is_none());
        let mut open = match before.since {
            Some(_) => before.open,
            None => 0,
        };
        let steps = changes.into_iter().map(|(at, closed)| {
            open = if closed {
                open.saturating_sub(1)
            } else {
                open + 1
            };
            (at, open)
        });
        Self {
            before: *before,
            steps: steps.collect(),
        }
    }

    /// From when two were open: how long until `until`, and how long of that
    /// fewer than two were.
    pub(super) fn watched(&self, until: Micros) -> (Micros, Micros) {
        let watched = self.upto(until);
        let since = watched.since.map_or(0, |since| until.saturating_sub(since));
        (since, watched.alone)
    }

    /// What is known up to `until`.
    pub(super) fn upto(&self, until: Micros) -> Watched {
        let Watched {
            upto,
            mut open,
            mut since,
            mut alone,
        } = self.before;
        let mut at = upto;
        for (next, then) in self.steps.iter().copied().chain([(until, u32::MAX)]) {
            let next = next.min(until);
            if since.is_some() && open < 2 {
                alone += next.saturating_sub(at);
            }
            if next >= until {
                break;
            }
            (at, open) = (next, then);
            if open >= 2 {
                since = since.or(Some(at));
            }
        }
        Watched {
            upto: until.max(upto),
            open,
            since,
            alone,
        }
    }
}

/// Events that one connection alone received live, while two others were open.
pub(super) fn unshared(table: &Table, until: Micros, part: impl Fn(u32) -> bool) -> u64 {
    let keys = table.keys.iter().zip(0..);
    let alone = keys.filter(|(key, index)| {
        !key.shared && key.live && key.first_at <= until && key.watchers >= 3 && part(*index)
    });
    alone.count() as u64
}

/// Whether each connection counts for itself: most legs begin with the very
/// event with which the first one began, and stay behind by as much as they
/// opened later.
pub(super) fn each_begins_anew(
    table: &Table,
    slots: &[SlotRecord],
    by_time: &[u32],
    end: Micros,
) -> bool {
    let legs = || {
        slots
            .iter()
            .flat_map(|slot| &slot.legs)
            .filter(|leg| !leg.runs.is_empty() && !leg.trimmed)
    };
    let Some(first) = legs().min_by_key(|leg| leg.opened) else {
        return false;
    };
    let later: Vec<&Leg> = legs()
        .filter(|leg| leg.opened >= first.opened + LATER)
        .filter(|leg| leg.closed_at().min(end).saturating_sub(leg.opened) >= LATER)
        .collect();
    let behind = |leg: &&&Leg| {
        let back = (leg.opened - first.opened) / 2;
        let at = leg.closed_at().min(end).saturating_sub(back);
        let known = by_time.partition_point(|index| table.keys[*index as usize].first_at <= at);
        let first_of_id = |index| table.first_of_id(index);
        let received = leg.runs.iter();
        let received = received.flat_map(|run| run.start..run.start + run.length);
        leg.received >= FEWEST_EVENTS
            && first_of_id(leg.runs[0].start) == first.runs[0].start
            && received
                .map(first_of_id)
                .all(|index| (index as usize) + 1 < known)
    };
    let anew = later.iter().filter(behind).count();
    anew >= FEWEST && anew * 2 > later.len()
}
