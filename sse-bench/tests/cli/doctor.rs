//! `doctor`: what it says of servers that do well and of those that do not.

use std::net::TcpStream;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::support::{Request, Run, SSE_HEAD, Server, command, hold, interrupt, run, send, start};

const HEADERS: &str = "Cache-Control: no-store\r\n\r\nretry: 2000\n\n";

fn doctor(server: &Server, events: &str, arguments: &[&str]) -> Run {
    let fixed = [
        "doctor",
        "--watch",
        "30s",
        "--output-format",
        "json",
        "-n",
        events,
    ];
    let url = server.url();
    run(&[&fixed[..], &[&url], arguments].concat())
}

fn finding<'r>(report: &'r Value, area: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["area"] == area);
    found.unwrap_or_else(|| panic!("nothing of {area}: {report:#}"))
}

fn grade(report: &Value, area: &str) -> (String, String) {
    let finding = finding(report, area);
    let text = |key: &str| finding[key].as_str().unwrap().to_owned();
    (text("grade"), text("what"))
}

fn events(numbers: std::ops::RangeInclusive<u32>) -> String {
    let event = |number| format!("id: {number}\ndata: {number}\n\n");
    numbers.map(event).collect()
}

/// Events 1 to 12 are in its log; 13 comes to whoever is there.
fn honest(request: &Request, stream: &mut TcpStream) {
    let after = request.header("last-event-id").map(str::parse::<u32>);
    let body = match after {
        None => events(1..=12),
        Some(Ok(id)) => events(id + 1..=13),
        Some(Err(_)) => {
            "event: gap\ndata: {\"reason\":\"unknown\"}\n\n".to_owned() + &events(13..=13)
        }
    };
    send(stream, format!("{SSE_HEAD}{HEADERS}{body}"));
    hold(stream);
}

#[test]
fn an_honest_server_is_told_so() {
    let server = Server::start(|_, request, stream| honest(request, stream));
    let run = doctor(&server, "12", &[]);
    let report = run.json();
    assert_eq!(run.code(), 0, "{report:#}");
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["events"], 12);
    for area in [
        "answer",
        "cache",
        "compression",
        "ids",
        "retry",
        "resume",
        "expired",
        "text",
    ] {
        assert_eq!(grade(&report, area).0, "ok", "{:#}", finding(&report, area));
    }
    let text = crate::support::run(&["doctor", "-n", "12", &server.url()]);
    assert!(
        text.stdout.contains("a reconnect goes on where it was"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_server_that_ignores_where_a_client_was_is_found_out() {
    let server = Server::start(|number, _, stream| {
        let first = u32::try_from(number).unwrap() * 100 + 1;
        let body = events(first..=first + 11);
        send(stream, format!("{SSE_HEAD}{HEADERS}{body}"));
        hold(stream);
    });
    let report = doctor(&server, "12", &[]).json();
    let (grade_of, what) = grade(&report, "resume");
    assert_eq!(
        (grade_of.as_str(), what.as_str()),
        ("warning", "events of an outage are lost")
    );
    let (grade_of, what) = grade(&report, "expired");
    assert_eq!(grade_of, "warning");
    assert!(what.contains("is not told"), "{what}");
}

#[test]
fn a_refused_reconnect_is_a_problem() {
    let server = Server::start(|_, request, stream| match request.header("last-event-id") {
        None => {
            send(stream, format!("{SSE_HEAD}{HEADERS}{}", events(1..=5)));
            hold(stream);
        }
        Some(_) => send(
            stream,
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    });
    let run = doctor(&server, "5", &[]);
    assert_eq!(run.code(), 1);
    let report = run.json();
    assert_eq!(grade(&report, "resume").0, "problem");
    assert_eq!(grade(&report, "expired").0, "warning");
    assert!(
        finding(&report, "resume")["evidence"]
            .as_str()
            .unwrap()
            .contains("400")
    );
}

#[test]
fn what_browsers_meet_is_tried_too() {
    let server = Server::start(|_, request, stream| {
        let origin = request.header("origin").map(|origin| {
            format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n")
        });
        let coding = request
            .header("accept-encoding")
            .map(|_| "Content-Encoding: gzip\r\n");
        let (origin, coding) = (origin.unwrap_or_default(), coding.unwrap_or_default());
        send(
            stream,
            format!("{SSE_HEAD}{origin}{coding}{HEADERS}{}", events(1..=3)),
        );
        hold(stream);
    });
    let run = doctor(&server, "3", &[]);
    let report = run.json();
    assert_eq!(run.code(), 0);
    assert_eq!(grade(&report, "cors").0, "warning");
    let (grade_of, what) = grade(&report, "compression");
    assert_eq!(grade_of, "warning", "{what}");
}

#[test]
fn ids_that_repeat_by_design_prove_nothing_of_a_replay() {
    let server = Server::start(|_, _, stream| {
        let body = "id: v1\ndata: 1\n\n".repeat(12);
        send(stream, format!("{SSE_HEAD}{HEADERS}{body}"));
        hold(stream);
    });
    let report = doctor(&server, "12", &[]).json();
    let resume = grade(&report, "resume");
    assert_eq!(resume, ("note".into(), "cannot tell: ids repeat".into()));
    assert_eq!(grade(&report, "flush").0, "note");
}

#[test]
fn a_stream_that_no_client_can_read_on_is_a_problem() {
    let server = Server::start(|_, _, stream| {
        let id = "7".repeat(100_000);
        send(stream, format!("{SSE_HEAD}{HEADERS}id: {id}\n"));
        hold(stream);
    });
    let run = doctor(&server, "1", &[]);
    assert_eq!(run.code(), 1, "{}", run.stdout);
    let report = run.json();
    let answer = finding(&report, "answer");
    assert_eq!(answer["grade"], "problem");
    assert!(answer["evidence"].as_str().unwrap().contains("limit"));
    assert_eq!(grade(&report, "heartbeat").0, "note");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_what_was_seen() {
    let (sent, taken) = mpsc::channel();
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}{HEADERS}{}", events(1..=5)));
        // More than sockets hold: once it is written, the events are read.
        send(stream, format!(":{}\n", "x".repeat(4095)).repeat(4096));
        let _ = sent.send(());
        hold(stream);
    });
    let url = server.url();
    let started = command(&["doctor", "--watch", "60s", "--output-format", "json", &url]);
    let doctor = start(started);
    testing::receive(&taken, "the events to be read");
    interrupt(&doctor);
    let run = Run::from(doctor.output());
    let report = run.json();
    assert_eq!((run.code(), &report["events"]), (130, &json!(5)));
    assert_eq!(grade(&report, "answer").0, "ok");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_post_is_sent_once() {
    let server = Server::start(|_, _, stream| {
        send(
            stream,
            format!("{SSE_HEAD}{HEADERS}data: a\n\ndata: [DONE]\n\n"),
        );
    });
    let run = doctor(&server, "2", &["-d", "{}"]);
    let report = run.json();
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].line, "POST /events HTTP/1.1");
    assert_eq!(
        grade(&report, "resume").1,
        "not tried: the request is not repeated"
    );
}

