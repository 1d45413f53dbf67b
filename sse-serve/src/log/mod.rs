//! The event log: every event in the order of its sequence number, encoded
//! once, held until retention evicts it.

mod evicted;
mod memory;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

pub(crate) use evicted::Loss;
pub(crate) use memory::MemoryLog;

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

/// One event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) envelope: Arc<Envelope>,
    /// The whole block, blank line included.
    pub(crate) block: Bytes,
    /// From here on the event is skipped instead of delivered.
    pub(crate) expires: Option<Instant>,
}

impl Record {
    pub(crate) fn expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// How much history a log keeps; what is reached first evicts the oldest events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most events. Default 100,000.
    pub events: usize,
    /// The most bytes of encoded events. Default 64 MiB.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 64 << 20,
        }
    }
}
