//! The event log: every event in the order of its sequence number, encoded
//! once, held until retention evicts it.
//!
//! [`History`] is what all logs have in common: the index of what is retained,
//! the recent events themselves, the marks of what was evicted, and who waits.
//! An [`EventLog`] adds where events last, and how one that is no longer in
//! memory is fetched.

mod clock;
mod connection_id;
mod evicted;
mod filter;
mod history;
mod memory;
mod merge;
mod retention;
mod selection;
mod sqlite;
mod stage;
mod stamps;
mod tail;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sse_core::Event;
use thiserror::Error;
use tokio::sync::oneshot;

pub(crate) use connection_id::ConnectionId;
pub(crate) use evicted::{Evictions, Loss};
pub(crate) use filter::{DEFAULT_TOPIC, Filter, NAME_MAX, TopicPattern};
pub(crate) use history::{Epoch, History, random_name};
pub(crate) use memory::MemoryLog;
pub use retention::{Retention, TopicRetention};
pub(crate) use selection::{Scope, Selection};
pub use sqlite::{Durability, OpenError};
pub(crate) use sqlite::{Options, SqliteLog};
pub(crate) use tail::{Tail, WakeQueue};
pub(crate) use window::{TopicWindow, Window};

/// How often what is too old is evicted while nothing is published.
const SWEEP: Duration = Duration::from_secs(1);

/// Where events are kept. No call waits for a disk or a network: what takes
/// time is answered through a [`Reply`].
pub(crate) trait EventLog: fmt::Debug + Send + Sync {
    /// Its index and what of it is in memory.
    fn history(&self) -> &History;

    /// Appends all events or none, and answers with their sequence numbers, in
    /// order, once it holds them by its own promise. By then they are in the
    /// history and those who wait for them are awake.
    fn append(&self, drafts: Vec<Draft>, reply: Reply<Vec<u64>, AppendError>);

    /// The blocks of retained events that are not in memory, in order. What was
    /// evicted in the meantime is left out.
    fn fetch(&self, seqs: Vec<u64>, reply: BlocksReply);

    /// Evicts what is too old by now.
    fn age(&self);

    /// Whether the last append that reached the log was held.
    fn is_available(&self) -> bool;
}

/// Who asked; nobody, if it no longer waits.
pub(crate) type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// Blocks by sequence number, in order.
pub(crate) type Blocks = Vec<(u64, Bytes)>;

/// Answers a [`EventLog::fetch`], and wakes who asked; without an answer too.
#[derive(Debug)]
pub(crate) struct BlocksReply {
    /// `None` once it was used.
    reply: Option<Reply<Blocks, Unavailable>>,
    tail: Arc<Tail>,
}

impl BlocksReply {
    pub(crate) fn new(reply: Reply<Blocks, Unavailable>, tail: Arc<Tail>) -> Self {
        Self {
            reply: Some(reply),
            tail,
        }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.reply.as_ref().is_none_or(Reply::is_closed)
    }

    pub(crate) fn send(mut self, blocks: Result<Blocks, Unavailable>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(blocks);
        }
    }
}

impl Drop for BlocksReply {
    fn drop(&mut self) {
        self.reply = None;
        self.tail.wake();
    }
}

/// Whom an event is for: all that an admission decision needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Envelope {
    /// `None` for a targeted event published without a topic, which matches any.
    pub(crate) topic: Option<String>,
    /// As a client dispatches it: `message` where the publisher named none.
    pub(crate) event_type: String,
    pub(crate) session: Option<String>,
    pub(crate) connection: Option<String>,
}

/// What makes an event the same as an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) topic: Option<String>,
    /// The publisher's identity, where it has one.
    pub(crate) publisher: Option<String>,
    pub(crate) key: String,
}

/// An event that has no place in the log yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) envelope: Envelope,
    /// Without an id.
    pub(crate) event: Event,
    pub(crate) time_to_live: Option<Duration>,
    pub(crate) key: Option<Key>,
}

/// One event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) envelope: Arc<Envelope>,
    /// The whole block, blank line included; `None` where memory let it go.
    pub(crate) block: Option<Bytes>,
    /// Bytes of the block.
    pub(crate) length: usize,
    /// Milliseconds of the log's clock.
    pub(crate) published: u64,
    /// From here on the event is skipped instead of delivered.
    pub(crate) expires: Option<u64>,
    pub(crate) key: Option<Arc<Key>>,
}

impl Record {
    pub(crate) fn expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// Why a batch was not appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppendError {
    /// The key was given to an event with other content.
    KeyTaken(String),
    /// There may be no further topic.
    TooManyTopics(String),
    /// The block has more bytes than the log keeps for its topic.
    TooLarge {
        length: usize,
        max: usize,
    },
    Unavailable(Unavailable),
}

/// The log cannot be written or read now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Unavailable(pub(crate) String);
