//! HTTP/2 clients that do not keep to the rules.

use std::io::{Read, Write};

use crate::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, connect,
    frame, get_events, greet, read_to_end,
};
use crate::server::Server;

/// The error code of a `GOAWAY` (RFC 9113 §7).
const ENHANCE_YOUR_CALM: u8 = 11;

fn is_calming(goaways: &[Vec<u8>]) -> bool {
    goaways
        .iter()
        .any(|goaway| goaway[4..8] == [0, 0, 0, ENHANCE_YOUR_CALM])
}

#[tokio::test]
async fn a_preface_may_come_byte_by_byte_and_another_method_with_its_first_letters_too() {
    let server = Server::start(&[]);
    let mut socket = connect(&server);
    for byte in PREFACE {
        socket.write_all(&[*byte]).unwrap();
    }
    let settings = frame(SETTINGS, 0, 0, &[]);
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get_events());
    socket.write_all(&[settings, request].concat()).unwrap();
    server.wait_for_connections(1).await;

    let mut socket = connect(&server);
    for byte in b"PRINT / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[tokio::test]
async fn a_preface_that_stops_short_and_a_head_that_does_are_not_waited_for() {
    // The request that asks for the sockets has to be in time.
    let server = Server::start(&["--header-timeout", "3s"]);
    let mut sockets: Vec<_> = [1, 3, 4, 10, 23]
        .into_iter()
        .map(|length| {
            let mut socket = connect(&server);
            socket.write_all(&PREFACE[..length]).unwrap();
            socket
        })
        .collect();
    let mut socket = greet(&server);
    let head = frame(HEADERS, END_STREAM, 1, &get_events());
    socket.write_all(&head).unwrap();
    sockets.push(socket);
    for socket in &mut sockets {
        read_to_end(socket, GOAWAY);
    }
    server.wait_for_metric("sockets", 1).await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_gone_after_the_write_timeout() {
    let server = Server::start(&["--write-timeout", "6s", "--heartbeat", "100ms"]);
    let mut socket = greet(&server);
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get_events());
    socket.write_all(&request).unwrap();
    server.wait_for_connections(1).await;
    // It takes every heartbeat, and says nothing.
    tokio::task::spawn_blocking(move || read_to_end(&mut socket, GOAWAY))
        .await
        .unwrap();
    server.wait_for_connections(0).await;
    assert_eq!(server.metric("write_timeouts_total").await, 1);
}

#[tokio::test]
async fn a_head_over_its_limit_is_refused() {
    let server = Server::start(&["--max-head-size", "8KiB"]);
    let mut connection = server.http2().await;
    let request = connection.request("GET", "/health");
    let (answer, _) = connection
        .send(request.header("x-filler", "x".repeat(7000)))
        .await;
    assert_eq!(answer.await.unwrap().status(), 200);
    let request = connection.request("GET", "/health");
    let (answer, _) = connection
        .send(request.header("x-filler", "x".repeat(9000)))
        .await;
    assert_eq!(answer.await.unwrap().status(), 431);
    let request = connection.request("GET", "/health");
    assert_eq!(
        connection.send(request).await.0.await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_head_without_end_ends_its_connection() {
    let server = Server::start(&[]);
    let mut socket = greet(&server);
    socket
        .write_all(&frame(HEADERS, END_STREAM, 1, &get_events()))
        .unwrap();
    // A literal field, never indexed, of 1000 bytes.
    let field = [&[0x10, 1, b'x', 0x7f, 0xe9, 0x06][..], &[b'x'; 1000]].concat();
    let flood = frame(CONTINUATION, 0, 1, &field).repeat(100);
    for _ in 0..100 {
        if socket.write_all(&flood).is_err() {
            break;
        }
    }
    let goaways = read_to_end(&mut socket, GOAWAY);
    assert!(is_calming(&goaways), "{goaways:?}");
    assert_eq!(server.get("/health").await.status(), 200);
}

#[tokio::test]
async fn rapid_resets_end_their_connection() {
    let server = Server::start(&[]);
    let mut socket = greet(&server);
    let mut burst = Vec::new();
    for stream in (1..4000).step_by(2) {
        burst.extend(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            &get_events(),
        ));
        burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may be gone before it has all.
    let _ = socket.write_all(&burst);
    let goaways = read_to_end(&mut socket, GOAWAY);
    assert!(is_calming(&goaways), "{goaways:?}");
    server.wait_for_connections(0).await;
}
