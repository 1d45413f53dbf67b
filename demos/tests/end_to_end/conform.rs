//! `sse-bench conform client` with `sse-tui` as the client.

use std::process::Command;

use serde_json::Value;

use crate::programs::binary;

#[test]
fn sse_tui_keeps_to_every_rule_that_can_be_seen_from_outside() {
    let (Some(bench), Some(tui)) = (binary("sse-bench"), binary("sse-tui")) else {
        return;
    };
    let mut command = Command::new(bench);
    command
        .args([
            "conform",
            "client",
            "--output-format",
            "json",
            "--all-vectors",
            "-j",
            "16",
        ])
        // Only a slow machine or a failure waits for these.
        .args(["--patience", "60s", "--quiet", "3s"])
        .args(["--variant", "C48=--last-event-id seven"])
        .args(["--variant", "C40=-n 1"])
        .args([
            "--variant",
            "C47=-X POST -d ping -H X-Check:pong --reconnect",
            "--",
        ])
        .arg(tui)
        .args(["--output", "ndjson", "{url}"]);
    let output = testing::output(&mut command);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    let names = |grade: &str| -> Vec<&str> {
        let graded = checks.iter().filter(|check| check["grade"] == grade);
        graded.filter_map(|check| check["name"].as_str()).collect()
    };
    assert_eq!(names("failed"), [""; 0], "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    let unseen = ["C06/429-retried", "C06/500-retried", "C06/503-retried"];
    let mut not_applicable = names("not_applicable");
    not_applicable.sort_unstable();
    assert_eq!(not_applicable, unseen);
    assert!(names("ok").len() > 270, "{}", names("ok").len());
}

#[test]
fn a_client_of_one_request_is_judged_by_that_alone() {
    let (Some(bench), Some(tui)) = (binary("sse-bench"), binary("sse-tui")) else {
        return;
    };
    let mut command = Command::new(bench);
    command
        .args(["conform", "client", "--once", "--output-format", "json"])
        .args(["--only", "vector/", "--only", "C02", "--only", "C20"])
        .args(["--patience", "60s", "--"])
        .arg(tui)
        .args(["--no-reconnect", "--output", "ndjson", "{url}"]);
    let output = testing::output(&mut command);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let checks = report["checks"].as_array().expect("checks");
    for check in checks {
        let name = check["name"].as_str().expect("a name");
        let expected = if name == "C20" {
            "not_applicable"
        } else {
            "ok"
        };
        assert_eq!(check["grade"], expected, "{check}");
    }
    assert!(checks.len() > 30, "{report:#}");
}