#[test]
fn what_is_no_event_stream_is_said_and_why() {
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "tells clients to stop"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
            "text/html",
        ),
        ("not http\r\n\r\n", "not HTTP"),
    ] {
        let run = doctor(&Server::answering(answer), "1", &[]);
        assert_eq!(run.code(), 4, "{answer}");
        let evidence = finding(&run.json(), "answer")["evidence"].clone();
        assert!(evidence.as_str().unwrap().contains(words), "{evidence}");
    }
}

#[test]
fn a_head_that_is_held_back_is_told_from_a_server_that_is_not_there() {
    let server = Server::start(|_, _, stream| hold(stream));
    let run = doctor(&server, "1", &["--patience", "300ms"]);
    assert_eq!(run.code(), 4);
    let report = run.json();
    let answer = finding(&report, "answer");
    let mend = answer["mend"].as_str().unwrap();
    assert!(mend.contains("X-Accel-Buffering: no"), "{answer}");
}

#[test]
fn what_no_browser_takes_for_an_allowed_origin_is_a_problem() {
    let server = Server::start(|_, _, stream| {
        let twice = "Access-Control-Allow-Origin: *\r\n".repeat(2);
        send(
            stream,
            format!("{SSE_HEAD}{twice}{HEADERS}{}", events(1..=3)),
        );
        hold(stream);
    });
    let run = doctor(&server, "3", &[]);
    let report = run.json();
    assert_eq!(
        (run.code(), grade(&report, "cors").0.as_str()),
        (1, "problem")
    );
}

#[test]
fn nothing_of_the_stream_reaches_the_terminal_raw() {
    let hostile = "\u{1b}]0;x\u{7}\u{9b}2J";
    let server = Server::start(move |_, request, stream| {
        let gap = match request.header("last-event-id") {
            None => String::new(),
            Some(_) => format!("event: gap\ndata: {hostile}\n\n"),
        };
        let body = format!(
            "{gap}id: a{hostile}\nevent: {hostile}\ndata: 1\n\nid: b\ndata: 2\n\n{hostile}\n\n"
        );
        send(stream, format!("{SSE_HEAD}{HEADERS}{body}"));
        hold(stream);
    });
    let run = run(&["doctor", "-n", "2", &server.url()]);
    let raw = |c: char| c.is_control() && c != '\n';
    assert!(!run.stdout.contains(raw), "{:?}", run.stdout);
    assert!(run.stdout.contains("expired id"), "{}", run.stdout);
}
