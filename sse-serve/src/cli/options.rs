//! The options of a hub: each defined here once, for the command line, the
//! environment and the configuration file.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use crate::cli::auth::AuthArgs;
use crate::cli::logging::LogFormat;
use crate::cli::value;
use crate::config::{Config, Cors, Limits, Store, WhenFull};
use crate::error::StartError;
use crate::hub::{GapPolicy, HubConfig, SlowPolicy};
use crate::log::{Durability, Retention, TopicRetention};
use crate::sys;

/// A URL as it is typed, not as rustdoc would have it.
const CORS_ORIGIN: &str = "Origin whose pages may use the server, such as https://app.example, \
                           or * for any; repeatable, or separated by commas";

#[derive(Debug, Args)]
pub(super) struct HubArgs {
    /// File of the same options in TOML; the environment and flags override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the configuration that results, as such a file, and exit.
    #[arg(long)]
    print_config: bool,
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = value::address)]
    listen: String,
    /// PEM file of the certificate to speak TLS with, and those that vouch for it;
    /// read again on SIGHUP [default: none, plain HTTP].
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file of its private key [default: the certificate's].
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Path of the event stream.
    #[arg(long, value_name = "PATH", default_value = "/events", value_parser = value::path)]
    path: String,
    /// Silence after which a comment keeps a stream alive.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = value::interval)]
    heartbeat: Duration,
    /// Reconnection time told to clients.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = value::pause)]
    retry: Duration,
    /// Time over which a shutdown closes the streams.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = value::pause)]
    drain: Duration,
    /// Longest time a stream is open, less up to a tenth; the client comes back
    /// [default: no limit].
    #[arg(long, value_name = "DURATION", value_parser = value::age)]
    max_connection_age: Option<Duration>,
    /// Time a write may stand still before its connection is closed.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = value::interval)]
    write_timeout: Duration,
    /// Time a client may take to send a request head.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = value::interval)]
    header_timeout: Duration,
    /// Threads that write streams over plain HTTP/1.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value::threads)]
    writer_threads: NonZeroUsize,
    /// Pause after each round of writes, at most 1s: what is published meanwhile
    /// goes out together, which costs up to as much latency and saves CPU.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = value::flush_interval)]
    flush_interval: Duration,
    /// Where delivery goes on when history is missing.
    #[arg(long, value_enum, default_value_t = Gap::Oldest)]
    gap: Gap,
    /// What becomes of a stream that reads more slowly than history is evicted.
    #[arg(long, value_enum, default_value_t = Slow::Keep)]
    slow: Slow,
    /// Most events kept for replay.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value::count)]
    log_events: usize,
    /// Most bytes of events kept for replay, such as 64MiB; at least 2MiB.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = value::log_size)]
    log_bytes: ByteSize,
    /// Longest time an event is kept for replay [default: no limit].
    #[arg(long, visible_alias = "ttl", value_name = "DURATION", value_parser = value::age)]
    log_age: Option<Duration>,
    /// History of their own for the topics of a pattern, of so many events, bytes
    /// or so long; repeatable, and in the file a table for each pattern.
    #[arg(long, value_name = "PATTERN:events=N,bytes=SIZE,age=DURATION", value_parser = value::topics)]
    topics: Vec<TopicRetention>,
    /// Where events are kept: memory, or sqlite:PATH.
    #[arg(long, value_name = "STORE", default_value = "memory", value_parser = value::store)]
    store: value::StoreKind,
    /// What an acknowledged event survives, with a store on disk.
    #[arg(long, value_enum, default_value_t = Durable::Full)]
    durability: Durable,
    /// Bytes of the newest events held in memory too, with a store on disk.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = value::memory_size)]
    log_memory: ByteSize,
    /// Most open streams [default: the open-file limit less 256].
    #[arg(long, value_name = "N", value_parser = value::count)]
    max_connections: Option<usize>,
    /// Most open streams of one peer address [default: no limit].
    #[arg(long, value_name = "N", value_parser = value::count)]
    max_per_peer: Option<usize>,
    /// Most open streams of one session [default: no limit].
    #[arg(long, value_name = "N", value_parser = value::count)]
    max_per_session: Option<usize>,
    /// Answer to a subscriber beyond one of these limits.
    #[arg(long, value_enum, default_value_t = Full::Reject)]
    when_full: Full,
    /// Most topics with events kept for replay; an event of one more is refused
    /// with 429.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value::count)]
    max_topics: usize,
    /// Connections accepted per second after a burst of as many; others wait
    /// [default: no limit].
    #[arg(long, value_name = "N", value_parser = value::rate)]
    accept_rate: Option<f64>,
    /// Most streams at the same time on one HTTP/2 connection.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    http2_streams: u32,
    /// Largest request head, at least 8KiB; beyond, 431.
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = value::head_size)]
    max_head_size: ByteSize,
    /// Largest publish body; beyond, 413.
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = value::size)]
    max_body_size: ByteSize,
    /// Most bytes of publish bodies held at a time; beyond, 503.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = value::memory_size)]
    max_body_memory: ByteSize,
    /// Largest data of one event; beyond, 413.
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = value::size)]
    max_event_size: ByteSize,
    #[arg(long, help = CORS_ORIGIN, value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<String>,
    /// Let pages of those origins send credentials; not with *.
    #[arg(long)]
    cors_credentials: bool,
    #[command(flatten)]
    auth: AuthArgs,
    /// Listen elsewhere than on loopback without authentication: everybody who
    /// reaches the address may publish and subscribe.
    #[arg(long)]
    allow_anonymous: bool,
    /// Format of the log on stderr.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Gap {
    /// With the oldest event that is still kept.
    Oldest,
    /// With what is published from now on.
    Latest,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Slow {
    /// It is told by a gap event what it missed.
    Keep,
    /// It is closed and comes back with its last event ID.
    Close,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Durable {
    /// A power cut: each commit is synced to the disk.
    Full,
    /// A crash of the process, not of the machine.
    Normal,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Full {
    /// 503 with Retry-After.
    Reject,
    /// 200 with a reconnection time, which a browser comes back after.
    Retry,
}

impl HubArgs {
    pub(super) fn into_config(self) -> Result<Config, StartError> {
        let capacity = self.max_connections.or_else(sys::connection_capacity);
        let trusted_proxies = self.auth.trusted_proxy.clone();
        Ok(Config {
            listen: self.listen,
            path: self.path,
            when_full: match self.when_full {
                Full::Reject => WhenFull::Reject,
                Full::Retry => WhenFull::Retry,
            },
            header_timeout: self.header_timeout,
            write_timeout: self.write_timeout,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            writer_threads: self.writer_threads,
            flush_interval: self.flush_interval,
            store: match self.store {
                value::StoreKind::Memory => Store::Memory,
                value::StoreKind::Sqlite(path) => Store::Sqlite {
                    path,
                    durability: match self.durability {
                        Durable::Full => Durability::Full,
                        Durable::Normal => Durability::Normal,
                    },
                    memory: bytes(self.log_memory),
                },
            },
            auth: self.auth.into_config()?,
            allow_anonymous: self.allow_anonymous,
            trusted_proxies,
            cors: Cors {
                origins: self.cors_origin,
                credentials: self.cors_credentials,
            },
            limits: Limits {
                head_bytes: bytes(self.max_head_size),
                body_bytes: bytes(self.max_body_size),
                body_memory: bytes(self.max_body_memory),
                event_bytes: bytes(self.max_event_size),
                accept_rate: self.accept_rate,
                http2_streams: self.http2_streams,
            },
            hub: HubConfig {
                retention: Retention {
                    events: self.log_events,
                    bytes: bytes(self.log_bytes),
                    age: self.log_age,
                },
                topics: self.topics,
                heartbeat: self.heartbeat,
                retry: self.retry,
                drain: self.drain,
                max_age: self.max_connection_age,
                gap: match self.gap {
                    Gap::Oldest => GapPolicy::Oldest,
                    Gap::Latest => GapPolicy::Latest,
                },
                slow: match self.slow {
                    Slow::Keep => SlowPolicy::Keep,
                    Slow::Close => SlowPolicy::Close,
                },
                max_connections: capacity.unwrap_or(HubConfig::default().max_connections),
                max_per_peer: self.max_per_peer,
                max_per_session: self.max_per_session,
                max_topics: self.max_topics,
            },
        })
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}
