//! HTTP/2 without TLS, by prior knowledge, with a client that keeps to the rules.

use std::time::Duration;

use http::StatusCode;

use crate::server::{PATIENCE, Server, client};

/// V39
#[tokio::test]
async fn a_hundred_streams_live_on_one_connection_and_a_reset_frees_one() {
    let server = Server::start(&[]);
    let mut connection = server.http2().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(connection.subscribe("").await);
    }
    assert_eq!(server.connections().await, 100);
    server.publish(r#"{"data":"1"}"#.to_owned()).await;
    for stream in &mut streams {
        assert_eq!(stream.number().await, 1);
    }
    streams.remove(40).sending.send_reset(h2::Reason::CANCEL);
    server.wait_for_connections(99).await;
    server.publish(r#"{"data":"2"}"#.to_owned()).await;
    for stream in &mut streams {
        assert_eq!(stream.number().await, 2);
    }
    let closed = "connections_closed_total{reason=\"gone\"}";
    assert_eq!(server.metric(closed).await, 1);
    drop((streams, connection));
    server.wait_for_connections(0).await;
}

#[tokio::test]
async fn no_header_is_of_the_connection() {
    let server = Server::start(&[]);
    let mut connection = server.http2().await;
    let stream = connection.subscribe("").await;
    let header = |name| {
        stream
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-store"));
    for absent in ["connection", "transfer-encoding", "content-length"] {
        assert_eq!(header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn every_request_is_answered_as_over_http_1() {
    let server = Server::start(&[]);
    let client = client().http2_prior_knowledge().build().unwrap();
    let ask = async |method: &str, path: &str, body: &'static str| {
        let url = format!("{}{path}", server.url);
        let request = client.request(method.parse().unwrap(), url).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.version(), http::Version::HTTP_2);
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("GET", "/ready", "").await.0, 200);
    assert_eq!(ask("HEAD", "/events", "").await, (200, String::new()));
    assert_eq!(server.connections().await, 0);
    let (status, text) = ask("POST", "/trigger", r#"{"data":1}"#).await;
    assert!(status == 200 && text.contains("ids"), "{text}");
    let (status, text) = ask("POST", "/trigger", "{").await;
    assert!(status == 400 && text.contains("about:blank"), "{text}");
    assert_eq!(ask("DELETE", "/events", "").await.0, 405);
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let server = Server::start(&[]);
    let mut connection = server.http2().await;
    let request = http::Request::get("http://rebound.example/health");
    let (response, _) = connection.send(request).await;
    assert_eq!(response.await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn there_are_so_many_streams_on_a_connection() {
    let server = Server::start(&["--http2-streams", "2"]);
    let mut connection = server.http2().await;
    let mut first = connection.subscribe("").await;
    let _second = connection.subscribe("").await;
    let mut third = Box::pin(connection.subscribe(""));
    tokio::select! {
        biased;
        _ = &mut third => panic!("a third stream was opened"),
        // Time for the server's answer, were there one.
        () = server.publish(r#"{"data":"1"}"#.to_owned()) => {}
    }
    assert_eq!(first.number().await, 1);
    first.sending.send_reset(h2::Reason::CANCEL);
    drop(first);
    let mut third = third.await;
    server.publish(r#"{"data":"2"}"#.to_owned()).await;
    assert_eq!(third.number().await, 2);
}

#[tokio::test]
async fn a_stream_that_is_not_read_holds_up_no_other_and_is_reset_in_the_end() {
    // A PING has to be answered within three quarters of it.
    let server = Server::start(&["--write-timeout", "8s", "--heartbeat", "1h"]);
    let mut settings = h2::client::Builder::new();
    settings.initial_connection_window_size(8 << 20);
    let mut connection = server.http2_with(&mut settings).await;
    let mut stalled = connection.subscribe("").await;
    let mut reading = connection.subscribe("").await;
    let flood = async {
        server.flood(100).await;
    };
    let read = async {
        for n in 0..100 {
            assert_eq!(reading.number().await, n);
        }
    };
    tokio::join!(flood, read);
    server.wait_for_connections(1).await;
    assert_eq!(server.metric("write_timeouts_total").await, 1);
    // What its window had room for came, and then the reset.
    let mut received = 0;
    let reset = loop {
        match stalled.next().await {
            Ok(Some(_)) => received += 1,
            Ok(None) => panic!("ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!((1..100).contains(&received), "{received}");
    assert_eq!(reset.reason(), Some(h2::Reason::CANCEL));
    server.publish(r#"{"data":"100"}"#.to_owned()).await;
    assert_eq!(reading.number().await, 100);
}

#[tokio::test]
async fn a_reader_that_is_slow_but_reads_is_not_reset() {
    // With more time where this program itself may not have read for so long.
    for timeout in [1, 5, 20] {
        if reads_slowly(timeout).await {
            return;
        }
    }
    panic!("reset though it was read");
}

/// Whether a reader that takes longer than this for an event gets all of two.
async fn reads_slowly(timeout: u32) -> bool {
    let flag = format!("{timeout}s");
    let server = Server::start(&["--write-timeout", &flag, "--heartbeat", "1h"]);
    let mut connection = server.http2().await;
    let mut stream = connection.subscribe("").await;
    // Each is eight times its window, and takes longer than the timeout.
    let data = "x".repeat(512 << 10);
    for _ in 0..2 {
        server.publish(format!("{{\"data\":\"{data}\"}}")).await;
    }
    let mut length = 0;
    while length < 2 * data.len() {
        let piece = tokio::time::timeout(PATIENCE, stream.body.data());
        let Some(Ok(piece)) = piece.await.expect("no data") else {
            return false;
        };
        length += piece.len();
        // 400 KiB within the timeout.
        tokio::time::sleep(timeout * Duration::from_nanos(2_500) * piece.len() as u32).await;
        let _ = stream.body.flow_control().release_capacity(piece.len());
    }
    server.metric("write_timeouts_total").await == 0
}

#[cfg(unix)]
#[tokio::test]
async fn a_drain_ends_every_stream_whole_and_then_the_connection() {
    let mut server = Server::start(&["--drain", "3s"]);
    let mut connection = server.http2().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(connection.subscribe("").await);
    }
    server.publish(r#"{"data":"1"}"#.to_owned()).await;
    server.signal(rustix::process::Signal::TERM);
    for stream in &mut streams {
        assert_eq!(stream.number().await, 1);
        assert_eq!(stream.event().await, None);
        let retry = stream.retry.unwrap();
        assert!((2000..=4000).contains(&retry.as_millis()), "{retry:?}");
    }
    ended(connection.connection).await;
    assert_eq!(server.wait().await, Some(0));
}

#[tokio::test]
async fn a_connection_without_streams_is_ended_and_one_with_them_is_not() {
    let server = Server::start(&["--header-timeout", "3s"]);
    let mut busy = server.http2().await;
    let mut stream = busy.subscribe("").await;
    let idle = server.http2().await;
    ended(idle.connection).await;
    server.publish(r#"{"data":"1"}"#.to_owned()).await;
    assert_eq!(stream.number().await, 1);
}

/// Waits for the orderly end of a connection.
async fn ended(connection: tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let ended = tokio::time::timeout(PATIENCE, connection).await;
    ended
        .expect("the connection does not end")
        .unwrap()
        .unwrap();
}
