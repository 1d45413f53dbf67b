//! Reports of finite streams and of storms in every format, and held against earlier runs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::schema::validate;
use crate::support::{Run, SSE_HEAD, Server, chunked, each, hold, run, send};

const ALL: [&str; 5] = ["text", "json", "csv", "junit", "html"];
const ANSWER: &str = "event: <script>alert(1)</script>\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n";

/// A run, and its report in each format.
fn reports(arguments: &[&str]) -> (Run, BTreeMap<&'static str, String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = |format: &str| directory.path().join(format).display().to_string();
    let outputs = ALL.map(|format| format!("--output-format={format}={}", path(format)));
    let outputs = outputs.iter().map(String::as_str);
    let all: Vec<_> = arguments.iter().copied().chain(outputs).collect();
    let run = run(&all);
    let read = |format| std::fs::read_to_string(path(format)).unwrap();
    (run, ALL.map(|format| (format, read(format))).into())
}

/// Answers each request by this, whole.
fn answering(answer: &'static str) -> Server {
    Server::start(move |_, request, stream| {
        each(request, stream, |_, stream| {
            send(stream, chunked(&[answer]));
        });
    })
}

/// Each connection gets the event after its last; the first to return is refused.
fn returning() -> Server {
    Server::start(|number, request, socket| {
        let last = request.header("last-event-id");
        let last: u64 = last.map_or(0, |id| id.parse().unwrap());
        if last > 0 && number == 4 {
            let head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n";
            return send(socket, format!("{head}Content-Length: 0\r\n\r\n"));
        }
        let event = format!("retry: 100\nid: {}\ndata: a\n\n", last + 1);
        send(socket, format!("{SSE_HEAD}\r\n{event}"));
        hold(socket);
    })
}

const STORM: [&str; 8] = [
    "-c",
    "4",
    "--rounds",
    "2",
    "--hold",
    "50ms",
    "--retry-status",
    "503",
];

/// The rows of a CSV by the names of their columns.
fn rows(csv: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = csv.split_terminator("\r\n");
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let rows = lines.map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        assert_eq!(fields.len(), header.len(), "{line}");
        header.iter().copied().zip(fields).collect()
    });
    rows.collect()
}

fn number(row: &BTreeMap<&str, &str>, column: &str) -> u64 {
    row[column].parse().unwrap()
}

/// It is one page, complete, and holds nothing that runs or comes from elsewhere.
fn expect_page(page: &str, cards: &[&str]) {
    for card in cards {
        assert!(page.contains(&format!("<h2>{card}</h2>")), "{card}: {page}");
    }
    for hostile in ["<script", "<img", "NaN", "src=\"", "href=", "url("] {
        assert!(!page.contains(hostile), "{hostile}: {page}");
    }
    for element in ["section", "table", "svg", "div", "figure", "tr", "td", "p"] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        let closed = page.matches(&format!("</{element}>")).count();
        assert_eq!(opened, closed, "{element}");
    }
}

