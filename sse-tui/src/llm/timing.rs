//! When the deltas came.

use hdrhistogram::Histogram;
use jiff::{SignedDuration, Timestamp};

/// A gap shorter than this is no stall.
const LEAST_STALL: i64 = 1_000_000_000;
/// Nor is one shorter than so many median gaps.
const STALL_FACTOR: i64 = 5;
/// A gap is measured up to an hour.
const MOST_GAP_US: u64 = 3_600_000_000;

/// Times of deltas and the gaps between them.
///
/// A stall is a gap of at least a second that is at least five times the median
/// of the gaps before it.
#[derive(Debug, Clone)]
pub struct Timing {
    requested: Option<Timestamp>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    deltas: u64,
    stalls: u64,
    longest: i64,
    /// In microseconds.
    gaps: Option<Histogram<u32>>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            requested: None,
            first: None,
            last: None,
            deltas: 0,
            stalls: 0,
            longest: 0,
            // Fails only for bounds that make no sense.
            gaps: Histogram::new_with_bounds(1, MOST_GAP_US, 2).ok(),
        }
    }
}

impl Timing {
    /// Sets when the request was sent.
    pub fn request(&mut self, at: Timestamp) {
        self.requested = Some(at);
    }

    /// Counts a delta: the gap before it in nanoseconds, and whether that was a
    /// stall.
    pub(super) fn delta(&mut self, at: Timestamp) -> (Option<i64>, bool) {
        self.deltas += 1;
        self.first.get_or_insert(at);
        let Some(last) = self.last.replace(at) else {
            return (None, false);
        };
        let gap = at.duration_since(last).as_nanos().max(0);
        let gap = i64::try_from(gap).unwrap_or(i64::MAX);
        let median = self.gap_us(0.5).unwrap_or(0).min(MOST_GAP_US).cast_signed() * 1000;
        let stalled = gap >= LEAST_STALL.max(STALL_FACTOR.saturating_mul(median));
        if stalled {
            self.stalls += 1;
        }
        self.longest = self.longest.max(gap);
        if let Some(gaps) = &mut self.gaps {
            gaps.saturating_record((gap / 1000).unsigned_abs());
        }
        (Some(gap), stalled)
    }

    /// From the request to the first delta; `None` if either is not known.
    pub fn to_first(&self) -> Option<SignedDuration> {
        let took = self.first?.duration_since(self.requested?);
        Some(took.max(SignedDuration::ZERO))
    }

    /// From the first delta to the last.
    pub fn span(&self) -> SignedDuration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.duration_since(first).max(SignedDuration::ZERO),
            _ => SignedDuration::ZERO,
        }
    }

    /// When the first delta came.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// When the last delta came.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// A percentile of the gaps between deltas, as a share, in microseconds;
    /// `None` before there is a gap.
    pub fn gap_us(&self, share: f64) -> Option<u64> {
        let gaps = self.gaps.as_ref().filter(|gaps| !gaps.is_empty())?;
        Some(gaps.value_at_quantile(share))
    }

    /// The longest gap, in nanoseconds.
    pub fn longest(&self) -> i64 {
        self.longest
    }

    /// How many gaps were stalls.
    pub fn stalls(&self) -> u64 {
        self.stalls
    }

    /// How many deltas came.
    pub fn deltas(&self) -> u64 {
        self.deltas
    }
}
