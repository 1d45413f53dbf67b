//! A reader that takes its time: what it has not asked for waits with the
//! server, and is not lost.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use sse_core::client::{Batch, EventStream, Request, Update};
use sse_core::{Item, SourceOptions};

use crate::client::{in_time, quick, stream};
use crate::mock::{Mock, STREAM};

async fn batch(stream: &mut EventStream) -> Batch {
    loop {
        match in_time("a batch", stream.next()).await {
            Some(Update::Batch(batch)) => return batch,
            Some(Update::Connecting { .. } | Update::Open { .. }) => {}
            other => panic!("saw {other:?}"),
        }
    }
}

fn data(batch: &Batch) -> Vec<String> {
    let events = batch.items().filter_map(|item| match item {
        Item::Event(event) => Some(event.data.to_owned()),
        _ => None,
    });
    events.collect()
}

/// On a runtime of one thread nothing is read while the reader holds it.
#[tokio::test]
async fn what_arrived_while_the_reader_was_busy_is_not_taken_for_silence() {
    let timeout = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (ask, asked) = mpsc::channel::<&str>();
    let (tell, sent) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        assert!(peer.read(&mut [0; 4096]).unwrap() > 0);
        peer.write_all(STREAM.as_bytes()).unwrap();
        for text in asked {
            peer.write_all(format!("data: {text}\n\n").as_bytes())
                .unwrap();
            tell.send(()).unwrap();
        }
    });
    let options = SourceOptions {
        read_timeout: Some(timeout),
        ..quick()
    };
    let mut stream = stream(Request::get(url.parse().unwrap()), options);
    ask.send("first").unwrap();
    assert_eq!(data(&batch(&mut stream).await), ["first"]);
    for text in ["second", "third"] {
        ask.send(text).unwrap();
        sent.recv_timeout(Duration::from_secs(60)).unwrap();
        std::thread::sleep(timeout * 2);
        assert_eq!(data(&batch(&mut stream).await), [text]);
    }
}

#[tokio::test]
async fn a_server_has_to_wait_for_a_reader_that_does_not_read() {
    const MOST: usize = 256 << 20;
    let server = Mock::bind().await;
    let mut stream = stream(Request::get(server.url("/")), quick());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let sender = tokio::spawn(async move {
        let mut peer = server.accept().await;
        peer.send(STREAM).await;
        let event = format!("data: {}\n\n", "x".repeat(64 << 10));
        let mut events = 0;
        for size in (event.len()..MOST).step_by(event.len()) {
            let sending = peer.send(&event);
            tokio::pin!(sending);
            // A machine that is too slow to send for this long looks like a
            // server that waits; the other way round it cannot be mistaken.
            let patience = Duration::from_millis(300);
            let waits = tokio::time::timeout(patience, &mut sending).await.is_err();
            events += 1;
            if waits {
                tell.send(size).unwrap();
                sending.await;
                break;
            }
        }
        drop(tell);
        peer.end().await;
        events
    });
    let mut received = data(&batch(&mut stream).await).len();
    let waiting_at = in_time("the server to wait", told.recv()).await;
    assert!(waiting_at.is_some(), "{MOST} bytes went to nobody");
    while let Some(update) = in_time("an update", stream.next()).await {
        match update {
            Update::Batch(batch) => received += data(&batch).len(),
            Update::Disconnected { unfinished, .. } => {
                assert_eq!(unfinished, None);
                stream.close();
            }
            _ => {}
        }
    }
    assert_eq!(sender.await.unwrap(), received, "none is lost");
}
