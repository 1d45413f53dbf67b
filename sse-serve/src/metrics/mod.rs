//! What the server counts, as Prometheus reads it.

mod latency;

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use latency::{Latency, Observations};

/// All counters of one server. On the way of an event they are atomic additions,
/// one set for each write.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    gauges: Gauges,
    pub(crate) accepted: Counter,
    pub(crate) accepts_delayed: Counter,
    pub(crate) open_sockets: Gauge,
    pub(crate) handshakes_failed: Counter,
    pub(crate) write_timeouts: Counter,
    pub(crate) opened: Counter,
    pub(crate) closed: Family<Reason, Counter>,
    pub(crate) refused: Family<Reason, Counter>,
    pub(crate) published: Counter,
    pub(crate) publish_latency: Latency,
    pub(crate) delivered_live: Counter,
    pub(crate) delivered_replayed: Counter,
    pub(crate) delivered_bytes: Counter,
    pub(crate) delivery_latency: Latency,
    pub(crate) heartbeats: Counter,
    pub(crate) gaps: Family<Reason, Counter>,
    pub(crate) missed: Counter,
    pub(crate) expired: Counter,
}

/// What is measured when somebody asks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) connections: usize,
    pub(crate) capacity: usize,
    pub(crate) lag_max: u64,
    pub(crate) lag_sum: u64,
    pub(crate) log_events: u64,
    pub(crate) log_bytes: u64,
    pub(crate) topics: usize,
    pub(crate) log_available: bool,
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
    pub(crate) wakes: u64,
    pub(crate) reads: u64,
    pub(crate) draining: bool,
    pub(crate) uptime_s: u64,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) open_files_max: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Gauges {
    connections: Gauge,
    capacity: Gauge,
    lag_max: Gauge,
    lag_sum: Gauge,
    log_events: Gauge,
    log_bytes: Gauge,
    topics: Gauge,
    log_available: Gauge,
    oldest: Gauge,
    newest: Gauge,
    wakes: Counter,
    reads: Counter,
    draining: Gauge,
    uptime: Gauge,
    resident: Gauge,
    open_files_max: Gauge,
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Closed {
    /// The client closed, reset, or was given up.
    Gone,
    /// The server shuts down.
    Drained,
    /// By `DELETE /connections/{id}`.
    Kicked,
    /// The log could not give what it was due.
    Unreadable,
    /// Its credential ended.
    Expired,
    /// Its ticket opened another.
    Superseded,
}

/// Which limit or rule refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    Connections,
    PerPeer,
    PerSession,
    Draining,
    HeadSize,
    HeadTime,
    BodySize,
    BodyTime,
    EventSize,
    Topics,
    Host,
    Origin,
    Admin,
    /// No credential, though one is needed.
    Unauthenticated,
    /// A credential that is not good.
    Credential,
    /// A credential that was good.
    Expired,
    /// A credential that does not permit it.
    Forbidden,
    /// More tickets than there may be.
    Tickets,
    NoTls,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    kind: &'static str,
}

impl Closed {
    fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Drained => "drained",
            Self::Kicked => "kicked",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

impl Refusal {
    const ALL: [Self; 19] = [
        Self::Connections,
        Self::PerPeer,
        Self::PerSession,
        Self::Draining,
        Self::HeadSize,
        Self::HeadTime,
        Self::BodySize,
        Self::BodyTime,
        Self::EventSize,
        Self::Topics,
        Self::Host,
        Self::Origin,
        Self::Admin,
        Self::Unauthenticated,
        Self::Credential,
        Self::Expired,
        Self::Forbidden,
        Self::Tickets,
        Self::NoTls,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::PerPeer => "per_peer",
            Self::PerSession => "per_session",
            Self::Draining => "draining",
            Self::HeadSize => "head_size",
            Self::HeadTime => "head_time",
            Self::BodySize => "body_size",
            Self::BodyTime => "body_time",
            Self::EventSize => "event_size",
            Self::Topics => "topics",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Admin => "admin",
            Self::Unauthenticated => "unauthenticated",
            Self::Credential => "credential",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Tickets => "tickets",
            Self::NoTls => "no_tls",
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sse_serve");
        let mut metrics = Self {
            registry: Registry::default(),
            gauges: Gauges::default(),
            accepted: counter(
                &mut registry,
                "sockets_accepted",
                "TCP connections accepted",
            ),
            accepts_delayed: counter(
                &mut registry,
                "accepts_delayed",
                "TCP connections that waited for the accept rate",
            ),
            open_sockets: gauge(&mut registry, "sockets", "TCP connections open now"),
            handshakes_failed: counter(
                &mut registry,
                "tls_handshakes_failed",
                "TLS handshakes that failed or took too long",
            ),
            write_timeouts: counter(
                &mut registry,
                "write_timeouts",
                "Connections closed, and HTTP/2 streams reset, because a write stood still or nothing \
                 was acknowledged",
            ),
            opened: counter(&mut registry, "connections_opened", "Streams opened"),
            closed: family(
                &mut registry,
                "connections_closed",
                "Streams ended, by reason",
            ),
            refused: family(
                &mut registry,
                "requests_refused",
                "Requests that a limit or a rule refused, by reason",
            ),
            published: counter(&mut registry, "events_published", "Events the log took"),
            publish_latency: latency(
                &mut registry,
                "publish_duration",
                "From the parsed request to the acknowledgement, per publish",
            ),
            delivered_live: Counter::default(),
            delivered_replayed: Counter::default(),
            delivered_bytes: Counter::default(),
            delivery_latency: latency(
                &mut registry,
                "delivery_latency",
                "From the publish of an event to its hand-over to a connection that was open by \
                 then; of the newest 16384 events",
            ),
            heartbeats: counter(&mut registry, "heartbeats", "Heartbeats sent after silence"),
            gaps: family(&mut registry, "gaps", "Gap events sent, by reason"),
            missed: counter(
                &mut registry,
                "events_missed",
                "Events that gap events declared missing, where their number was known",
            ),
            expired: counter(
                &mut registry,
                "events_expired",
                "Events skipped because their time to live was over, per delivery",
            ),
        };
        metrics.delivered_bytes = bytes(
            &mut registry,
            "delivered",
            "Bytes of streams handed to connections",
        );
        let delivered = Family::<Kind, Counter>::default();
        registry.register(
            "deliveries",
            "Events handed to connections, by kind",
            delivered.clone(),
        );
        let kind = |kind| delivered.get_or_create_owned(&Kind { kind });
        metrics.delivered_live = kind("live");
        metrics.delivered_replayed = kind("replayed");
        metrics.gauges = Gauges::register(&mut registry);
        // Written out from the start, so that a rate over them begins at 0.
        for closed in [
            Closed::Gone,
            Closed::Drained,
            Closed::Kicked,
            Closed::Unreadable,
            Closed::Expired,
            Closed::Superseded,
        ] {
            counted(&metrics.closed, closed.name(), 0);
        }
        for reason in ["expired", "unknown", "store_reset", "lagged"] {
            counted(&metrics.gaps, reason, 0);
        }
        for refusal in Refusal::ALL {
            counted(&metrics.refused, refusal.name(), 0);
        }
        metrics.registry = registry;
        metrics
    }

