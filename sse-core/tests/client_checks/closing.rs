//! C40, C41: closing is final.

use sse_core::client::{Request, Update};
use sse_core::{Cause, Item, ReadyState, SourceOptions};

use crate::client::{Client, Command, in_time, quick, stream};
use crate::mock::{Mock, STREAM};

#[tokio::test]
async fn c40_closing_in_the_first_of_three_handlers_dispatches_one_event() {
    let server = Mock::bind().await;
    let mut stream = stream(Request::get(server.url("/")), quick());
    let peer = tokio::spawn(async move {
        let mut peer = server.accept().await;
        peer.send(format!("{STREAM}id: 1\ndata: a\n\ndata: b\n\ndata: c\n\n"))
            .await;
        peer.gone().await;
        server
    });
    let mut dispatched = Vec::new();
    let mut last = None;
    while let Some(update) = in_time("an update", stream.next()).await {
        if let Update::Batch(batch) = &update {
            for item in batch.dispatch() {
                if let Item::Event(event) = item {
                    dispatched.push(event.data.to_owned());
                    stream.close();
                }
            }
        }
        last = Some(update);
    }
    assert_eq!(dispatched, ["a"]);
    assert!(
        matches!(
            last,
            Some(Update::Closed {
                cause: Cause::Closed,
                ..
            })
        ),
        "{last:?}"
    );
    assert_eq!(stream.ready_state(), ReadyState::Closed);
    let server = in_time("the client to hang up", peer).await.unwrap();
    assert!(!server.has_visitor(), "a request after close");
}

#[tokio::test]
async fn c41_closing_during_the_back_off_sends_no_request() {
    let server = Mock::bind().await;
    let mut client = Client::start(Request::get(server.url("/")), SourceOptions::default());
    server.answer(STREAM).await;
    client.open().await;
    client.disconnected().await;
    client.command(Command::Close);
    assert_eq!(client.closed().await, Cause::Closed);
    assert!(!server.has_visitor(), "a request after close");
}
