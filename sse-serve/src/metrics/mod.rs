//! What the server counts, as Prometheus reads it.

mod latency;
mod reading;
mod reason;
mod register;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub(crate) use latency::{Latency, Observations};
use reading::Gauges;
pub(crate) use reading::Reading;
pub use reason::Closed;
use reason::Kind;
pub(crate) use reason::{Reason, Refusal};
use register::{bytes, counter, family, gauge, latency};

/// All counters of one server. On the way of an event they are atomic additions,
/// one set for each write.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    gauges: Gauges,
    pub(crate) accepted: Counter,
    pub(crate) accepts_delayed: Counter,
    pub(crate) accepts_failed: Counter,
    pub(crate) handshakes_failed: Counter,
    open_sockets: Gauge,
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
    pub(crate) notices_dropped: Counter,
    pub(crate) gaps: Family<Reason, Counter>,
    pub(crate) missed: Counter,
    pub(crate) expired: Counter,
}

/// Counts a TCP connection for as long as it lives.
#[derive(Debug)]
pub(crate) struct OpenSocket(Gauge);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.dec();
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
            accepts_failed: counter(
                &mut registry,
                "accepts_failed",
                "Attempts to accept that failed, as without open files left; tried again every 50 ms",
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
                "From the publish of an event until the system took it for a plain HTTP/1 connection, \
                 or it was handed to another, that was open by then; of the newest 16384 events",
            ),
            heartbeats: counter(&mut registry, "heartbeats", "Heartbeats sent after silence"),
            notices_dropped: counter(
                &mut registry,
                "observer_notices_dropped",
                "Streams opened or closed of which an observer was not told, because as many as \
                 may wait did",
            ),
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
            Closed::Aged,
            Closed::Kicked,
            Closed::Unreadable,
            Closed::Expired,
            Closed::Superseded,
            Closed::Lagged,
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

    pub(crate) fn open_socket(&self) -> OpenSocket {
        self.open_sockets.inc();
        OpenSocket(self.open_sockets.clone())
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

fn counted(family: &Family<Reason, Counter>, reason: &'static str, by: u64) {
    family.get_or_create(&Reason { reason }).inc_by(by);
}
