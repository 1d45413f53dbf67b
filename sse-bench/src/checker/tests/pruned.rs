//! What is let go of must make no difference to what is found.

use fastrand::Rng;

use super::super::{AnomalyKind, Findings, Settings, Undecided};
use super::honest::{Happening, Run, run};
use super::{STEP, Script};

/// Looks for what is settled after each event.
fn eager(settings: &Settings) -> Settings {
    Settings {
        prune_at: 1,
        ..settings.clone()
    }
}

/// As text, reconnects in no order.
fn comparable(mut findings: Findings) -> String {
    findings
        .legs
        .sample
        .sort_by_cached_key(|leg| format!("{leg:?}"));
    format!("{findings:#?}")
}

/// Loses, repeats, delays or swaps some events.
fn disturb(run: &mut Run, random: &mut Rng) {
    for _ in 0..random.usize(0..4) {
        let at = random.usize(0..run.all.len());
        if !matches!(run.all[at].2, Happening::Receive { .. }) {
            continue;
        }
        let slot = run.all[at].1;
        let later = (at + 1..run.all.len()).find(|later| {
            run.all[*later].1 == slot && matches!(run.all[*later].2, Happening::Receive { .. })
        });
        match (random.u8(0..4), later) {
            (0, _) => {
                run.all.remove(at);
            }
            (1, _) => {
                let again = run.all[at].clone();
                run.all.insert(at, again);
            }
            (2, Some(later)) => {
                let (one, other) = (run.all[at].2.clone(), run.all[later].2.clone());
                (run.all[at].2, run.all[later].2) = (other, one);
            }
            (_, Some(later)) => {
                let again = (run.all[later].0, slot, run.all[at].2.clone());
                run.all.insert(later + 1, again);
            }
            _ => {}
        }
    }
}

#[test]
fn letting_go_changes_no_finding() {
    let (mut known, mut all) = (0, 0);
    for seed in 0..500 {
        let mut random = Rng::with_seed(seed);
        let mut run = run(seed, 90_000_000);
        if random.bool() {
            disturb(&mut run, &mut random);
        }
        let keep = Settings {
            prune_at: usize::MAX,
            ..run.settings.clone()
        };
        let (kept, everything) = run.judge(keep);
        let (pruned, rest) = run.judge(eager(&run.settings));
        (known, all) = (known + rest, all + everything);
        let (kept, pruned) = (comparable(kept), comparable(pruned));
        if kept != pruned {
            let differ = kept
                .lines()
                .zip(pruned.lines())
                .filter(|(one, other)| one != other);
            let differ: Vec<_> = differ.take(12).collect();
            panic!("seed {seed}: {differ:#?}");
        }
    }
    // Much was let go of.
    assert!(known * 10 < all * 9, "{known} of {all}");
}

/// Three slots that receive so many events, a second apart, and let go of them.
fn long(settings: &Settings, events: u32) -> Script {
    let mut script = Script::with(3, eager(settings));
    for id in 0..events {
        script.ids(&[0, 1, 2], &[id]).wait(1_000_000 - STEP);
    }
    script
}

#[test]
fn a_healthy_stream_takes_no_more_memory_the_longer_it_is() {
    for events in [200, 2000] {
        let mut script = long(&Settings::default(), events);
        assert!(script.checker.table.len() < 40);
        assert!(script.checker.runs < 10);
        for cut in 0..events {
            script.cut(0).open(0, &(events + cut - 1).to_string());
            script.ids(&[0, 1, 2], &[events + cut]).wait(1_000_000);
        }
        assert!(script.checker.table.len() < 40);
        assert!(script.checker.runs < 100);
        let findings = script.judge();
        assert_eq!(findings.integrity.expected, u64::from(events) * 6);
        assert_eq!(findings.integrity.received, u64::from(events) * 6);
        assert_eq!(findings.reconnects.total, u64::from(events));
        assert_eq!(findings.undecided, []);
        assert_eq!(findings.anomalies, []);
    }
}

#[test]
fn outages_of_which_one_always_overlaps_the_next_hold_nothing_up() {
    let mut script = Script::with(5, eager(&Settings::default()));
    script.ids(&[0, 1, 2, 3, 4], &[0]);
    let mut away: Vec<(usize, u32)> = Vec::new();
    for id in 1..1000 {
        let next = 1 + id as usize % 4;
        script.cut(next);
        away.push((next, id - 1));
        let open: Vec<usize> = (0..5)
            .filter(|slot| away.iter().all(|(gone, _)| gone != slot))
            .collect();
        script.ids(&open, &[id]).wait(1_000_000);
        if away.len() > 2 {
            let (slot, last) = away.remove(0);
            let missed: Vec<u32> = (last + 1..=id).collect();
            script.open(slot, &last.to_string()).ids(&[slot], &missed);
        }
    }
    assert!(script.checker.table.len() < 60);
    assert!(script.checker.runs < 200);
    for (slot, last) in away {
        let missed: Vec<u32> = (last + 1..1000).collect();
        script.open(slot, &last.to_string()).ids(&[slot], &missed);
    }
    script.wait(6_000_000);
    let findings = script.judge();
    assert_eq!(findings.integrity.expected, 5000);
    assert_eq!(findings.integrity.received, 5000);
    assert_eq!(findings.reconnects.complete, 999);
    assert_eq!(findings.undecided, []);
    assert_eq!(findings.anomalies, []);
}

