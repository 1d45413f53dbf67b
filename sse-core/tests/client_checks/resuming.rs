//! C29-C34: the last event ID.

use crate::client::Client;
use crate::mock::{Mock, STREAM};

/// What `Last-Event-ID` says after a stream with this body has ended.
async fn id_after(body: impl AsRef<str>) -> Option<Vec<u8>> {
    let server = Mock::bind().await;
    let _client = Client::get(server.url("/"));
    server.answer(format!("{STREAM}{}", body.as_ref())).await;
    let request = server.answer(STREAM).await;
    request.header("last-event-id").map(<[u8]>::to_vec)
}

#[tokio::test]
async fn c29_an_id_lasts_over_connections_that_set_none() {
    let server = Mock::bind().await;
    let mut client = Client::get(server.url("/"));
    server.answer(format!("{STREAM}id: 7\ndata: a\n\n")).await;
    client.open().await;
    assert_eq!(client.event().await.2, "7");
    for _ in 0..3 {
        client.disconnected().await;
        let request = server.answer(format!("{STREAM}data: b\n\n")).await;
        assert_eq!(request.last_event_id(), Some("7"));
        client.open().await;
        assert_eq!(client.event().await.2, "7");
    }
}

#[tokio::test]
async fn c30_an_empty_id_takes_the_header_away() {
    assert_eq!(id_after("id: 7\ndata: a\n\nid\ndata: b\n\n").await, None);
}

#[tokio::test]
async fn c31_an_id_in_an_unfinished_event_is_not_sent() {
    assert_eq!(id_after("id: 7\ndata: a\n").await, None);
    assert_eq!(
        id_after("id: 6\n\nid: 7\ndata: a\n").await,
        Some(b"6".to_vec())
    );
}

#[tokio::test]
async fn c32_an_id_in_a_block_without_data_is_sent() {
    assert_eq!(id_after("id: 7\n\n").await, Some(b"7".to_vec()));
}

#[tokio::test]
async fn c33_an_id_is_sent_as_raw_utf_8() {
    assert_eq!(id_after("id: ✓\n\n").await, Some("✓".as_bytes().to_vec()));
}

#[tokio::test]
async fn c34_an_id_with_a_nul_leaves_the_old_one() {
    assert_eq!(
        id_after("id: 7\n\nid: 8\09\ndata: a\n\n").await,
        Some(b"7".to_vec())
    );
}
