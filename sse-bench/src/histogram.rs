//! Latencies: one HDR histogram per thread and metric, merged at the end.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::series::Distribution;

/// The longest latency told apart, in microseconds; what is longer counts as this.
pub const LONGEST_US: u64 = 24 * 3600 * 1_000_000;

/// A latency distribution in microseconds, to three significant digits.
#[derive(Debug, Clone)]
pub struct Latency {
    /// Since the last [`turn`](Self::turn).
    histogram: Histogram<u64>,
    /// Exact, where the histogram knows only the bucket.
    max_us: u64,
    /// Before it.
    earlier: Option<Box<Self>>,
}

/// What a report says of a distribution. Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Values recorded.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_us: f64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    #[serde(rename = "p99.9_us")]
    pub p999_us: u64,
    /// Largest value.
    pub max_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        // `new_with_bounds` refuses only bounds that contradict one another.
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self {
            histogram: histogram.unwrap_or_else(|_| unreachable!("1 < {LONGEST_US}, 3 digits")),
            max_us: 0,
            earlier: None,
        }
    }
}

impl Latency {
    /// Records one value; below a microsecond it counts as 0.
    pub fn record(&mut self, latency: Duration) {
        self.record_times(latency, 1);
    }

    /// Records one value several times.
    pub fn record_times(&mut self, latency: Duration, times: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.histogram.saturating_record_n(micros, times);
        if times > 0 {
            self.max_us = self.max_us.max(micros.min(LONGEST_US));
        }
    }

    /// Adds what another thread recorded.
    pub fn merge(&mut self, other: &Self) {
        self.add(other);
        if let Some(earlier) = &other.earlier {
            self.add(earlier);
        }
    }

    fn add(&mut self, other: &Self) {
        // Equal bounds always add.
        let _ = self.histogram.add(&other.histogram);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// What was recorded since the last call. All of it stays a part of the whole.
    pub fn turn(&mut self) -> Distribution {
        if self.histogram.is_empty() {
            return Distribution::default();
        }
        let turned = Distribution::new(values(&self.histogram), self.max_us);
        let mut earlier = self.earlier.take().unwrap_or_default();
        earlier.add(self);
        self.earlier = Some(earlier);
        self.histogram.reset();
        self.max_us = 0;
        turned
    }

    /// All that was recorded.
    pub fn distribution(&self) -> Distribution {
        let mut all = Distribution::new(values(&self.histogram), self.max_us);
        if let Some(earlier) = &self.earlier {
            all.merge(&earlier.distribution());
        }
        all
    }

    /// `None` if nothing was recorded.
    pub fn summary(&self) -> Option<Summary> {
        if self.earlier.is_some() {
            let mut whole = Self::default();
            whole.merge(self);
            return whole.summary();
        }
        let histogram = &self.histogram;
        let at = |quantile| histogram.value_at_quantile(quantile).min(self.max_us);
        (!histogram.is_empty()).then(|| Summary {
            count: histogram.len(),
            mean_us: (histogram.mean() * 10.0).round() / 10.0,
            p50_us: at(0.50),
            p90_us: at(0.90),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.max_us,
        })
    }
}

fn values(histogram: &Histogram<u64>) -> impl Iterator<Item = (u64, u64)> {
    let recorded = histogram.iter_recorded();
    recorded.map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_distribution_merged_from_two_threads() {
        let (mut odd, mut even) = (Latency::default(), Latency::default());
        for millis in 1..=1000_u64 {
            let half = if millis % 2 == 0 { &mut even } else { &mut odd };
            half.record(Duration::from_millis(millis));
        }
        odd.merge(&even);
        let summary = odd.summary().unwrap();
        assert_eq!(summary.count, 1000);
        assert_eq!(summary.max_us, 1_000_000);
        for (seen, millis) in [
            (summary.p50_us, 500),
            (summary.p90_us, 900),
            (summary.p99_us, 990),
            (summary.p999_us, 999),
        ] {
            let wanted = millis * 1000;
            assert!(
                seen.abs_diff(wanted) <= wanted / 1000,
                "{seen} for {wanted}"
            );
        }
    }

    #[test]
    fn what_was_turned_over_is_a_part_of_the_whole() {
        let mut latency = Latency::default();
        let mut intervals = Distribution::default();
        for millis in 1..=1000_u64 {
            latency.record(Duration::from_millis(millis));
            if millis % 300 == 0 {
                let interval = latency.turn();
                assert_eq!(
                    (interval.count(), interval.max_us()),
                    (300, Some(millis * 1000))
                );
                intervals.merge(&interval);
            }
        }
        assert_eq!((intervals.count(), latency.turn().count()), (900, 100));
        assert_eq!(latency.turn(), Distribution::default());
        let summary = latency.summary().unwrap();
        assert_eq!((summary.count, summary.max_us), (1000, 1_000_000));
        assert!(summary.p50_us.abs_diff(500_000) <= 500);
        let mut other = Latency::default();
        other.merge(&latency);
        assert_eq!(other.summary(), Some(summary));
        assert_eq!(latency.distribution().count(), 1000);
    }

    #[test]
    fn nothing_recorded_has_no_summary() {
        assert_eq!(Latency::default().summary(), None);
    }

    #[test]
    fn a_latency_beyond_the_range_counts_as_the_longest() {
        let mut latency = Latency::default();
        latency.record(Duration::from_secs(u64::MAX));
        assert_eq!(latency.summary().unwrap().count, 1);
    }
}
