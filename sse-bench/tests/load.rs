//! The binary against scripted servers on real sockets.

mod support;

use std::net::TcpListener;

use serde_json::{Value, json};
use support::{SSE_HEAD, Server, chunk, chunked, hold, load, run, send, signal, start};

const STREAM: &str = "event: tick\ndata: 1\n\nevent: tick\r\ndata: 2\r\n\r\ndata: 3\n\n: comment\n\n\
                      event: status\ndata: {}\n\nid: 9\n\n";

/// What STREAM dispatches, on this many connections.
fn expect_stream(report: &Value, connections: u64) {
    assert_eq!(report["deliveries"]["total"], 4 * connections, "{report:#}");
    let by_type = json!({
        "tick": 2 * connections, "message": connections, "status": connections
    });
    assert_eq!(report["deliveries"]["by_type"], by_type);
    assert_eq!(report["connections"]["opened"], connections);
    assert_eq!(report["connections"]["clean_ends"], connections);
    assert_eq!(report["errors"]["total"], 0, "{report:#}");
}

#[test]
fn a_finite_stream_is_counted_exactly_by_type() {
    let server = Server::answering(chunked(&[STREAM]));
    let run = load(&server, &["-c", "7", "--no-reconnect"]);
    let report = run.json();
    expect_stream(&report, 7);
    assert_eq!(run.code(), 0);
    assert_eq!(report["ending"], "all_ended");
    assert_eq!(server.requests().len(), 7);
}

#[test]
fn chunks_and_writes_split_at_every_byte_are_read_the_same() {
    let bytes: Vec<String> = STREAM.chars().map(String::from).collect();
    let pieces: Vec<&str> = bytes.iter().map(String::as_str).collect();
    let wire = chunked(&pieces);
    let server = Server::start(move |_, _, stream| {
        for byte in wire.as_bytes() {
            send(stream, [*byte]);
        }
    });
    let run = load(&server, &["-c", "3", "--no-reconnect"]);
    expect_stream(&run.json(), 3);
}

#[test]
fn bodies_that_end_with_the_connection_or_at_a_length_are_whole() {
    let close = format!("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n{STREAM}");
    let length = format!(
        "{SSE_HEAD}Content-Length: {}\r\n\r\n{STREAM}data: beyond\n\n",
        STREAM.len()
    );
    for wire in [close, length] {
        let run = load(&Server::answering(wire), &["-c", "2", "--no-reconnect"]);
        expect_stream(&run.json(), 2);
        assert_eq!(run.code(), 0);
    }
}

#[test]
fn the_first_request_is_that_of_an_event_source() {
    let server = Server::answering(chunked(&[STREAM]));
    load(
        &server,
        &[
            "-c",
            "1",
            "--no-reconnect",
            "-H",
            "X-Tenant: a",
            "-a",
            "u:p",
        ],
    );
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /events HTTP/1.1");
    assert_eq!(request.header("accept"), Some("text/event-stream"));
    assert_eq!(request.header("cache-control"), Some("no-cache"));
    assert_eq!(
        request.header("host"),
        Some(server.address.to_string().as_str())
    );
    assert_eq!(request.header("x-tenant"), Some("a"));
    assert_eq!(request.header("authorization"), Some("Basic dTpw"));
    assert_eq!(request.header("last-event-id"), None);
    assert_eq!(request.header("accept-encoding"), None);
}

#[test]
fn a_cut_stream_is_resumed_with_its_last_event_id() {
    let server = Server::start(|number, _, stream| {
        send(
            stream,
            format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n"),
        );
        if number == 0 {
            send(
                stream,
                chunk("retry: 100\nid: 7\ndata: a\n\nid: 8\ndata: cut"),
            );
            send(stream, "40\r\ndata:");
        } else {
            send(stream, chunk("id: 9\ndata: b\n\n"));
            hold(stream);
        }
    });
    let run = load(&server, &["-c", "1", "-n", "2"]);
    let report = run.json();
    assert_eq!(run.code(), 0);
    assert_eq!(report["deliveries"]["total"], 2);
    assert_eq!(report["reconnects"]["total"], 1);
    assert_eq!(report["errors"]["by_kind"]["cut_short"]["count"], 1);
    assert_eq!(report["latency"]["reconnect"]["count"], 1);
    let requests = server.requests();
    assert_eq!(requests[0].header("last-event-id"), None);
    assert_eq!(requests[1].header("last-event-id"), Some("7"));
}

