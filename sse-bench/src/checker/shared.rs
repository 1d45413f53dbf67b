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
pub(super) struct Open(Vec<(Micros, u32)>);

impl Open {
    pub(super) fn new(slots: &[SlotRecord], end: Micros) -> Self {
        let legs = slots.iter().flat_map(|slot| &slot.legs);
        let mut changes: Vec<(Micros, bool)> = legs
            .flat_map(|leg| [(leg.opened, false), (leg.closed_at().min(end), true)])
            .collect();
        changes.sort_unstable();
        let mut open = 0_u32;
        let steps = changes.into_iter().map(|(at, closed)| {
            open = if closed {
                open.saturating_sub(1)
            } else {
                open + 1
            };
            (at, open)
        });
        Self(steps.collect())
    }

    pub(super) fn at(&self, at: Micros) -> u32 {
        let after = self.0.partition_point(|(step, _)| *step <= at);
        self.0[..after].last().map_or(0, |(_, open)| *open)
    }

    /// From when two were open; how long until `until`, and how long of that
    /// fewer than two were.
    pub(super) fn watched(&self, until: Micros) -> (Micros, Micros) {
        let Some((start, _)) = self.0.iter().find(|(_, open)| *open >= 2) else {
            return (0, 0);
        };
        let mut alone = 0;
        for (index, (at, open)) in self.0.iter().enumerate() {
            let next = self.0.get(index + 1).map_or(until, |(next, _)| *next);
            if at >= start && *open < 2 {
                alone += next.min(until).saturating_sub(*at);
            }
        }
        (until.saturating_sub(*start), alone)
    }
}

/// Events that one connection alone received live, while two others were open.
pub(super) fn unshared(
    table: &Table,
    open: &Open,
    until: Micros,
    part: impl Fn(u32) -> bool,
) -> u64 {
    let keys = table.keys.iter().zip(0..);
    let alone = keys.filter(|(key, index)| {
        !key.shared
            && key.live
            && key.first_at <= until
            && open.at(key.first_at) >= 3
            && part(*index)
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
            .filter(|leg| !leg.runs.is_empty())
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
        let last = leg.runs.iter().map(|run| run.start + run.length).max();
        leg.received >= FEWEST_EVENTS
            && leg.runs[0].start == first.runs[0].start
            && last.is_some_and(|last| (last as usize) < known)
    };
    let anew = later.iter().filter(behind).count();
    anew >= FEWEST && anew * 2 > later.len()
}
