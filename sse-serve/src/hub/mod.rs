//! The hub: publishes into the log and gives out cursors over it.

mod audience;
mod batch;
mod control;
mod cursor;
mod observer;
mod portion;
mod position;
mod publication;
mod registry;
mod subscription;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{oneshot, watch};

pub(crate) use audience::Audience;
pub(crate) use cursor::{Cursor, Due, Fetching, jittered};
pub use observer::{Observer, StreamEnd, StreamInfo};
pub(crate) use portion::{Delivery, Portion, Portions, Wire};
pub use position::GapPolicy;
pub(crate) use position::Start;
pub use publication::{InvalidPublication, Publication};
pub(crate) use registry::Connection;
pub(crate) use subscription::Subscription;

use crate::log::{
    AppendError, Draft, EventLog, History, MemoryLog, Retention, TopicRetention, TopicWindow,
};
pub(crate) use crate::log::{Filter, NAME_MAX, TopicPattern};
use crate::metrics::{Closed, Metrics, Reading};
use crate::sys;
use observer::Observers;
use registry::{Places, Registry};

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
    /// The longest a stream is open, less up to a tenth drawn for each; the client
    /// comes back. Default: no limit.
    pub max_age: Option<Duration>,
    /// Where delivery goes on when history is missing.
    pub gap: GapPolicy,
    /// What becomes of a subscription that reads more slowly than the history
    /// evicts.
    pub slow: SlowPolicy,
    /// The most open subscriptions. Default 100,000.
    pub max_connections: usize,
    /// The most open subscriptions of one peer address. Default: no limit.
    pub max_per_peer: Option<usize>,
    /// The most open subscriptions of one session. Default: no limit.
    pub max_per_session: Option<usize>,
    /// The most topics with retained events. Default 100,000.
    pub max_topics: usize,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            topics: Vec::new(),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            drain: Duration::from_secs(5),
            max_age: None,
            gap: GapPolicy::default(),
            slow: SlowPolicy::default(),
            max_connections: 100_000,
            max_per_peer: None,
            max_per_session: None,
            max_topics: 100_000,
        }
    }
}

/// What becomes of a subscription that reads more slowly than the history evicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlowPolicy {
    /// It is told by a `gap` event, reason `lagged`, and goes on.
    #[default]
    Keep,
    /// It is closed, after a comment that says why; a client comes back with its
    /// last event ID.
    Close,
}

/// What a subscription asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) filter: Filter,
    pub(crate) start: Start,
    /// `None` takes the hub's own.
    pub(crate) gap: Option<GapPolicy>,
    /// Who asks, for the limit by address and the list of connections.
    pub(crate) peer: Option<SocketAddr>,
    /// When its credential ends, and the stream with it.
    pub(crate) expires: Option<Instant>,
    /// The id of the connection whose place it takes: that one counts against
    /// no limit any more, and is then to be [superseded](Hub::supersede).
    pub(crate) replaces: Option<String>,
}

