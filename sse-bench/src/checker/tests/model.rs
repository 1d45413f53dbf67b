//! The slow, obvious checker: it knows the true sequence and keeps every
//! reception, and must agree with the fast one on all counts.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::{Arrival, Checker, Integrity, LegEnd, Micros, Settings};

const SLOTS: usize = 5;
const EVERY: Micros = 10_000;

/// What a server does to one event on one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Drop,
    Twice,
    /// After the next one.
    Late,
    /// Again, much later.
    Echo,
}

#[derive(Debug, Clone)]
struct Plan {
    events: usize,
    /// Slot, event, fault; of each event at most one is heeded.
    faults: Vec<(usize, usize, Fault)>,
    /// Slot, event before which it is cut, events that it is away, events too
    /// many or too few that the replay begins before.
    cuts: Vec<(usize, usize, usize, i64)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let fault = prop_oneof![
        Just(Fault::Drop),
        Just(Fault::Twice),
        Just(Fault::Late),
        Just(Fault::Echo)
    ];
    (20_usize..80).prop_flat_map(move |events| {
        let faults = prop::collection::vec((0..SLOTS, 2..events - 6, fault.clone()), 0..5);
        let cuts =
            prop::collection::vec((0..SLOTS - 2, 3..events - 8, 0_usize..6, -2_i64..5), 0..6);
        (faults, cuts).prop_map(move |(faults, cuts)| Plan {
            events,
            faults,
            cuts,
        })
    })
}

/// Receptions of one slot: leg and event, with the event at each leg's cursor.
#[derive(Debug, Default, Clone)]
struct Truth {
    received: Vec<(usize, usize)>,
    cursors: Vec<Option<usize>>,
}

/// What happens, in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Receive(usize),
    Close,
    Open(Option<usize>),
}

fn play(plan: &Plan) -> (Vec<Truth>, Vec<(Micros, usize, Happening)>) {
    let mut disturbed = HashSet::new();
    let faults: Vec<_> = plan
        .faults
        .iter()
        .filter(|(_, event, _)| {
            (event - 1..=event + 1).all(|near| !disturbed.contains(&near))
                && disturbed.insert(*event)
        })
        .collect();
    let mut truths = vec![Truth::default(); SLOTS];
    let mut happenings = Vec::new();
    for (slot, truth) in truths.iter_mut().enumerate() {
        let mut leg = 0;
        let mut away_until: Option<(usize, i64)> = None;
        let mut late: Option<usize> = None;
        let mut echo: Option<(usize, usize)> = None;
        truth.cursors.push(None);
        happenings.push((0, slot, Happening::Open(None)));
        for event in 0..plan.events {
            let at = (event as Micros + 1) * EVERY;
            // A cut would come before what was replayed.
            let is_back = away_until.is_some_and(|(until, _)| event >= until);
            if let Some((until, shift)) = away_until
                && event >= until
            {
                let cursor = truth.received.last().map(|(_, event)| *event);
                leg += 1;
                truth.cursors.push(cursor);
                happenings.push((at - 2000, slot, Happening::Open(cursor)));
                let from = cursor.map_or(0, |cursor| i64::try_from(cursor).unwrap() + 1)
                    + shift.min(2)
                    - shift.max(0);
                for replayed in from.max(0) as usize..event {
                    truth.received.push((leg, replayed));
                    happenings.push((at - 1000, slot, Happening::Receive(replayed)));
                }
                away_until = None;
            }
            let cut = plan.cuts.iter().find(|cut| cut.0 == slot && cut.1 == event);
            if let Some(cut) = cut
                && away_until.is_none()
                && !is_back
                && !truth.received.is_empty()
            {
                away_until = Some((event + cut.2, cut.3));
                happenings.push((at - 3000, slot, Happening::Close));
                (late, echo) = (None, None);
                if cut.2 > 0 {
                    continue;
                }
            }
            if away_until.is_some() {
                if away_until.is_some_and(|(until, _)| until > event) {
                    continue;
                }
                // Away for no event at all: opened again before this one.
                let cursor = truth.received.last().map(|(_, event)| *event);
                leg += 1;
                truth.cursors.push(cursor);
                happenings.push((at - 2000, slot, Happening::Open(cursor)));
                away_until = None;
            }
            let fault = faults
                .iter()
                .find(|fault| fault.0 == slot && fault.1 == event);
            let mut receive = |event: usize| {
                truth.received.push((leg, event));
                happenings.push((at, slot, Happening::Receive(event)));
            };
            match fault.map(|fault| fault.2) {
                Some(Fault::Drop) => {}
                Some(Fault::Late) => late = Some(event),
                Some(Fault::Twice) => {
                    receive(event);
                    receive(event);
                }
                Some(Fault::Echo) => {
                    receive(event);
                    echo = Some((event + 3, event));
                }
                None => receive(event),
            }
            if late.is_some_and(|late| late < event)
                && let Some(late) = late.take()
            {
                receive(late);
            }
            if let Some((_, repeated)) = echo.filter(|(due, _)| *due == event) {
                receive(repeated);
            }
        }
    }
    happenings.sort_by_key(|(at, slot, _)| (*at, *slot));
    (truths, happenings)
}

