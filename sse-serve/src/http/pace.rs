//! How fast connections are accepted.

use std::time::{Duration, Instant};

/// So many per second, after a burst of one second's worth. The next one is due
/// at a time that each of them moves on (GCRA, ITU-T I.371).
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    burst: Duration,
    due: Instant,
}

impl Pace {
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        let interval = Duration::from_secs_f64(per_second.recip());
        Self {
            interval,
            burst: Duration::from_secs(1).saturating_sub(interval),
            due: now,
        }
    }

    /// The earliest time for the next one.
    pub(super) fn ready(&self) -> Instant {
        self.due.checked_sub(self.burst).unwrap_or(self.due)
    }

    pub(super) fn took(&mut self, now: Instant) {
        self.due = self.due.max(now) + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_and_then_the_rate() {
        for (per_second, expected) in [(10.0, 10 + 30), (1.0, 1 + 3), (0.5, 2)] {
            let start = Instant::now();
            let mut pace = Pace::new(per_second, start);
            let mut taken = 0;
            for millis in 0..3001 {
                let now = start + Duration::from_millis(millis);
                while pace.ready() <= now {
                    pace.took(now);
                    taken += 1;
                }
            }
            assert_eq!(taken, expected, "{per_second}");
        }
    }
}
