//! `sse-bench verify --anomalies`: what a server did wrong, with the bytes of it.

use std::io::Read;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::schema;
use crate::support::{Request, Run, SSE_HEAD, Server, run, send};

/// Events in all, and connections that wait for one another before the first.
const EVENTS: usize = 60;
const CONNECTIONS: usize = 3;
const REPEATED: usize = 10;
const CONTRADICTED: usize = 12;
const SWAPPED: usize = 15;
const DROPPED: usize = 18;
const LAST_OF_LEG: usize = 20;
const AFTER_LOSS: usize = 24;

/// With what a log must not change: comments, CR LF, bytes that are no UTF-8.
fn block(event: usize) -> Vec<u8> {
    match event {
        REPEATED => b"id: 10\ndata: \xff\xfe\n\n".to_vec(),
        SWAPPED => b"id: 15\r\ndata: x\r\n\r\n".to_vec(),
        24 => b": \xe2\x82\xac\nid: 24\nevent: message\ndata: a\ndata: b\n\n".to_vec(),
        _ => format!("id: {event}\ndata: {event}\n\n").into_bytes(),
    }
}

fn other() -> Vec<u8> {
    b"id: 12\ndata: other\n\n".to_vec()
}

/// Connections opened, and the last event sent to each that is served honestly.
#[derive(Default)]
struct Progress {
    open: AtomicUsize,
    witnesses: [AtomicUsize; CONNECTIONS - 1],
}

