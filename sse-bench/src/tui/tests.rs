//! Frames of a fixed state.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::draw;
use super::theme::Theme;
use super::view::{Feed, Judged, Point, Requests, Rules, StormNow, Title, View};
use crate::checker::{Anomaly, AnomalyKind, Findings, Integrity, Reconnects, Reopened, Replays};
use crate::failure::{Failure, Failures, Kind};
use crate::live::Snapshot;
use crate::series::{Distribution, Latencies, Pulse};
use crate::threshold;

fn screen(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, view, Theme::new(true)))
        .unwrap();
    terminal.backend().to_string()
}

/// A wave of deliveries, and durations around one millisecond.
fn points(seconds: u32) -> Vec<Point> {
    let point = |second: u32| Point {
        at: second.into(),
        deliveries: 40_000.0 + 8_000.0 * (f64::from(second) / 3.0).sin(),
        reconnects: f64::from(second % 7),
        requests: 18.0 + 4.0 * (f64::from(second) / 2.0).sin(),
        open: u64::from(second.min(8)) * 600,
    };
    (1..=seconds).map(point).collect()
}

fn durations(around: u64) -> Distribution {
    let values = (1..=200_u64).map(|step| (around * step / 50, 200 - step.abs_diff(50)));
    Distribution::new(values, around * 5)
}

fn failures() -> Failures {
    let mut failures = Failures::default();
    for _ in 0..12 {
        failures.add(&Failure::new(Kind::Reset, "connection reset by peer"));
    }
    failures.add(&Failure::new(Kind::Http, "\u{1b}[2Jnot HTTP/1.1"));
    failures
}

fn load() -> View {
    let title = Title {
        command: "load",
        url: "http://127.0.0.1:8080/events?topic=orders".into(),
        connections: 5_000,
        thresholds: ["p99(delivery)<250ms", "errors==0", "p99(replay)<1s"]
            .map(|text| threshold::load::parse(text).unwrap())
            .into(),
        ..Title::default()
    };
    let mut view = View {
        title,
        points: points(42),
        pulse: Pulse {
            latencies: Latencies::from_iter([
                ("delivery", durations(1_200)),
                ("first_event", durations(40_000)),
                ("open", durations(3_000)),
                ("connect", durations(300)),
                ("reconnect", durations(2_100_000)),
            ]),
            read_lag: durations(90),
            failures: failures(),
            ends: 34,
            ..Pulse::default()
        },
        ..View::default()
    };
    view.at(Feed {
        now: Snapshot {
            settled: 4_950,
            connecting: 60,
            opened: 4_940,
            open: 4_800,
            ended: 12,
            given_up: 12,
            reconnects: 151,
            deliveries: 1_680_000,
            bytes: 310 << 20,
            failures: 13,
            ..Snapshot::default()
        },
        elapsed: Duration::from_secs(42),
        left: Some(Duration::from_secs(18)),
        phase: None,
        deliveries: 40_123.0,
        bytes: 7_700_000.0,
        ..Feed::default()
    });
    view
}

fn anomaly(kind: AnomalyKind, slot: usize, at: u64, count: u64) -> Anomaly {
    Anomaly {
        kind,
        slot,
        leg: slot % 3 + 1,
        at: at * 1_000_000,
        count,
        first: Some(format!("\u{1b}]0;k3jd92ks-{at}")),
        last: Some(format!("k3jd92ks-{}", at + count - 1)),
    }
}

