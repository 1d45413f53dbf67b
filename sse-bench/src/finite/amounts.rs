//! Distributions of amounts that are no durations.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The largest amount told apart; what is larger counts as this.
const LARGEST: u64 = 1 << 40;

/// A distribution of whole numbers, to three significant digits.
#[derive(Debug, Clone)]
pub struct Amounts {
    histogram: Histogram<u64>,
    total: u64,
    max: u64,
}

/// What a report says of a distribution of amounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AmountSummary {
    /// Streams.
    pub count: u64,
    /// The sum over all of them.
    pub total: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest value.
    pub max: u64,
}

impl Default for Amounts {
    fn default() -> Self {
        // `new_with_bounds` refuses only bounds that contradict one another.
        let histogram = Histogram::new_with_bounds(1, LARGEST, 3);
        Self {
            histogram: histogram.unwrap_or_else(|_| unreachable!("1 < {LARGEST}, 3 digits")),
            total: 0,
            max: 0,
        }
    }
}

impl Amounts {
    /// Records one amount.
    pub fn record(&mut self, amount: u64) {
        self.histogram.saturating_record(amount);
        self.total += amount;
        self.max = self.max.max(amount);
    }

    /// Adds what another thread recorded.
    pub fn merge(&mut self, other: &Self) {
        // Equal bounds always add.
        let _ = self.histogram.add(&other.histogram);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// `None` if nothing was recorded.
    pub fn summary(&self) -> Option<AmountSummary> {
        let at = |quantile| self.histogram.value_at_quantile(quantile).min(self.max);
        let count = self.histogram.len();
        (count > 0).then(|| AmountSummary {
            count,
            total: self.total,
            mean: (self.total as f64 / count as f64 * 10.0).round() / 10.0,
            p50: at(0.50),
            p90: at(0.90),
            p99: at(0.99),
            max: self.max,
        })
    }
}
