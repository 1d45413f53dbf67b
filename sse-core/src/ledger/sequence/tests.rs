use proptest::prelude::*;

use super::*;
use crate::ledger::IdLedger;

fn in_order(ledger: &mut SequenceLedger, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        assert_eq!(ledger.observe(number), Observation::InOrder);
    }
}

#[test]
fn a_gap_says_how_many_are_missing_between_which() {
    let mut ledger = SequenceLedger::default();
    ledger.open_leg(None);
    in_order(&mut ledger, 10..=12);
    let gap = Gap {
        first: 13,
        last: 15,
        same_leg: true,
    };
    assert_eq!(ledger.observe(16), Observation::Gap(gap));
    assert_eq!(gap.missing(), 3);
    assert_eq!(ledger.gaps().collect::<Vec<_>>(), [gap]);
    let counts = ledger.counts();
    assert_eq!(
        (counts.missing, counts.gap, counts.lost_after_reconnect),
        (3, 1, 0)
    );
}

#[test]
fn sums_stop_at_the_largest_number_whatever_ids_a_server_makes_up() {
    let mut ledger = SequenceLedger::with_max_holes(0);
    for epoch in ["aaaaaaaa", "bbbbbbbb"] {
        let at = |number| Position::parse(&format!("{epoch}-{number}")).unwrap();
        ledger.observe(at(1));
        ledger.observe(at(u64::MAX - 1));
    }
    for epoch in ["cccccccc", "dddddddd"] {
        let at = |number| Position::parse(&format!("{epoch}-{number}")).unwrap();
        ledger.observe(at(1));
        ledger.declare_gap(at(u64::MAX), None);
    }
    let counts = ledger.counts();
    assert_eq!(
        (counts.missing, counts.forgotten, counts.declared_gap),
        (u64::MAX, u64::MAX, u64::MAX)
    );
    assert_eq!((counts.gap, counts.new_histories), (2, 3));
}

#[test]
fn a_gap_between_two_legs_was_lost_in_the_reconnect() {
    let mut ledger = SequenceLedger::default();
    ledger.open_leg(None);
    in_order(&mut ledger, 1..=3);
    ledger.open_leg(Some(3.into()));
    let gap = Gap {
        first: 4,
        last: 5,
        same_leg: false,
    };
    assert_eq!(ledger.observe(6), Observation::Gap(gap));
    let counts = ledger.counts();
    assert_eq!(
        (counts.missing, counts.gap, counts.lost_after_reconnect),
        (2, 0, 1)
    );
}

#[test]
fn a_gap_after_a_replayed_newest_event_was_lost_while_connected() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=3);
    ledger.open_leg(Some(2.into()));
    assert_eq!(
        ledger.observe(3),
        Observation::Duplicate {
            overlap: false,
            reorder: false
        }
    );
    assert_eq!(
        ledger.observe(5),
        Observation::Gap(Gap {
            first: 4,
            last: 4,
            same_leg: true
        })
    );
}

#[test]
fn late_arrivals_close_the_gap() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=1);
    ledger.observe(6);
    for (late, missing) in [(4, 3), (2, 2), (5, 1), (3, 0)] {
        assert_eq!(ledger.observe(late), Observation::Late { reorder: true });
        assert_eq!(ledger.counts().missing, missing);
    }
    assert_eq!(ledger.counts().gap, 0);
    assert_eq!(ledger.counts().late, 4);
    assert_eq!(ledger.all.holes().len(), 0);
}

#[test]
fn what_a_new_leg_brings_in_rising_order_is_not_reordered() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=2);
    ledger.observe(5);
    ledger.open_leg(Some(5.into()));
    assert_eq!(ledger.observe(3), Observation::Late { reorder: false });
    assert_eq!(
        ledger.observe(5),
        Observation::Duplicate {
            overlap: true,
            reorder: false
        }
    );
    assert_eq!(ledger.observe(4), Observation::Late { reorder: true });
    assert_eq!(
        ledger.observe(4),
        Observation::Duplicate {
            overlap: true,
            reorder: false
        }
    );
}

#[test]
fn a_cursor_on_the_first_leg_is_what_the_client_has() {
    let mut ledger = SequenceLedger::default();
    ledger.open_leg(Some(40.into()));
    assert_eq!(
        ledger.observe(40),
        Observation::Duplicate {
            overlap: true,
            reorder: false
        }
    );
    assert_eq!(ledger.observe(41), Observation::InOrder);
    assert_eq!(
        ledger.observe(7),
        Observation::Duplicate {
            overlap: true,
            reorder: true
        }
    );
    assert_eq!(ledger.counts().replay_overlap, 2);
}

#[test]
fn nothing_is_owed_before_the_first_event() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 10..=10);
    for number in [5, 7] {
        assert_eq!(
            ledger.observe(number),
            Observation::BeforeStart { reorder: true }
        );
        assert!(matches!(
            ledger.observe(number),
            Observation::Duplicate { .. }
        ));
    }
    assert_eq!(ledger.counts().missing, 0);
    assert_eq!(ledger.counts().before_start, 2);
}

