//! How streams end, and what is made of it.

use serde_json::json;

use super::{DELTA, DONE, STOP, answering, begin, each, report, until_done};
use crate::support::{SSE_HEAD, Server, chunked, send};

#[test]
fn streams_up_to_their_marker_pass_and_share_connections() {
    let server = answering(&[DELTA, DELTA, STOP, DONE]);
    let run = until_done(&server, &["-c", "2", "--requests", "8", "--threads", "1"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let report = report(&run);
    let requests = &report["requests"];
    assert_eq!(
        (
            &requests["started"],
            &requests["completed"],
            &requests["failed"]
        ),
        (&json!(8), &json!(8), &json!(0))
    );
    assert_eq!(requests["finish"], json!({"stop": 8}));
    assert_eq!(report["connections"], json!({"opened": 2, "reused": 6}));
    assert_eq!(report["streams"]["events"]["total"], 32);
    assert_eq!(report["deliveries"]["total"], 32);
    for (metric, count) in [("ttfe", 8), ("ttfc", 8), ("gap", 24), ("duration", 8)] {
        assert_eq!(report["latency"][metric]["count"], count, "{metric}");
    }
    assert_eq!(report["latency"]["waited"], json!(null));
    let wire = (DELTA.len() * 2 + STOP.len() + DONE.len()) as u64;
    assert_eq!(report["streams"]["bytes"]["p50"], wire);
}

#[test]
fn a_connection_that_the_server_closes_is_not_used_again() {
    let closing = format!("{SSE_HEAD}Connection: close\r\n\r\n{DELTA}{DONE}");
    let server = Server::answering(closing);
    let run = until_done(&server, &["-c", "1", "--requests", "3"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(
        report(&run)["connections"],
        json!({"opened": 3, "reused": 0})
    );
}

#[test]
fn a_stream_without_its_marker_is_cut_short_however_it_ends() {
    let whole = chunked(&[DELTA, STOP]);
    let broken = whole.strip_suffix("0\r\n\r\n").unwrap().to_owned();
    for (wire, kind) in [(whole, "no_end_marker"), (broken, "cut_short")] {
        let server = Server::answering(wire);
        let run = until_done(&server, &["-c", "1", "--requests", "2"]);
        assert_eq!(run.code(), 1, "{run:?}");
        let report = report(&run);
        assert_eq!(report["verdict"], "fail");
        assert_eq!(report["requests"]["cut_short"], 2);
        assert_eq!(report["errors"]["by_kind"][kind]["count"], 2, "{report:#}");
        assert!(
            run.stderr
                .contains("2 of 2 streams ended without their end marker")
        );
    }
}

#[test]
fn the_marker_is_what_the_user_says() {
    let server = answering(&["event: fin\ndata: x\n\n"]);
    let run = until_done(
        &server,
        &["-c", "1", "--requests", "1", "--done-event", "fin"],
    );
    assert_eq!(run.code(), 0, "{run:?}");
    let other = until_done(
        &server,
        &["-c", "1", "--requests", "1", "--done-data", "fin"],
    );
    assert_eq!(other.code(), 1, "{other:?}");
}

#[test]
fn an_error_in_the_stream_fails_its_request_and_the_key_is_not_told() {
    let server = Server::start(|_, request, stream| {
        each(request, stream, |request, stream| {
            let key = request.header("authorization").unwrap_or_default();
            let error = format!("data: {{\"error\":{{\"message\":\"over quota: {key}\"}}}}\n\n");
            send(stream, chunked(&[DELTA, &error]));
        });
    });
    let key = "Authorization: Bearer sk-0123456789";
    let run = until_done(&server, &["-c", "1", "--requests", "1", "-H", key]);
    assert_eq!(run.code(), 3, "{run:?}");
    let report = report(&run);
    assert_eq!(report["requests"]["errors_in_stream"], 1);
    let told = &report["errors"]["by_kind"]["error_in_stream"]["example"];
    assert_eq!(told, "over quota: Bearer ***");
    assert!(!run.stdout.contains("sk-0123456789"), "{}", run.stdout);
}

#[test]
fn a_refusal_without_a_body_leaves_its_connection_to_the_next_request() {
    let server = Server::start(|_, request, stream| {
        let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        each(request, stream, |_, stream| send(stream, refusal));
    });
    let run = until_done(&server, &["-c", "1", "--requests", "2"]);
    let report = report(&run);
    assert_eq!(report["requests"]["refused"], 2);
    assert_eq!(report["connections"], json!({"opened": 1, "reused": 1}));
}

#[test]
fn refusals_are_counted_by_status_and_their_retry_after_is_told() {
    let refusal =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow";
    let server = Server::start(move |_, request, stream| {
        each(request, stream, |_, stream| send(stream, refusal));
    });
    let run = until_done(&server, &["-c", "1", "--requests", "2"]);
    assert_eq!(run.code(), 4, "{run:?}");
    let refused = report(&run);
    assert_eq!(refused["requests"]["refused"], 2);
    assert_eq!(
        refused["requests"]["retry_after"],
        json!({"count": 2, "longest_us": 7_000_000})
    );
    let told = refused["errors"]["by_kind"]["status_429"]["example"].as_str();
    assert!(told.unwrap().ends_with("Retry-After 7 s: slow"), "{told:?}");
    assert_eq!(refused["connections"], json!({"opened": 1, "reused": 1}));

    let server = Server::start(move |number, _, stream| match number {
        0 => send(stream, format!("{}\r\n", refusal.replace("slow", "slow!!"))),
        _ => send(stream, format!("{SSE_HEAD}Connection: close\r\n\r\n{DONE}")),
    });
    let run = until_done(&server, &["-c", "1", "--requests", "3"]);
    assert_eq!(run.code(), 3, "{run:?}");
    assert_eq!(report(&run)["requests"]["completed"], 2);
}

#[test]
fn an_answer_that_is_no_stream_says_what_the_request_lacks() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let server = Server::answering(json);
    let run = until_done(&server, &["-c", "1", "--requests", "1"]);
    assert_eq!(run.code(), 4);
    assert!(run.stderr.contains("\"stream\":true"), "{}", run.stderr);
}

#[test]
fn goodput_is_the_share_of_requests_that_kept_every_limit() {
    let server = Server::start(|_, request, stream| {
        let mut count = 0;
        each(request, stream, |_, stream| {
            count += 1;
            let events: &[_] = if count % 2 == 0 {
                &[DONE]
            } else {
                &[DELTA, DONE]
            };
            send(stream, chunked(events));
        });
    });
    // The even requests have no content, so none within any time.
    let limits = ["-c", "1", "--requests", "4", "--goodput", "ttfe:1h ttfc:1h"];
    for (threshold, code) in [("goodput>=0.5", 0), ("goodput>0.5", 99)] {
        let run = until_done(
            &server,
            &[&limits[..], &["--threshold", threshold]].concat(),
        );
        assert_eq!(run.code(), code, "{run:?}");
        let report = report(&run);
        assert_eq!(
            (&report["goodput"]["good"], &report["goodput"]["share"]),
            (&json!(2), &json!(0.5))
        );
        assert_eq!(report["requests"]["without_content"], 2);
    }
}

#[test]
fn a_marker_before_the_end_of_the_response_is_enough() {
    let server = Server::start(|_, _, stream| {
        begin(stream, &[DELTA, DONE]);
        crate::support::hold(stream);
    });
    let run = until_done(&server, &["-c", "1", "--requests", "2"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(report(&run)["connections"]["opened"], 2);
}
