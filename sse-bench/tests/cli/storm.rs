//! `sse-bench storm` against servers that keep count of who comes when.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::schema;
use crate::support::{Run, SSE_HEAD, Server, hold, run, send};

/// Short waits; each stream sets the reconnection time itself.
const SHORT: &[&str] = &["--hold", "50ms", "--no-jitter"];

fn storm(url: &str, arguments: &[&str]) -> (Run, Value) {
    let mut all = vec!["storm", url, "--output-format", "json"];
    all.extend(arguments);
    let run = run(&all);
    let report = run.json();
    schema::validate(&report);
    (run, report)
}

fn short(server: &Server, arguments: &[&str]) -> (Run, Value) {
    storm(&server.url(), &[SHORT, arguments].concat())
}

fn stream(stream: &mut TcpStream, events: &str) {
    send(stream, format!("{SSE_HEAD}\r\n{events}"));
}

/// Each connection gets the event after its last.
fn resuming() -> Server {
    Server::start(|_, request, socket| {
        let last = request.header("last-event-id");
        let last: u64 = last.map_or(0, |id| id.parse().unwrap());
        stream(
            socket,
            &format!("retry: 100\nid: {}\ndata: a\n\n", last + 1),
        );
        hold(socket);
    })
}

#[test]
fn all_that_are_lost_come_back_and_catch_up() {
    let server = resuming();
    let (run, report) = short(&server, &["-c", "20", "--rounds", "2"]);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (0, &json!("pass")),
        "{report:#}"
    );
    assert_eq!(report["ending"], "done");
    for storm in report["storms"].as_array().unwrap() {
        assert_eq!(storm["lost"], 20, "{storm:#}");
        assert_eq!(storm["losses"]["cut"], 20);
        assert_eq!(storm["reopened"]["connections"], 20);
        assert_eq!(storm["caught_up_by"], "id");
        assert_eq!(storm["attempts"]["total"], 20);
        // The reconnection time is the least that anybody waits.
        assert!(
            storm["reopened"]["p50_us"].as_u64() >= Some(100_000),
            "{storm:#}"
        );
        assert!(storm["caught_up"]["p100_us"].as_u64() >= storm["reopened"]["p100_us"].as_u64());
        let begun = storm["attempts"]["begun"].as_array().unwrap();
        assert_eq!(begun.iter().filter_map(Value::as_u64).sum::<u64>(), 20);
        assert_eq!(begun[0], 0, "nobody comes back before its time");
    }
    assert_eq!(report["totals"]["lost"], 40);
    assert_eq!(report["latency"]["reopen"]["count"], 40);
    assert_eq!(report["errors"]["total"], 0, "a cut is no error");
    assert_eq!(server.requests().len(), 60);
}

#[test]
fn connections_are_lost_in_the_manner_asked_for() {
    for (cut, expected) in [("rst", Some(ErrorKind::ConnectionReset)), ("fin", None)] {
        let (told, ends) = mpsc::channel();
        let server = Server::start(move |number, _, socket| {
            stream(socket, "retry: 100\ndata: a\n\n");
            if number < 5 {
                let end = socket.read(&mut [0; 64]);
                let _ = told.send(end.err().map(|error| error.kind()));
            }
            hold(socket);
        });
        let (run, report) = short(&server, &["-c", "5", "--cut", cut]);
        assert_eq!(run.code(), 0, "{report:#}");
        for _ in 0..5 {
            assert_eq!(
                testing::receive(&ends, "the end of a connection"),
                expected,
                "{cut}"
            );
        }
    }
}

#[test]
fn old_events_do_not_make_a_connection_caught_up() {
    let server = Server::start(|_, _, socket| {
        stream(socket, "retry: 100\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n");
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "4", "--within", "700ms"]);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (3, &json!("inconclusive"))
    );
    let storm = &report["storms"][0];
    assert_eq!(storm["reopened"]["connections"], 4, "{storm:#}");
    assert_eq!(storm["caught_up"]["connections"], 0);
    assert_eq!(storm["caught_up"]["p50_us"], Value::Null);
    assert_eq!(report["totals"]["not_caught_up"], 4);
    assert!(run.stderr.contains("have not caught up"), "{}", run.stderr);
}

