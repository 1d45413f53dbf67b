//! `--slow`: connections that read slowly, beside others that do not.

use std::io::Write;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::schema;
use crate::support::{SSE_HEAD, Server, hold, load, run, send};

const EVENT: &str =
    "data: 0123456789012345678901234567890123456789012345678901234567890123456789\n\n";

#[test]
fn a_slow_cohort_has_figures_of_its_own_and_leaves_the_healthy_theirs() {
    let server = Server::start(|_, _, stream| {
        let at = "data: {\"at\":1790000000000000000}\n\n".repeat(1000);
        send(stream, format!("{SSE_HEAD}\r\n{at}"));
        hold(stream);
    });
    let arguments = [
        "-c",
        "10",
        "-z",
        "4s",
        "--slow",
        "20%:500B/s",
        "--timestamp-pointer",
        "/at",
    ];
    let run = load(&server, &arguments);
    let report = run.json();
    schema::validate(&report);
    assert_eq!(run.code(), 0, "{report:#}");
    let (healthy, slow) = (&report["cohorts"][0], &report["cohorts"][1]);
    assert_eq!(
        (&healthy["name"], &healthy["opened"]),
        (&json!("healthy"), &json!(8))
    );
    assert_eq!(healthy["deliveries"], 8000);
    assert_eq!(
        (&slow["name"], &slow["opened"]),
        (&json!("slow 20%:500B/s"), &json!(2))
    );
    assert_eq!(slow["bytes_per_second"], 500);
    // What came with the head is read at once; the rest at 500 bytes a second.
    let read = slow["bytes"].as_u64().unwrap();
    assert!(read < 2 * 34_000, "{slow:#}");
    assert_eq!(
        report["latency"]["replay"]["count"], 8000,
        "the healthy ones alone"
    );
}

/// How much a server can send to a connection until it is full.
fn taken(arguments: &[&str]) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let of_server = Arc::clone(&sent);
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        stream
            .set_write_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let first = EVENT.repeat(1000);
        let mut total = 0;
        // The healthy connection takes all of it.
        while total < 64 << 20 {
            match stream.write(first.as_bytes()) {
                Ok(length) => total += length,
                Err(_) => break,
            }
        }
        of_server.fetch_min(total.max(1), Ordering::Relaxed);
        let _ = stream.shutdown(Shutdown::Both);
    });
    sent.store(usize::MAX, Ordering::Relaxed);
    let mut all = vec!["-c", "2", "-z", "2s", "--no-reconnect"];
    all.extend(arguments);
    load(&server, &all);
    sent.load(Ordering::Relaxed)
}

#[test]
fn a_server_feels_a_slow_reader() {
    let slow = taken(&["--slow", "1:100B/s"]);
    assert!(
        slow < 64 << 20,
        "the server could send {slow} bytes to a reader that reads 100 a second"
    );
}

#[test]
fn a_slow_reader_that_the_server_cuts_is_no_error_of_the_run() {
    // All but the first to come are cut, the slow ones or others.
    let server = Server::start(|number, _, stream| {
        let head = format!("{SSE_HEAD}Content-Length: 1000000\r\n\r\n");
        send(stream, head + "retry: 60000\ndata: a\n\n");
        if number == 0 {
            hold(stream);
        }
    });
    let report = load(&server, &["-c", "5", "-z", "3s", "--slow", "3:1KB/s"]).json();
    let cut = |cohort: usize| report["cohorts"][cohort]["cut_by_server"].as_u64().unwrap();
    assert_eq!(cut(0) + cut(1), 4, "{report:#}");
    assert!(cut(1) >= 2);
    assert_eq!(
        report["errors"]["total"].as_u64(),
        Some(cut(0)),
        "{report:#}"
    );
}

#[test]
fn the_text_has_a_line_for_each_cohort() {
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n{EVENT}"));
        hold(stream);
    });
    let run = run(&[
        "load",
        &server.url(),
        "-c",
        "8",
        "-z",
        "200ms",
        "--slow",
        "2:1KB/s",
        "--slow",
        "1:9B/s",
    ]);
    for line in ["healthy ", "slow 2:1KB/s ", "slow 1:9B/s "] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
}

#[test]
fn an_id_that_no_header_can_carry_is_counted() {
    let server = Server::start(|number, _, stream| {
        send(
            stream,
            format!("{SSE_HEAD}\r\nretry: 100\nid: a\u{7f}b\ndata: a\n\n"),
        );
        if number > 0 {
            hold(stream);
        }
    });
    let report = load(&server, &["-c", "1", "-z", "3s"]).json();
    schema::validate(&report);
    assert_eq!(report["reconnects"]["total"], 1, "{report:#}");
    assert_eq!(report["reconnects"]["last_event_id_unsendable"], 1);
    assert!(server.requests()[1].header("last-event-id").is_none());
    let url = server.url();
    let arguments = [
        "verify",
        &url,
        "-c",
        "2",
        "--witnesses",
        "0",
        "-z",
        "3s",
        "--drain",
        "500ms",
        "--delivery-timeout",
        "500ms",
        "--cut-interval",
        "300ms",
        "--outage",
        "short",
        "--output-format",
        "json",
    ];
    let report = run(&arguments).json();
    schema::validate(&report);
    assert!(
        report["reconnects"]["last_event_id_unsendable"].as_u64() > Some(0),
        "{report:#}"
    );
}
