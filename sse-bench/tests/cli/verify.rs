//! `sse-bench verify` against servers that keep nothing, are not there, or are
//! no event stream.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::broadcast::{Channel, router, tick};
use crate::schema;
use crate::support::{Run, Server, chunked, run};

/// A server of its own thread, until the end of the tests.
fn broadcast(ticks: bool) -> SocketAddr {
    let (told, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            let channel = Channel::default();
            if ticks {
                tokio::spawn(tick(channel.clone()));
            }
            axum::serve(listener, router(channel)).await.unwrap();
        });
    });
    testing::receive(&address, "the server")
}

fn verify(url: &str, arguments: &[&str]) -> Run {
    let mut all = vec!["verify", url];
    if !arguments.contains(&"--output-format") {
        all.extend(["--output-format", "json"]);
    }
    all.extend(arguments);
    run(&all)
}

/// Short, with time enough to judge each reconnect.
const SHORT: &[&str] = &[
    "--drain",
    "500ms",
    "--delivery-timeout",
    "1s",
    "--cut-interval",
    "300ms",
    "--outage",
    "short,200ms",
];

/// With SHORT, and again for longer where this machine was too slow to prove anything.
fn decided(url: &str, arguments: &[&str]) -> Run {
    let lengths = ["6s", "20s", "60s"].iter();
    let mut runs = lengths.map(|length| verify(url, &[&["-z", length], SHORT, arguments].concat()));
    let run = runs.find(|run| run.code() != 3);
    run.expect("a verdict")
}

#[test]
fn a_broadcast_server_is_convicted_of_what_it_loses() {
    let url = format!("http://{}/events", broadcast(true));
    let run = decided(&url, &[]);
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (1, &json!("fail")),
        "{report:#}"
    );
    assert_eq!(report["properties"]["replay_complete"]["verdict"], "fail");
    assert_eq!(report["properties"]["no_duplicate"]["verdict"], "pass");
    let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap();
    assert!(count("/integrity/missing") > 0 && count("/integrity/lost_after_reconnect") > 0);
    assert!(count("/reconnects/live_only") > 0, "{report:#}");
    assert_eq!(count("/reconnects/resumed"), 0);
    let anomaly = &report["anomalies"][0];
    assert!(
        anomaly["first"].is_string() && anomaly["slot"].is_u64(),
        "{anomaly}"
    );
    assert!(run.stderr.contains("lost in reconnects"), "{}", run.stderr);
}

#[test]
fn the_text_says_the_verdict_first_and_names_what_was_lost() {
    let url = format!("http://{}/events", broadcast(true));
    let run = decided(&url, &["--output-format", "text"]);
    let text = &run.stdout;
    assert!(text.starts_with("FAIL: "), "{text}");
    for part in [
        "Replay complete           fail",
        "went on live only",
        "lost after reconnect",
        "slot ",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(text.lines().count() <= 40, "more than a screen:\n{text}");
}

#[test]
fn without_cuts_the_same_server_passes() {
    let url = format!("http://{}/events", broadcast(true));
    let run = verify(
        &url,
        &["-c", "5", "-z", "3s", "--drain", "500ms", "--cut", "none"],
    );
    let report = run.json();
    schema::validate(&report);
    assert_eq!(run.code(), 0, "{report:#}");
    assert_eq!(
        report["properties"]["replay_complete"]["verdict"],
        "not_applicable"
    );
    assert_eq!(report["connections"]["cuts"], 0);
}

#[test]
fn a_breached_threshold_yields_to_a_failure() {
    let url = format!("http://{}/events", broadcast(true));
    let uncut = ["-c", "4", "-z", "2s", "--drain", "500ms", "--cut", "none"];
    for (threshold, code) in [("missing==0", 0), ("received>100000", 99)] {
        let run = verify(&url, &[&uncut[..], &["--threshold", threshold]].concat());
        let report = run.json();
        schema::validate(&report);
        assert_eq!(run.code(), code, "{report:#}");
        assert_eq!(report["thresholds"][0]["threshold"], threshold);
    }
    let run = decided(&url, &["--threshold", "missing==0"]);
    assert_eq!(run.code(), 1, "{}", run.stdout);
    assert_eq!(run.json()["thresholds"][0]["kept"], false);
}

#[test]
fn what_was_published_and_acknowledged_is_owed() {
    let address = broadcast(false);
    let (url, publish) = (
        format!("http://{address}/events"),
        format!("http://{address}/publish"),
    );
    let body = r#"{"seq":{{seq}},"at":{{at}},"run":"{{run}}"}"#;
    let publishing = [
        "-c",
        "4",
        "-z",
        "8s",
        "--drain",
        "500ms",
        "--cut",
        "none",
        "--publish-body",
        body,
    ];
    let report = verify(
        &url,
        &[&publishing[..], &["--publish-url", &publish]].concat(),
    )
    .json();
    schema::validate(&report);
    assert_eq!(report["verdict"], "pass", "{report:#}");
    assert_eq!(report["identity"]["owed"], "published");
    assert!(report["publishing"]["acknowledged"].as_u64() >= Some(10));

    // Another server acknowledges everything and delivers nothing.
    let sink = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let run = verify(
        &url,
        &[&publishing[..], &["--publish-url", &sink.url()]].concat(),
    );
    let report = run.json();
    assert_eq!(run.code(), 1, "{report:#}");
    assert_eq!(
        report["properties"]["complete_while_connected"]["verdict"],
        "fail"
    );
    assert_eq!(report["integrity"]["received"], 0);
}

#[test]
fn a_silent_stream_is_inconclusive() {
    let url = format!("http://{}/events", broadcast(false));
    let run = verify(
        &url,
        &["-c", "3", "-z", "2s", "--drain", "500ms", "--cut", "none"],
    );
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (3, &json!("inconclusive"))
    );
    assert_eq!(report["reason"], "no event arrived");
}