#[test]
fn a_declared_gap_is_not_missing() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=3);
    ledger.open_leg(Some(3.into()));
    assert_eq!(ledger.declare_gap(10, Some(7)), None);
    in_order(&mut ledger, 11..=12);
    assert_eq!(
        (ledger.counts().missing, ledger.counts().declared_gap),
        (0, 7)
    );
    // Declared lost, and delivered all the same.
    assert_eq!(ledger.observe(8), Observation::Late { reorder: true });
    assert_eq!(ledger.counts().declared_gap, 6);
}

#[test]
fn what_a_declared_gap_leaves_out_is_missing() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=3);
    ledger.open_leg(Some(3.into()));
    let rest = Gap {
        first: 9,
        last: 10,
        same_leg: false,
    };
    assert_eq!(ledger.declare_gap(10, Some(5)), Some(rest));
    assert_eq!(
        (ledger.counts().missing, ledger.counts().declared_gap),
        (2, 5)
    );
    assert_eq!(
        ledger.declare_gap(10, Some(5)),
        None,
        "nothing is declared twice"
    );
    assert_eq!(ledger.declare_gap(2, None), None);
    assert_eq!(
        (ledger.counts().missing, ledger.counts().declared_gap),
        (2, 5)
    );
}

#[test]
fn another_epoch_is_another_history() {
    let at = |id| Position::parse(id).unwrap();
    let mut ledger = SequenceLedger::default();
    ledger.open_leg(None);
    ledger.observe(at("aaaaaaaa-1"));
    ledger.observe(at("aaaaaaaa-4"));
    ledger.open_leg(Some(at("aaaaaaaa-4")));
    assert_eq!(ledger.observe(at("bbbbbbbb-1")), Observation::NewHistory);
    assert_eq!(ledger.observe(at("bbbbbbbb-2")), Observation::InOrder);
    let counts = ledger.counts();
    assert_eq!(
        (counts.missing, counts.duplicate, counts.new_histories),
        (2, 0, 1)
    );
    assert_eq!(ledger.frontier(), Some(at("bbbbbbbb-2")));
}

#[test]
fn a_declared_gap_of_another_epoch_starts_its_history() {
    let at = |id| Position::parse(id).unwrap();
    let mut ledger = SequenceLedger::default();
    ledger.observe(at("aaaaaaaa-9"));
    ledger.open_leg(Some(at("aaaaaaaa-9")));
    assert_eq!(ledger.declare_gap(at("bbbbbbbb-5"), None), None);
    assert_eq!(
        ledger.observe(at("bbbbbbbb-7")),
        Observation::Gap(Gap {
            first: 6,
            last: 6,
            same_leg: false
        })
    );
    assert_eq!(ledger.counts().new_histories, 1);
}

#[test]
fn a_gap_after_a_declared_one_was_lost_while_connected() {
    let mut ledger = SequenceLedger::default();
    in_order(&mut ledger, 1..=3);
    assert_eq!(ledger.declare_gap(6, None), None);
    let gap = Gap {
        first: 7,
        last: 7,
        same_leg: true,
    };
    assert_eq!(ledger.observe(8), Observation::Gap(gap));
}

#[test]
fn a_cursor_of_another_epoch_makes_no_overlap() {
    let at = |id| Position::parse(id).unwrap();
    let again = Observation::Duplicate {
        overlap: false,
        reorder: false,
    };
    let mut ledger = SequenceLedger::default();
    ledger.observe(at("aaaaaaaa-1"));
    ledger.open_leg(Some(at("bbbbbbbb-9")));
    assert_eq!(ledger.observe(at("aaaaaaaa-1")), again);
    ledger.open_leg(Some(at("aaaaaaaa-1")));
    assert_eq!(ledger.observe(at("bbbbbbbb-1")), Observation::NewHistory);
    assert_eq!(ledger.observe(at("bbbbbbbb-1")), again);
}

#[test]
fn too_many_holes_are_forgotten_and_counted() {
    let mut ledger = SequenceLedger::with_max_holes(2);
    for number in [1, 3, 5, 8, 10] {
        ledger.observe(number);
    }
    let counts = ledger.counts();
    assert_eq!((counts.missing, counts.gap, counts.forgotten), (5, 4, 2));
    assert_eq!(ledger.observe(2), Observation::Undecided);
    assert_eq!(ledger.observe(3), Observation::Undecided);
    assert_eq!(
        ledger.observe(5),
        Observation::Duplicate {
            overlap: false,
            reorder: false
        }
    );
    assert_eq!(ledger.observe(7), Observation::Late { reorder: true });
    assert_eq!(ledger.counts().undecided, 2);
    assert_eq!(ledger.counts().missing, 4);
}

#[test]
fn memory_does_not_grow_with_a_hostile_stream() {
    let mut ledger = SequenceLedger::default();
    for number in 0..100_000 {
        ledger.observe(number * 2);
    }
    assert!(ledger.all.holes().len() <= SequenceLedger::MAX_HOLES);
    assert!(ledger.leg.holes().len() <= SequenceLedger::MAX_HOLES);
    assert_eq!(ledger.counts().missing, 99_999);
}

