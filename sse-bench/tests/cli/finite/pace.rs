//! When requests start, how long they take, and the end of the run.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{DELTA, DONE, begin, each, end, report, until_done};
use crate::support::{Server, chunked, hold, send};

const SLOW: Duration = Duration::from_millis(300);

fn slow() -> Server {
    pausing(SLOW)
}

/// A server whose streams pause for so long between two events.
fn pausing(pause: Duration) -> Server {
    Server::start(move |_, request, stream| {
        each(request, stream, |_, stream| {
            begin(stream, &[DELTA]);
            thread::sleep(pause);
            end(stream, &[DONE]);
        });
    })
}

#[test]
fn latency_counts_from_the_intended_start_in_an_open_loop() {
    let server = slow();
    let run = until_done(&server, &["-c", "1", "--rate", "1000", "--requests", "3"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let open = report(&run);
    // The second and the third were due while the first took its time.
    assert_eq!(open["requests"]["waited"], 2);
    assert_eq!(open["latency"]["waited"]["count"], 2);
    let p50 = |latency: &str| open["latency"][latency]["p50_us"].as_u64().unwrap();
    assert!(
        p50("ttfe") > 250_000 && p50("duration") > 550_000,
        "{open:#}"
    );
    let longest = open["latency"]["open"]["count"].as_u64();
    assert_eq!(longest, Some(3));
}

#[test]
fn requests_that_no_connection_was_free_for_are_told() {
    let server = Server::start(|_, _, stream| {
        begin(stream, &[]);
        hold(stream);
    });
    let arguments = ["-c", "1", "-q", "100", "-z", "3s", "--drain", "50ms"];
    let run = until_done(
        &server,
        &[&arguments[..], &["--goodput", "ttfe:1ms"]].concat(),
    );
    assert_eq!(run.code(), 3, "{run:?}");
    let report = report(&run);
    let requests = &report["requests"];
    assert_eq!(
        (&requests["started"], &requests["unfinished"]),
        (&json!(1), &json!(1))
    );
    assert!(requests["never_started"].as_u64() >= Some(29), "{report:#}");
    assert_eq!(requests["failed"], 0);
    assert_eq!(report["goodput"]["share"], 0.0);
}

#[test]
fn streams_under_way_at_the_end_may_end_and_are_else_unfinished() {
    // Longer than the run, in which both have to begin.
    let server = pausing(Duration::from_secs(4));
    let run = until_done(&server, &["-c", "2", "-z", "3s", "--drain", "1m"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let drained = report(&run);
    assert_eq!(drained["requests"]["completed"], 2);
    assert_eq!(drained["requests"]["per_second"], 0.0);

    let endless = Server::start(|_, _, stream| {
        begin(stream, &[DELTA]);
        hold(stream);
    });
    let run = until_done(&endless, &["-c", "2", "-z", "3s", "--drain", "50ms"]);
    assert_eq!(run.code(), 3, "{run:?}");
    let given_up = report(&run);
    assert_eq!(given_up["requests"]["unfinished"], 2);
    assert_eq!(given_up["requests"]["failed"], 0);
    assert_eq!(given_up["errors"]["total"], 0);
}

#[test]
fn silences_are_stalls_and_an_endless_request_times_out() {
    let server = pausing(Duration::from_secs(4));
    let run = until_done(&server, &["-c", "1", "--requests", "2", "--stall", "2s"]);
    assert_eq!(report(&run)["streams"]["stalls"], 2);

    let endless = Server::start(|_, _, stream| {
        begin(stream, &[DELTA]);
        hold(stream);
    });
    let arguments = ["-c", "1", "--requests", "1", "-t", "6s", "--stall", "2s"];
    let run = until_done(&endless, &arguments);
    assert_eq!(run.code(), 3, "{run:?}");
    let report = report(&run);
    assert_eq!(report["requests"]["timed_out"], 1);
    assert_eq!(report["streams"]["stalls"], 1);
    assert_eq!(report["errors"]["by_kind"]["timeout"]["count"], 1);
}

#[test]
fn thresholds_and_formats_are_those_of_finite_streams() {
    let server = Server::answering(chunked(&[DELTA, DONE]));
    let kept = ["--threshold", "cut_short==0", "--threshold", "max(ttfe)<1h"];
    let two = ["-c", "1", "--requests", "1"];
    let run = until_done(&server, &[&kept[..], &two[..]].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    let url = server.url();
    for format in ["junit", "csv", "text"] {
        let mut all = vec!["load", &url, "--until-done", "--output-format", format];
        all.extend(two);
        let run = crate::support::run(&all);
        assert_eq!(run.code(), 0, "{run:?}");
        let expected = match format {
            "junit" => "every request was answered up to its end marker",
            "csv" => "requests_so_far",
            _ => "PASS: the stream came to its end marker",
        };
        assert!(run.stdout.contains(expected), "{}", run.stdout);
    }
}

#[test]
fn what_cannot_be_carried_out_is_said_beforehand() {
    let url = "http://127.0.0.1:9/";
    for (arguments, said) in [
        (&["--until-done", "-n", "5"][..], "--requests"),
        (&["--until-done", "--threshold", "p99(delivery)<1s"], "ttfe"),
        (&["--threshold", "cut_short==0"], "never_opened"),
        (&["--goodput", "ttft:1s"], "there are ttfe"),
        (&["--rate", "0"], "from 0.001"),
        (&["--preset", "openai"], "openai-chat"),
        (&["--preset", "openai-chat"], "\"stream\":true"),
        (&["--preset", "mcp", "-d", "[]"], "JSON-RPC"),
        (&["--content-pointer", "delta"], "starts with \"/\""),
    ] {
        let all = [&["load", url], arguments].concat();
        let run = crate::support::run(&all);
        assert_eq!(run.code(), 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_report_so_far_with_what_was_under_way() {
    use crate::support::{Run, command, interrupt, start};

    let (asked, seen) = std::sync::mpsc::channel();
    let server = Server::start(move |_, request, stream| {
        let mut count = 0;
        each(request, stream, |_, stream| {
            count += 1;
            if count == 1 {
                send(stream, chunked(&[DONE]));
            } else {
                let _ = asked.send(());
            }
        });
    });
    let url = server.url();
    let arguments = ["load", &url, "--until-done", "-c", "1", "-z", "1h"];
    let mut started = command(&arguments);
    started.args(["--output-format", "json"]);
    let load = start(started);
    testing::receive(&seen, "the second request");
    interrupt(&load);
    let run = Run::from(load.output());
    assert_eq!(run.code(), 130, "{run:?}");
    let requests = report(&run)["requests"].clone();
    assert_eq!(
        (&requests["completed"], &requests["unfinished"]),
        (&json!(1), &json!(1))
    );
}
