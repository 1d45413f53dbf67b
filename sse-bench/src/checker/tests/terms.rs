//! Each term of the report.

use super::{STEP, Script};
use crate::checker::LegEnd;
use crate::checker::{
    Integrity, KeyPointer, Level, Mode, Sequence, Settings, Strangers, Undecided,
};

/// What three slots that received 1 to 10 have in common.
fn healthy() -> Integrity {
    Integrity {
        expected: 30,
        received: 30,
        ..Integrity::default()
    }
}

#[test]
fn a_healthy_stream_has_nothing_to_report() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let findings = script.judge();
    assert_eq!(findings.integrity, healthy());
    assert_eq!(findings.level, Some(Level::Id));
    assert_eq!((findings.undecided, findings.anomalies), (vec![], vec![]));
}

#[test]
fn an_event_lost_while_connected_is_a_gap_that_the_cursor_has_passed() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).ids(&[0, 1], &[3, 4]);
    script.ids(&[0, 1, 2], &[5]);
    let findings = script.judge();
    let expected = Integrity {
        expected: 15,
        received: 13,
        missing: 2,
        gap: 1,
        cursor_past_hole: 1,
        ..Integrity::default()
    };
    assert_eq!(findings.integrity, expected);
    assert_eq!(findings.missing_connected, 2);
    let anomaly = &findings.anomalies[0];
    assert_eq!((anomaly.slot, anomaly.leg, anomaly.count), (3, 1, 2));
    assert_eq!(
        (anomaly.first.as_deref(), anomaly.last.as_deref()),
        (Some("3"), Some("4"))
    );
}

#[test]
fn the_first_receiver_of_a_later_event_does_not_make_the_order() {
    // Slot 0 misses 3 and is the first to receive 4.
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).ids(&[0], &[4, 5]);
    script.ids(&[1, 2], &[3, 4, 5]).ids(&[0, 1, 2], &[6]);
    let found = script.judge().integrity;
    assert_eq!((found.missing, found.gap, found.reorder), (1, 1, 0));
}

#[test]
fn what_was_sent_while_a_connection_was_away_is_lost_after_a_reconnect() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3, 4]);
    script.open(2, "2").ids(&[0, 1, 2], &[5]).wait(6_000_000);
    let findings = script.judge();
    let found = findings.integrity;
    assert_eq!(
        (found.missing, found.lost_after_reconnect, found.gap),
        (2, 1, 0)
    );
    assert_eq!(findings.legs.sample[0].mode, Mode::LiveOnly);
    assert_eq!(findings.legs.sample[0].complete, Some(false));
}

#[test]
fn a_complete_replay_resumes() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3, 4]);
    script.open(2, "2").ids(&[2], &[3, 4]).ids(&[0, 1, 2], &[5]);
    let findings = script.judge();
    assert_eq!(findings.integrity.missing, 0);
    assert_eq!(findings.legs.sample[0].owed, 2);
    assert_eq!(
        (findings.reconnects.resumed, findings.reconnects.complete),
        (1, 1)
    );
}

#[test]
fn a_reconnect_with_nothing_owed_proves_nothing() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1, 2])
        .cut(2)
        .open(2, "2")
        .ids(&[0, 1, 2], &[3]);
    let findings = script.judge();
    assert_eq!(
        (findings.reconnects.vacuous, findings.reconnects.complete),
        (1, 0)
    );
}

#[test]
fn a_replay_that_takes_too_long_is_incomplete_though_nothing_is_missing() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3]);
    script.open(2, "2").wait(5_000_001).ids(&[2], &[3]);
    let findings = script.judge();
    assert_eq!(findings.integrity.missing, 0);
    assert_eq!(findings.reconnects.incomplete, 1);
}

#[test]
fn a_leg_that_ends_before_its_replay_could_be_complete_is_not_blamed() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3, 4]);
    script.open(2, "2").ids(&[2], &[3]).cut(2);
    script.open(2, "3").ids(&[2], &[4]).ids(&[0, 1, 2], &[5]);
    let findings = script.judge();
    assert_eq!(findings.integrity.missing, 0);
    assert_eq!(
        (findings.reconnects.complete, findings.reconnects.incomplete),
        (1, 0)
    );
}