fn model(plan: &Plan, truths: &[Truth]) -> Integrity {
    let mut counts = Integrity::default();
    let shared = |event: usize| {
        let has = |truth: &&Truth| {
            truth
                .received
                .iter()
                .any(|(_, received)| *received == event)
        };
        truths.iter().filter(has).count() >= 2
    };
    for truth in truths {
        let Some((_, start)) = truth.received.first().copied() else {
            continue;
        };
        let arrived = |event: usize| {
            let mut receptions = truth.received.iter();
            receptions
                .find(|(_, received)| *received == event)
                .map(|(leg, _)| *leg)
        };
        // Owed and received.
        for event in (start..plan.events).filter(|event| shared(*event)) {
            counts.expected += 1;
            match arrived(event) {
                Some(_) => counts.received += 1,
                None => counts.missing += 1,
            }
        }
        // Runs of missing events between two received ones.
        let mut previous: Option<usize> = None;
        let mut hole = false;
        for event in start..plan.events {
            match arrived(event) {
                None => hole |= shared(event),
                Some(leg) => {
                    if hole && previous == Some(leg) {
                        counts.gap += 1;
                        counts.cursor_past_hole += 1;
                    } else if hole {
                        counts.lost_after_reconnect += 1;
                    }
                    hole = false;
                    previous = Some(leg);
                }
            }
        }
        // Repeats, and the order of the rest.
        let mut seen = HashSet::new();
        let mut legs: Vec<Vec<usize>> = vec![Vec::new(); truth.cursors.len()];
        for &(leg, event) in &truth.received {
            if seen.insert(event) {
                legs[leg].push(event);
                continue;
            }
            counts.duplicate += 1;
            if truth.cursors[leg].is_some_and(|cursor| event <= cursor) {
                counts.replay_overlap += 1;
            }
        }
        for leg in legs {
            let mut longest: Vec<u64> = Vec::new();
            for (at, event) in leg.iter().enumerate() {
                let before = (0..at).filter(|before| leg[*before] < *event);
                longest.push(1 + before.map(|before| longest[before]).max().unwrap_or(0));
            }
            counts.reorder += leg.len() as u64 - longest.into_iter().max().unwrap_or(0);
        }
    }
    counts
}

fn check(happenings: &[(Micros, usize, Happening)], plan: &Plan, types: usize) -> Integrity {
    let mut checker = Checker::new(Settings::default());
    for _ in 0..SLOTS {
        checker.add_slot();
    }
    let mut end = (plan.events as Micros + 1) * EVERY;
    for &(at, slot, happening) in happenings {
        match happening {
            Happening::Open(cursor) => {
                let cursor = cursor.map_or_else(String::new, |event| format!("id-{event}"));
                checker.opened(slot, at, &cursor);
            }
            Happening::Close => checker.closed(slot, at, LegEnd::Cut(0)),
            Happening::Receive(event) => {
                let id = format!("id-{event}");
                let event_type = ["tick", "status", "note"][event % types];
                let arrival = Arrival {
                    event_type,
                    data: &id,
                    id: Some(&id),
                };
                checker.received(slot, at, &arrival);
            }
        }
        end = end.max(at);
    }
    let drain = checker.settings.drain;
    checker.judge(end + drain).integrity
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn all_counts_agree_with_the_model(plan in plan(), types in 1_usize..=3) {
        let (truths, happenings) = play(&plan);
        prop_assert_eq!(check(&happenings, &plan, types), model(&plan, &truths));
    }
}
