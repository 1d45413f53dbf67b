//! C01-C12, C42, C43, C47, C48: the request, and which responses are a stream.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use sse_core::client::Request;
use sse_core::{Cause, EventId, SourceOptions};

use crate::client::{Client, quick};
use crate::mock::{Mock, STREAM, head};

/// The client's verdict on one response, after which no request followed.
async fn verdict(response: &str) -> Cause {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    server.answer(response).await;
    let cause = client.closed().await;
    assert!(!server.has_visitor(), "a request after the end");
    cause
}

async fn accepts(content_type: &str) {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let mut peer = server.accept().await;
    peer.send(head("200 OK", &[content_type])).await;
    peer.send("data: ✓\n\n").await;
    client.open().await;
    assert_eq!(client.data().await, "✓", "{content_type}");
}

#[tokio::test]
async fn c01_the_first_request_asks_for_an_event_stream() {
    let server = Mock::bind().await;
    let _client = Client::get(server.url("/events?a=b"));
    let request = server.answer(STREAM).await;
    assert_eq!((&*request.method, &*request.path), ("GET", "/events?a=b"));
    assert_eq!(request.text("accept"), Some("text/event-stream"));
    assert_eq!(request.text("cache-control"), Some("no-cache"));
    assert_eq!(request.last_event_id(), None);
}

#[tokio::test]
async fn c02_a_stream_opens_and_then_gives_events() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let mut peer = server.accept().await;
    peer.send(STREAM).await;
    assert_eq!(client.open().await, 1);
    peer.send("event: greeting\nid: 1\ndata: hello\n\ndata: there\n\n")
        .await;
    let greeting = ("greeting".into(), "hello".into(), "1".into());
    assert_eq!(client.event().await, greeting);
    assert_eq!(
        client.event().await,
        ("message".into(), "there".into(), "1".into())
    );
}

#[tokio::test]
async fn c03_no_content_stops_after_one_request() {
    assert_eq!(
        verdict(&head("204 No Content", &[])).await,
        Cause::NoContent
    );
}

#[tokio::test]
async fn c04_other_successes_fail() {
    for (line, status) in [
        ("201 Created", StatusCode::CREATED),
        ("205 Reset Content", StatusCode::RESET_CONTENT),
        ("206 Partial Content", StatusCode::PARTIAL_CONTENT),
    ] {
        let cause = verdict(&head(line, &["Content-Type: text/event-stream"])).await;
        assert_eq!(cause, Cause::Status(status));
    }
}

#[tokio::test]
async fn c05_not_found_fails() {
    let cause = verdict(&head("404 Not Found", &["Content-Type: text/event-stream"])).await;
    assert_eq!(
        cause.to_string(),
        "the server answered 404 Not Found, not 200"
    );
}

#[tokio::test]
async fn c06_server_errors_fail_by_default() {
    for status in [500, 503, 429] {
        let cause = verdict(&head(&format!("{status} X"), &["Retry-After: 0"])).await;
        assert_eq!(cause, Cause::Status(StatusCode::from_u16(status).unwrap()));
    }
}

#[tokio::test]
async fn c06_server_errors_are_retried_when_asked_to() {
    for status in [500, 503, 429] {
        let server = Mock::bind().await;
        let options = SourceOptions {
            retry_server_errors: true,
            ..quick()
        };
        let mut client = Client::start(Request::get(server.url("/")), options);
        server
            .answer(head(&format!("{status} X"), &["Retry-After: 1"]))
            .await;
        let (cause, retry_in) = client.disconnected().await;
        assert_eq!(cause, Cause::Status(StatusCode::from_u16(status).unwrap()));
        assert!(
            retry_in >= Duration::from_secs(1),
            "Retry-After ignored: {retry_in:?}"
        );
        server.answer(STREAM).await;
        assert_eq!(client.open().await, 1);
    }
}

#[tokio::test]
async fn c07_another_media_type_fails() {
    let cause = verdict(&head("200 OK", &["Content-Type: text/plain"])).await;
    assert_eq!(cause, Cause::ContentType(Some("text/plain".into())));
}

