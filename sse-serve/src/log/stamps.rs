//! When the newest events were published, for whoever delivers them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Events remembered: what falls further behind has no latency to speak of.
const SLOTS: usize = 1 << 14;

/// A slot holds the event's time in the upper 40 bits, in microseconds since the
/// start, and the lower bits of its sequence number, which tell whose it is.
const SEQ_BITS: u32 = 24;
const SEQ_MASK: u64 = (1 << SEQ_BITS) - 1;
const TIME_MASK: u64 = (1 << 40) - 1;

#[derive(Debug)]
pub(super) struct Stamps {
    start: Instant,
    slots: Box<[AtomicU64]>,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn mark(&self, seq: u64, now: Instant) {
        let stamp = self.micros(now) << SEQ_BITS | seq & SEQ_MASK;
        self.slots[seq as usize % SLOTS].store(stamp, Ordering::Relaxed);
    }

    /// The time since this event was published, `None` if newer ones took its
    /// place.
    pub(super) fn age(&self, seq: u64, now: Instant) -> Option<Duration> {
        let stamp = self.slots[seq as usize % SLOTS].load(Ordering::Relaxed);
        if stamp & SEQ_MASK != seq & SEQ_MASK {
            return None;
        }
        let age = self.micros(now).wrapping_sub(stamp >> SEQ_BITS) & TIME_MASK;
        // `now` may have been read just before the publish.
        let age = if age > TIME_MASK / 2 { 0 } else { age };
        Some(Duration::from_micros(age))
    }

    fn micros(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_micros() as u64 & TIME_MASK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_as_old_as_its_stamp_until_another_takes_its_slot() {
        let stamps = Stamps::new();
        let at = |millis| stamps.start + Duration::from_millis(millis);
        stamps.mark(7, at(10));
        assert_eq!(stamps.age(7, at(35)), Some(Duration::from_millis(25)));
        assert_eq!(stamps.age(7, at(9)), Some(Duration::ZERO));
        assert_eq!(stamps.age(8, at(35)), None);
        stamps.mark(7 + SLOTS as u64, at(20));
        assert_eq!(stamps.age(7, at(35)), None);
    }

    #[test]
    fn the_clock_may_wrap() {
        let stamps = Stamps::new();
        let before = stamps.start + Duration::from_micros(TIME_MASK - 1000);
        stamps.mark(1, before);
        let age = stamps.age(1, before + Duration::from_millis(3));
        assert_eq!(age, Some(Duration::from_millis(3)));
    }
}