#[test]
fn a_connection_lost_before_the_response_is_tried_again() {
    let server = Server::start(|number, _, stream| {
        if number > 0 {
            send(stream, chunked(&["data: a\n\n"]));
        }
    });
    let run = load(&server, &["-c", "1", "-n", "1"]);
    let report = run.json();
    assert_eq!((run.code(), &report["ending"]), (0, &json!("events")));
    assert_eq!(report["errors"]["by_kind"]["no_response"]["count"], 1);
    assert_eq!(report["reconnects"]["total"], 0, "it had never been open");
}

#[test]
fn no_more_events_are_counted_than_asked_for() {
    let endless = Server::start(|_, _, stream| {
        use std::io::Write;
        send(stream, format!("{SSE_HEAD}\r\n"));
        while stream.write_all(b"data: x\n\ndata: y\n\n").is_ok() {}
    });
    let report = load(&endless, &["-c", "4", "-n", "1001"]).json();
    assert_eq!(report["deliveries"]["total"], 1001);
    assert_eq!(report["deliveries"]["by_type"]["message"], 1001);
}

#[test]
fn a_post_repeats_its_body_only_when_told_to_reconnect() {
    let server = Server::answering(chunked(&["retry: 100\ndata: a\n\n"]));
    let body = ["-c", "1", "-d", "{\"q\":1}", "-T", "application/json"];
    let once = load(&server, &body).json();
    assert_eq!(
        (&once["deliveries"]["total"], server.requests().len()),
        (&json!(1), 1)
    );

    let again = [&body[..], &["--reconnect", "-n", "3"]].concat();
    assert_eq!(load(&server, &again).json()["deliveries"]["total"], 3);
    for request in server.requests() {
        assert_eq!(request.line, "POST /events HTTP/1.1");
        assert_eq!(request.body, b"{\"q\":1}");
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
}

#[test]
fn redirects_are_followed_and_remembered() {
    let server = Server::start(|_, request, stream| {
        if request.line.contains("/events") {
            send(
                stream,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: /stream\r\nContent-Length: 0\r\n\r\n",
            );
        } else {
            send(stream, chunked(&["retry: 100\ndata: a\n\n"]));
        }
    });
    let report = load(&server, &["-c", "1", "-n", "2"]).json();
    assert_eq!(report["errors"]["total"], 0, "{report:#}");
    let requests = server.requests();
    let lines: Vec<&str> = requests
        .iter()
        .map(|request| request.line.as_str())
        .collect();
    let (events, stream) = ("GET /events HTTP/1.1", "GET /stream HTTP/1.1");
    assert_eq!(lines, [events, stream, stream]);
}

#[test]
fn timestamps_are_found_and_replay_is_told_from_live() {
    let server = Server::answering(chunked(&[
        "data: {\"at\":1790000000000000000}\n\n",
        "data: {\"at\":1790000000000000001}\n\n",
        "data: {\"at\":9000000000000}\n\ndata: plain\n\n",
    ]));
    let arguments = ["-c", "2", "--no-reconnect", "--timestamp-pointer", "/at"];
    let report = load(&server, &arguments).json();
    let timestamps = json!({
        "pointer": "/at", "units": {"ns": 4, "ms": 2}, "without": 2, "from_the_future": 2
    });
    assert_eq!(report["timestamps"], timestamps);
    assert_eq!(report["latency"]["replay"]["count"], 4);
    assert_eq!(report["latency"]["delivery"], Value::Null);
}

#[test]
fn refusals_never_reach_the_target_and_are_not_repeated() {
    let json_head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
    let gzip = format!("{SSE_HEAD}Content-Encoding: gzip\r\n\r\n");
    for (response, kind, said) in [
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "status_404",
            "404 Not Found",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "status_401",
            "401 Unauthorized",
        ),
        (
            "HTTP/1.1 500 Internal Server Error\r\n\r\n",
            "status_500",
            "500",
        ),
        (json_head, "content_type", "application/json"),
        (&gzip, "content_coding", "gzip"),
        ("HTTP/1.1 302 Found\r\n\r\n", "redirect", "Location"),
    ] {
        let server = Server::answering(response);
        let run = load(&server, &["-c", "3"]);
        let report = run.json();
        assert_eq!(
            (run.code(), &report["verdict"]),
            (4, &json!("fail")),
            "{kind}"
        );
        assert_eq!(report["errors"]["by_kind"][kind]["count"], 3, "{report:#}");
        assert!(
            report["reason"].as_str().unwrap().contains(said),
            "{report:#}"
        );
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(server.requests().len(), 3, "{kind}");
    }
}

