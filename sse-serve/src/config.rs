//! What a server can be told.

mod auth;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use auth::{Auth, Claims, Jwt, JwtAlgorithm, Secret, SecretSource, StaticToken, TicketLimits};

use crate::hub::HubConfig;
use crate::log::Durability;

/// The configuration of a [`Server`](crate::Server).
///
/// ```
/// let mut config = sse_serve::Config::default();
/// config.listen = "127.0.0.1:0".to_owned();
/// ```
#[derive(Debug, Clone, PartialEq)]
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
    /// A PEM file of the certificate, and those that vouch for it, to speak TLS
    /// with. Default: none, plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// The PEM file of its private key. Default: that of the certificate.
    pub tls_key: Option<PathBuf>,
    /// Threads that write the streams of plain HTTP/1 connections. Default 1.
    pub writer_threads: NonZeroUsize,
    /// The pause after what was published was written to them: what comes in the
    /// meantime goes in one write. Default 0, at most 1 s.
    pub flush_interval: Duration,
    /// Where events are kept.
    pub store: Store,
    /// Who may use it. By default everybody who can connect.
    pub auth: Auth,
    /// Lets it listen elsewhere than on loopback without authentication.
    /// Default false.
    pub allow_anonymous: bool,
    /// Proxies whose `X-User-ID` names the session of a request, where the
    /// credential names none. Others' is ignored.
    pub trusted_proxies: Vec<IpNet>,
    /// The pages of other origins that may use it.
    pub cors: Cors,
    /// What one client may take.
    pub limits: Limits,
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

/// What one client may take. Each refusal is counted in `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a request head, at least 8 KiB; beyond, 431. Default 16 KiB.
    pub head_bytes: usize,
    /// Bytes of a publish body; beyond, 413. Default 8 MiB.
    pub body_bytes: usize,
    /// Bytes of publish bodies held at a time, of all requests together; beyond, 503.
    /// Default 256 MiB.
    pub body_memory: usize,
    /// Bytes of the data of one event; beyond, 413. Default 1 MiB.
    pub event_bytes: usize,
    /// TCP connections accepted per second, after a burst of as many; others
    /// wait in the backlog. Default: no limit.
    pub accept_rate: Option<f64>,
    /// Streams at the same time on one HTTP/2 connection; more are refused and
    /// may be tried again (RFC 9113 §5.1.2). Default 256.
    pub http2_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 16 << 10,
            body_bytes: 8 << 20,
            body_memory: 256 << 20,
            event_bytes: 1 << 20,
            accept_rate: None,
            http2_streams: 256,
        }
    }
}

/// Cross-origin resource sharing (Fetch Standard §3.3). Off by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cors {
    /// Origins as a browser sends them, such as `https://app.example`; `*` is any.
    pub origins: Vec<String>,
    /// Lets pages send credentials. Not with `*`.
    pub credentials: bool,
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
            tls_cert: None,
            tls_key: None,
            writer_threads: NonZeroUsize::MIN,
            flush_interval: Duration::ZERO,
            store: Store::default(),
            auth: Auth::default(),
            allow_anonymous: false,
            trusted_proxies: Vec::new(),
            cors: Cors::default(),
            limits: Limits::default(),
            hub: HubConfig::default(),
        }
    }
}
