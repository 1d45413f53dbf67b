//! What a server can be told.

use std::path::PathBuf;
use std::time::Duration;

use crate::hub::HubConfig;
use crate::log::Durability;

/// The configuration of a [`Server`](crate::Server).
///
/// ```
/// let mut config = sse_serve::Config::default();
/// config.listen = "127.0.0.1:0".to_owned();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// `ADDRESS:PORT`; port 0 picks a free one. Default `127.0.0.1:8080`.
    pub listen: String,
    /// The path of the event stream. Default `/events`.
    pub path: String,
    /// What a subscriber beyond the limit is answered.
    pub when_full: WhenFull,
    /// The time a client may take to send a request head. Default 10 s.
    pub header_timeout: Duration,
    /// The time a write may stand still before the connection is closed.
    /// Default 60 s.
    pub write_timeout: Duration,
    /// Where events are kept.
    pub store: Store,
    /// History, heartbeat, reconnection time, drain.
    pub hub: HubConfig,
}

/// Where events are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Store {
    /// In memory: a restart begins a new log.
    #[default]
    Memory,
    /// In an `SQLite` file, which is made if it is not there.
    Sqlite {
        /// The file. Beside it stand `PATH-wal`, `PATH-shm` and `PATH-lock`.
        path: PathBuf,
        /// What an acknowledged event survives.
        durability: Durability,
        /// Bytes of the newest events that are kept in memory too; of older
        /// ones it holds an index of about 200 bytes each. Default 64 MiB.
        memory: usize,
    },
}

/// The answer to a subscriber for whom there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// 503 with `Retry-After`. A browser's `EventSource` then gives up for good.
    #[default]
    Reject,
    /// 200 with a reconnection time and an end, so that it comes back.
    Retry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            path: "/events".to_owned(),
            when_full: WhenFull::default(),
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            store: Store::default(),
            hub: HubConfig::default(),
        }
    }
}