#[test]
fn a_204_says_stop() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let run = load(&server, &["-c", "2"]);
    let report = run.json();
    assert_eq!(run.code(), 4);
    assert_eq!(
        (
            &report["connections"]["stopped"],
            &report["errors"]["total"]
        ),
        (&json!(2), &json!(0))
    );
    assert!(run.stderr.contains("204 No Content"), "{}", run.stderr);
}

#[test]
fn what_is_not_http_is_named() {
    let server = Server::answering("SSH-2.0-OpenSSH_9.6\r\n");
    let run = load(&server, &["-c", "1", "-z", "200ms"]);
    assert_eq!(run.code(), 4);
    assert!(run.stderr.contains("not HTTP"), "{}", run.stderr);
}

#[test]
fn a_port_that_refuses_ends_the_run_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let run = run(&["load", &url, "-c", "3", "-z", "1h"]);
    assert_eq!(run.code(), 4);
    assert!(
        run.stdout.starts_with("FAIL: no event stream was opened"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("refused                 3"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_name_without_an_address_ends_the_run_at_once() {
    let run = run(&["load", "http://no-such-host.invalid/", "-z", "1h"]);
    assert_eq!(run.code(), 4);
    assert!(
        run.stdout.contains("cannot resolve no-such-host.invalid"),
        "{}",
        run.stdout
    );
}

#[test]
fn some_connections_refused_leave_the_run_inconclusive() {
    let server = Server::start(|number, _, stream| {
        if number == 0 {
            send(stream, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
        } else {
            send(stream, format!("{SSE_HEAD}\r\ndata: a\n\n"));
            hold(stream);
        }
    });
    let run = load(&server, &["-c", "3", "-z", "100ms"]);
    let report = run.json();
    assert_eq!(
        (run.code(), &report["verdict"]),
        (3, &json!("inconclusive"))
    );
    assert_eq!(report["connections"]["never_opened"], 1);
    assert_eq!(report["connections"]["open_at_end"], 2);
}

#[test]
fn an_endless_line_ends_at_the_limit() {
    let server = Server::start(|_, _, stream| {
        use std::io::Write;
        send(stream, format!("{SSE_HEAD}\r\ndata: "));
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let run = load(&server, &["-c", "1", "--max-event-size", "64KiB"]);
    let report = run.json();
    assert_eq!(run.code(), 3);
    let example = report["errors"]["by_kind"]["too_long"]["example"]
        .as_str()
        .unwrap();
    assert!(example.contains("65536"), "{example}");
    assert_eq!(report["connections"]["given_up"], 1);
}

#[test]
fn a_silent_server_is_given_up_after_the_connect_timeout() {
    let server = Server::start(|_, _, stream| hold(stream));
    let run = load(
        &server,
        &["-c", "1", "--connect-timeout", "50ms", "-z", "50ms"],
    );
    assert_eq!(run.code(), 4);
    assert!(
        run.stderr.contains("no response within 50ms"),
        "{}",
        run.stderr
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_report_so_far() {
    let (reconnected, seen) = signal();
    // The second connection shows that the first was read to its end.
    let server = Server::start(move |number, _, stream| {
        if number == 0 {
            send(stream, chunked(&["retry: 100\ndata: a\n\n"]));
        } else {
            reconnected();
            hold(stream);
        }
    });
    let child = start(&[
        "load",
        &server.url(),
        "-c",
        "1",
        "-z",
        "1h",
        "--output-format",
        "json",
    ]);
    seen.recv().unwrap();
    let id = child.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(killed.unwrap().success());
    let run = support::Run::from(child.wait_with_output().unwrap());
    let report = run.json();
    assert_eq!(run.code(), 130);
    assert_eq!(
        (&report["ending"], &report["exit_code"]),
        (&json!("interrupted"), &json!(130))
    );
    assert_eq!(report["deliveries"]["total"], 1);
}

#[test]
fn the_json_report_has_its_documented_keys() {
    let server = Server::answering(chunked(&[STREAM]));
    let arguments = ["-c", "2", "--no-reconnect", "--seed", "5", "--threads", "1"];
    let report = load(&server, &arguments).json();
    let keys: Vec<&str> = report
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "schema",
            "command",
            "version",
            "verdict",
            "reason",
            "exit_code",
            "ending",
            "plan",
            "elapsed_us",
            "ramp_us",
            "ramp_late_us",
            "connections",
            "reconnects",
            "deliveries",
            "bytes",
            "reads",
            "latency",
            "timestamps",
            "errors",
            "tool",
        ]
    );
    assert_eq!(
        (&report["schema"], &report["command"]),
        (&json!(1), &json!("load"))
    );
    assert_eq!(
        (&report["plan"]["seed"], &report["plan"]["threads"]),
        (&json!(5), &json!(1))
    );
    for metric in ["connect", "open", "first_event"] {
        let summary = &report["latency"][metric];
        assert_eq!(summary["count"], 2, "{metric}");
        for key in [
            "mean_us", "p50_us", "p90_us", "p99_us", "p99.9_us", "max_us",
        ] {
            assert!(summary[key].is_number(), "{metric} {key}");
        }
    }
    let wire = chunked(&[STREAM]).len() as u64;
    assert_eq!(report["bytes"]["total"], 2 * wire);
}

#[test]
fn reports_go_where_they_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json_file, text_file) = (path("report.json"), path("report.txt"));
    let server = Server::answering(chunked(&[STREAM]));
    let url = server.url();
    let json = format!("json={json_file}");
    let both = run(&[
        "load",
        &url,
        "-c",
        "1",
        "--no-reconnect",
        "--output-format",
        &json,
    ]);
    assert!(
        both.stdout.starts_with("PASS: the connection was opened"),
        "{}",
        both.stdout
    );
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(&json_file).unwrap()).unwrap();
    expect_stream(&report, 1);

    let file = run(&["load", &url, "-c", "1", "--no-reconnect", "-o", &text_file]);
    assert_eq!(file.stdout, "");
    assert!(
        std::fs::read_to_string(&text_file)
            .unwrap()
            .starts_with("PASS")
    );

    let missing = path("no/such/directory/report");
    let refused = run(&["load", &url, "-o", &missing]);
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr.contains("cannot write"),
        "{}",
        refused.stderr
    );
}

#[test]
fn usage_errors_say_what_and_how_to_mend_it() {
    let url = "http://127.0.0.1:9/";
    for (arguments, said) in [
        (&["load"][..], "<URL>"),
        (&["load", "ftp://host/"], "give one such as http://"),
        (
            &["load", "127.0.0.1:8080/events"],
            "give one such as http://",
        ),
        (
            &["load", url, "-z", "0"],
            "a duration of 0 measures nothing",
        ),
        (&["load", url, "-z", "5"], "500ms, 5s or 2m"),
        (&["load", url, "-c", "0"], "--connections"),
        (&["load", url, "-H", "no colon"], "Name: value"),
        (&["load", url, "-H", "b@d name: x"], "Name: value"),
        (&["load", url, "-m", "GE T"], "no HTTP method"),
        (&["load", url, "-a", "user"], "user:password"),
        (
            &["load", url, "--timestamp-pointer", "at"],
            "starts with \"/\"",
        ),
        (&["load", url, "--output-format", "xml"], "text or json"),
        (
            &[
                "load",
                url,
                "--output-format",
                "json",
                "--output-format",
                "text",
            ],
            "two report formats",
        ),
        (
            &["load", url, "--cacert", "no-such-file.pem"],
            "no-such-file.pem",
        ),
        (&["load", url, "-D", "no-such-file"], "no-such-file"),
        (&["load", url, "-c", "4000000000"], "-c 4000000000"),
        (&["load", url, "--no-such-flag"], "--no-such-flag"),
    ] {
        let run = run(arguments);
        assert_eq!(run.code(), 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_open_file_limit_that_is_too_low_is_said_beforehand() {
    let line = format!(
        "ulimit -n 128; {} load http://127.0.0.1:9/ -c 200",
        env!("CARGO_BIN_EXE_sse-bench")
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .output();
    let run = support::Run::from(output.unwrap());
    assert_eq!(run.code(), 2);
    let expected = "sse-bench: the limit of 128 open files will not carry -c 200: raise it with \
                    `ulimit -n 264`, or use at most -c 64\n";
    assert_eq!(run.stderr, expected);
}

#[test]
fn many_connections_are_all_opened_whatever_the_concurrency() {
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\ndata: a\n\n"));
        hold(stream);
    });
    let arguments = [
        "-c",
        "60",
        "-n",
        "60",
        "--connect-concurrency",
        "1",
        "--connect-rate",
        "100000",
    ];
    let report = load(&server, &arguments).json();
    assert_eq!(report["deliveries"]["total"], 60);
    assert_eq!(report["connections"]["opened"], 60);
}

#[test]
fn completions_and_manual_come_from_the_command_line() {
    let completions = run(&["completions", "bash"]);
    assert!(completions.stdout.contains("--timestamp-pointer"));
    let manual = run(&["man"]);
    assert!(manual.stdout.starts_with(".ie") && manual.stdout.contains("timestamp\\-pointer"));
    let help = run(&["load", "--help"]).stdout;
    assert!(
        help.contains("Examples:") && help.contains("Exit codes:"),
        "{help}"
    );
}
