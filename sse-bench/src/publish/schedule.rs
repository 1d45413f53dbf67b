//! When each event is due.

use std::time::{Duration, Instant};

const SECOND: u128 = 1_000_000_000;

/// Events numbered from 1, the first one interval after the start.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Instant,
    rate: u32,
}

impl Schedule {
    /// So many events each second.
    pub fn new(start: Instant, rate: u32) -> Self {
        Self { start, rate }
    }

    /// When an event is due.
    pub fn due(&self, number: u64) -> Instant {
        let nanos = u128::from(number) * SECOND / u128::from(self.rate.max(1));
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
    }

    /// The last event due by then; 0 before the first.
    pub fn last_due(&self, at: Instant) -> u64 {
        let Some(since) = at.checked_duration_since(self.start) else {
            return 0;
        };
        let number = ((since.as_nanos() + 1) * u128::from(self.rate) - 1) / SECOND;
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_the_last_one_due_from_its_time_to_the_next() {
        let start = Instant::now();
        let nanosecond = Duration::from_nanos(1);
        for rate in [1, 3, 7, 20, 999, 10_000] {
            let schedule = Schedule::new(start, rate);
            assert_eq!(schedule.last_due(start), 0);
            for number in [1, 2, 3, 1000, 123_457] {
                let due = schedule.due(number);
                assert_eq!(schedule.last_due(due), number, "{rate}");
                assert_eq!(
                    schedule.last_due(due.checked_sub(nanosecond).unwrap()),
                    number - 1,
                    "{rate}"
                );
            }
            let second = start + Duration::from_secs(1);
            assert_eq!(schedule.last_due(second), u64::from(rate));
        }
    }
}