/// Why a subscription was not opened. All pass: the client shall come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    PeerFull,
    SessionFull,
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
    /// Another topic would be one too many.
    #[error(
        "`topic` `{0}` is new, and there are as many topics as there may be; publish to one \
             that has events, or raise --max-topics"
    )]
    TooManyTopics(String),
    /// The log could not hold it beside nothing.
    #[error(
        "an event makes {length} bytes, and the log keeps {max} of its topic; shorten its data, \
             or raise --log-bytes or the topic's own"
    )]
    TooLarge {
        /// Bytes of the encoded event.
        length: usize,
        /// Bytes that the log keeps.
        max: usize,
    },
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
    observers: Observers,
    /// When the drain began.
    draining: watch::Sender<Option<Instant>>,
    /// The head of the log when the hub began.
    began_at: u64,
    metrics: Metrics,
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
        log.history().limit_topics(config.max_topics);
        Self {
            shared: Arc::new(Shared {
                started: Instant::now(),
                registry: Registry::new(Places {
                    all: config.max_connections,
                    per_peer: config.max_per_peer,
                    per_session: config.max_per_session,
                }),
                observers: Observers::default(),
                draining: watch::Sender::new(None),
                began_at,
                metrics: Metrics::new(),
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
        let begun = Instant::now();
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
        shared.metrics.published.inc_by(seqs.len() as u64);
        shared.metrics.publish_latency.observe(begun.elapsed());
        let epoch = shared.history().epoch();
        Ok(seqs.into_iter().map(|seq| epoch.id(seq)).collect())
    }

    /// Opens a subscription. Its stream begins with what the hub has to say of
    /// its position.
    pub(crate) fn subscribe(&self, request: Subscribe) -> Result<Subscription, Refused> {
        Cursor::open(Arc::clone(&self.shared), request).map(Subscription::new)
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

    /// From now on tells this observer of every stream that opens and closes, on
    /// a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn observe(&self, observer: impl Observer) -> std::io::Result<()> {
        self.shared.observers.add(observer)
    }

    /// Open subscriptions. What is published once one is counted is after the position
    /// that it began at.
    pub fn connections(&self) -> usize {
        self.shared.registry.len()
    }

    /// Events published since the hub began.
    pub fn events(&self) -> u64 {
        self.shared.history().window().head() - self.shared.began_at
    }

    /// Ends the stream of this connection; `false` if it is not here.
    pub fn disconnect(&self, connection: &str) -> bool {
        let found = self.shared.registry.find(connection);
        let found = found.inspect(|connection| connection.kick(Closed::Kicked));
        found.is_some()
    }

    /// Ends the stream of this connection, if it is here: another took its place.
    pub(crate) fn supersede(&self, connection: &str) {
        if let Some(connection) = self.shared.registry.find(connection) {
            connection.kick(Closed::Superseded);
        }
    }

    /// At most `limit` open subscriptions in the order of their ids, after this
    /// one.
    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Vec<Arc<Connection>> {
        self.shared.registry.page(after, limit)
    }

    /// At most `limit` topics with retained events, by name, after this one, each
    /// with the number of its subscriptions.
    pub(crate) fn topics(&self, after: Option<&str>, limit: usize) -> Vec<(TopicWindow, usize)> {
        let history = self.shared.history();
        let page = history.window().topic_page(after, limit);
        page.into_iter()
            .map(|topic| {
                let readers = history.readers(&topic.topic);
                (topic, readers)
            })
            .collect()
    }

    /// How many retained events have a target.
    pub(crate) fn targeted(&self) -> usize {
        self.shared.history().window().targeted()
    }

    /// How many topics have retained events.
    pub(crate) fn topic_count(&self) -> usize {
        self.shared.history().window().topics()
    }

    /// The sequence number of the newest event of the log.
    pub(crate) fn head(&self) -> u64 {
        self.shared.history().window().head()
    }

    /// The id of a position of this log.
    pub(crate) fn id(&self, seq: u64) -> String {
        self.shared.history().epoch().id(seq)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What cannot be counted as it happens.
    pub(crate) fn reading(&self) -> Reading {
        let shared = &*self.shared;
        let (floor, newest, log_events, log_bytes) = {
            let window = shared.history().window();
            (window.floor(), window.head(), window.len(), window.bytes())
        };
        let (lag_max, lag_sum) = shared.registry.lag(newest);
        Reading {
            connections: shared.registry.len(),
            capacity: shared.config.max_connections,
            lag_max,
            lag_sum,
            log_events: log_events as u64,
            log_bytes: log_bytes as u64,
            topics: self.topic_count(),
            log_available: shared.log.is_available(),
            oldest: if log_events > 0 { floor + 1 } else { 0 },
            newest,
            wakes: shared.history().wakes(),
            reads: shared.history().reads(),
            draining: self.is_draining(),
            uptime_s: self.uptime().as_secs(),
            resident_bytes: sys::resident_memory(),
            open_files_max: sys::open_files_max(),
        }
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
            AppendError::TooManyTopics(topic) => Self::TooManyTopics(topic),
            AppendError::TooLarge { length, max } => Self::TooLarge { length, max },
            AppendError::Unavailable(cause) => Self::Unavailable(cause.to_string()),
        }
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