#[test]
fn the_ends_of_the_number_range_are_ordinary_numbers() {
    let mut ledger = SequenceLedger::default();
    ledger.observe(0);
    let gap = Gap {
        first: 1,
        last: u64::MAX - 1,
        same_leg: true,
    };
    assert_eq!(ledger.observe(u64::MAX), Observation::Gap(gap));
    assert_eq!(ledger.counts().missing, u64::MAX - 1);
    assert!(matches!(
        ledger.observe(u64::MAX),
        Observation::Duplicate { .. }
    ));
    assert_eq!(ledger.declare_gap(u64::MAX, None), None);
    assert_eq!(
        ledger.observe(u64::MAX - 1),
        Observation::Late { reorder: true }
    );
}

#[test]
fn a_ledger_is_small() {
    let (sequence, ids) = (size_of::<SequenceLedger>(), size_of::<IdLedger>());
    assert!(sequence <= 296, "{sequence}: say so in the documentation");
    assert!(ids <= 224, "{ids}: say so in the documentation");
    assert_eq!(size_of::<Hole>(), 24, "as the documentation says");
}

/// Remembers everything and looks it up.
#[derive(Default)]
struct Model {
    /// Each event with the leg on which it came.
    seen: Vec<(u64, usize)>,
    leg: usize,
    cursor: Option<u64>,
}

impl Model {
    fn observe(&mut self, number: u64) -> Observation {
        let had = |number| self.seen.iter().any(|(seen, _)| *seen == number);
        let here = || self.seen.iter().filter(|(_, leg)| *leg == self.leg);
        let reorder =
            here().all(|(seen, _)| *seen != number) && here().any(|(seen, _)| *seen > number);
        let first = self.seen.first().map(|(seen, _)| *seen);
        let highest = self.seen.iter().map(|(seen, _)| *seen).max();
        let observation = match (first, highest) {
            (Some(first), Some(highest)) => {
                if number == highest + 1 {
                    Observation::InOrder
                } else if number > highest {
                    Observation::Gap(Gap {
                        first: highest + 1,
                        last: number - 1,
                        same_leg: here().any(|(seen, _)| *seen == highest),
                    })
                } else if had(number) {
                    let overlap = self.cursor.is_some_and(|cursor| number <= cursor);
                    Observation::Duplicate { overlap, reorder }
                } else if number < first {
                    Observation::BeforeStart { reorder }
                } else {
                    Observation::Late { reorder }
                }
            }
            _ => Observation::InOrder,
        };
        self.seen.push((number, self.leg));
        observation
    }

    fn missing(&self) -> u64 {
        let Some((first, _)) = self.seen.first() else {
            return 0;
        };
        let highest = self
            .seen
            .iter()
            .map(|(seen, _)| *seen)
            .max()
            .unwrap_or(*first);
        let had = |number: &u64| self.seen.iter().any(|(seen, _)| seen == number);
        (*first..=highest).filter(|number| !had(number)).count() as u64
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_ledger_says_what_one_that_remembers_everything_says(
        steps in prop::collection::vec((0_u64..12, 0_u8..20, any::<bool>()), 0..120),
    ) {
        let mut ledger = SequenceLedger::default();
        let mut model = Model::default();
        let mut next = 20_u64;
        for (distance, what, resumes) in steps {
            let number = match what {
                // Mostly onwards, sometimes back or far ahead.
                0..=12 => next,
                13..=16 => next.saturating_sub(distance),
                _ => next + distance,
            };
            if what == 16 && !model.seen.is_empty() {
                let cursor = resumes.then_some(number);
                ledger.open_leg(cursor.map(Position::from));
                model.leg += 1;
                model.cursor = cursor;
            }
            prop_assert_eq!(ledger.observe(number), model.observe(number));
            next = next.max(number + 1);
            prop_assert_eq!(ledger.counts().missing, model.missing());
            prop_assert_eq!(ledger.counts().missing, ledger.gaps().map(|gap| gap.missing()).sum::<u64>());
        }
    }

    /// With few holes it may not know, but never says what is wrong.
    #[test]
    fn a_ledger_that_forgets_says_so_rather_than_err(
        numbers in prop::collection::vec(0_u64..60, 0..120),
        max_holes in 0_usize..4,
    ) {
        let mut ledger = SequenceLedger::with_max_holes(max_holes);
        let mut model = Model::default();
        for number in numbers {
            let said = ledger.observe(number);
            let is = model.observe(number);
            let same = std::mem::discriminant(&said) == std::mem::discriminant(&is);
            prop_assert!(same || said == Observation::Undecided, "{number}: {said:?}, {is:?}");
            let counts = ledger.counts();
            prop_assert!(model.missing() <= counts.missing);
            prop_assert!(counts.missing - counts.forgotten <= model.missing());
        }
    }
}
