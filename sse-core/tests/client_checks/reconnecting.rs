//! C17-C28, C44, C45: what makes a client come back, and when.

use std::time::{Duration, Instant};

use sse_core::client::Request;
use sse_core::{Backoff, Cause, NetworkErrorKind, SourceOptions};

use crate::client::{Client, Command, Seen};
use crate::mock::{Mock, Reserved, STREAM, head, reset};

fn network(cause: &Cause) -> NetworkErrorKind {
    match cause {
        Cause::Network(error) => error.kind,
        other => panic!("expected a network failure, saw {other:?}"),
    }
}

#[tokio::test]
async fn c17_a_reset_before_the_response_is_retried() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    for _ in 0..2 {
        server.accept().await.reset();
        let (cause, _) = client.disconnected().await;
        assert_eq!(network(&cause), NetworkErrorKind::Reset, "{cause}");
    }
    server.answer(STREAM).await;
    assert_eq!(client.open().await, 1);
}

#[tokio::test]
async fn c18_a_connection_closed_without_a_byte_is_retried() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    server.answer("").await;
    let (cause, _) = client.disconnected().await;
    assert_eq!(network(&cause), NetworkErrorKind::Truncated, "{cause}");
    server.answer(STREAM).await;
    client.open().await;
}

#[tokio::test]
async fn c18_a_connection_closed_before_the_request_is_retried() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    reset(server.accept_unread().await);
    client.disconnected().await;
    server.answer(STREAM).await;
    client.open().await;
}

#[tokio::test]
async fn c19_a_refused_port_is_tried_until_it_opens() {
    let port = Reserved::new();
    let mut client = Client::get(port.url());
    for _ in 0..2 {
        let (cause, _) = client.disconnected().await;
        assert_eq!(network(&cause), NetworkErrorKind::Refused, "{cause}");
    }
    let server = port.listen();
    server.answer(STREAM).await;
    let leg = loop {
        match client.next().await {
            Some(Seen::Open { leg }) => break leg,
            Some(Seen::Disconnected { .. }) => {}
            other => panic!("saw {other:?}"),
        }
    };
    assert_eq!(leg, 1);
}

#[tokio::test]
async fn c20_a_reset_in_the_body_is_resumed_with_the_last_id() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let mut peer = server.accept().await;
    peer.send(format!("{STREAM}id: 7\ndata: a\n\ndata: cut"))
        .await;
    client.open().await;
    assert_eq!(client.data().await, "a");
    peer.reset();
    let (cause, _) = client.disconnected().await;
    assert_eq!(network(&cause), NetworkErrorKind::Reset, "{cause}");
    let request = server.answer(STREAM).await;
    assert_eq!(request.last_event_id(), Some("7"));
    assert_eq!(client.open().await, 2);
}

#[tokio::test]
async fn c21_a_truncated_chunked_body_is_resumed_with_the_last_id() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let headers = [
        "Content-Type: text/event-stream",
        "Transfer-Encoding: chunked",
    ];
    let body = "id: 7\ndata: a\n\n";
    server
        .answer(format!(
            "{}{:x}\r\n{body}\r\n20\r\ndata: c",
            head("200 OK", &headers),
            body.len()
        ))
        .await;
    client.open().await;
    assert_eq!(client.data().await, "a");
    let (cause, _) = client.disconnected().await;
    assert_eq!(network(&cause), NetworkErrorKind::Truncated, "{cause}");
    assert_eq!(server.accept().await.request.last_event_id(), Some("7"));
}

#[tokio::test]
async fn c22_an_empty_body_opens_and_then_reconnects() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    let headers = ["Content-Type: text/event-stream", "Content-Length: 0"];
    for leg in 1..=2 {
        server.answer(head("200 OK", &headers)).await;
        assert_eq!(client.open().await, leg);
        assert_eq!(client.disconnected().await.0, Cause::EndOfStream);
    }
}

#[tokio::test]
async fn c23_the_server_sets_the_reconnection_time() {
    let server = Mock::bind().await;
    let mut client = Client::start(Request::get(server.url("/")), SourceOptions::default());
    let before_the_end = Instant::now();
    server.answer(format!("{STREAM}retry: 300\n\n")).await;
    client.open().await;
    let (_, retry_in) = client.disconnected().await;
    let asked = Duration::from_millis(300);
    assert!(
        (asked..=asked.mul_f64(1.25)).contains(&retry_in),
        "{retry_in:?}"
    );
    server.answer(STREAM).await;
    assert!(
        before_the_end.elapsed() >= retry_in,
        "it came back too early"
    );
}

#[tokio::test]
async fn c24_without_retry_the_delay_is_three_seconds() {
    let server = Mock::bind().await;
    let mut client = Client::start(Request::get(server.url("/")), SourceOptions::default());
    server.answer(STREAM).await;
    client.open().await;
    let (_, retry_in) = client.disconnected().await;
    assert!(
        (Duration::from_secs(3)..=Duration::from_millis(3750)).contains(&retry_in),
        "{retry_in:?}"
    );
    client.command(Command::ReconnectNow);
    server.answer(STREAM).await;
    assert_eq!(client.open().await, 2);
}

