//! A distribution that is small enough to keep one for each interval.

use std::collections::BTreeMap;

/// Significant bits of a value that is kept: it is at most 1/64 too large.
const BITS: u32 = 7;

/// Counts of durations in microseconds, each to better than 1.6 %. It has room
/// for the values that occurred only, at most some 2,000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The largest value of a bucket, and how many fell into it; in order.
    buckets: Vec<(u64, u64)>,
    count: u64,
    max_us: u64,
}

impl Distribution {
    /// Of values and how often each occurred, of which this is the largest.
    pub fn new(values: impl IntoIterator<Item = (u64, u64)>, max_us: u64) -> Self {
        let mut distribution = Self {
            max_us,
            ..Self::default()
        };
        for (value, count) in values {
            let bucket = bucket(value);
            distribution.count += count;
            match distribution.buckets.last_mut() {
                Some((last, counted)) if *last == bucket => *counted += count,
                _ => distribution.buckets.push((bucket, count)),
            }
        }
        distribution
    }

    /// Adds another.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let mut sum: BTreeMap<u64, u64> = self.buckets.iter().copied().collect();
        for (bucket, count) in &other.buckets {
            *sum.entry(*bucket).or_default() += count;
        }
        self.buckets = sum.into_iter().collect();
        self.count += other.count;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest; `None` if nothing was counted.
    pub fn max_us(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_us)
    }

    /// The value that this part of all does not exceed; `None` if nothing was counted.
    pub fn quantile_us(&self, part: f64) -> Option<u64> {
        let wanted = ((self.count as f64 * part).ceil() as u64).max(1);
        let mut sum = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            sum += count;
            sum >= wanted
        });
        found.map(|(value, _)| (*value).min(self.max_us))
    }

    /// Values in order, and how often each occurred.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().copied()
    }
}

/// The largest value with the same significant bits.
fn bucket(value: u64) -> u64 {
    let length = u64::BITS - value.leading_zeros();
    value | ((1 << length.saturating_sub(BITS)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_survive_merging() {
        let even = (1..=500).map(|value| (value * 2000, 1));
        let odd = (1..=500).map(|value| (value * 2000 - 1000, 1));
        let mut all = Distribution::new(even, 1_000_000);
        all.merge(&Distribution::new(odd, 999_000));
        assert_eq!((all.count(), all.max_us()), (1000, Some(1_000_000)));
        for (part, wanted) in [(0.5, 500_000), (0.99, 990_000), (1.0, 1_000_000)] {
            let found = all.quantile_us(part).unwrap();
            assert!(found >= wanted && found - wanted <= wanted / 64, "{found}");
        }
        assert!(all.buckets.len() < 700);
    }

    #[test]
    fn small_values_are_exact_and_nothing_has_no_quantile() {
        let few = Distribution::new([(0, 1), (1, 1), (127, 1)], 127);
        assert_eq!(few.quantile_us(0.0), Some(0));
        assert_eq!(few.quantile_us(0.5), Some(1));
        assert_eq!(few.quantile_us(1.0), Some(127));
        assert_eq!(Distribution::default().quantile_us(0.5), None);
        assert_eq!(bucket(u64::MAX), u64::MAX);
    }
}