fn wait(until: impl Fn() -> bool) {
    while !until() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The first connection is the victim, and it is closed in the middle.
fn script(progress: &Progress, number: usize, request: &Request, stream: &mut TcpStream) {
    let resumes = request.header("last-event-id").is_some();
    let first = if resumes { AFTER_LOSS } else { 1 };
    if resumes {
        // Others have by then what this one loses.
        wait(|| {
            progress
                .witnesses
                .iter()
                .all(|sent| sent.load(Ordering::SeqCst) > AFTER_LOSS)
        });
        thread::sleep(Duration::from_millis(50));
    }
    send(stream, format!("{SSE_HEAD}\r\nretry: 100\n\n"));
    progress.open.fetch_add(1, Ordering::SeqCst);
    wait(|| progress.open.load(Ordering::SeqCst) >= CONNECTIONS);
    for event in first..=EVENTS {
        let bytes = match event {
            _ if number > 0 => block(event),
            REPEATED => block(event).repeat(2),
            CONTRADICTED => other(),
            SWAPPED => [block(event + 1), block(event)].concat(),
            17 => [block(event), block(19)].concat(),
            _ if [SWAPPED + 1, DROPPED, 19].contains(&event) => continue,
            _ => block(event),
        };
        send(stream, bytes);
        if let Some(sent) = number
            .checked_sub(1)
            .and_then(|witness| progress.witnesses.get(witness))
        {
            sent.store(event, Ordering::SeqCst);
        }
        thread::sleep(Duration::from_millis(10));
        if number == 0 && event == LAST_OF_LEG {
            return;
        }
    }
    // Until the client goes.
    let _ = stream.read(&mut [0]);
}

fn verify(file: &str, arguments: &[&str]) -> Run {
    let progress = Progress::default();
    let server = Server::start(move |number, request, stream| {
        script(&progress, number, request, stream);
    });
    let url = server.url();
    let fixed = "-c 3 --cut none -z 4s --drain 500ms --delivery-timeout 1s --output-format json";
    let mut all = vec!["verify", &url, "--anomalies", file];
    all.extend(fixed.split(' '));
    all.extend(arguments);
    run(&all)
}

fn lines(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &lines {
        schema::validate_anomaly(line);
    }
    lines
}

fn raw(frame: &Value) -> Vec<u8> {
    let raw = frame["raw"].as_str().unwrap();
    match frame["encoding"].as_str() {
        Some("base64") => STANDARD.decode(raw).unwrap(),
        None => raw.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The blocks around an anomaly, with the part each has in it.
fn frames(line: &Value) -> Vec<(&str, Vec<u8>)> {
    let frames = line["frames"].as_array().expect("no frames");
    frames
        .iter()
        .map(|frame| (frame["role"].as_str().unwrap(), raw(frame)))
        .collect()
}

#[test]
fn each_anomaly_is_logged_with_the_bytes_around_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("anomalies.ndjson");
    let file = file.to_str().unwrap();
    let run = verify(file, &[]);
    let report = run.json();
    schema::validate(&report);
    assert_eq!(run.code(), 1, "{report:#}");
    let lines = lines(file);
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    let expected = [
        "duplicate",
        "id_conflict",
        "reorder",
        "gap",
        "lost_after_reconnect",
        "incomplete_replay",
        "summary",
    ];
    let mut sorted = (kinds.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1, "{lines:#?}");
    let line = |kind: &str| lines.iter().find(|line| line["kind"] == kind).unwrap();
    for kind in ["duplicate", "reorder", "gap", "lost_after_reconnect"] {
        assert_eq!(line(kind)["slot"], 1, "{kind}");
    }

    let repeat = line("duplicate");
    assert_eq!(repeat["first"], "10");
    assert_eq!(
        (&repeat["before"], &repeat["after"]),
        (&"10".into(), &"11".into())
    );
    assert_eq!(
        frames(repeat),
        [
            ("before", block(10)),
            ("event", block(10)),
            ("after", block(11))
        ]
    );
    assert_eq!(repeat["frames"][1]["encoding"], "base64");

    // Charged to whoever had another content than the first to receive the id.
    let conflict = line("id_conflict");
    let content = match conflict["slot"].as_u64() {
        Some(1) => other(),
        _ => block(CONTRADICTED),
    };
    assert_eq!(
        (&conflict["first"], &conflict["leg"]),
        (&"12".into(), &1.into())
    );
    assert_eq!(
        frames(conflict),
        [
            ("before", block(11)),
            ("event", content),
            ("after", block(13))
        ]
    );

    let reorder = line("reorder");
    assert!(
        ["15", "16"].contains(&reorder["first"].as_str().unwrap()),
        "{reorder}"
    );
    let swapped: Vec<_> = frames(reorder).into_iter().map(|(_, raw)| raw).collect();
    assert!(
        swapped == [block(14), block(16), block(15)]
            || swapped == [block(16), block(15), block(17)],
        "{reorder:#}"
    );

    let gap = line("gap");
    assert_eq!(
        (&gap["before"], &gap["first"], &gap["after"]),
        (&"17".into(), &"18".into(), &"19".into())
    );
    assert_eq!(gap["cursor_past_hole"], true);
    assert_eq!(frames(gap), [("before", block(17)), ("after", block(19))]);

    let lost = line("lost_after_reconnect");
    assert_eq!(
        (&lost["first"], &lost["last"], &lost["count"]),
        (&"21".into(), &"23".into(), &3.into())
    );
    assert_eq!((&lost["leg"], &lost["cursor"]), (&2.into(), &"20".into()));
    // With what came since the event before.
    let after = [b"retry: 100\n\n".to_vec(), block(24)].concat();
    assert_eq!(frames(lost), [("before", block(20)), ("after", after)]);
    assert_eq!(
        (&lost["frames"][0]["leg"], &lost["frames"][1]["leg"]),
        (&1.into(), &2.into())
    );

    let times: Vec<_> = lines
        .iter()
        .filter_map(|line| line["at_us"].as_u64())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["anomalies"], &summary["left_out"]),
        (&6.into(), &0.into())
    );
    assert_eq!(
        report["anomaly_log"],
        serde_json::json!({"lines": 6, "left_out": 0})
    );
}

#[test]
fn what_has_no_room_is_counted_and_what_is_gone_is_null() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("anomalies.ndjson");
    let file = file.to_str().unwrap();
    let run = verify(file, &["--max-anomalies", "2", "--anomaly-frames", "0"]);
    let lines = lines(file);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[..2].iter().all(|line| line["frames"].is_null()),
        "{lines:#?}"
    );
    assert_eq!(lines[2]["left_out"], 4, "{lines:#?}");
    assert_eq!(run.json()["anomaly_log"]["left_out"], 4);
}

#[test]
fn a_log_that_cannot_be_written_is_an_error_before_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nowhere/anomalies.ndjson");
    let server = Server::answering("");
    let run = run(&[
        "verify",
        &server.url(),
        "--anomalies",
        file.to_str().unwrap(),
    ]);
    assert_eq!(run.code(), 2, "{}", run.stderr);
    assert!(run.stderr.contains("cannot write"), "{}", run.stderr);
    assert!(server.requests().is_empty());
}