#[test]
fn without_ids_the_first_event_that_is_no_greeting_counts() {
    let server = Server::start(|number, _, socket| {
        // The last to come back is greeted, and hears nothing more.
        let greeted = "event: connected\ndata: x\n\nevent: hello\ndata: x\n\n";
        let events = if number == 5 {
            greeted
        } else {
            "retry: 100\ndata: a\n\n"
        };
        stream(socket, events);
        hold(socket);
    });
    let arguments = ["-c", "3", "--within", "700ms", "--ignore-event", "hello"];
    let (run, report) = short(&server, &arguments);
    let storm = &report["storms"][0];
    assert_eq!(run.code(), 3);
    assert_eq!(storm["caught_up_by"], "event", "{storm:#}");
    assert_eq!(storm["caught_up"]["connections"], 2);
}

#[test]
fn a_stream_without_events_has_nothing_to_catch_up_with() {
    let server = Server::start(|_, _, socket| {
        stream(
            socket,
            "retry: 100\n\nevent: connected\ndata: x\n\n: nothing\n\n",
        );
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "3", "--within", "400ms"]);
    assert_eq!(run.code(), 0, "{report:#}");
    assert_eq!(report["storms"][0]["caught_up_by"], "nothing");
    assert_eq!(report["connections"]["without_event"], 3);
    assert_eq!(report["latency"]["caught_up"], Value::Null);
}

/// Refuses the first attempt after a loss by 503 with this Retry-After; how long
/// each client waited after its refusal.
fn refusing(
    retry_after: impl Fn() -> String + Send + Sync + 'static,
) -> (Server, mpsc::Receiver<Duration>) {
    let (told, waits) = mpsc::channel();
    let refused: Mutex<HashMap<String, Instant>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let server = Server::start(move |_, request, socket| {
        let Some(id) = request.header("last-event-id") else {
            let id = next.fetch_add(1, Ordering::Relaxed);
            stream(socket, &format!("retry: 100\nid: {id}\ndata: a\n\n"));
            return hold(socket);
        };
        let before = refused
            .lock()
            .unwrap()
            .insert(id.to_owned(), Instant::now());
        match before {
            Some(at) => {
                let _ = told.send(at.elapsed());
                stream(socket, &format!("id: new-{id}\ndata: b\n\n"));
                hold(socket);
            }
            None => {
                let after = retry_after();
                send(
                    socket,
                    format!(
                        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n"
                    ),
                );
            }
        }
    });
    (server, waits)
}

#[test]
fn a_refusal_ends_a_connection_for_good_as_event_source_has_it() {
    let (server, _) = refusing(|| "1".to_owned());
    let (run, report) = short(&server, &["-c", "4", "--threshold", "given_up==0"]);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (1, &json!("fail")),
        "{report:#}"
    );
    let storm = &report["storms"][0];
    assert_eq!(
        (&storm["given_up"], &storm["reopened"]["connections"]),
        (&json!(4), &json!(0))
    );
    assert_eq!(storm["refused"]["by_kind"]["status_503"]["count"], 4);
    assert_eq!(storm["refused"]["retry_after"], 4);
    assert_eq!(storm["ending"], "over");
    assert_eq!(report["thresholds"][0]["kept"], false);
    assert_eq!(
        report["latency"]["reopen"]["p50_us"].as_u64(),
        Some(24 * 3600 * 1_000_000)
    );
    assert!(
        run.stderr.contains("4 of 4 connections gave up for good"),
        "{}",
        run.stderr
    );
}

#[test]
fn retry_status_brings_them_back_when_retry_after_says() {
    let (server, waits) = refusing(|| "1".to_owned());
    let (run, report) = short(&server, &["-c", "4", "--retry-status", "429,503"]);
    assert_eq!(run.code(), 0, "{report:#}");
    for _ in 0..4 {
        let wait = testing::receive(&waits, "a reconnect");
        assert!(wait >= Duration::from_millis(950), "{wait:?}");
    }
    let storm = &report["storms"][0];
    assert_eq!(
        (&storm["given_up"], &storm["refused"]["total"]),
        (&json!(0), &json!(4))
    );
    assert_eq!(storm["attempts"]["total"], 8);
    assert_eq!(report["plan"]["retry_status"], json!([429, 503]));
    assert_eq!(
        report["errors"]["total"], 0,
        "what a storm brings is told of the storm"
    );
}

#[test]
fn retry_after_may_be_a_date() {
    // To the second, so that it is at least one second ahead.
    let (server, waits) =
        refusing(|| httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(2)));
    let (run, report) = short(&server, &["-c", "2", "--retry-status", "503"]);
    assert_eq!(run.code(), 0, "{report:#}");
    for _ in 0..2 {
        let wait = testing::receive(&waits, "a reconnect");
        assert!(wait >= Duration::from_millis(950), "{wait:?}");
    }
}