fn verify() -> View {
    let mut view = load();
    view.title = Title {
        command: "verify",
        url: "http://127.0.0.1:8080/events".into(),
        connections: 5_000,
        thresholds: vec![threshold::verify::parse("missing==0").unwrap()],
        drain: Duration::from_secs(3),
        judged: Some(Rules {
            cuts: vec!["rst", "half-open"],
            allow_duplicates: true,
            strict: false,
        }),
        ..Title::default()
    };
    let replays = |reconnects, complete, incomplete| Replays {
        reconnects,
        complete,
        incomplete,
        ..Replays::default()
    };
    view.judged = Some(Judged {
        at: 41_000_000,
        findings: Findings {
            integrity: Integrity {
                expected: 812_345,
                received: 812_338,
                missing: 7,
                gap: 1,
                lost_after_reconnect: 2,
                cursor_past_hole: 1,
                duplicate: 31,
                ..Integrity::default()
            },
            reconnects: Reconnects {
                total: 151,
                resumed: 120,
                full_replay: 4,
                live_only: 2,
                vacuous: 25,
                ..Reconnects::default()
            },
            legs: Reopened {
                by_cut: [
                    (Some(0), replays(2, 1, 1)),
                    (Some(1), replays(1, 1, 0)),
                    (None, replays(1, 0, 0)),
                ]
                .into(),
                ..Reopened::default()
            },
            anomalies: vec![
                anomaly(AnomalyKind::LostAfterReconnect, 17, 33, 4),
                anomaly(AnomalyKind::Gap, 4, 12, 3),
                anomaly(AnomalyKind::Duplicate, 4, 13, 1),
            ],
            ..Findings::default()
        },
        given_up: None,
    });
    let feed = Feed {
        left: Some(Duration::from_secs(2)),
        ..view.feed.clone()
    };
    view.at(feed);
    view
}

/// Requests that are answered by streams that end, in an open loop.
fn finite() -> View {
    let title = Title {
        command: "load --until-done",
        url: "http://127.0.0.1:8081/v1/chat/completions".into(),
        connections: 50,
        thresholds: ["goodput>=0.99", "p99(ttfe)<400ms", "cut_short==0"]
            .map(|text| threshold::load::parse(text).unwrap())
            .into(),
        requests: Some(Requests {
            wanted: None,
            rate: Some(20.0),
            goodput: Some("ttfe:500ms gap:200ms".into()),
        }),
        ..Title::default()
    };
    let mut view = View {
        title,
        points: points(42),
        pulse: Pulse {
            latencies: Latencies::from_iter([
                ("ttfe", durations(120_000)),
                ("ttfc", durations(130_000)),
                ("gap", durations(24_000)),
                ("duration", durations(4_000_000)),
                ("open", durations(2_000)),
                ("connect", durations(300)),
            ]),
            counts: vec![
                ("started", 800),
                ("cut_short", 2),
                ("refused", 11),
                ("waited", 7),
                ("good", 740),
                ("judged", 767),
            ],
            read_lag: durations(90),
            failures: failures(),
            ..Pulse::default()
        },
        ..View::default()
    };
    view.at(Feed {
        now: Snapshot {
            settled: 50,
            open: 33,
            requests: 754,
            deliveries: 135_000,
            bytes: 31 << 20,
            failures: 13,
            ..Snapshot::default()
        },
        elapsed: Duration::from_secs(42),
        left: Some(Duration::from_secs(18)),
        phase: Some("run"),
        deliveries: 3_540.0,
        bytes: 770_000.0,
        requests: 19.8,
        storm: None,
    });
    view
}

fn storm() -> View {
    let mut view = load();
    view.title.command = "storm";
    view.title.thresholds = ["p99(reopen)<5s", "refused==0"]
        .map(|text| threshold::storm::parse(text).unwrap())
        .into();
    let steps = 0..40_u32;
    let storm = StormNow {
        number: 2,
        of: 3,
        is_on: true,
        since: Some(Duration::from_secs(4)),
        lost: 4_800,
        open: 4_100,
        caught_up: 3_800,
        given_up: 12,
        attempts: 5_310,
        peak: 3_900,
        refused: 212,
        failed: 3,
        failures: failures(),
        curve: steps
            .map(|step| {
                let back = 4_100.min(step.saturating_sub(20) * 220);
                (f64::from(step) / 10.0, back, back.saturating_sub(300))
            })
            .collect(),
        so_far: serde_json::json!({
            "totals": { "refused": 0 },
            "latency": { "reopen": { "p99_us": 4_200_000 } },
        }),
        ..StormNow::default()
    };
    view.at(Feed {
        phase: Some("storm"),
        left: None,
        storm: Some(storm),
        ..view.feed.clone()
    });
    view
}

