//! C35-C39, C46: what of the parser shows only over connections.

use sse_core::client::Request;
use sse_core::{Cause, Limits, SourceOptions};

use crate::client::{Client, quick};
use crate::mock::{Mock, STREAM};

/// The events of two connections: type and data.
async fn events_of(first: &str, second: &str, expected: &[(&str, &str)]) {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    server.answer(format!("{STREAM}{first}")).await;
    let mut peer = server.accept().await;
    peer.send(format!("{STREAM}{second}")).await;
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        if let Some(crate::client::Seen::Event {
            event_type, data, ..
        }) = client.next().await
        {
            seen.push((event_type, data));
        }
    }
    let seen: Vec<(&str, &str)> = seen.iter().map(|(kind, data)| (&**kind, &**data)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn c35_data_does_not_last_over_connections() {
    events_of("data: a\n", "\ndata: b\n\n", &[("message", "b")]).await;
}

#[tokio::test]
async fn c36_a_type_does_not_last_over_connections() {
    events_of("event: k\n", "data: a\n\n", &[("message", "a")]).await;
}

#[tokio::test]
async fn c37_the_state_after_a_cr_does_not_last_over_connections() {
    // A carried state would take the LF for the rest of a CRLF, and the BOM after
    // it for the first bytes of the stream.
    let second = "\n\u{feff}data: b\n\ndata: c\n\n";
    events_of("data: a\r\r", second, &[("message", "a"), ("message", "c")]).await;
}

#[tokio::test]
async fn c38_a_byte_order_mark_is_stripped_on_every_connection() {
    let body = "\u{feff}data: a\n\n";
    events_of(body, body, &[("message", "a"), ("message", "a")]).await;
}

#[tokio::test]
async fn c39_an_event_that_ends_in_cr_is_dispatched_at_once() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let mut peer = server.accept().await;
    peer.send(format!("{STREAM}data: a\r\r")).await;
    client.open().await;
    assert_eq!(client.data().await, "a");
    peer.send("\ndata: b\r\n\r\n").await;
    assert_eq!(client.data().await, "b");
}

#[tokio::test]
async fn c46_an_endless_line_ends_with_an_error_that_names_the_limit() {
    let server = Mock::bind().await;
    let limits = Limits::default().line(1 << 20);
    let options = SourceOptions { limits, ..quick() };
    let mut client = Client::start(Request::get(server.url("/")), options);
    let mut peer = server.accept().await;
    peer.send(format!("{STREAM}data: ")).await;
    let flood = tokio::spawn(async move { while peer.try_send(&[b'x'; 4096]).await.is_ok() {} });
    client.open().await;
    let cause = client.closed().await;
    assert!(matches!(cause, Cause::Limit(_)), "{cause:?}");
    let words = "unreadable stream: a line exceeds the limit of 1048576 bytes";
    assert_eq!(cause.to_string(), words);
    crate::client::in_time("the connection to be dropped", flood)
        .await
        .unwrap();
    assert!(!server.has_visitor());
}
