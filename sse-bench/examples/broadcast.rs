//! The server that tutorials show: axum and a tokio broadcast channel, ids, and
//! no replay. `sse-bench verify` convicts it of what it loses.
//!
//! ```console
//! $ cargo run -p sse-bench --example broadcast
//! listening on http://127.0.0.1:38213
//! $ sse-bench verify http://127.0.0.1:38213/events
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use futures_util::{Stream, stream};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// Events that a slow subscriber may lag behind before it loses some.
const CAPACITY: usize = 16;

/// Numbers events and sends them to whoever is connected.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    number: Arc<AtomicU64>,
    sender: broadcast::Sender<(u64, String)>,
}

impl Default for Channel {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(CAPACITY);
        let number = Arc::default();
        Self { number, sender }
    }
}

impl Channel {
    /// Sends an event to whoever is connected.
    pub(crate) fn send(&self, data: String) {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        // Nobody is connected: nobody gets it.
        let _ = self.sender.send((number, data));
    }
}

/// `GET /events`, and `POST /publish` with the data of an event.
pub(crate) fn router(channel: Channel) -> Router {
    Router::new()
        .route("/events", get(events))
        .route("/publish", post(publish))
        .with_state(channel)
}

async fn publish(State(channel): State<Channel>, data: String) {
    channel.send(data);
}

async fn events(
    State(channel): State<Channel>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(channel.sender.subscribe(), async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok((number, data)) => {
                    let event = Event::default().id(number.to_string()).data(data);
                    return Some((Ok(event), receiver));
                }
                // Lost without a word, as tutorials do.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events)
}

/// Sends an event every 20 ms.
pub(crate) async fn tick(channel: Channel) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for count in 1_u64.. {
        tick.tick().await;
        channel.send(format!("{{\"count\":{count}}}"));
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let channel = Channel::default();
    tokio::spawn(tick(channel.clone()));
    axum::serve(listener, router(channel)).await
}
