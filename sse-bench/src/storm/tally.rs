//! What is counted while a storm is on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::failure::{Failures, Kind};
use crate::histogram::Latency;

/// The step of the curves.
pub const STEP: Duration = Duration::from_millis(100);
/// The most reconnection times told apart.
const MOST_TIMES: usize = 256;

/// What one thread counts of one storm, or all of them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Connections begun, by the time since the first loss.
    pub attempts: Curve,
    /// Connections opened, likewise.
    pub openings: Curve,
    /// Attempts that were answered, but not with a stream, likewise.
    pub refusals: Curve,
    /// Attempts without an answer, likewise.
    pub unanswered: Curve,
    /// Attempts that opened no stream.
    pub failures: Failures,
    /// Answers that refused a stream and named a time to come back.
    pub retry_after: u64,
    /// Connections that opened and were lost again before the storm was over.
    pub lost_again: u64,
    /// How connections were lost.
    pub losses: Losses,
    /// The reconnection times in force when connections were lost.
    pub times: ReconnectionTimes,
    /// From the loss of a connection to the first attempt at the next one.
    pub waits: Latency,
    /// First attempts before the reconnection time in force was over.
    pub early: u64,
}

impl Tally {
    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Self) {
        self.attempts.merge(&other.attempts);
        self.openings.merge(&other.openings);
        self.refusals.merge(&other.refusals);
        self.unanswered.merge(&other.unanswered);
        self.failures.merge(other.failures);
        self.retry_after += other.retry_after;
        self.lost_again += other.lost_again;
        self.losses.merge(other.losses);
        self.times.merge(&other.times);
        self.waits.merge(&other.waits);
        self.early += other.early;
    }

    /// Attempts that were answered, but not with a stream.
    pub fn refused(&self) -> u64 {
        let refusals = self.failures.iter().filter(|(kind, _)| is_refusal(*kind));
        refusals.map(|(_, counted)| counted.count).sum()
    }
}

/// Whether the server answered.
pub fn is_refusal(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Status(_) | Kind::ContentType | Kind::ContentCoding | Kind::Redirect
    )
}

/// How many connections were lost in which way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Losses {
    /// Cut by this side.
    pub cut: u64,
    /// The response ended as it should.
    pub ended: u64,
    /// The connection broke.
    pub broken: u64,
}

impl Losses {
    fn merge(&mut self, other: Self) {
        self.cut += other.cut;
        self.ended += other.ended;
        self.broken += other.broken;
    }
}

/// Occurrences in each [`STEP`] since the first loss.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curve(Vec<u32>);

impl Curve {
    /// Counts one.
    pub fn count(&mut self, since: Duration) {
        // A storm is watched for an hour at most.
        let step = (since.as_millis() / STEP.as_millis()) as usize;
        if step >= self.0.len() {
            self.0.resize(step + 1, 0);
        }
        self.0[step] += 1;
    }

    fn merge(&mut self, other: &Self) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, others) in self.0.iter_mut().zip(&other.0) {
            *mine += others;
        }
    }

    /// The counts, one for each step.
    pub fn steps(&self) -> &[u32] {
        &self.0
    }

    /// All that was counted.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The most in one step.
    pub fn peak_of_step(&self) -> u32 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// The most in any ten steps in a row, a second.
    pub fn peak_per_second(&self) -> u64 {
        let seconds = self.0.windows(10.min(self.0.len().max(1)));
        let sums = seconds.map(|steps| steps.iter().map(|count| u64::from(*count)).sum());
        sums.max().unwrap_or_default()
    }
}

/// Slots by the reconnection time in force.
#[derive(Debug, Clone, Default)]
pub struct ReconnectionTimes {
    /// By the time, and whether a server had set it with `retry`.
    counts: BTreeMap<(Duration, bool), u64>,
    /// With times beyond the 256 told apart.
    pub others: u64,
}

impl ReconnectionTimes {
    /// Counts slots.
    pub fn add(&mut self, time: Duration, told: bool, slots: u64) {
        let known = self.counts.len();
        match self.counts.get_mut(&(time, told)) {
            Some(count) => *count += slots,
            None if known < MOST_TIMES => {
                self.counts.insert((time, told), slots);
            }
            None => self.others += slots,
        }
    }

    fn merge(&mut self, other: &Self) {
        for (&(time, told), slots) in &other.counts {
            self.add(time, told, *slots);
        }
        self.others += other.others;
    }

    /// Time, whether it was told, and the number of slots, the most frequent first.
    pub fn by_count(&self) -> Vec<(Duration, bool, u64)> {
        let mut times: Vec<_> = self
            .counts
            .iter()
            .map(|(&(time, told), &slots)| (time, told, slots))
            .collect();
        times.sort_by_key(|(_, _, slots)| std::cmp::Reverse(*slots));
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_knows_its_peaks() {
        let mut curve = Curve::default();
        assert_eq!((curve.peak_of_step(), curve.peak_per_second()), (0, 0));
        for millis in [0, 99, 100, 950, 1000, 1049, 5000] {
            curve.count(Duration::from_millis(millis));
        }
        assert_eq!(curve.steps()[..2], [2, 1]);
        assert_eq!((curve.total(), curve.steps().len()), (7, 51));
        assert_eq!(curve.peak_of_step(), 2);
        // From 0.1 s to 1.1 s: four; from 0 s to 1 s: four as well.
        assert_eq!(curve.peak_per_second(), 4);
        let mut longer = Curve::default();
        longer.count(Duration::from_secs(6));
        curve.merge(&longer);
        assert_eq!((curve.total(), curve.steps().len()), (8, 61));
    }

    #[test]
    fn reconnection_times_are_counted_by_value_and_bounded() {
        let mut times = ReconnectionTimes::default();
        times.add(Duration::from_secs(2), true, 5);
        for millis in 0..1000 {
            times.add(Duration::from_millis(millis), false, 1);
        }
        times.add(Duration::from_secs(2), true, 1);
        let listed = times.by_count();
        assert_eq!(listed[0], (Duration::from_secs(2), true, 6));
        assert_eq!(listed.len(), MOST_TIMES);
        assert_eq!(times.others, 1001 - MOST_TIMES as u64);
    }
}
