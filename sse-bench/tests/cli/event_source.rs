//! Requests and reconnects, as `EventSource` makes them.

use serde_json::json;

use crate::support::{SSE_HEAD, STREAM, Server, chunk, chunked, hold, load, send};

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