/// The delay after a stream with this body.
async fn delay_after(body: &str, backoff: Backoff) -> Duration {
    let server = Mock::bind().await;
    let options = SourceOptions {
        backoff,
        ..SourceOptions::default()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    server.answer(format!("{STREAM}{body}")).await;
    client.open().await;
    client.disconnected().await.1
}

fn exact() -> Backoff {
    Backoff {
        jitter: 0.0,
        ..Backoff::default()
    }
}

#[tokio::test]
async fn c25_a_bogus_retry_leaves_the_first_standing() {
    for bogus in ["12x", "-1", "+5", "1.5", " 7", ""] {
        let delay = delay_after(&format!("retry: 450\nretry: {bogus}\n\n"), exact()).await;
        assert_eq!(delay, Duration::from_millis(450), "{bogus:?}");
    }
}

#[tokio::test]
async fn c26_a_zero_retry_meets_the_floor() {
    let delay = delay_after("retry: 0\n\n", exact()).await;
    assert_eq!(delay, Duration::from_millis(100));
}

#[tokio::test]
async fn c27_a_huge_retry_is_clamped() {
    let delay = delay_after(&format!("retry: {}\n\n", "9".repeat(40)), exact()).await;
    assert_eq!(delay, Duration::from_secs(3600));
}

#[tokio::test]
async fn c28_the_reconnection_time_outlives_a_connection_that_sets_none() {
    let server = Mock::bind().await;
    let options = SourceOptions {
        backoff: exact(),
        ..SourceOptions::default()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    for body in ["retry: 120\n\n", "data: x\n\n", ""] {
        server.answer(format!("{STREAM}{body}")).await;
        client.open().await;
        if body.starts_with("data") {
            client.event().await;
        }
        assert_eq!(client.disconnected().await.1, Duration::from_millis(120));
    }
}

#[tokio::test]
async fn c44_silence_beyond_the_read_timeout_reconnects_and_a_comment_resets_it() {
    for timeout in [300, 1_000, 4_000, 16_000].map(Duration::from_millis) {
        if comment_resets(timeout).await {
            return;
        }
        // The machine was too slow to send a comment in time; give it more.
    }
    panic!("no comment arrived in time");
}

/// Whether a comment that arrived in time put the read timeout off. `false` if
/// none did.
async fn comment_resets(timeout: Duration) -> bool {
    let server = Mock::bind().await;
    let options = SourceOptions {
        read_timeout: Some(timeout),
        backoff: Backoff {
            reconnection_time: Duration::from_secs(3600),
            ..Backoff::default()
        },
        ..SourceOptions::default()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    let mut peer = server.accept().await;
    let opened = Instant::now();
    peer.send(STREAM).await;
    client.open().await;
    // Moves the comment away from the opening, so that a timeout counted from
    // there would come too early.
    tokio::time::sleep(timeout / 2).await;
    // The client may have hung up by now.
    let _ = peer.try_send(b":alive\n").await;
    let (cause, silent_since) = match client.next().await {
        Some(Seen::Comment { text, at }) => {
            assert_eq!(text, "alive");
            (client.disconnected().await.0, Some(at))
        }
        Some(Seen::Disconnected { cause, .. }) => (cause, None),
        other => panic!("saw {other:?}"),
    };
    assert_eq!(cause, Cause::ReadTimeout(timeout));
    assert!(
        silent_since.unwrap_or(opened).elapsed() >= timeout,
        "it came too early"
    );
    peer.gone().await;
    client.command(Command::ReconnectNow);
    server.answer(STREAM).await;
    assert_eq!(client.open().await, 2);
    silent_since.is_some()
}

#[tokio::test]
async fn c45_a_hundred_drops_back_off_and_a_success_resets() {
    let server = Mock::bind().await;
    let backoff = Backoff {
        reconnection_time: Duration::from_millis(1),
        floor: Duration::from_millis(1),
        max_delay: Duration::from_millis(8),
        ..Backoff::default()
    };
    let options = SourceOptions {
        backoff,
        ..SourceOptions::default()
    };
    let mut client = Client::start(Request::get(server.url("/")), options);
    let doubling = [1, 1, 2, 4, 8, 8, 8, 8, 8].map(Duration::from_millis);
    let mut jittered = false;
    for round in 1..=10 {
        server
            .answer(format!("{STREAM}id: {round}\ndata: {round}\n\n"))
            .await;
        assert_eq!(
            client.open().await,
            round,
            "legs count the connections that opened"
        );
        assert_eq!(client.data().await, round.to_string());
        for (failures, base) in doubling.iter().enumerate() {
            let (_, retry_in) = client.disconnected().await;
            assert!(
                (*base..=base.mul_f64(1.25)).contains(&retry_in),
                "{retry_in:?} after {failures} failures"
            );
            jittered |= retry_in != *base;
            let peer = server.accept().await;
            assert_eq!(peer.request.last_event_id(), Some(&*round.to_string()));
            peer.reset();
        }
        client.disconnected().await;
    }
    assert!(jittered, "no delay was moved by jitter");
}