#[test]
fn the_error_that_kept_events_away_is_part_of_the_reason() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ";
    let server = Server::answering(format!("{head}{}", "x".repeat(4096)));
    let limited = [
        "-c",
        "3",
        "-z",
        "2s",
        "--drain",
        "500ms",
        "--max-event-size",
        "1KiB",
    ];
    let report = verify(&server.url(), &limited).json();
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.starts_with("no event arrived; "), "{reason}");
    assert!(
        reason.ends_with("exceeds the limit of 1024 bytes"),
        "{reason}"
    );
}

#[test]
fn a_target_that_is_no_event_stream_is_never_reached() {
    let refused = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let html = Server::answering("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>");
    for (server, said) in [(refused, "404"), (html, "text/html")] {
        let run = verify(&server.url(), &["-c", "4"]);
        let report = run.json();
        schema::validate(&report);
        assert_eq!((run.code(), &report["verdict"]), (4, &json!("fail")));
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let closed = run(&["verify", "http://127.0.0.1:1/", "-c", "4"]);
    assert_eq!(closed.code(), 4);
    assert!(
        closed
            .stdout
            .starts_with("FAIL: no event stream was opened"),
        "{}",
        closed.stdout
    );
}

#[test]
fn a_finite_stream_that_is_replayed_from_the_start_has_duplicates() {
    let server = Server::answering(chunked(&[
        "retry: 100\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n",
    ]));
    let run = verify(
        &server.url(),
        &["-c", "3", "-z", "2s", "--drain", "500ms", "--cut", "none"],
    );
    let report = run.json();
    assert_eq!(run.code(), 1, "{report:#}");
    assert_eq!(report["properties"]["no_duplicate"]["verdict"], "fail");
    assert!(
        report["reconnects"]["full_replay"].as_u64() > Some(0),
        "{report:#}"
    );
    assert_eq!(report["integrity"]["missing"], 0);
}

#[test]
fn a_command_line_that_cannot_work_is_refused_with_its_mend() {
    for (arguments, said) in [
        (&["-z", "3s", "--drain", "3s"][..], "drain"),
        (&["-c", "2"], "witnesses"),
        (&["--cut", "server"], "--exec"),
        (&["--exec", "true"], "--cut server"),
        (&["--cut", "none,rst"], "stands alone"),
        (&["--sequence", "(["], "--sequence"),
        (&["--sequence-pointer", "seq"], "JSON pointer"),
        (&["-z", "0s"], "measures nothing"),
        (&["--outage", "soon"], "duration"),
        (&["--publish-rate", "5"], "--publish-url"),
        (&["--threshold", "mising==0"], "lost_after_reconnect"),
    ] {
        let run = run(&[&["verify", "http://127.0.0.1:1/"], arguments].concat());
        assert_eq!(run.code(), 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_prints_the_report_so_far() {
    use crate::support::{command, interrupt, start};

    // The second request shows that the first stream was read to its end.
    let (asked, seen) = std::sync::mpsc::channel();
    let server = Server::start(move |_, _, stream| {
        let _ = asked.send(());
        crate::support::send(stream, chunked(&["retry: 100\n\nid: 1\ndata: a\n\n"]));
    });
    let arguments = [
        "verify",
        &server.url(),
        "-c",
        "1",
        "--cut",
        "none",
        "--output-format",
        "json",
    ];
    let verify = start(command(&arguments));
    for _ in 0..2 {
        testing::receive(&seen, "a request");
    }
    interrupt(&verify);
    let run = Run::from(verify.output());
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["ending"]),
        (130, &json!("interrupted"))
    );
    assert!(report["deliveries"]["total"].as_u64() > Some(0));
}
