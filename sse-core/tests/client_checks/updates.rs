//! What an application builds on: batches, cancellation, updates.

use std::time::{Duration, Instant, SystemTime};

use sse_core::client::{Batch, Request, Update};
use sse_core::{Item, ReadyState};

use crate::client::{in_time, quick, stream};
use crate::mock::{Mock, STREAM};

fn travels<T: Send + 'static>() {}

#[tokio::test]
async fn a_batch_holds_the_wire_bytes_and_where_each_item_lies() {
    travels::<Batch>();
    travels::<sse_core::client::EventStream>();
    let body =
        "retry: 5\n:hi\nid: 1\ndata: ü\ndata: b\n\nfoo: x\nid: 2\n\nevent: k\ndata: c\n\ndata: cut";
    let server = Mock::bind().await;
    let before = (SystemTime::now(), Instant::now());
    let mut stream = stream(Request::get(server.url("/")), quick());
    let sender = tokio::spawn(async move { server.answer(format!("{STREAM}{body}")).await });
    let (mut raw, mut items) = (Vec::new(), Vec::new());
    while let Some(update) = in_time("an update", stream.next()).await {
        match update {
            Update::Batch(batch) => {
                assert!(
                    batch.received_at.system >= before.0 && batch.received_at.instant >= before.1
                );
                assert_eq!(
                    (batch.leg, batch.is_empty()),
                    (1, batch.items().next().is_none())
                );
                assert_eq!(batch.len(), batch.items().count());
                let mut position = 0;
                for (item, range) in batch.items().with_ranges() {
                    assert_eq!(range.start, position, "ranges follow each other");
                    position = range.end;
                    let wire = String::from_utf8_lossy(&batch.raw[range]).into_owned();
                    items.push((format!("{item:?}"), wire));
                }
                raw.extend_from_slice(&batch.raw);
            }
            Update::Disconnected { unfinished, .. } => {
                assert_eq!(unfinished.map(|unfinished| unfinished.line), Some(9));
                stream.close();
            }
            _ => {}
        }
    }
    sender.await.unwrap();
    assert_eq!(raw, body.as_bytes());
    // One write over loopback comes in one piece; should it not, the
    // ranges hold only what their batch has.
    let wire: String = items.iter().map(|(_, wire)| wire.as_str()).collect();
    assert!(
        body.starts_with(&wire) && wire.ends_with("data: c\n\n"),
        "{items:#?}"
    );
    let kinds: Vec<&str> = items
        .iter()
        .map(|(item, _)| item.split('(').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["Retry", "Comment", "Event", "Ignored", "Ignored", "Event"],
        "{items:#?}"
    );
    assert!(items[2].0.contains("ü\\nb"), "{items:#?}");
    assert!(items[5].1.starts_with("event: k"), "{items:#?}");
}

#[tokio::test]
async fn a_cancelled_next_loses_nothing() {
    const EVENTS: usize = 300;
    let server = Mock::bind().await;
    let mut stream = stream(Request::get(server.url("/")), quick());
    let sender = tokio::spawn(async move {
        for first in [0, EVENTS / 2] {
            let mut peer = server.accept().await;
            peer.send(STREAM).await;
            for number in first..first + EVENTS / 2 {
                peer.send(format!("id: {number}\ndata: {number}\n\n")).await;
                tokio::task::yield_now().await;
            }
            peer.end().await;
        }
    });
    let mut seen = Vec::new();
    let mut cancelled = 0_u32;
    while seen.len() < EVENTS {
        let update = tokio::select! {
            biased;
            update = stream.next() => update,
            () = tokio::task::yield_now() => {
                cancelled += 1;
                continue;
            }
        };
        match update {
            Some(Update::Batch(batch)) => {
                seen.extend(batch.items().filter_map(|item| match item {
                    Item::Event(event) => event.data.parse::<usize>().ok(),
                    _ => None,
                }));
            }
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
    sender.await.unwrap();
    assert!(cancelled > 0, "nothing was cancelled");
    assert_eq!(seen, (0..EVENTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn updates_tell_the_whole_story_in_order() {
    let server = Mock::bind().await;
    let mut stream = stream(Request::get(server.url("/a")), quick());
    assert_eq!(stream.ready_state(), ReadyState::Connecting);
    let sender = tokio::spawn(async move {
        server
            .answer("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
            .await;
        server.answer(format!("{STREAM}id: 3\ndata: x\n\n")).await;
        server.answer("HTTP/1.1 204 No Content\r\n\r\n").await;
    });
    let mut story = Vec::new();
    while let Some(update) = in_time("an update", stream.next()).await {
        story.push(match update {
            Update::Connecting {
                leg,
                redirects,
                url,
                last_event_id,
                ..
            } => {
                format!(
                    "connecting {leg} {redirects} {} {last_event_id:?}",
                    url.path()
                )
            }
            Update::Open {
                leg,
                status,
                version,
                headers,
            } => {
                assert_eq!(stream.ready_state(), ReadyState::Open);
                format!(
                    "open {leg} {status} {version:?} {:?}",
                    headers["content-type"]
                )
            }
            Update::Batch(batch) => {
                assert_eq!(stream.last_event_id(), "3");
                format!("batch {} {}", batch.leg, batch.len())
            }
            Update::Disconnected {
                leg,
                cause,
                retry_in,
                retry_at,
                ..
            } => {
                assert!(retry_at <= Instant::now() + retry_in);
                assert!(retry_in <= Duration::from_millis(2));
                format!("disconnected {leg}: {cause}")
            }
            Update::Closed { leg, cause, .. } => format!("closed {leg}: {cause}"),
            other => panic!("saw {other:?}"),
        });
    }
    sender.await.unwrap();
    let expected = [
        "connecting 1 0 /a \"\"",
        "connecting 1 1 /b \"\"",
        "open 1 200 OK HTTP/1.1 \"text/event-stream\"",
        "batch 1 1",
        "disconnected 1: the server ended the stream",
        "connecting 2 0 /b \"3\"",
        "closed 2: the server answered 204 No Content: nothing more will come",
    ];
    assert_eq!(story, expected);
}
