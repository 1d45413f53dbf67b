//! What each reconnect was to replay, and what it did.

use super::findings::{LegResult, Mode};
use super::record::LegEnd;
use super::slot::{Loss, Segment, SlotView};
use super::{Micros, Settings};

/// Judges the reconnect that opened leg `number` (from 0) of a slot.
pub(super) fn judge(
    view: &SlotView<'_>,
    losses: &[Loss],
    number: usize,
    settings: &Settings,
) -> LegResult {
    let leg = &view.record.legs[number];
    let cut = match view.record.legs[number - 1].ended {
        Some((_, LegEnd::Cut(cut))) => Some(cut),
        _ => None,
    };
    let owed = owed(view, losses, number);
    let replay = Replay::of(view, &owed, number);
    let passed = owed
        .iter()
        .any(|position| replay.last.is_some_and(|last| *position < last))
        && replay.in_time + replay.late < owed.len();
    let lasted = leg.closed_at().saturating_sub(leg.opened) >= settings.delivery_timeout;
    let complete = if owed.is_empty() {
        None
    } else if replay.in_time == owed.len() {
        Some(true)
    } else if late_by_us(view, number, settings) && replay.in_time + replay.late == owed.len() {
        None
    } else if lasted || passed {
        Some(false)
    } else {
        None
    };
    let full = leg.repeats >= 2
        || replay.overlap >= 2
            && (replay.first <= view.arrived.first().map(|segment| segment.position)
                || replay.overlap * 2 >= replay.before);
    let mode = if full {
        Mode::FullReplay
    } else if owed.is_empty() {
        Mode::Vacuous
    } else if replay.in_time + replay.late > 0 {
        Mode::Resumed
    } else if lasted || replay.last.is_some() {
        Mode::LiveOnly
    } else {
        Mode::Undecided
    };
    LegResult {
        mode,
        owed: owed.len() as u64,
        complete,
        cut,
        lost: view.record.legs[number - 1].closed_at().min(leg.opened),
        caught_up: leg.caught_up.get(),
    }
}

/// Whether what came after the delivery timeout may have been ready to be read before.
fn late_by_us(view: &SlotView<'_>, number: usize, settings: &Settings) -> bool {
    let leg = &view.record.legs[number];
    let due = leg.opened + settings.delivery_timeout;
    leg.late_at
        .get()
        .is_some_and(|at| at <= due + view.map.lags.longest(leg.opened, at))
}

/// Positions between the last event ID and the head when the leg was asked for that
/// the slot had not received, without those announced as lost. When the head of the
/// response was read is no bound: late, it would make live events look replayed.
fn owed(view: &SlotView<'_>, losses: &[Loss], number: usize) -> Vec<u32> {
    let leg = &view.record.legs[number];
    let (Some(start), Some(head)) = (view.start, view.map.last_position(leg.head)) else {
        return Vec::new();
    };
    let from = view.cursor(number).map_or(start, |cursor| cursor + 1);
    let announced = |position: u32| {
        let inside = |loss: &&Loss| loss.start <= position && position < loss.end;
        losses
            .iter()
            .find(inside)
            .is_some_and(|loss| loss.declared == loss.count)
    };
    let known = |position: u32| view.map.first_at(position) < leg.asked;
    let received_before = |position: u32| {
        let found = view.find(position);
        found.is_some_and(|(leg, _)| (leg as usize) < number)
    };
    (from.max(start)..(head + 1).min(view.end))
        .filter(|position| view.map.is_owed(*position) && known(*position))
        .filter(|position| !received_before(*position) && !announced(*position))
        .collect()
}

/// What a leg received.
struct Replay {
    in_time: usize,
    late: usize,
    /// Of what the slot had, and how much it had.
    overlap: u64,
    before: u64,
    first: Option<u32>,
    last: Option<u32>,
}

impl Replay {
    fn of(view: &SlotView<'_>, owed: &[u32], number: usize) -> Self {
        let leg = &view.record.legs[number];
        let (mut in_time, mut late) = (0, 0);
        for position in owed {
            if let Some((found, ordinal)) = view.find(*position)
                && found as usize == number
            {
                if ordinal < leg.in_time {
                    in_time += 1;
                } else {
                    late += 1;
                }
            }
        }
        let own = |segment: &&Segment| segment.leg as usize == number;
        let arrived = view.arrived.iter().filter(own);
        let repeats = view.repeats.iter().filter(own);
        let cursor = view.cursor(number);
        let overlap = repeats
            .clone()
            .map(|segment| overlap(segment, cursor))
            .sum();
        let earlier = view.arrived.iter();
        let before = earlier
            .filter(|segment| (segment.leg as usize) < number)
            .map(|segment| u64::from(segment.length))
            .sum();
        let first = arrived
            .clone()
            .chain(repeats)
            .min_by_key(|segment| segment.ordinal)
            .map(|segment| segment.position);
        let last = arrived.map(|segment| segment.end() - 1).max();
        Self {
            in_time,
            late,
            overlap,
            before,
            first,
            last,
        }
    }
}

/// How many events of a repeat are at or before the last event ID.
pub(super) fn overlap(repeat: &Segment, cursor: Option<u32>) -> u64 {
    cursor.map_or(0, |cursor| {
        let upto = repeat.end().min(cursor + 1);
        upto.saturating_sub(repeat.position).into()
    })
}

/// When the leg had received nothing of what it owed for too long.
pub(super) fn overdue(view: &SlotView<'_>, number: usize, settings: &Settings) -> Micros {
    view.record.legs[number].opened + settings.delivery_timeout
}
