//! One stream being read, and what it is told meanwhile.

use jiff::Timestamp;
use sse_core::Cause;
use sse_core::client::{EventStream, LocalStream, Update};
use tokio::io::Stdin;
use tokio::sync::mpsc;

use super::room::Room;
use super::{Origin, Received, received_at, refusal};

/// What a stream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Connect now; an open connection is dropped for it.
    Reconnect,
    /// End for good.
    Close,
}

/// Where updates come from.
#[derive(Debug)]
pub(super) enum Reader {
    Remote(Box<EventStream>),
    Local(Box<LocalStream<Stdin>>),
}

/// What the reading of one stream needs.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its index.
    pub source: usize,
    pub reader: Reader,
    /// Connections that it had when it was read before.
    pub legs: u64,
    pub orders: mpsc::Receiver<Order>,
    pub room: Room,
}

/// Passes on what it says until it ends, or nobody listens.
pub(super) async fn pass_on(mut reading: Reading, sender: mpsc::Sender<Received>) {
    let origin = match reading.reader {
        Reader::Remote(_) => Origin::Remote,
        Reader::Local(_) => Origin::Stdin,
    };
    loop {
        let update = tokio::select! {
            biased;
            Some(order) = reading.orders.recv() => {
                reading.reader.obey(order);
                continue;
            }
            update = reading.reader.next() => update,
        };
        let Some(mut update) = update else { return };
        if let Some(leg) = leg(&mut update) {
            *leg += reading.legs;
        }
        let at = match &update {
            Update::Batch(batch) => received_at(batch.received_at.system),
            _ => Timestamp::now(),
        };
        let said = match &update {
            Update::Disconnected { cause, .. } | Update::Closed { cause, .. } => {
                reading.reader.said(cause).await
            }
            _ => None,
        };
        let received = Received {
            source: reading.source,
            origin,
            at,
            taken: reading.room.take(&update).await,
            update,
            said,
        };
        if sender.send(received).await.is_err() {
            return;
        }
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Update> {
        match self {
            Self::Remote(stream) => stream.next().await,
            Self::Local(stream) => stream.next().await,
        }
    }

    /// What the server said when it refused.
    async fn said(&mut self, cause: &Cause) -> Option<String> {
        match (self, cause) {
            (Self::Remote(stream), Cause::Status(_) | Cause::ContentType(_)) => {
                stream.refusal().await.as_deref().map(refusal::words)
            }
            _ => None,
        }
    }

    fn obey(&mut self, order: Order) {
        match (self, order) {
            (Self::Remote(stream), Order::Reconnect) => stream.reconnect_now(),
            (Self::Remote(stream), Order::Close) => stream.close(),
            (Self::Local(stream), Order::Close) => stream.close(),
            // There is nothing to connect to.
            (Self::Local(_), Order::Reconnect) => {}
        }
    }
}

/// The connection that an update is about.
fn leg(update: &mut Update) -> Option<&mut u64> {
    match update {
        Update::Connecting { leg, .. }
        | Update::Open { leg, .. }
        | Update::Disconnected { leg, .. }
        | Update::Closed { leg, .. } => Some(leg),
        Update::Batch(batch) => Some(&mut batch.leg),
        _ => None,
    }
}