#[test]
fn repeats_are_duplicates_and_those_before_the_cursor_an_overlap() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2, 3, 4, 5, 6]).ids(&[1], &[6]);
    script
        .cut(2)
        .ids(&[0, 1], &[7])
        .open(2, "6")
        .ids(&[2], &[5, 6, 7]);
    script.ids(&[0, 1, 2], &[8]).ids(&[2], &[8]);
    let found = script.judge().integrity;
    assert_eq!((found.duplicate, found.replay_overlap), (4, 2));
    assert_eq!(
        (found.missing, found.reorder),
        (0, 0),
        "repeats are never out of order"
    );
}

#[test]
fn a_replay_from_the_start_is_a_full_replay() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2, 3]).cut(2).ids(&[0, 1], &[4]);
    script
        .open(2, "3")
        .ids(&[2], &[1, 2, 3, 4])
        .ids(&[0, 1, 2], &[5]);
    let findings = script.judge();
    assert_eq!(findings.reconnects.full_replay, 1);
    let found = findings.integrity;
    assert_eq!(
        (found.duplicate, found.replay_overlap, found.missing),
        (3, 3, 0)
    );
}

#[test]
fn an_event_out_of_order_counts_against_the_minority() {
    let mut script = Script::new(4);
    script.ids(&[0, 1, 2, 3], &[1, 2]).ids(&[0], &[5]);
    script
        .ids(&[0, 1, 2, 3], &[3, 4])
        .ids(&[1, 2, 3], &[5])
        .ids(&[0, 1, 2, 3], &[6]);
    let findings = script.judge();
    assert_eq!(findings.integrity.reorder, 1);
    assert_eq!(
        (findings.integrity.missing, findings.integrity.duplicate),
        (0, 0)
    );
    assert_eq!(findings.anomalies[0].slot, 1);
}

#[test]
fn one_id_with_two_contents_is_a_conflict() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2, 3, 4]);
    script
        .receive(0, "message", Some("5"), "5")
        .receive(1, "message", Some("5"), "five");
    script
        .receive(2, "message", Some("5"), "5")
        .ids(&[0, 1, 2], &[6]);
    let findings = script.judge();
    assert_eq!(findings.integrity.id_conflict, 1);
    assert_eq!(findings.anomalies[0].first.as_deref(), Some("5"));
    assert_eq!(findings.integrity.missing, 0);
}

#[test]
fn ids_that_name_several_events_on_each_connection_are_conflicts_and_nothing_else() {
    // Topics of one stream that count for themselves.
    let mut script = Script::new(3);
    for id in 1..=6_u32 {
        for topic in ["a", "b"] {
            for slot in 0..3 {
                let id = id.to_string();
                script.receive(slot, topic, Some(&id), &format!("{topic}{id}"));
            }
        }
        script.wait(STEP);
        if id == 3 {
            script.cut(2).open(2, "3");
        }
    }
    let findings = script.judge();
    let found = findings.integrity;
    assert_eq!(found.id_conflict, 6);
    assert_eq!((found.expected, found.received), (36, 36), "{findings:#?}");
    assert_eq!((found.duplicate, found.reorder, found.missing), (0, 0, 0));
    assert_eq!(findings.undecided, []);
    assert_eq!(findings.anomalies[0].first.as_deref(), Some("1"));
}

#[test]
fn ids_that_are_used_in_turns_are_conflicts_whoever_has_the_next_one_first() {
    let mut script = Script::new(2);
    let late = script.checker.add_slot();
    for turn in 0..3 {
        for id in 0..10 {
            let id = id.to_string();
            let data = format!("{turn}{id}");
            if (turn, &*id) == (0, "5") {
                script.open(late, "");
            }
            if turn > 0 || id.as_str() >= "5" {
                script.receive(late, "message", Some(&id), &data);
            }
            script.receive(0, "message", Some(&id), &data);
            script.receive(1, "message", Some(&id), &data).wait(STEP);
        }
    }
    let findings = script.judge();
    let found = findings.integrity;
    assert_eq!(found.id_conflict, 10);
    assert_eq!((found.expected, found.received), (85, 85));
    assert_eq!((found.duplicate, found.reorder), (0, 0));
}

