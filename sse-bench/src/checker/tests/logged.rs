//! The log: where each anomaly is to be seen.

use super::super::{AnomalyKind, Around, Log, Logged, Settings, Spot};
use super::{STEP, Script};

const ALL: &[usize] = &[0, 1, 2];

/// Slot 2 loses 504, gets 506 twice, loses 511 and 512 at a reconnect, and has 515
/// after 516; 500 events before that are settled.
fn log(logged: usize, prune_at: usize) -> Log {
    let settings = Settings {
        prune_at,
        logged,
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    let ids = |from: u32, to: u32| (from..=to).collect::<Vec<_>>();
    script.ids(ALL, &ids(1, 400)).wait(20_000_000);
    script.ids(ALL, &ids(401, 503));
    script
        .ids(&[0, 1], &[504])
        .ids(ALL, &[505, 506])
        .ids(&[2], &[506]);
    script.ids(ALL, &ids(507, 510)).cut(2);
    script.ids(&[0, 1], &[511, 512, 513]).open(2, "510");
    script
        .ids(&[2], &[513])
        .ids(&[0, 1], &[514, 515, 516])
        .ids(&[2], &[514, 516, 515]);
    script.ids(ALL, &ids(517, 530)).wait(STEP);
    script.judge().log
}

fn find(log: &Log, kind: AnomalyKind) -> &Logged {
    let found = |entry: &&Logged| entry.anomaly.kind == kind;
    log.entries.iter().find(found).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as a finding has it")]
fn spot(leg: usize, ordinal: u32) -> Option<Spot> {
    Some(Spot { leg, ordinal })
}

#[test]
fn each_anomaly_names_its_place_and_its_neighbours() {
    let log = log(100, usize::MAX);
    let gap = find(&log, AnomalyKind::Gap);
    let texts = |entry: &Logged| (entry.before.clone().unwrap(), entry.after.clone().unwrap());
    assert_eq!(texts(gap), ("503".into(), "505".into()));
    assert!(gap.cursor_past_hole);
    let between = |before, first, after| Around::Receptions {
        before,
        first,
        after,
    };
    assert_eq!(gap.around, between(spot(1, 502), None, spot(1, 503)));
    let again = find(&log, AnomalyKind::Duplicate);
    assert_eq!(
        again.around,
        between(spot(1, 504), spot(1, 505), spot(1, 506))
    );
    assert_eq!(texts(again), ("506".into(), "507".into()));
    assert_eq!(again.replay_overlap, 0);
    let lost = find(&log, AnomalyKind::LostAfterReconnect);
    assert_eq!(lost.around, between(spot(1, 509), None, spot(2, 0)));
    assert_eq!(lost.anomaly.first.as_deref(), Some("511"));
    let reorder = find(&log, AnomalyKind::Reorder);
    let first = reorder.anomaly.first.as_deref();
    let places = [(Some("516"), spot(2, 2)), (Some("515"), spot(2, 3))];
    let Around::Receptions { first: place, .. } = reorder.around else {
        panic!("{reorder:?}");
    };
    assert!(places.contains(&(first, place)), "{reorder:?}");
    assert_eq!(log.left_out, 0);
}

#[test]
fn places_stay_what_they_are_when_what_was_before_is_let_go_of() {
    let (kept, pruned) = (log(100, usize::MAX), log(100, 1));
    assert_eq!(kept.entries, pruned.entries);
}

#[test]
fn the_earliest_are_kept_and_the_others_counted() {
    let (all, some) = (log(100, usize::MAX), log(2, usize::MAX));
    assert_eq!(some.entries, all.entries[..2]);
    assert_eq!(some.left_out, all.entries.len() as u64 - 2);
    assert_eq!(log(0, usize::MAX).entries, []);
}

#[test]
fn what_breaks_the_order_of_others_is_unusual_as_it_comes() {
    let mut script = Script::with(2, Settings::default());
    script.ids(&[0, 1], &[1, 2]).ids(&[0], &[3, 4, 5, 6, 7]);
    let mut receive = |id: &str, data: &str| {
        let arrival = super::Arrival {
            event_type: "message",
            data,
            id: Some(id),
        };
        let now = script.now;
        let reception = script.checker.received(1, now, &arrival);
        (reception.ordinal.unwrap(), reception.is_unusual)
    };
    assert_eq!(receive("3", "3"), (2, false));
    assert_eq!(receive("3", "3"), (3, true), "a repeat");
    assert_eq!(receive("4", "4"), (4, false));
    assert_eq!(receive("6", "6"), (5, true), "a hole");
    assert_eq!(receive("7", "other"), (6, true), "another content");
}
