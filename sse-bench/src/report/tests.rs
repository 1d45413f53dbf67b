//! Reports of runs made by hand.

use std::time::Duration;

use clap::Parser;
use serde_json::json;

use super::{Invocation, Render, Report};
use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::{Failure, Kind};
use crate::live::Snapshot;
use crate::load::{Ending, Outcome, Window};
use crate::plan::Plan;
use crate::publish::Published;
use crate::reach::Usage;
use crate::series::Series;
use crate::stats::Stats;
use crate::timestamp::Unit;

fn plan(arguments: &[&str]) -> Plan {
    let fixed = [
        "sse-bench",
        "load",
        "http://h/events",
        "-c",
        "4",
        "--threads",
        "2",
    ];
    let fixed = fixed.iter().chain(&["--timestamp-pointer", "/at"]);
    match Cli::parse_from(fixed.chain(arguments)).command {
        Command::Load(args) => Plan::new(*args).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn report<'a>(plan: &'a Plan, outcome: &'a Outcome) -> Report<'a> {
    Report::new(&Invocation::now(), plan, outcome).unwrap()
}

/// Four connections, opened in 2 s and held for 10 s.
fn outcome() -> Outcome {
    let mut stats = Stats::default();
    for _ in 0..900 {
        stats.types.count("tick");
    }
    for _ in 0..100 {
        stats.types.count("status");
    }
    for millis in 1..=1000 {
        stats.delivery.live.record(Duration::from_millis(millis));
    }
    stats.delivery.units[Unit::Millis as usize] = 1000;
    stats
        .failures
        .add(&Failure::new(Kind::Refused, "127.0.0.1:9: refused"));
    Outcome {
        ending: Ending::Duration,
        stats,
        totals: Snapshot {
            settled: 4,
            opened: 4,
            open: 3,
            reconnects: 1,
            deliveries: 1000,
            bytes: 200_000,
            reads: 500,
            failures: 1,
            ..Snapshot::default()
        },
        elapsed: Duration::from_secs(12),
        ramp: Some(Duration::from_secs(2)),
        window: Window {
            length: Duration::from_secs(10),
            deliveries: 800,
            bytes: 163_840,
        },
        usage: Usage {
            cpu: Some(Duration::from_millis(1200)),
            peak_memory: Some(3 << 20),
        },
        published: Published::default(),
        acknowledged_late: 0,
        series: Series::default(),
    }
}

#[test]
fn the_json_report_computes_its_numbers_from_the_right_ones() {
    let (plan, outcome) = (plan(&[]), outcome());
    let report = report(&plan, &outcome).json().unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["deliveries"]["per_second"], 80.0);
    assert_eq!(report["deliveries"]["window"], "hold");
    assert_eq!(
        report["deliveries"]["by_type"],
        json!({"status": 100, "tick": 900})
    );
    assert_eq!(report["bytes"]["per_second"], 16_384.0);
    assert_eq!(report["reads"]["per_delivery"], 0.5);
    assert_eq!(
        (&report["elapsed_us"], &report["ramp_us"]),
        (&json!(12_000_000), &json!(2_000_000))
    );
    assert_eq!(report["connections"]["never_opened"], 0);
    assert_eq!(report["latency"]["delivery"]["max_us"], 1_000_000);
    assert_eq!(report["timestamps"]["units"], json!({"ms": 1000}));
    assert_eq!(
        report["errors"]["by_kind"]["refused"]["example"],
        "127.0.0.1:9: refused"
    );
    assert_eq!(report["tool"]["cpu_us"], 1_200_000);
}

#[test]
fn the_text_report_says_the_verdict_first_and_fits_one_screen() {
    let (plan, outcome) = (plan(&["--threshold", "p99(delivery)<500ms"]), outcome());
    let text = report(&plan, &outcome).text();
    let expected = "\
FAIL: a threshold was breached: p99(delivery)<500ms

GET http://h/events

  Connections  4 of 4 opened, 3 open at the end, 1 reconnects
  Time         12.0 s, 2.0 s of it to open them at 1,000/s
  Events       1,000, 80.0/s over 10.0 s
  Received     195.3 KiB, 16.0 KiB/s
  Reads        500, 0.50 for each event
  This tool    2 threads, 1.2 s of CPU time (10 % of a core), 3.0 MiB of memory at most

  Latency            p50       p90       p99     p99.9       max        count
  delivery        500 ms    900 ms    990 ms    999 ms    1.00 s        1,000
  Delivery is from the time at /at (ms).

  Event type                                 events   share
  tick                                          900  90.0 %
  status                                        100  10.0 %

  Errors       1
    refused                 1  127.0.0.1:9: refused

  Thresholds
    breached     p99(delivery)<500ms  990 ms
";
    assert_eq!(text, expected);
}

#[test]
fn the_more_fundamental_finding_is_the_result() {
    let breached = plan(&["--threshold", "errors==0"]);
    let judge = |change: fn(&mut Outcome)| {
        let mut outcome = outcome();
        change(&mut outcome);
        let judged = report(&breached, &outcome);
        (judged.head.exit, judged.head.reason)
    };
    assert_eq!(judge(|_| ()).0, Exit::Threshold);
    let (exit, _) = judge(|outcome| outcome.totals.opened = 3);
    assert_eq!(exit, Exit::Threshold, "99 before 3");
    let (exit, reason) = judge(|outcome| outcome.totals.opened = 0);
    assert_eq!(exit, Exit::NeverReached, "4 before 99");
    assert_eq!(reason, "no event stream was opened: 127.0.0.1:9: refused");
    let (exit, _) = judge(|outcome| {
        outcome.totals.opened = 0;
        outcome.ending = Ending::Interrupted;
    });
    assert_eq!(exit, Exit::Interrupted);
}

#[test]
fn connections_that_were_not_opened_or_lost_leave_it_inconclusive() {
    let plan = plan(&[]);
    let mut outcome = outcome();
    outcome.totals.opened = 3;
    let judged = report(&plan, &outcome);
    assert_eq!(judged.head.exit, Exit::Inconclusive);
    assert_eq!(judged.head.reason, "1 of 4 connections were never opened");
    outcome.totals.opened = 4;
    outcome.totals.given_up = 2;
    let judged = report(&plan, &outcome);
    assert_eq!(judged.head.exit, Exit::Inconclusive);
    assert_eq!(
        judged.head.reason,
        "2 of 4 connections failed for good after they had been open"
    );
}