#[test]
fn ids_that_begin_again_after_a_restart_are_conflicts_and_no_repeats() {
    let mut script = Script::new(3);
    script.ids(&[0, 1, 2], &[1, 2, 3, 4, 5]);
    for slot in 0..3 {
        script.cut(slot).open(slot, "");
    }
    for id in ["1", "2", "3", "4", "5"] {
        for slot in 0..3 {
            script.receive(slot, "message", Some(id), &format!("again {id}"));
        }
        script.wait(STEP);
    }
    let findings = script.judge();
    let found = findings.integrity;
    assert_eq!((found.id_conflict, found.duplicate), (5, 0));
    let shared = |it: &Undecided| !matches!(it, Undecided::NotShared(_));
    assert!(findings.undecided.iter().all(shared), "{findings:#?}");
}

#[test]
fn ids_that_mean_something_else_on_each_connection_prove_nothing() {
    // Where two sources are mixed for each connection anew, an id that says how far
    // it is in both names another event on the next.
    let mut script = Script::new(4);
    for pair in 0..6_u32 {
        for slot in 0..4_usize {
            let first = (slot as u32 + pair) % 2;
            for step in 0..2 {
                let (a, b) = match (step, first) {
                    (0, 0) => (pair + 1, pair),
                    (0, _) => (pair, pair + 1),
                    _ => (pair + 1, pair + 1),
                };
                let source = if step == first { "a" } else { "b" };
                let id = format!("{a},{b}");
                script.receive(slot, source, Some(&id), &format!("{source}{pair}"));
            }
        }
        script.wait(STEP);
    }
    let findings = script.judge();
    let strange = |it: &Undecided| matches!(it, Undecided::NotShared(Strangers::Disagree(..)));
    assert!(findings.undecided.iter().any(strange), "{findings:#?}");
}

#[test]
fn a_gap_event_declares_as_many_as_it_says() {
    for (data, declared, missing, lost) in [
        ("{\"missed\":2}", 1, 0, 0),
        ("{\"missed\":null}", 1, 0, 0),
        ("2", 1, 0, 0),
        ("no number", 1, 0, 0),
        ("{\"missed\":1}", 1, 1, 1),
        ("{\"missed\":0}", 0, 2, 1),
    ] {
        let mut script = Script::new(3);
        script.ids(&[0, 1, 2], &[1, 2]).cut(2).ids(&[0, 1], &[3, 4]);
        script.open(2, "2").gap(2, data).ids(&[0, 1, 2], &[5, 6]);
        let findings = script.judge();
        let found = findings.integrity;
        assert_eq!(
            (
                found.declared_gap,
                found.missing,
                found.lost_after_reconnect
            ),
            (declared, missing, lost),
            "{data}"
        );
        assert_eq!(
            findings.reconnects.vacuous,
            u64::from(missing == 0),
            "{data}"
        );
    }
}

#[test]
fn a_gap_event_covers_its_place_and_no_other() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1, 2])
        .gap(2, "1")
        .ids(&[0, 1, 2], &[3]);
    script.ids(&[0, 1], &[4]).ids(&[0, 1, 2], &[5]);
    let found = script.judge().integrity;
    assert_eq!((found.declared_gap, found.missing, found.gap), (0, 1, 1));
}

#[test]
fn silence_while_others_receive_is_a_stall() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1])
        .ids(&[0, 1], &[2])
        .wait(5_100_000)
        .ids(&[2], &[2]);
    script.ids(&[0, 1, 2], &[3]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.stall, findings.integrity.missing),
        (1, 0)
    );
    assert_eq!(findings.anomalies[0].slot, 3);
}

#[test]
fn a_quiet_stream_is_no_stall() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1])
        .wait(20_000_000)
        .ids(&[0, 1, 2], &[2]);
    script.wait(20_000_000).ids(&[2, 1, 0], &[3]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.stall, findings.integrity.missing),
        (0, 0)
    );
}

#[test]
fn holes_in_numbers_are_holes_in_the_stream_only_where_that_is_declared() {
    for (sequence, missing, expected) in [(None, 0, 9), (Some("-(\\d+)$"), 3, 12)] {
        let sequence = sequence.map(|text| Sequence::Id(regex::Regex::new(text).unwrap()));
        let settings = Settings {
            sequence,
            ..Settings::default()
        };
        let mut script = Script::with(3, settings);
        for id in ["a-1", "a-2", "a-4"] {
            for slot in 0..3 {
                script.receive(slot, "message", Some(id), id);
            }
        }
        let found = script.judge().integrity;
        assert_eq!((found.missing, found.gap), (missing, missing));
        assert_eq!(
            (found.expected, found.cursor_past_hole),
            (expected, missing)
        );
    }
}