#[tokio::test]
async fn c08_no_media_type_fails() {
    let cause = verdict(&head("200 OK", &[])).await;
    assert_eq!(cause, Cause::ContentType(None));
}

#[tokio::test]
async fn c09_the_media_type_is_case_insensitive() {
    accepts("Content-Type: TEXT/Event-Stream").await;
}

#[tokio::test]
async fn c10_parameters_of_the_media_type_are_allowed() {
    accepts("Content-Type: text/event-stream;").await;
    accepts("Content-Type: text/event-stream ; x=y").await;
    accepts("Content-Type: text/event-stream;x=bogus").await;
}

#[tokio::test]
async fn c11_a_similar_media_type_fails() {
    for value in ["text/event-stream-foo", "text/event-stream, text/plain"] {
        let cause = verdict(&head("200 OK", &[&format!("Content-Type: {value}")])).await;
        assert_eq!(cause, Cause::ContentType(Some(value.into())));
    }
}

#[tokio::test]
async fn c12_another_charset_is_still_utf_8() {
    accepts("Content-Type: text/event-stream; charset=windows-1252").await;
}

#[tokio::test]
async fn c42_a_refusing_response_ends_a_reconnecting_client_too() {
    for (response, cause) in [
        (
            head("500 X", &["Content-Type: text/event-stream"]),
            Cause::Status(StatusCode::INTERNAL_SERVER_ERROR),
        ),
        (
            head("200 OK", &["Content-Type: text/html"]),
            Cause::ContentType(Some("text/html".into())),
        ),
    ] {
        let server = Mock::bind().await;
        let mut client = Client::get(server.url("/"));
        server.answer(STREAM).await;
        client.open().await;
        assert_eq!(client.disconnected().await.0, Cause::EndOfStream);
        server.answer(response).await;
        assert_eq!(client.closed().await, cause);
        assert!(!server.has_visitor());
    }
}

#[tokio::test]
async fn c43_no_content_coding_is_negotiated_and_an_uninvited_one_fails() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let headers = ["Content-Type: text/event-stream", "Content-Encoding: gzip"];
    let request = server.answer(head("200 OK", &headers)).await;
    assert_eq!(request.header("accept-encoding"), None);
    assert_eq!(client.closed().await, Cause::ContentEncoding("gzip".into()));
}

#[tokio::test]
async fn c47_method_body_and_headers_are_sent_with_every_connection() {
    let server = Mock::bind().await;
    let request = Request::new(Method::POST, server.url("/chat"))
        .header(
            HeaderName::from_static("x-tenant"),
            HeaderValue::from_static("blue"),
        )
        .body("{\"prompt\":\"hi\"}");
    let options = SourceOptions {
        reconnect: Some(true),
        ..quick()
    };
    let _client = Client::start(request, options);
    for id in [None, Some("1"), Some("1")] {
        let request = server.answer(format!("{STREAM}id: 1\ndata:\n\n")).await;
        assert_eq!((&*request.method, &*request.path), ("POST", "/chat"));
        assert_eq!(request.body, b"{\"prompt\":\"hi\"}");
        assert_eq!(request.text("x-tenant"), Some("blue"));
        assert_eq!(request.last_event_id(), id);
    }
}

#[tokio::test]
async fn c47_a_post_is_not_sent_twice_unless_asked_for() {
    let server = Mock::bind().await;
    let request = Request::new(Method::POST, server.url("/chat")).body("{}");
    let mut client = Client::start(request, quick());
    server.answer(format!("{STREAM}data: once\n\n")).await;
    client.open().await;
    assert_eq!(client.data().await, "once");
    assert_eq!(client.closed().await, Cause::EndOfStream);
    assert!(!server.has_visitor());
}

#[tokio::test]
async fn c48_the_callers_last_event_id_is_sent_first_and_kept() {
    let server = Mock::bind().await;
    let options = SourceOptions {
        last_event_id: EventId::new("41").unwrap(),
        ..quick()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    for _ in 0..2 {
        let request = server.answer(format!("{STREAM}data: x\n\n")).await;
        assert_eq!(request.last_event_id(), Some("41"));
        client.open().await;
        assert_eq!(client.event().await.2, "41");
        client.disconnected().await;
    }
}
