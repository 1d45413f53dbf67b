//! Streams from files and pipes.

use sse_core::client::{Update, read_stream};
use sse_core::{Cause, Item, Limits};
use tokio::io::AsyncWriteExt;

use crate::client::in_time;

/// The data of all events, and why the stream ended.
async fn read_all<R: tokio::io::AsyncRead + Unpin>(
    reader: R,
    limits: Limits,
) -> (Vec<String>, Cause) {
    let mut stream = read_stream(reader, limits);
    let mut events = Vec::new();
    loop {
        match in_time("an update", stream.next()).await {
            Some(Update::Batch(batch)) => {
                events.extend(batch.items().filter_map(|item| match item {
                    Item::Event(event) => Some(event.data.to_owned()),
                    _ => None,
                }));
            }
            Some(Update::Closed { cause, .. }) => {
                assert!(stream.next().await.is_none(), "an update after the end");
                return (events, cause);
            }
            other => panic!("saw {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_is_read_to_its_end() {
    let text = "data: a\n\n".repeat(50_000);
    let (events, cause) = read_all(text.as_bytes(), Limits::default()).await;
    assert_eq!((events.len(), cause), (50_000, Cause::EndOfStream));
}

#[tokio::test]
async fn a_pipe_gives_events_as_they_come() {
    let (mut writer, reader) = tokio::io::duplex(64);
    let mut stream = read_stream(reader, Limits::default());
    for number in ["1", "2"] {
        writer
            .write_all(format!("id: {number}\ndata: x\n\n").as_bytes())
            .await
            .unwrap();
        while stream.last_event_id() != number {
            let update = in_time("a batch", stream.next()).await;
            assert!(matches!(update, Some(Update::Batch(_))), "{update:?}");
        }
    }
    writer.write_all(b"data: cut").await.unwrap();
    drop(writer);
    let unfinished = loop {
        match in_time("the end", stream.next()).await {
            Some(Update::Batch(_)) => {}
            Some(Update::Closed { unfinished, .. }) => break unfinished,
            other => panic!("saw {other:?}"),
        }
    };
    assert_eq!(
        unfinished.map(|unfinished| unfinished.line),
        Some("data: cut".len())
    );
}

#[tokio::test]
async fn a_limit_ends_a_local_stream_after_what_came_before() {
    let text = format!("data: a\n\ndata: {}\n\n", "x".repeat(100));
    let (events, cause) = read_all(text.as_bytes(), Limits::default().line(50)).await;
    assert_eq!(events, ["a"]);
    assert_eq!(
        cause.to_string(),
        "unreadable stream: a line exceeds the limit of 50 bytes"
    );
}

#[tokio::test]
async fn closing_a_local_stream_is_final() {
    let mut stream = read_stream("data: a\n\ndata: b\n\n".as_bytes(), Limits::default());
    let Some(Update::Batch(batch)) = stream.next().await else {
        panic!("expected a batch");
    };
    let mut items = batch.dispatch();
    assert!(items.next().is_some());
    stream.close();
    assert!(items.next().is_none());
    assert!(matches!(
        stream.next().await,
        Some(Update::Closed {
            cause: Cause::Closed,
            ..
        })
    ));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn items_keep_their_own_type_and_id() {
    let text = "event: a\nid: 1\ndata: x\n\nevent: a\ndata: y\n\n:c\n\ndata: z\n\nevent: b\nid\n\nid: 2\n\n";
    let mut stream = read_stream(text.as_bytes(), Limits::default());
    let Some(Update::Batch(batch)) = stream.next().await else {
        panic!("expected a batch");
    };
    let mut parser = sse_core::Parser::new();
    let mut expected = parser.feed(text.as_bytes());
    let mut items = batch.items();
    while let Some(item) = expected.next().unwrap() {
        assert_eq!(items.next(), Some(item));
    }
    assert_eq!(items.next(), None);
}