#[test]
fn a_declared_sequence_is_the_order_whatever_all_receive() {
    let settings = Settings {
        sequence: Some(Sequence::Id(regex::Regex::new("\\d+").unwrap())),
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    script.ids(&[0, 1, 2], &[1, 2, 4, 3, 5]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.reorder, findings.integrity.missing),
        (3, 0)
    );
}

#[test]
fn a_new_series_is_a_new_history() {
    let settings = Settings {
        sequence: Some(Sequence::Id(regex::Regex::new("-(\\d+)$").unwrap())),
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    for id in ["a-7", "a-8", "b-1", "b-2"] {
        for slot in 0..3 {
            script.receive(slot, "message", Some(id), id);
        }
    }
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.missing, findings.integrity.id_conflict),
        (0, 0)
    );
    assert_eq!(findings.level, Some(Level::Sequence));
}

#[test]
fn a_greeting_is_no_part_of_the_stream_whatever_its_id() {
    // Without an id, with one of its own, and with that of the position.
    for id in [None, Some("hello-"), Some("")] {
        let mut script = Script::new(3);
        let greet = |script: &mut Script, slot: usize, head: &str| {
            let id = id.map(|text| match text {
                "" => head.to_owned(),
                text => format!("{text}{slot}-{head}"),
            });
            script.receive(slot, "hello", id.as_deref(), "welcome");
        };
        for slot in 0..3 {
            greet(&mut script, slot, "0");
        }
        script
            .ids(&[0, 1, 2], &[1, 2])
            .cut(2)
            .ids(&[0, 1], &[3])
            .open(2, "2");
        greet(&mut script, 2, "2");
        script.ids(&[2], &[3]).ids(&[0, 1, 2], &[4]);
        let findings = script.judge();
        let found = findings.integrity;
        assert_eq!(
            (found.missing, found.duplicate, found.id_conflict),
            (0, 0, 0),
            "{id:?}"
        );
        assert_eq!(findings.undecided, vec![], "{id:?}");
        assert_eq!(findings.greetings, [("hello".to_owned(), 4)]);
        assert_eq!(found.unkeyed, 4);
    }
}

#[test]
fn a_server_that_greets_and_says_nothing_else_proves_nothing() {
    let mut script = Script::new(3);
    for slot in 0..3 {
        script.receive(slot, "hello", Some("57"), "welcome");
    }
    script
        .cut(2)
        .open(2, "57")
        .receive(2, "hello", Some("57"), "welcome");
    let findings = script.judge();
    assert_eq!(findings.integrity.duplicate, 0);
    assert!(findings.undecided.contains(&Undecided::NothingOwed));
}

#[test]
fn events_that_come_first_on_their_legs_keep_their_order_whatever_their_types() {
    // Each leg lives so briefly that it receives one event, or a replay.
    let mut script = Script::new(4);
    let types = ["b", "a", "a", "b", "a", "a", "b"];
    for (event, event_type) in types.into_iter().enumerate().skip(1) {
        let id = event.to_string();
        for slot in 0..4 {
            if (slot + event) % 3 > 0 {
                script.receive(slot, event_type, Some(&id), &id);
            }
        }
        script.wait(1_000_000);
        for slot in 0..4 {
            let last = (1..=event).rfind(|event| (slot + event) % 3 > 0);
            let cursor = last.map(|event| event.to_string()).unwrap_or_default();
            script.checker.closed(slot, script.now, LegEnd::Server);
            script.open(slot, &cursor);
            if last.is_some_and(|last| last < event) {
                script.receive(slot, event_type, Some(&id), &id);
            }
        }
    }
    let findings = script.judge();
    let found = findings.integrity;
    assert_eq!(
        (found.missing, found.reorder, found.duplicate),
        (0, 0, 0),
        "{findings:#?}"
    );
    assert_eq!(findings.greetings, []);
}

#[test]
fn a_counter_for_each_connection_is_no_shared_stream() {
    let mut script = Script::new(0);
    let mut next = [1_u32; 5];
    for slot in 0..5 {
        script.checker.add_slot();
        script.open(slot, "").wait(900_000);
        for (open, next) in next.iter_mut().enumerate().take(slot + 1) {
            for _ in 0..9 {
                script.ids(&[open], &[*next]);
                *next += 1;
            }
        }
    }
    let findings = script.judge();
    assert!(
        findings
            .undecided
            .contains(&Undecided::NotShared(Strangers::BeginAnew)),
        "{findings:#?}"
    );
}

