//! What the binaries write into pipes, from one to the next.

use std::process::{Command, Output};

use serde_json::Value;

use crate::programs::{binary, start_server};

#[test]
fn the_dashboard_prints_ndjson_into_a_pipe() {
    let Some(dashboard) = binary("dashboard") else {
        return;
    };
    // One of each at the start; faster ticks would push the status out of the replay.
    let output = run(Command::new(dashboard).args(["-n", "3"]));
    let events = ndjson(&output);
    assert_eq!(events.len(), 3);
    for event_type in ["connected", "status", "tick"] {
        assert!(
            events.iter().any(|event| event["event"] == event_type),
            "{event_type}"
        );
    }
}

#[test]
fn the_dashboard_fails_in_order_though_nobody_reads_its_errors() {
    let Some(dashboard) = binary("dashboard") else {
        return;
    };
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(dashboard);
    let status = testing::status(command.args(["--listen", "nowhere"]).stderr(writer));
    assert_eq!(status.code(), Some(1));
}

#[test]
fn what_is_published_reaches_a_subscriber_as_it_was() {
    let (Some(serve), Some(tui)) = (binary("sse-serve"), binary("sse-tui")) else {
        return;
    };
    let (_server, address) = start_server(
        &serve,
        "127.0.0.1:0",
        &["--tick-interval", "1h", "--status-interval", "1h"],
    );
    let server = format!("http://{address}");
    let data = "one\ntwo: \u{2713}\n";
    let published = run(Command::new(&serve).args([
        "publish", "--server", &server, "--event", "note", "--data", data,
    ]));
    let id = String::from_utf8(published.stdout).expect("UTF-8");

    let url = format!("{server}/events?last_event_id=earliest");
    let output = run(Command::new(&tui).args([&url, "--event", "note", "-n", "1"]));
    let events = ndjson(&output);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["data"], data);
    assert_eq!(events[0]["id"], id.trim());
    assert_eq!(events[0]["source"], url);
}

#[test]
fn a_load_test_counts_what_the_server_sends() {
    let (Some(serve), Some(bench)) = (binary("sse-serve"), binary("sse-bench")) else {
        return;
    };
    let (_server, address) = start_server(&serve, "127.0.0.1:0", &["--tick-interval", "20ms"]);
    let url = format!("http://{address}/events");
    let output = run(Command::new(bench)
        .args([
            "load",
            &url,
            "-c",
            "50",
            "-n",
            "5000",
            "-z",
            "60s",
            "--timestamp-pointer",
            "/at",
            "--no-tui",
        ])
        .args(["--output-format", "json"]));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["connections"]["opened"], 50, "{report}");
    assert!(
        report["deliveries"]["by_type"]["tick"].as_u64() >= Some(4900),
        "{report}"
    );
}

fn run(command: &mut Command) -> Output {
    let output = testing::output(command);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn ndjson(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect()
}
