//! Servers that are not there, or are no event stream.

use std::net::TcpListener;

use serde_json::json;

use crate::support::{SSE_HEAD, Server, hold, load, run, send};

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
    let run = run(&["load", &url, "-c", "3", "--output-format", "json"]);
    let report = run.json();
    assert_eq!((run.code(), &report["ending"]), (4, &json!("unreachable")));
    assert_eq!(report["errors"]["by_kind"]["refused"]["count"], 3);
    assert!(
        run.stderr
            .starts_with("sse-bench: no event stream was opened: 127.0.0.1:")
    );
}

#[test]
fn a_name_without_an_address_ends_the_run_at_once() {
    let run = run(&[
        "load",
        "http://no-such-host.invalid/",
        "--output-format",
        "json",
    ]);
    let report = run.json();
    assert_eq!((run.code(), &report["ending"]), (4, &json!("unreachable")));
    assert_eq!(report["errors"]["by_kind"]["dns"]["count"], 1);
    assert!(
        run.stderr.contains("cannot resolve no-such-host.invalid"),
        "{}",
        run.stderr
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