#[test]
fn requests_that_end_are_in_every_format() {
    let server = answering(ANSWER);
    let url = server.url();
    let fixed = ["load", &url, "--until-done", "-c", "2", "--requests", "9"];
    let limits = ["--threshold", "completed==9", "--goodput", "ttfe:1m"];
    let (run, files) = reports(&[&fixed[..], &limits].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    let report: Value = serde_json::from_str(&files["json"]).unwrap();
    validate(&report);
    assert_eq!(report["requests"]["completed"], 9);
    assert!(files["text"].starts_with("PASS: all 9 streams"));

    let rows = rows(&files["csv"]);
    let sum = |column: &str| rows.iter().map(|row| number(row, column)).sum::<u64>();
    assert_eq!(sum("deliveries"), 18);
    for latency in ["ttfe", "ttfc", "duration", "gap"] {
        assert_eq!(sum(&format!("{latency}_count")), 9, "{latency}");
    }
    assert_eq!(number(rows.last().unwrap(), "requests_so_far"), 9);

    let junit = &files["junit"];
    assert!(junit.contains("tests=\"2\" failures=\"0\""), "{junit}");
    expect_page(
        &files["html"],
        &[
            "Requests",
            "Streams",
            "Thresholds",
            "Requests per second",
            "Requests under way",
            "Time to the first event, over time",
            "Time to the first content",
            "Gap between two events",
            "Latency",
        ],
    );
    let page = &files["html"];
    for shown in [
        "&lt;script&gt;alert(1)",
        "completed==9",
        "goodput",
        "100.0 %",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[test]
fn failed_requests_are_on_the_page_and_red_in_ci() {
    let server = answering("data: no marker\n\n");
    let url = server.url();
    let fixed = ["load", &url, "--until-done", "-c", "1", "--requests", "2"];
    let (run, files) = reports(&fixed);
    assert_eq!(run.code(), 1, "{run:?}");
    assert!(
        files["junit"].contains("failures=\"1\""),
        "{}",
        files["junit"]
    );
    let page = &files["html"];
    assert!(page.contains("no_end_marker"), "{page}");
    expect_page(page, &["Errors"]);
}

#[test]
fn a_storm_is_in_every_format() {
    let server = returning();
    let url = server.url();
    let limit = ["--threshold", "refused==1"];
    let (run, files) = reports(&[&["storm", &url], &STORM[..], &limit].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    let report: Value = serde_json::from_str(&files["json"]).unwrap();
    validate(&report);

    let rows = rows(&files["csv"]);
    for storm in [1, 2] {
        let of_storm = rows.iter().filter(|row| number(row, "storm") == storm);
        let of_storm: Vec<_> = of_storm.collect();
        let last = of_storm.last().unwrap();
        let there = ["lost", "open", "caught_up"].map(|column| number(last, column));
        assert_eq!(there, [4; 3], "{files:#?}");
        assert_eq!(
            number(of_storm[0], "open"),
            0,
            "nobody is back before its time"
        );
        let sum = |column: &str| of_storm.iter().map(|row| number(row, column)).sum::<u64>();
        let refused = u64::from(storm == 1);
        assert_eq!((sum("refused"), sum("failed")), (refused, 0));
        assert_eq!((sum("begun"), sum("opened")), (4 + refused, 4));
        let recovery = &report["storms"][storm as usize - 1]["recovery"];
        let steps = recovery["open"].as_array().unwrap();
        assert_eq!(steps.len(), of_storm.len());
        assert_eq!(
            recovery["step_us"],
            number(of_storm[0], "since_first_loss_us")
        );
    }

    let junit = &files["junit"];
    assert!(
        junit.contains("tests=\"6\" failures=\"0\" errors=\"0\""),
        "{junit}"
    );
    assert!(junit.contains("storm 2: all that were lost have caught up"));
    expect_page(
        &files["html"],
        &[
            "When shares of the lost connections were back",
            "Storm 1: connections since the first loss",
            "Storm 2: attempts in each 100 ms",
            "Refusals and failures in the storms",
            "Reconnection times in force",
            "Time until a connection was open again",
            "Connections by state",
        ],
    );
    assert!(files["html"].contains("status_503"), "{}", files["html"]);
}

#[test]
fn connections_that_give_up_fail_their_storm_in_ci() {
    let server = returning();
    let url = server.url();
    let (run, files) = reports(&["storm", &url, "-c", "4", "--hold", "50ms"]);
    assert_eq!(run.code(), 1, "{run:?}");
    let junit = &files["junit"];
    assert!(junit.contains("<failure message=\"3 of 4\"/>"), "{junit}");
    let page = &files["html"];
    assert!(page.contains("1 connections given up for good"), "{page}");
}

fn json_report(directory: &Path, name: &str, arguments: &[&str]) -> (Run, String) {
    let path = directory.join(name).display().to_string();
    let output = format!("--output-format=json={path}");
    (run(&[arguments, &[&output]].concat()), path)
}

#[test]
fn storms_and_finite_streams_are_held_against_earlier_runs() {
    let directory = tempfile::tempdir().unwrap();
    let (storms, answers) = (returning(), answering(ANSWER));
    let (storms, answers) = (storms.url(), answers.url());
    let storm = [&["storm", &storms], &STORM[..]].concat();
    let finite = [
        "load",
        &answers,
        "--until-done",
        "-c",
        "1",
        "--requests",
        "4",
    ];
    for (name, command, metric) in [
        ("storm", &storm[..], "lost_again"),
        ("finite", &finite[..], "failed"),
    ] {
        let (before, old) = json_report(directory.path(), name, command);
        assert_eq!(before.code(), 0, "{before:?}");
        let limit = format!("{metric}=0%");
        let against = ["--baseline", &old, "--fail-on-regression", &limit];
        let (after, new) = json_report(directory.path(), "new", &[command, &against].concat());
        assert_eq!(after.code(), 0, "{after:?}");
        assert!(
            after.stdout.contains(&format!("Compared with {old}")),
            "{after:?}"
        );
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&new).unwrap()).unwrap();
        validate(&report);
        let mut rows = report["comparison"]["metrics"].as_array().unwrap().iter();
        let row = rows.find(|row| row["metric"] == metric).unwrap();
        assert_eq!(
            (&row["regressed"], &row["after"]),
            (&json!(false), &json!(0.0))
        );
        let compared = run(&["compare", &old, &new]);
        assert_eq!(compared.code(), 0, "{compared:?}");

        let unknown = ["--baseline", &old, "--fail-on-regression", "delivery=1%"];
        let refused = run(&[command, &unknown].concat());
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains("there is no metric"), "{refused:?}");
    }
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mixed = run(&["compare", &path("storm"), &path("finite")]);
    assert_eq!(mixed.code(), 2, "{mixed:?}");
    assert!(mixed.stderr.contains("is a report of storm"), "{mixed:?}");
}

#[test]
fn a_storm_that_is_worse_than_before_fails() {
    let directory = tempfile::tempdir().unwrap();
    let server = returning();
    let url = server.url();
    let command = [&["storm", &url], &STORM[..]].concat();
    let (before, old) = json_report(directory.path(), "old", &command);
    assert_eq!(before.code(), 0, "{before:?}");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(&old).unwrap()).unwrap();
    report["totals"]["attempts"] = json!(1);
    std::fs::write(&old, report.to_string()).unwrap();
    let against = ["--baseline", &old, "--fail-on-regression", "attempts=50%"];
    let run = run(&[&command[..], &against, &["--output-format", "junit"]].concat());
    assert_eq!(run.code(), 99, "{run:?}");
    assert!(run.stdout.contains("from 1 to"), "{run:?}");
    assert!(
        run.stderr.contains("worse than the baseline: attempts"),
        "{run:?}"
    );
}
