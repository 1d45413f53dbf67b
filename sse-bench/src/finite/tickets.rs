//! Which request is next, and when it is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The requests of a run, handed out one by one over all threads.
#[derive(Debug)]
pub(super) struct Tickets {
    start: Instant,
    requests: Option<u64>,
    rate: Option<f64>,
    next: AtomicU64,
}

/// One request to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Counted from 0.
    pub(super) number: u64,
    /// When it is to start; at once if `None`.
    pub(super) due: Option<Instant>,
}

impl Tickets {
    /// At most `requests` of them, `rate` each second or as fast as they are taken.
    pub(super) fn new(start: Instant, requests: Option<u64>, rate: Option<f64>) -> Self {
        Self {
            start,
            requests,
            rate,
            next: AtomicU64::new(0),
        }
    }

    /// The next one; `None` once all were taken.
    pub(super) fn take(&self) -> Option<Ticket> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let left = self.requests.is_none_or(|requests| number < requests);
        left.then(|| Ticket {
            number,
            due: self.rate.map(|rate| self.due(number, rate)),
        })
    }

    /// How many are due before `end`, where that is known beforehand.
    pub(super) fn due_before(&self, end: Instant) -> Option<u64> {
        let rate = self.rate?;
        let length = end.saturating_duration_since(self.start).as_secs_f64();
        let mut count = (length * rate).ceil() as u64;
        // The product may be off by a hair to either side.
        while count > 0 && self.due(count - 1, rate) >= end {
            count -= 1;
        }
        while self.due(count, rate) < end {
            count += 1;
        }
        Some(self.requests.map_or(count, |requests| requests.min(count)))
    }

    fn due(&self, number: u64, rate: f64) -> Instant {
        let after = Duration::try_from_secs_f64(number as f64 / rate);
        let due = after.ok().and_then(|after| self.start.checked_add(after));
        // Beyond what a clock can show no run goes on.
        due.unwrap_or_else(|| self.start + Duration::from_secs(1 << 40))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_has_its_times_and_as_many_are_due_as_were_to_start() {
        let start = Instant::now();
        for rate in [0.3, 3.0, 7.0, 10.0, 1000.0] {
            let tickets = Tickets::new(start, None, Some(rate));
            let end = start + Duration::from_secs(2);
            let mut due = 0;
            while tickets.take().unwrap().due.unwrap() < end {
                due += 1;
            }
            assert_eq!(tickets.due_before(end), Some(due), "{rate}");
        }
        let few = Tickets::new(start, Some(3), Some(10.0));
        assert_eq!(few.due_before(start + Duration::from_secs(1)), Some(3));
        assert_eq!(few.due_before(start), Some(0));
    }

    #[test]
    fn a_closed_loop_hands_out_as_many_as_wanted_at_once() {
        let tickets = Tickets::new(Instant::now(), Some(2), None);
        let numbers: Vec<_> = std::iter::from_fn(|| tickets.take()).collect();
        assert_eq!(numbers, [0, 1].map(|number| Ticket { number, due: None }));
        assert_eq!(tickets.due_before(Instant::now()), None);
    }
}