#[test]
fn a_repeat_of_what_was_let_go_of_is_a_duplicate() {
    let mut script = long(&Settings::default(), 100);
    script.cut(1).open(1, "99").ids(&[1], &[3, 4]);
    let findings = script.judge();
    assert_eq!(findings.integrity.duplicate, 2);
    assert_eq!(findings.integrity.replay_overlap, 2);
    assert_eq!(findings.integrity.missing, 0);
    assert_eq!(findings.reconnects.full_replay, 1);
    let listed: Vec<_> = findings
        .anomalies
        .iter()
        .map(|it| (it.kind, it.slot, it.leg))
        .collect();
    assert_eq!(listed, [(AnomalyKind::Duplicate, 2, 2); 2]);
    assert_eq!(findings.anomalies[0].first.as_deref(), Some("3"));
}

#[test]
fn a_late_repeat_of_a_live_event_is_no_replay() {
    let mut script = long(&Settings::default(), 50);
    script.cut(1).open(1, "49");
    for id in 50..150 {
        script.ids(&[0, 1, 2], &[id]).wait(1_000_000 - STEP);
    }
    // One from before the last event ID, and two from after it.
    script.ids(&[1], &[7, 60, 61]);
    let integrity = script.judge().integrity;
    assert_eq!((integrity.duplicate, integrity.replay_overlap), (3, 1));
}

#[test]
fn an_id_of_what_was_let_go_of_with_other_content_is_a_conflict() {
    let mut script = long(&Settings::default(), 100);
    for slot in 0..3 {
        script.receive(slot, "message", Some("7"), "another");
    }
    assert_eq!(script.judge().integrity.id_conflict, 1);
}

#[test]
fn what_may_be_a_forgotten_event_is_told_and_never_passed() {
    let settings = Settings {
        remembered: 10,
        ..Settings::default()
    };
    let mut script = long(&settings, 100);
    for slot in 0..2 {
        script.cut(slot).open(slot, "99").ids(&[slot], &[3]);
    }
    let findings = script.judge();
    assert_eq!(findings.integrity.missing, 0);
    assert_eq!(findings.undecided, [Undecided::Forgotten(1)]);
}

#[test]
fn a_slot_that_opens_late_is_owed_nothing_of_what_was_let_go_of() {
    let mut script = long(&Settings::default(), 100);
    let slot = script.checker.add_slot();
    script
        .open(slot, "")
        .ids(&[slot], &[50, 51])
        .ids(&[0, 1, 2, slot], &[100]);
    let findings = script.judge();
    assert_eq!(findings.integrity.unkeyed, 2);
    assert_eq!(
        (findings.integrity.missing, findings.integrity.duplicate),
        (0, 0)
    );
    assert_eq!(findings.integrity.expected, 304);
}

#[test]
fn a_loss_after_much_was_let_go_of_is_found() {
    let mut script = long(&Settings::default(), 100);
    script.ids(&[0, 2], &[100]).ids(&[0, 1, 2], &[101]);
    let findings = script.judge();
    assert_eq!((findings.integrity.missing, findings.integrity.gap), (1, 1));
    assert_eq!(findings.anomalies[0].first.as_deref(), Some("100"));
}

#[test]
fn two_events_that_the_first_receivers_saw_in_another_order_hold_nothing_up() {
    let mut script = Script::with(3, eager(&Settings::default()));
    // The last slot is new, and begins with the second of them.
    script.ids(&[2], &[1]).ids(&[0, 1], &[0, 1]).wait(1_000_000);
    for id in 2..200 {
        script.ids(&[0, 1, 2], &[id]).wait(1_000_000);
    }
    assert!(script.checker.table.len() < 40);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.expected, findings.integrity.reorder),
        (599, 0)
    );
}

/// One slot is cut so many times, 100 ms apart; two others watch. Records then known.
fn cut_often(times: u32, every: u32) -> (usize, super::super::Findings) {
    let mut script = Script::with(3, eager(&Settings::default()));
    script.ids(&[0, 1, 2], &[0, 1, 2, 3]);
    let mut last = 3;
    for cut in 1..=times {
        script.cut(1).open(1, &last.to_string());
        if cut % every == 0 {
            last += 1;
            script.ids(&[0, 1, 2], &[last]);
        }
        script.wait(100_000);
    }
    let records = script.checker.records();
    script.wait(20_000_000);
    (records, script.judge())
}

#[test]
fn cuts_without_events_between_them_take_no_more_memory_the_more_there_are() {
    for every in [7, 500, u32::MAX] {
        let (few, _) = cut_often(1000, every);
        let (many, findings) = cut_often(4000, every);
        assert!(few < 700 && many < 700, "{few} and {many} records");
        assert_eq!(findings.reconnects.total, 4000);
        assert_eq!(findings.reconnects.vacuous, 4000);
        assert_eq!(findings.legs.by_cut[&Some(0)].reconnects, 4000);
        assert_eq!(findings.anomalies, []);
    }
}

#[test]
fn each_conflict_of_a_remembered_name_is_counted_once() {
    let mut script = long(&Settings::default(), 100);
    for content in ["another", "a third"] {
        for id in 0..50 {
            let id = id.to_string();
            script.receive(0, "message", Some(&id), content);
        }
    }
    assert_eq!(script.judge().integrity.id_conflict, 50);
}