    pub(crate) fn refuse(&self, cause: Refusal) {
        counted(&self.refused, cause.name(), 1);
    }

    pub(crate) fn close(&self, reason: Closed) {
        counted(&self.closed, reason.name(), 1);
    }

    pub(crate) fn gap(&self, reason: &'static str, missed: Option<u64>) {
        counted(&self.gaps, reason, 1);
        self.missed.inc_by(missed.unwrap_or(0));
    }

    /// The `OpenMetrics` text format, which Prometheus reads.
    pub(crate) fn text(&self, reading: &Reading) -> String {
        self.gauges.set(reading);
        let mut text = String::new();
        // Only a value that fails to format could fail here; none does.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl Gauges {
    fn register(registry: &mut Registry) -> Self {
        Self {
            connections: gauge(registry, "connections", "Streams open now"),
            capacity: gauge(registry, "connections_max", "Streams that may be open"),
            lag_max: gauge(
                registry,
                "lag_events_max",
                "Events that the slowest stream is behind the head",
            ),
            lag_sum: gauge(
                registry,
                "lag_events",
                "Events that all streams together are behind the head",
            ),
            log_events: gauge(registry, "log_events", "Events kept for replay"),
            log_bytes: unit_gauge(registry, "log", "Events kept for replay", Unit::Bytes),
            topics: gauge(registry, "topics", "Topics with events kept for replay"),
            log_available: gauge(registry, "log_available", "1 while the log takes events"),
            oldest: gauge(
                registry,
                "log_oldest_seq",
                "Sequence number of the oldest event kept, 0 for none",
            ),
            newest: gauge(
                registry,
                "log_newest_seq",
                "Sequence number of the newest event ever published",
            ),
            wakes: counter(
                registry,
                "wakes",
                "Wake-ups of streams by what was published",
            ),
            reads: counter(
                registry,
                "reads",
                "Events that streams looked at, delivered or not",
            ),
            draining: gauge(registry, "draining", "1 while the server shuts down"),
            uptime: unit_gauge(registry, "uptime", "Time since the start", Unit::Seconds),
            resident: unit_gauge(
                registry,
                "resident_memory",
                "Resident memory of the process, 0 where unknown",
                Unit::Bytes,
            ),
            open_files_max: gauge(
                registry,
                "open_files_max",
                "The open-file limit, 0 where there is none",
            ),
        }
    }

    fn set(&self, reading: &Reading) {
        set(&self.connections, reading.connections as u64);
        set(&self.capacity, reading.capacity as u64);
        set(&self.lag_max, reading.lag_max);
        set(&self.lag_sum, reading.lag_sum);
        set(&self.log_events, reading.log_events);
        set(&self.log_bytes, reading.log_bytes);
        set(&self.topics, reading.topics as u64);
        set(&self.log_available, reading.log_available.into());
        set(&self.oldest, reading.oldest);
        set(&self.newest, reading.newest);
        self.wakes.inner().store(reading.wakes, Ordering::Relaxed);
        self.reads.inner().store(reading.reads, Ordering::Relaxed);
        set(&self.draining, reading.draining.into());
        set(&self.uptime, reading.uptime_s);
        set(&self.resident, reading.resident_bytes.unwrap_or(0));
        set(&self.open_files_max, reading.open_files_max.unwrap_or(0));
    }
}

fn counted(family: &Family<Reason, Counter>, reason: &'static str, by: u64) {
    family.get_or_create(&Reason { reason }).inc_by(by);
}

fn set(gauge: &Gauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn bytes(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register_with_unit(name, help, Unit::Bytes, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn unit_gauge(registry: &mut Registry, name: &str, help: &str, unit: Unit) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, unit, gauge.clone());
    gauge
}

fn latency(registry: &mut Registry, name: &str, help: &str) -> Latency {
    let latency = Latency::default();
    registry.register_with_unit(name, help, Unit::Seconds, latency.clone());
    latency
}

fn family<S>(registry: &mut Registry, name: &str, help: &str) -> Family<S, Counter>
where
    S: EncodeLabelSet + Clone + std::hash::Hash + Eq + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}
