//! Servers as axum's users write them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

use super::announce;
use crate::payload::lines;

/// Events that a slow reader may be behind.
const KEPT: usize = 16_384;

#[derive(Clone)]
struct App {
    log: Arc<Mutex<VecDeque<Bytes>>>,
    head: watch::Sender<u64>,
    channel: broadcast::Sender<(u64, Arc<str>)>,
    uses_channel: bool,
}

pub fn serve(uses_channel: bool) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = App {
            log: Arc::default(),
            head: watch::Sender::new(0),
            channel: broadcast::Sender::new(KEPT),
            uses_channel,
        };
        let router = Router::new()
            .route("/events", get(subscribe))
            .route("/trigger", post(publish))
            .with_state(app);
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(4096)?;
        announce(listener.local_addr()?)?;
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    })
}

async fn subscribe(State(app): State<App>) -> Response {
    if app.uses_channel {
        return Sse::new(channel(&app)).into_response();
    }
    let headers = [("content-type", "text/event-stream"), ("cache-control", "no-store")];
    (headers, Body::from_stream(pending(app))).into_response()
}

fn channel(app: &App) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    BroadcastStream::new(app.channel.subscribe()).filter_map(async |received| {
        let (seq, data) = received.ok()?;
        Some(Ok(Event::default().id(format!("axum-{seq}")).data(data)))
    })
}

fn pending(app: App) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let head = app.head.subscribe();
    let cursor = *head.borrow();
    stream::unfold((app, head, cursor), |(app, mut head, cursor)| async move {
        let newest = *head.wait_for(|newest| *newest > cursor).await.ok()?;
        let frame = {
            let log = app.log.lock().unwrap_or_else(PoisonError::into_inner);
            let due = (newest - cursor) as usize;
            let blocks = log.range(log.len().saturating_sub(due)..);
            let mut frame = BytesMut::new();
            blocks.for_each(|block| frame.extend_from_slice(block));
            frame.freeze()
        };
        Some((Ok(frame), (app, head, newest)))
    })
}

async fn publish(State(app): State<App>, body: Bytes) -> &'static str {
    let mut log = app.log.lock().unwrap_or_else(PoisonError::into_inner);
    let mut newest = *app.head.borrow();
    for data in lines(&body) {
        newest += 1;
        let data = String::from_utf8_lossy(data);
        if app.uses_channel {
            let _ = app.channel.send((newest, data.into()));
            continue;
        }
        log.push_back(format!("id: axum-{newest}\ndata: {data}\n\n").into());
        if log.len() > KEPT {
            log.pop_front();
        }
    }
    // While the log is held, or a reader would see another newest event in it.
    app.head.send_replace(newest);
    "{}"
}