#[test]
fn reconnection_times_are_told_by_value_and_kept() {
    let server = Server::start(|number, _, socket| {
        let retry = if number % 2 == 0 { 150 } else { 350 };
        stream(socket, &format!("retry: {retry}\ndata: a\n\n"));
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "6"]);
    assert_eq!(run.code(), 0, "{report:#}");
    let storm = &report["storms"][0];
    let mut times = storm["reconnection_times"].as_array().unwrap().clone();
    times.sort_by_key(|time| time["time_us"].as_u64());
    let expected =
        [150_000, 350_000].map(|time| json!({"time_us": time, "told": true, "slots": 3}));
    assert_eq!(times, expected);
    assert_eq!(storm["early"], 0);
    assert!(storm["first_attempt"]["max_us"].as_u64() >= Some(350_000));
}

#[test]
fn a_connection_that_does_not_last_is_not_open_again() {
    let server = Server::start(|number, _, socket| {
        stream(socket, "retry: 100\ndata: a\n\n");
        // Each comes back twice.
        if !(3..6).contains(&number) {
            hold(socket);
        }
    });
    let (run, report) = short(&server, &["-c", "3"]);
    assert_eq!(run.code(), 0, "{report:#}");
    let storm = &report["storms"][0];
    assert_eq!(
        (&storm["lost"], &storm["lost_again"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(storm["losses"], json!({"cut": 3, "ended": 3, "broken": 0}));
    assert!(
        storm["reopened"]["p100_us"].as_u64() >= Some(200_000),
        "{storm:#}"
    );
}

#[test]
fn those_not_back_in_time_are_a_failure() {
    let server = Server::start(|number, _, socket| {
        if number < 3 {
            stream(socket, "retry: 100\ndata: a\n\n");
        }
        // Later ones are not answered.
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "3", "--within", "500ms"]);
    assert_eq!(run.code(), 1, "{report:#}");
    assert_eq!(report["storms"][0]["ending"], "timeout");
    assert_eq!(report["totals"]["not_reopened"], 3);
    assert!(
        run.stderr.contains("not open again within 500 ms"),
        "{}",
        run.stderr
    );
}

#[test]
fn nobody_is_blamed_for_a_wait_that_was_not_over() {
    let server = Server::start(|_, _, socket| {
        stream(socket, "retry: 60000\ndata: a\n\n");
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "3", "--within", "300ms"]);
    assert_eq!(run.code(), 3, "{report:#}");
    assert_eq!(report["totals"]["not_reopened"], 3);
    assert!(run.stderr.contains("give --within more"), "{run:?}");
}

#[test]
fn without_a_connection_there_is_no_storm() {
    let server = Server::start(|_, _, _| {});
    let limits = ["-c", "3", "--within", "300ms"];
    let (run, report) = short(&server, &limits);
    assert_eq!(run.code(), 4, "{report:#}");
    assert_eq!(report["storms"], json!([]));
    assert_eq!(report["ending"], "unreachable");
}

#[cfg(unix)]
#[test]
fn a_command_may_take_the_server_away() {
    let directory = tempfile::tempdir().unwrap();
    let sign = directory.path().join("restart");
    let away = sign.clone();
    let server = Server::start(move |number, _, socket| {
        stream(socket, "retry: 100\ndata: a\n\n");
        if number >= 5 {
            return hold(socket);
        }
        socket
            .set_read_timeout(Some(Duration::from_millis(10)))
            .unwrap();
        while !away.exists() && socket.read(&mut [0; 64]).is_err() {}
    });
    let command = format!("touch '{}'", sign.display());
    let (run, report) = short(&server, &["-c", "5", "--cut", "server", "--exec", &command]);
    assert_eq!(run.code(), 0, "{report:#}");
    let storm = &report["storms"][0];
    assert_eq!(
        (&storm["lost"], &storm["losses"]["ended"]),
        (&json!(5), &json!(5))
    );
    assert!(storm["first_loss_us"].is_u64());
    let arguments = ["-c", "2", "--cut", "server", "--exec", "exit 3"];
    let (run, report) = short(&resuming(), &arguments);
    assert_eq!(run.code(), 3);
    assert!(
        report["reason"]
            .as_str()
            .unwrap()
            .contains("exit status: 3"),
        "{report:#}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_came_of_the_storm_so_far() {
    use crate::support::{command, interrupt, start};

    let (told, came) = mpsc::channel();
    let server = Server::start(move |number, _, socket| {
        stream(socket, "retry: 100\ndata: a\n\n");
        if number < 3 {
            return hold(socket);
        }
        let _ = told.send(());
        hold(socket);
    });
    let url = server.url();
    let command = command(&[
        "storm",
        &url,
        "-c",
        "3",
        "--rounds",
        "2",
        "--hold",
        "300ms",
        "--within",
        "60s",
        "--output-format",
        "json",
    ]);
    let storm = start(command);
    testing::receive(&came, "a reconnect");
    interrupt(&storm);
    let run = Run::from(storm.output());
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["ending"]),
        (130, &json!("interrupted"))
    );
    assert_eq!(report["storms"][0]["lost"], 3, "{report:#}");
}

#[test]
fn thresholds_are_those_of_storm() {
    let server = resuming();
    for (threshold, code) in [
        ("p99(reopen)<1ms", 99),
        ("p99(reopen)<1m", 0),
        ("lost==3", 0),
    ] {
        let (run, report) = short(&server, &["-c", "3", "--threshold", threshold]);
        assert_eq!(run.code(), code, "{report:#}");
    }
    let refused = run(&["storm", &server.url(), "--threshold", "p99(delivery)<1s"]);
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr.contains("not_reopened"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_text_says_the_verdict_first_on_one_screen() {
    let server = resuming();
    let run = run(&[&["storm", &server.url(), "-c", "5", "--rounds", "3"], SHORT].concat());
    let text = &run.stdout;
    assert!(
        text.starts_with("PASS: all 15 connections that were lost were open again within"),
        "{text}"
    );
    for part in [
        "1 open again",
        "5 of 5",
        "100 ms (told by retry): 5 connections",
        "0 of them too early",
        "by id",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(text.lines().count() <= 40, "more than a screen:\n{text}");
}

#[test]
fn what_cannot_be_a_storm_is_refused() {
    for (arguments, said) in [
        (&["--cut", "server"][..], "--exec"),
        (&["--exec", "true"], "--cut server"),
        (&["--no-reconnect"], "--no-reconnect"),
        (&["-d", "{}"], "--reconnect"),
        (&["--retry-status", "200"], "400 to 599"),
        (&["--within", "2h"], "1h"),
        (&["--slow", "5%"], "5%:1KB/s"),
        (&["--slow", "100%:1KB/s"], "larger -c"),
    ] {
        let run = run(&[&["storm", "http://127.0.0.1:1/"], arguments].concat());
        assert_eq!(run.code(), 2, "{arguments:?}");
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_server_that_is_not_there_is_never_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (run, report) = storm(&url, &["-c", "3"]);
    assert_eq!((run.code(), &report["ending"]), (4, &json!("unreachable")));
    assert_eq!(report["storms"], json!([]));
}

#[test]
fn slow_readers_come_back_too_and_nobody_waits_for_them_to_catch_up() {
    let comes_back = Arc::new(AtomicBool::new(false));
    let back = Arc::clone(&comes_back);
    let server = Server::start(move |_, request, socket| {
        let filler = "x".repeat(40_000);
        match request.header("last-event-id") {
            None => stream(socket, "retry: 100\nid: 1\ndata: a\n\n"),
            // Who reads 100 bytes a second is at this for minutes.
            Some(_) => stream(socket, &format!(": {filler}\n\nid: 2\ndata: b\n\n")),
        }
        back.store(true, Ordering::Relaxed);
        hold(socket);
    });
    let (run, report) = short(&server, &["-c", "6", "--slow", "2:100B/s"]);
    assert_eq!(run.code(), 0, "{report:#}");
    let cohorts = report["storms"][0]["cohorts"].as_array().unwrap();
    assert_eq!(
        (&cohorts[0]["name"], &cohorts[0]["lost"]),
        (&json!("healthy"), &json!(4))
    );
    assert_eq!(cohorts[0]["caught_up"]["connections"], 4);
    assert_eq!(
        (&cohorts[1]["name"], &cohorts[1]["lost"]),
        (&json!("slow 2:100B/s"), &json!(2))
    );
    assert_eq!(cohorts[1]["reopened"]["connections"], 2);
    assert_eq!(cohorts[1]["caught_up"]["connections"], 0);
    assert_eq!(report["totals"]["not_caught_up"], 0);
}
