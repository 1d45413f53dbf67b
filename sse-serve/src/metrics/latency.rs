//! A histogram of latencies, filled without a lock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds, in microseconds; above the last all are alike.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// A histogram that many threads observe; clones share it. The crate's own takes
/// a lock for each observation, too much for one with each delivery.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latency {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Latency {
    pub(crate) fn observe(&self, latency: Duration) {
        let mut one = Observations::default();
        one.add(latency);
        self.observe_all(&one, 1);
    }

    /// So many times the same. One atomic addition for each bucket that was met,
    /// not for each event.
    pub(crate) fn observe_all(&self, observations: &Observations, times: u64) {
        for (shared, &count) in self.shared.counts.iter().zip(&observations.counts) {
            if count > 0 {
                shared.fetch_add(times * u64::from(count), Ordering::Relaxed);
            }
        }
        self.shared
            .sum_micros
            .fetch_add(times * observations.sum_micros, Ordering::Relaxed);
    }
}

/// Observations of one thread, not yet shared.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    counts: [u32; BUCKETS],
    sum_micros: u64,
}

impl Observations {
    pub(crate) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|&bound| bound < micros)] += 1;
        self.sum_micros = self.sum_micros.saturating_add(micros);
    }
}

impl EncodeMetric for Latency {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self
            .shared
            .counts
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        let bounds = BOUNDS.iter().map(|&bound| bound as f64 / 1e6);
        let buckets: Vec<(f64, u64)> = bounds
            .chain(std::iter::once(f64::INFINITY))
            .zip(counts)
            .collect();
        let sum = self.shared.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_inclusive() {
        let latency = Latency::default();
        for micros in [0, 100, 101, 2_000_000, 60_000_000] {
            latency.observe(Duration::from_micros(micros));
        }
        let mut registry = Registry::default();
        registry.register("t", "T", latency);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "t_bucket{le=\"0.0001\"} 2",
            "t_bucket{le=\"0.00025\"} 3",
            "t_bucket{le=\"1.0\"} 3",
            "t_bucket{le=\"2.5\"} 4",
            "t_bucket{le=\"10.0\"} 4",
            "t_bucket{le=\"+Inf\"} 5",
            "t_count 5",
            "t_sum 62.000201",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