#[test]
fn events_of_one_connection_alone_leave_the_run_undecided() {
    let mut script = Script::new(4);
    script.ids(&[0, 1, 2, 3], &[1, 2, 3, 4]).wait(1_500_000);
    script.ids(&[2], &[99]).ids(&[0, 1, 2, 3], &[5]);
    let findings = script.judge();
    assert_eq!(findings.undecided, [Undecided::Unshared(1)]);
    assert_eq!(findings.integrity.missing, 0);
}

#[test]
fn time_with_fewer_than_two_connections_is_not_verifiable() {
    let mut script = Script::new(2);
    script.ids(&[0, 1], &[1, 2]).cut(0).cut(1).wait(100_000);
    script.open(0, "2").open(1, "2").ids(&[0, 1], &[3]);
    let findings = script.judge();
    assert!(matches!(
        findings.undecided[..],
        [Undecided::Unverifiable(130_000)]
    ));
}

#[test]
fn events_without_ids_are_told_apart_by_content_only_while_that_is_unique() {
    let mut script = Script::new(3);
    for data in ["a", "b", "ping", "c", "ping"] {
        for slot in 0..3 {
            if (slot, data) != (2, "b") {
                script.receive(slot, "message", None, data);
            }
        }
    }
    let findings = script.judge();
    assert_eq!(findings.level, Some(Level::Content));
    assert_eq!((findings.integrity.missing, findings.integrity.gap), (1, 1));
    assert_eq!((findings.ambiguous, findings.integrity.unkeyed), (1, 6));
    assert_eq!(
        findings.integrity.cursor_past_hole, 0,
        "no id moved a cursor"
    );
}

#[test]
fn an_event_without_an_id_among_events_with_ids_is_owed_to_nobody() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1, 2])
        .receive(0, "message", None, "note");
    script.ids(&[0, 1, 2], &[3]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.unkeyed, findings.integrity.missing),
        (1, 0)
    );
    assert_eq!(findings.level, Some(Level::Id));
}

