//! The hub: publishes into the log and gives out cursors over it.

mod batch;
mod control;
mod cursor;
mod position;
mod publication;
mod registry;
mod subscription;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{oneshot, watch};

pub(crate) use cursor::jittered;
pub use position::GapPolicy;
pub(crate) use position::Start;
pub(crate) use publication::NAME_MAX;
pub use publication::{InvalidPublication, Publication};
pub(crate) use subscription::Subscription;

use crate::log::{AppendError, Draft, EventLog, History, MemoryLog, Retention, TopicRetention};
pub(crate) use crate::log::{Filter, TopicPattern};
use registry::Registry;

/// How a hub keeps its history and treats its subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// The history kept for replay.
    pub retention: Retention,
    /// Topics with a history of their own.
    pub topics: Vec<TopicRetention>,
    /// The silence after which a comment keeps a stream alive, measured from
    /// its last write. Default 15 s.
    pub heartbeat: Duration,
    /// The reconnection time told to clients. Default 2 s.
    pub retry: Duration,
    /// The time over which a drain closes the streams. Default 5 s.
    pub drain: Duration,
    /// Where delivery goes on when history is missing.
    pub gap: GapPolicy,
    /// The most open subscriptions. Default 100,000.
    pub max_connections: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            topics: Vec::new(),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            drain: Duration::from_secs(5),
            gap: GapPolicy::default(),
            max_connections: 100_000,
        }
    }
}

/// What a subscription asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) filter: Filter,
    pub(crate) start: Start,
    /// `None` takes the hub's own.
    pub(crate) gap: Option<GapPolicy>,
}

/// Why a subscription was not opened. Both pass: the client shall come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Draining,
}

/// Why nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The hub drains: what it took now, those already sent away would miss.
    #[error("the server is shutting down; publish again when it is back")]
    Draining,
    /// The target is not connected here. Such events are live only.
    #[error("`connection` names `{0}`, which is not connected; target its session instead")]
    NoSuchConnection(String),
    /// A repeated key is for a repeated event.
    #[error("`key` `{0}` was given to an event with other content; choose another key")]
    KeyTaken(String),
    /// The log cannot hold it now. Subscribers are served on.
    #[error("{0}; nothing was published, try again later")]
    Unavailable(String),
}

/// A handle on the hub; clones share it.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: HubConfig,
    started: Instant,
    log: Box<dyn EventLog>,
    registry: Registry,
    /// When the drain began.
    draining: watch::Sender<Option<Instant>>,
    /// The head of the log when the hub began.
    began_at: u64,
    expired: AtomicU64,
    lagged: AtomicU64,
    /// Streams closed because their history could not be read.
    unreadable: AtomicU64,
}

impl Hub {
    /// A hub with an empty log in memory and a new epoch.
    pub fn new(config: HubConfig) -> Self {
        let log = MemoryLog::new(config.retention, &config.topics);
        Self::over(Box::new(log), config)
    }

    /// A hub over a log that is there already.
    pub(crate) fn over(log: Box<dyn EventLog>, config: HubConfig) -> Self {
        let began_at = log.history().window().head();
        Self {
            shared: Arc::new(Shared {
                started: Instant::now(),
                registry: Registry::new(config.max_connections),
                draining: watch::Sender::new(None),
                began_at,
                expired: AtomicU64::new(0),
                lagged: AtomicU64::new(0),
                unreadable: AtomicU64::new(0),
                log,
                config,
            }),
        }
    }

    /// Publishes all events or none, in order, and returns their ids once the
    /// log holds them by its own promise.
    ///
    /// What was begun goes on if the future is dropped.
    pub async fn publish(&self, events: &[Publication]) -> Result<Vec<String>, PublishError> {
        let shared = &*self.shared;
        if self.is_draining() {
            return Err(PublishError::Draining);
        }
        for connection in events.iter().filter_map(Publication::connection) {
            if !shared.registry.contains(connection) {
                return Err(PublishError::NoSuchConnection(connection.to_owned()));
            }
        }
        let drafts: Vec<Draft> = events.iter().map(Publication::draft).collect();
        let (reply, answer) = oneshot::channel();
        shared.log.append(drafts, reply);
        let seqs = answer.await.map_err(|_| {
            PublishError::Unavailable("the log's writer is gone; restart the server".to_owned())
        })??;
        let epoch = shared.history().epoch();
        Ok(seqs.into_iter().map(|seq| epoch.id(seq)).collect())
    }

    /// Opens a subscription. Its stream begins with what the hub has to say of
    /// its position.
    pub(crate) fn subscribe(&self, request: Subscribe) -> Result<Subscription, Refused> {
        Subscription::open(Arc::clone(&self.shared), request)
    }

    /// Begins to close every stream, spread over [`HubConfig::drain`]. Nothing
    /// is published or subscribed any more.
    pub fn drain(&self) {
        self.shared.draining.send_if_modified(|since| {
            let first = since.is_none();
            since.get_or_insert_with(Instant::now);
            first
        });
        self.shared.history().wake_all();
    }

    /// Whether [`Hub::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.shared.draining.borrow().is_some()
    }

    /// Returns once [`Hub::drain`] is called.
    pub async fn drained(&self) {
        let mut draining = self.shared.draining.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = draining.wait_for(Option::is_some).await;
    }

    /// Open subscriptions.
    pub fn connections(&self) -> usize {
        self.shared.registry.len()
    }

    /// Events published since the hub began.
    pub fn events(&self) -> u64 {
        self.shared.history().window().head() - self.shared.began_at
    }

    /// Events skipped because their time to live was over, per delivery.
    pub fn expired(&self) -> u64 {
        self.shared.expired.load(Ordering::Relaxed)
    }

    /// Times a slow subscription was told that it lost events.
    pub fn lagged(&self) -> u64 {
        self.shared.lagged.load(Ordering::Relaxed)
    }

    /// Streams closed because history that they were due could not be read.
    pub fn unreadable(&self) -> u64 {
        self.shared.unreadable.load(Ordering::Relaxed)
    }

    /// Whether the last batch that reached the log was held.
    pub fn is_log_available(&self) -> bool {
        self.shared.log.is_available()
    }

    /// Wake-ups of subscriptions by what was published.
    pub fn wakes(&self) -> u64 {
        self.shared.history().wakes()
    }

    /// Events that subscriptions looked at, delivered or not.
    pub fn reads(&self) -> u64 {
        self.shared.history().reads()
    }

    /// Retained events, and their bytes.
    pub fn retained(&self) -> (usize, usize) {
        let window = self.shared.history().window();
        (window.len(), window.bytes())
    }

    /// The time since the hub began.
    pub fn uptime(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &HubConfig {
        &self.shared.config
    }
}

impl Shared {
    fn history(&self) -> &History {
        self.log.history()
    }
}

impl From<AppendError> for PublishError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::KeyTaken(key) => Self::KeyTaken(key),
            AppendError::Unavailable(cause) => Self::Unavailable(cause.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