#[test]
fn a_load_run() {
    insta::assert_snapshot!("load_120x36", screen(&load(), 120, 36));
    insta::assert_snapshot!("load_80x24", screen(&load(), 80, 24));
    insta::assert_snapshot!("load_40x10", screen(&load(), 40, 10));
}

#[test]
fn a_verification() {
    insta::assert_snapshot!("verify_120x36", screen(&verify(), 120, 36));
    insta::assert_snapshot!("verify_80x24", screen(&verify(), 80, 24));
    insta::assert_snapshot!("verify_40x10", screen(&verify(), 40, 10));
}

#[test]
fn requests_that_end() {
    insta::assert_snapshot!("finite_120x36", screen(&finite(), 120, 36));
    insta::assert_snapshot!("finite_80x24", screen(&finite(), 80, 24));
    insta::assert_snapshot!("finite_40x10", screen(&finite(), 40, 10));
}

#[test]
fn a_storm() {
    insta::assert_snapshot!("storm_120x36", screen(&storm(), 120, 36));
    insta::assert_snapshot!("storm_80x24", screen(&storm(), 80, 24));
    insta::assert_snapshot!("storm_40x10", screen(&storm(), 40, 10));
    let kept: Vec<_> = storm().thresholds.iter().map(|it| it.kept).collect();
    assert_eq!(
        kept,
        [Some(true), Some(true)],
        "of the storms that are over"
    );
}

#[test]
fn a_run_that_has_just_begun() {
    let mut view = View {
        title: load().title,
        ..View::default()
    };
    view.at(Feed::default());
    insta::assert_snapshot!("begun_80x24", screen(&view, 80, 24));
}

#[test]
fn every_size_can_be_drawn() {
    for view in [load(), verify(), finite(), storm(), View::default()] {
        let widths = (1..4).chain((4..=130).step_by(9));
        for (width, height) in widths.flat_map(|width| (1..=40).map(move |height| (width, height)))
        {
            screen(&view, width, height);
        }
    }
}

#[test]
fn what_the_network_says_does_not_steer_the_terminal() {
    for view in [load(), verify(), finite(), storm()] {
        let screen = screen(&view, 200, 50);
        assert!(screen.contains(r"\u{1b}"), "{screen}");
        assert!(!screen.contains('\u{1b}'));
    }
}

#[test]
fn slots_add_up_to_all_of_them() {
    let slots = load().slots;
    assert_eq!((slots.open, slots.connecting, slots.ended), (4_800, 60, 12));
    assert_eq!((slots.waiting, slots.to_come), (128, 0));
    let sum = slots.open + slots.connecting + slots.waiting + slots.to_come + slots.ended;
    assert_eq!(sum, 5_000);
}

#[test]
fn thresholds_are_held_against_what_is_known() {
    let kept: Vec<_> = load()
        .thresholds
        .iter()
        .map(|checked| checked.kept)
        .collect();
    assert_eq!(kept, [Some(true), Some(false), None]);
    let kept: Vec<_> = finite().thresholds.iter().map(|it| it.kept).collect();
    assert_eq!(kept, [Some(false), Some(false), Some(false)]);
    assert!((finite().thresholds[0].value.unwrap() - 740.0 / 767.0).abs() < 1e-9);
    let missing = &verify().thresholds[0];
    assert_eq!((missing.value, missing.kept), (Some(7.0), Some(false)));
}

#[test]
fn the_end_of_a_verification_is_its_drain() {
    assert_eq!((load().phase(), verify().phase()), ("ramp", "drain"));
    let mut all_settled = load();
    all_settled.feed.now.settled = 5_000;
    assert_eq!(all_settled.phase(), "hold");
    all_settled.ending = true;
    assert_eq!(all_settled.phase(), "ending");
}