#[test]
fn a_value_in_the_data_tells_events_apart() {
    let settings = Settings {
        key_pointer: Some(KeyPointer("/k".into())),
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    for (key, slots) in [("a", 3), ("b", 2), ("c", 3)] {
        for slot in 0..slots {
            let data = format!("{{\"k\":\"{key}\",\"to\":{slot}}}");
            script.receive(slot, "message", None, &data);
        }
    }
    let findings = script.judge();
    assert_eq!(findings.level, Some(Level::Pointer));
    assert_eq!(findings.integrity.missing, 1);
}

#[test]
fn a_declared_value_takes_the_place_of_ids_and_of_the_rest_of_the_data() {
    let settings = Settings {
        key_pointer: Some(KeyPointer("/k".into())),
        ..Settings::default()
    };
    let mut script = Script::with(4, settings);
    for key in 1..=8 {
        for slot in 0..4 {
            if (slot, key) != (3, 5) {
                let data = format!("{{\"k\":{key},\"sent\":{}}}", key * 10 + slot);
                // Each connection counts for itself.
                let id = (key + slot).to_string();
                script.receive(slot, "message", Some(&id), &data);
            }
        }
        script.wait(STEP);
    }
    let findings = script.judge();
    assert_eq!(findings.level, Some(Level::Pointer));
    let found = findings.integrity;
    assert_eq!(
        (found.missing, found.id_conflict, found.duplicate),
        (1, 0, 0)
    );
    assert_eq!(findings.undecided, []);
}

#[test]
fn acknowledged_publishes_are_owed_though_nobody_received_them() {
    let settings = Settings {
        sequence: Some(Sequence::Data(KeyPointer("/seq".into()))),
        ..Settings::default()
    };
    let mut script = Script::with(2, settings);
    script.checker.owe_acknowledged();
    for number in 1..=6 {
        let now = script.now;
        if number != 3 {
            script.checker.acknowledged(number, now);
        }
        // 3 was refused, 4 lost, 6 never came, and 5 came to one alone.
        let slots = match number {
            3 | 4 | 6 => 0,
            5 => 1,
            _ => 2,
        };
        for slot in 0..slots {
            script.receive(
                slot,
                "bench",
                Some(&format!("x{number}")),
                &format!("{{\"seq\":{number}}}"),
            );
        }
        script.wait(1000);
    }
    let found = script.judge().integrity;
    // Slot 0 lacks 4 and 6, slot 1 lacks 4 to 6.
    assert_eq!((found.expected, found.missing, found.gap), (10, 5, 1));
}

#[test]
fn a_server_may_accept_overlapping_publishes_in_any_order_that_all_see() {
    let settings = Settings {
        sequence: Some(Sequence::Data(KeyPointer("/seq".into()))),
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    script.checker.owe_acknowledged();
    for number in [1, 3, 2, 4] {
        let now = script.now;
        script.checker.acknowledged(number, now);
        for slot in 0..3 {
            script.receive(slot, "bench", None, &format!("{{\"seq\":{number}}}"));
        }
    }
    let found = script.judge().integrity;
    assert_eq!((found.expected, found.missing, found.reorder), (12, 0, 0));
}

#[test]
fn what_arrives_in_the_drain_is_owed_to_nobody() {
    let mut script = Script::new(3);
    script
        .ids(&[0, 1, 2], &[1, 2])
        .wait(10_000_000)
        .ids(&[0, 1], &[3]);
    let end = script.now;
    let found = script.checker.judge(end + 100_000).integrity;
    assert_eq!((found.expected, found.missing), (6, 0));
}

#[test]
fn a_slot_that_never_receives_is_owed_what_is_live() {
    let mut script = Script::new(3);
    script.wait(1_200_000).ids(&[0, 1], &[1, 2, 3]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.expected, findings.integrity.missing),
        (9, 3)
    );
    assert_eq!(findings.missing_connected, 3);
}

#[test]
fn a_client_that_comes_back_before_it_had_an_id_is_new_to_the_server() {
    let mut script = Script::new(3);
    script
        .wait(1_200_000)
        .cut(2)
        .ids(&[0, 1], &[1, 2, 3])
        .open(2, "");
    script.ids(&[0, 1, 2], &[4, 5]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.expected, findings.integrity.missing),
        (12, 0)
    );
    assert_eq!(findings.reconnects.vacuous, 1);

    // With an id, of a control event say, it is owed what came after it.
    let mut script = Script::new(3);
    script
        .wait(1_200_000)
        .cut(2)
        .ids(&[0, 1], &[1, 2, 3])
        .open(2, "head");
    script.ids(&[0, 1, 2], &[4, 5]);
    let findings = script.judge();
    assert_eq!(
        (findings.integrity.expected, findings.integrity.missing),
        (15, 3)
    );
}

#[test]
fn streams_without_any_order_in_common_are_judged_in_bounded_time() {
    let mut script = Script::new(3);
    let mut random = fastrand::Rng::with_seed(1);
    for slot in 0..3 {
        let mut ids: Vec<u32> = (0..5_000).collect();
        random.shuffle(&mut ids);
        for id in ids {
            let id = id.to_string();
            script.receive(slot, "message", Some(&id), &id);
        }
    }
    let found = script.judge().integrity;
    assert_eq!((found.missing, found.duplicate), (0, 0));
    assert!(found.reorder > 9_000);
}

#[test]
fn history_that_others_are_replayed_is_not_owed_to_a_live_connection() {
    let mut script = Script::new(2);
    script.wait(2_000_000);
    let slot = script.checker.add_slot();
    script.open(slot, "").ids(&[slot], &[1, 2, 3]);
    let slot = script.checker.add_slot();
    script
        .open(slot, "")
        .ids(&[slot], &[1, 2, 3])
        .wait(1_000_000);
    script.ids(&[0, 1, 2, 3], &[4, 5]);
    let findings = script.judge();
    assert_eq!(findings.integrity.missing, 0, "{findings:#?}");
    assert_eq!(findings.integrity.reorder, 0);
}

#[test]
fn the_bound_on_records_ends_the_judged_part() {
    let settings = Settings {
        most_records: 8,
        ..Settings::default()
    };
    let mut script = Script::with(3, settings);
    script
        .ids(&[0, 1, 2], &[1, 2, 3, 4, 5, 6, 7, 8, 9])
        .wait(10_000_000);
    let findings = script.judge();
    assert!(matches!(findings.undecided[0], Undecided::Truncated(_)));
    assert_eq!(findings.integrity.missing, 0);
}
