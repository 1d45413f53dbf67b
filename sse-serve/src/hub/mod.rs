//! The hub: publishes into the log and wakes the cursors over it.

mod batch;
mod control;
mod cursor;
mod filter;
mod position;
mod publication;
mod registry;
mod subscription;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::watch;

pub(crate) use cursor::jittered;
pub(crate) use filter::{Filter, TopicPattern};
pub use position::GapPolicy;
pub(crate) use position::Start;
pub(crate) use publication::NAME_MAX;
pub use publication::{InvalidPublication, Publication};
pub(crate) use subscription::Subscription;

use crate::log::{Envelope, MemoryLog, Record, Retention};
use position::Epoch;
use registry::Registry;

/// How a hub keeps its history and treats its subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// The history kept for replay.
    pub retention: Retention,
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
}

/// A handle on the hub; clones share it.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: HubConfig,
    epoch: Epoch,
    started: Instant,
    log: RwLock<MemoryLog>,
    /// Held from the choice of a sequence number until the log holds the event.
    /// The envelopes seen lately, so that alike events share one.
    publishing: Mutex<HashSet<Arc<Envelope>>>,
    registry: Registry,
    /// The head of the log: wakes every cursor at once.
    head: watch::Sender<u64>,
    /// When the drain began.
    draining: watch::Sender<Option<Instant>>,
    expired: AtomicU64,
    lagged: AtomicU64,
}

/// Envelopes remembered before the memory starts over.
const ENVELOPES_MAX: usize = 1024;

impl Hub {
    /// A hub with an empty log and a new epoch.
    pub fn new(config: HubConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                epoch: Epoch::random(),
                started: Instant::now(),
                log: RwLock::new(MemoryLog::new(config.retention)),
                publishing: Mutex::default(),
                registry: Registry::new(config.max_connections),
                head: watch::Sender::new(0),
                draining: watch::Sender::new(None),
                expired: AtomicU64::new(0),
                lagged: AtomicU64::new(0),
                config,
            }),
        }
    }

    /// Publishes all events or none, in order, and returns their ids once the
    /// log holds them.
    pub fn publish(&self, events: &[Publication]) -> Result<Vec<String>, PublishError> {
        let shared = &*self.shared;
        let mut envelopes = shared
            .publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.is_draining() {
            return Err(PublishError::Draining);
        }
        for connection in events.iter().filter_map(Publication::connection) {
            if !shared.registry.contains(connection) {
                return Err(PublishError::NoSuchConnection(connection.to_owned()));
            }
        }
        let now = Instant::now();
        let mut seq = shared.log().head();
        let mut ids = Vec::with_capacity(events.len());
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            seq += 1;
            let id = shared.epoch.id(seq);
            records.push(Record {
                envelope: intern(&mut envelopes, event.envelope()),
                block: event.encode(id.clone()),
                expires: event.time_to_live().and_then(|time| now.checked_add(time)),
            });
            ids.push(id);
        }
        {
            let mut log = shared.log_mut();
            for record in records {
                log.append(record, |record| shared.is_owed(record, now));
            }
        }
        shared.head.send_replace(seq);
        Ok(ids)
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
        self.shared.head.send_modify(|_| {});
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
        *self.shared.head.borrow()
    }

    /// Events skipped because their time to live was over, per delivery.
    pub fn expired(&self) -> u64 {
        self.shared.expired.load(Ordering::Relaxed)
    }

    /// Times a slow subscription was told that it lost events.
    pub fn lagged(&self) -> u64 {
        self.shared.lagged.load(Ordering::Relaxed)
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
    fn is_owed(&self, record: &Record, now: Instant) -> bool {
        let addressee = record.envelope.connection.as_deref();
        !record.expired(now) && addressee.is_none_or(|id| self.registry.contains(id))
    }

    fn log(&self) -> RwLockReadGuard<'_, MemoryLog> {
        self.log.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_mut(&self) -> RwLockWriteGuard<'_, MemoryLog> {
        self.log.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn intern(known: &mut HashSet<Arc<Envelope>>, envelope: Envelope) -> Arc<Envelope> {
    if let Some(known) = known.get(&envelope) {
        return Arc::clone(known);
    }
    if known.len() >= ENVELOPES_MAX {
        known.clear();
    }
    let envelope = Arc::new(envelope);
    known.insert(Arc::clone(&envelope));
    envelope
}
