//! What one write delivers, counted apart and shared at once.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::hub::Shared;
use crate::hub::registry::Connection;
use crate::metrics::Observations;

#[derive(Debug)]
pub(super) struct Tally<'a> {
    shared: &'a Shared,
    head_at_open: u64,
    now: Instant,
    live: u64,
    replayed: u64,
    latencies: Observations,
}

impl<'a> Tally<'a> {
    pub(super) fn new(shared: &'a Shared, head_at_open: u64, now: Instant) -> Self {
        Self {
            shared,
            head_at_open,
            now,
            live: 0,
            replayed: 0,
            latencies: Observations::default(),
        }
    }

    pub(super) fn count(&mut self, seq: u64) {
        if seq <= self.head_at_open {
            self.replayed += 1;
            return;
        }
        self.live += 1;
        if let Some(latency) = self.shared.history().age_of(seq, self.now) {
            self.latencies.add(latency);
        }
    }

    pub(super) fn add_to(self, connection: &Connection) {
        let metrics = &self.shared.metrics;
        let events = self.live + self.replayed;
        if events == 0 {
            return;
        }
        connection.events.fetch_add(events, Ordering::Relaxed);
        if self.replayed > 0 {
            metrics.delivered_replayed.inc_by(self.replayed);
        }
        if self.live > 0 {
            metrics.delivered_live.inc_by(self.live);
            metrics.delivery_latency.observe_all(&self.latencies);
        }
    }
}
