//! Two reports side by side.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::schema;
use crate::support::{Run, STREAM, Server, chunked, run};

/// The report of a load run of one connection, changed and written to a file.
fn report(directory: &Path, name: &str, change: impl Fn(&mut Value)) -> PathBuf {
    let server = Server::answering(chunked(&[STREAM]));
    let arguments = ["-c", "1", "--no-reconnect", "--seed", "5", "--threads", "1"];
    let mut report = crate::support::load(&server, &arguments).json();
    report["plan"]["url"] = json!("http://h/events");
    report["latency"]["open"]["p99_us"] = json!(1000);
    report["bytes"]["per_second"] = json!(500.0);
    change(&mut report);
    let path = directory.join(name);
    std::fs::write(&path, report.to_string()).unwrap();
    path
}

fn compare(old: &Path, new: &Path, arguments: &[&str]) -> Run {
    let mut all = vec!["compare", old.to_str().unwrap(), new.to_str().unwrap()];
    all.extend(arguments);
    run(&all)
}

fn row<'a>(report: &'a Value, metric: &str) -> &'a Value {
    let mut rows = report["metrics"].as_array().unwrap().iter();
    rows.find(|row| row["metric"] == metric).unwrap()
}

#[test]
fn what_got_worse_by_more_than_its_limit_fails() {
    let directory = tempfile::tempdir().unwrap();
    let old = report(directory.path(), "old.json", |_| {});
    let new = report(directory.path(), "new.json", |report| {
        *report = serde_json::from_slice(&std::fs::read(&old).unwrap()).unwrap();
        report["latency"]["open"]["p99_us"] = json!(1150);
        report["bytes"]["per_second"] = json!(600.0);
    });
    let slower = "p99(open) from 1.00 ms to 1.15 ms";
    for (limits, code) in [
        (&[][..], 0),
        (&["--fail-on-regression", "20%"][..], 0),
        (&["--fail-on-regression", "10%"], 99),
        (&["--fail-on-regression", "p99(open)=10%"], 99),
        (
            &[
                "--fail-on-regression",
                "p99(open)=15%",
                "--fail-on-regression",
                "1%",
            ],
            0,
        ),
    ] {
        let text = compare(&old, &new, limits);
        assert_eq!(text.code(), code, "{limits:?}: {text:?}");
        assert_eq!(text.stdout.contains(slower), code == 99, "{}", text.stdout);
        let mut arguments = vec!["--output-format", "json"];
        arguments.extend(limits);
        let json = compare(&old, &new, &arguments).json();
        assert_eq!(json["exit_code"], code);
        let open = row(&json, "p99(open)");
        assert_eq!(
            (&open["direction"], &open["change_percent"]),
            (&json!("worse"), &json!(15.0))
        );
        let bytes = row(&json, "bytes_per_second");
        assert_eq!(bytes["direction"], "better", "more is better");
        assert_eq!(row(&json, "events")["direction"], json!(null));
        assert_eq!(json["differences"], json!([]));
    }
    let back = compare(&new, &old, &["--fail-on-regression", "bytes_per_second=5%"]);
    assert_eq!(back.code(), 99, "{back:?}");
}

#[test]
fn from_nothing_any_error_is_beyond_each_limit() {
    let directory = tempfile::tempdir().unwrap();
    let old = report(directory.path(), "old.json", |_| {});
    let new = report(directory.path(), "new.json", |report| {
        *report = serde_json::from_slice(&std::fs::read(&old).unwrap()).unwrap();
        report["errors"]["total"] = json!(1);
    });
    let found = compare(&old, &new, &["--fail-on-regression", "errors=1000%"]);
    assert_eq!(found.code(), 99, "{found:?}");
    assert!(
        found
            .stdout
            .starts_with("FAIL: worse than before: errors from 0 to 1")
    );
}

#[test]
fn different_plans_are_told_and_what_is_unmeasured_proves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let old = report(directory.path(), "old.json", |_| {});
    let new = report(directory.path(), "new.json", |report| {
        report["plan"]["connections"] = json!(300);
        report["plan"]["seed"] = json!(6);
    });
    let text = compare(&old, &new, &[]);
    assert_eq!(text.code(), 0);
    let said = "not the same: plan.connections was 1, is 300";
    assert!(
        text.stdout.contains(said) && !text.stdout.contains("seed"),
        "{}",
        text.stdout
    );
    // Neither has delivery latencies.
    let nothing = compare(&old, &new, &["--fail-on-regression", "p99(delivery)=10%"]);
    assert_eq!(nothing.code(), 3, "{nothing:?}");
}

#[test]
fn files_that_are_no_such_report_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    let old = report(directory.path(), "old.json", |_| {});
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let verify = r#"{"schema":1,"command":"verify"}"#;
    for (new, said) in [
        (directory.path().join("none.json"), "cannot read"),
        (write("text.json", "PASS"), "is no JSON report"),
        (write("foreign.json", "{}"), "is no report of sse-bench"),
        (
            write("newer.json", r#"{"schema":2,"command":"load"}"#),
            "has schema 2",
        ),
        (
            write("verify.json", verify),
            "is a report of load, not of verify",
        ),
    ] {
        let refused = compare(&old, &new, &[]);
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    for (limit, said) in [
        ("p98(open)=5%", "there is no metric"),
        ("events=5%", "neither better nor worse"),
        ("10", "give a percentage"),
    ] {
        let refused = compare(&old, &old, &["--fail-on-regression", limit]);
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}

#[test]
fn a_run_is_held_against_a_baseline_in_one_go() {
    let directory = tempfile::tempdir().unwrap();
    let old = report(directory.path(), "old.json", |report| {
        report["connections"]["opened"] = json!(1000);
    });
    let server = Server::answering(chunked(&[STREAM]));
    let baseline = [
        "-c",
        "1",
        "--no-reconnect",
        "--baseline",
        old.to_str().unwrap(),
    ];
    let informed = crate::support::load(&server, &baseline);
    assert_eq!(informed.code(), 0, "{informed:?}");
    let report = informed.json();
    schema::validate(&report);
    assert_eq!(row(&report["comparison"], "opened")["direction"], "worse");
    // The report may take the place of its baseline.
    let place = directory.path().join("again.json");
    std::fs::copy(&old, &place).unwrap();
    let place = place.to_str().unwrap();
    let again = [
        "load",
        &server.url(),
        "-c",
        "1",
        "--no-reconnect",
        "--baseline",
        place,
        "-o",
        place,
    ];
    let replaced = run(&[&again[..], &["--output-format", "json"]].concat());
    assert_eq!(replaced.code(), 0, "{replaced:?}");
    let limit = ["--fail-on-regression", "opened=10%"];
    let failed = crate::support::load(&server, &[&baseline[..], &limit[..]].concat());
    assert_eq!(failed.code(), 99, "{failed:?}");
    schema::validate(&failed.json());
    let reason = "worse than the baseline: opened from 1,000 to 1";
    assert_eq!(failed.json()["reason"], reason);
    assert!(failed.stderr.contains(reason));
}
