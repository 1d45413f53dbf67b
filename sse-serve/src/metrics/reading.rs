//! What is measured when somebody asks.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::metrics::register::{counter, gauge, unit_gauge};

/// One measurement.
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

/// Where the measurements go.
#[derive(Debug, Clone, Default)]
pub(super) struct Gauges {
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

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
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
            log_bytes: unit_gauge(
                registry,
                "log",
                "Bytes of the events kept for replay",
                Unit::Bytes,
            ),
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

    pub(super) fn set(&self, reading: &Reading) {
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

fn set(gauge: &Gauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
