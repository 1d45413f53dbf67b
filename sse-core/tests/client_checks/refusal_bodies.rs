//! What a server says besides refusing.

use sse_core::Cause;
use sse_core::client::{EventStream, Request, Update};

use crate::client::{in_time, quick, stream};
use crate::mock::Mock;

async fn until_closed(stream: &mut EventStream) -> Cause {
    loop {
        match in_time("an update", stream.next()).await {
            Some(Update::Closed { cause, .. }) => return cause,
            Some(_) => {}
            None => panic!("it ended without saying why"),
        }
    }
}

/// What is read of this answer, and the server after it.
async fn said(answer: String) -> Option<String> {
    let server = Mock::bind().await;
    let mut stream = stream(Request::get(server.url("/")), quick());
    let peer = tokio::spawn(async move {
        let mut peer = server.accept().await;
        peer.send(answer).await;
        peer
    });
    let cause = until_closed(&mut stream).await;
    assert!(
        matches!(cause, Cause::Status(_) | Cause::ContentType(_)),
        "{cause:?}"
    );
    let said = in_time("the body", stream.refusal()).await;
    assert_eq!(stream.refusal().await, None, "asked again");
    // The connection was open until now.
    drop(peer.await.unwrap());
    said
}

#[tokio::test]
async fn the_body_of_a_refusal_can_be_read() {
    let head = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n";
    let error = r#"{"error":"no such key"}"#;
    let length = error.len();
    let whole = said(format!("{head}Content-Length: {length}\r\n\r\n{error}\n")).await;
    assert_eq!(whole.as_deref(), Some(error));
    let endless = said(format!("{head}\r\n{error}")).await;
    assert_eq!(endless.as_deref(), Some(error), "a body without an end");
    let long = said(format!("{head}\r\n{}", "x".repeat(100_000))).await;
    assert_eq!(long.map(|text| text.len()), Some(2048));
    let other = said("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello".to_owned()).await;
    assert_eq!(other.as_deref(), Some("hello"), "a wrong media type");
}

#[tokio::test]
async fn pages_and_bytes_are_nothing_that_a_server_says() {
    for body in ["", "<!DOCTYPE html><p>no", "\u{1b}[31mred", "PK\u{3}\u{4}"] {
        let answer = format!(
            "HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(said(answer).await, None, "{body:?}");
    }
}
