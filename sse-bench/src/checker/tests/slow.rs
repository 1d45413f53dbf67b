//! What a slow reader sees late is charged to nobody.

use fastrand::Rng;

use super::super::findings::Mode;
use super::super::{Integrity, Micros, Settings, Undecided};
use super::honest::{Run, run};
use super::{STEP, Script};

/// How often it is looked whether anything is late.
const PROBE: Micros = 100_000;

#[test]
fn what_comes_between_the_request_and_a_late_answer_proves_no_replay() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3]);
    script.checker.asked(2, script.now);
    // Live to the third slot too, whose answer is read after all of them.
    script.wait(STEP).ids(&[0, 1], &[4, 5]);
    script.open(2, "2").ids(&[2], &[4, 5]);
    script.ids(&[0, 1, 2], &[6]).wait(6_000_000);
    let findings = script.judge();
    assert_eq!(findings.legs.sample[0].mode, Mode::LiveOnly);
    assert_eq!(findings.legs.sample[0].owed, 1);
    assert_eq!(findings.integrity.lost_after_reconnect, 1);
}

#[test]
fn a_live_stream_whose_answer_is_read_late_has_resumed_nothing() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2);
    script.checker.asked(2, script.now);
    script.wait(STEP).ids(&[0, 1], &[3, 4]);
    script.open(2, "2").ids(&[2], &[3, 4]);
    let findings = script.judge();
    assert_eq!(findings.reconnects.vacuous, 1);
    assert_eq!(findings.reconnects.complete, 0);
}

/// A silence of the third slot of `silence`, in which nothing was read for `pause`.
fn stalls(silence: Micros, pause: Micros) -> u64 {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1]).ids(&[0, 1], &[2]);
    let (from, to) = (script.now, script.now + pause);
    script.checker.looked(0, from, to);
    script.wait(silence).ids(&[2], &[2]);
    script.checker.looked(0, script.now, script.now);
    script.judge().integrity.stall
}

#[test]
fn a_silence_while_nothing_was_read_is_no_stall() {
    assert_eq!(stalls(5_500_000, 0), 1);
    assert_eq!(stalls(5_500_000, 1_000_000), 0);
    assert_eq!(stalls(6_500_000, 1_000_000), 1);
}

#[test]
fn a_replay_that_was_read_late_is_undecided() {
    for (pause, incomplete) in [(0, 1), (100_000, 0)] {
        let mut script = Script::new(3);
        script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3]);
        script.open(2, "2").wait(5_000_001);
        let (from, to) = (script.now - pause, script.now);
        script.checker.looked(0, from, to);
        script.ids(&[2], &[3]);
        let findings = script.judge();
        assert_eq!(findings.reconnects.incomplete, incomplete);
        assert_eq!(findings.reconnects.complete, 0);
        assert_eq!(findings.legs.sample[0].mode, Mode::Resumed);
    }
}

#[test]
fn what_was_not_looked_for_at_the_end_is_not_missing() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).ids(&[0, 1], &[3]);
    script.checker.looked(0, script.now - STEP, script.now);
    let end = script.now + script.checker.settings.drain;
    assert_eq!(script.checker.judge(end).integrity.missing, 0);
}

/// Nothing is read for some time now and then, and then all that had come.
fn pause(run: &mut Run, random: &mut Rng) {
    let mut ranks: Vec<usize> = (0..run.slots).collect();
    let mut at = random.u64(0..6_000_000);
    while at < run.end {
        let until = at + random.u64(100_000..9_000_000);
        random.shuffle(&mut ranks);
        for (time, slot, _) in &mut run.all {
            if (at..until).contains(time) {
                // One slot after the other.
                *time = until + ranks[*slot] as Micros;
            }
        }
        if until > run.end {
            // The run was over when it was looked again.
            run.all.retain(|(time, ..)| *time < until);
            run.end = until;
            break;
        }
        run.looked.push((at, until + run.slots as Micros));
        let next = until + random.u64(100_000..6_000_000);
        let between = (until + PROBE..next.min(run.end)).step_by(PROBE as usize);
        run.looked.extend(between.map(|at| (at, at)));
        at = next;
    }
    run.all.sort_by_key(|(time, ..)| *time);
}

#[test]
fn no_honest_server_is_blamed_for_the_pauses_of_its_reader() {
    for seed in 0..1000 {
        let mut random = Rng::with_seed(seed);
        let mut run = run(seed, 30_000_000);
        pause(&mut run, &mut random);
        for prune_at in [usize::MAX, 1] {
            let settings = Settings {
                prune_at,
                ..run.settings.clone()
            };
            let (findings, _) = run.judge(settings);
            let found = findings.integrity;
            let blameless = Integrity {
                expected: found.expected,
                received: found.expected,
                unkeyed: found.unkeyed,
                ..Integrity::default()
            };
            assert_eq!(found, blameless, "seed {seed}: {:#?}", findings.anomalies);
            assert_eq!(findings.reconnects.incomplete, 0, "seed {seed}");
            let strangers = |it: &Undecided| matches!(it, Undecided::NotShared(_));
            let shared = !findings.undecided.iter().any(strangers);
            assert!(shared, "seed {seed}: {:?}", findings.undecided);
        }
    }
}
