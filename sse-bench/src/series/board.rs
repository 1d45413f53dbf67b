//! What threads show of their measurements while a run goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Distribution, Latencies};
use crate::failure::Failures;

/// What was measured since the start of the run, by one thread or by all.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    /// Durations.
    pub latencies: Latencies,
    /// What the command counts beside the counters of all commands.
    pub counts: Vec<(&'static str, u64)>,
    /// How long what is ready to read waits for its thread.
    pub read_lag: Distribution,
    /// Failures by kind.
    pub failures: Failures,
    /// Streams that ended cleanly.
    pub ends: u64,
}

impl Pulse {
    /// Adds what another thread measured.
    pub fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        for (name, count) in &other.counts {
            match self.counts.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += count,
                None => self.counts.push((name, *count)),
            }
        }
        self.read_lag.merge(&other.read_lag);
        self.failures.merge(other.failures.clone());
        self.ends += other.ends;
    }

    /// The durations of this name.
    pub fn latency(&self, name: &str) -> Option<&Distribution> {
        self.latencies.of(name)
    }

    /// The count of this name.
    pub fn count(&self, name: &str) -> u64 {
        let found = self.counts.iter().find(|(known, _)| *known == name);
        found.map_or(0, |(_, count)| *count)
    }
}

/// Where threads post their latest pulse: each second, and only while somebody
/// looks.
#[derive(Debug, Default)]
pub struct Board {
    watched: AtomicBool,
    pulses: Mutex<BTreeMap<u32, Pulse>>,
}

impl Board {
    /// From now on somebody looks.
    pub fn watch(&self) {
        self.watched.store(true, Ordering::Relaxed);
    }

    /// The pulse of this thread, which takes the place of its last one.
    pub fn post(&self, thread: u32, pulse: impl FnOnce() -> Pulse) {
        if self.watched.load(Ordering::Relaxed) {
            let pulse = pulse();
            let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
            pulses.insert(thread, pulse);
        }
    }

    /// That of all threads.
    pub fn sum(&self) -> Pulse {
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = Pulse::default();
        for pulse in pulses.values() {
            sum.merge(pulse);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Kind};

    fn pulse(micros: u64, ends: u64) -> Pulse {
        let mut failures = Failures::default();
        failures.add(&Failure::new(Kind::Reset, "reset"));
        Pulse {
            latencies: Latencies::from_iter([("open", Distribution::new([(micros, 1)], micros))]),
            counts: vec![("done", 2)],
            failures,
            ends,
            ..Pulse::default()
        }
    }

    #[test]
    fn the_latest_of_each_thread_is_in_the_sum() {
        let board = Board::default();
        board.post(0, || panic!("nobody looks"));
        board.watch();
        for (thread, ends) in [(0, 1), (1, 20), (0, 3)] {
            board.post(thread, || pulse(100 + ends, ends));
        }
        let sum = board.sum();
        assert_eq!((sum.ends, sum.failures.total()), (23, 2));
        assert_eq!((sum.count("done"), sum.count("lost")), (4, 0));
        let open = sum.latency("open").unwrap();
        assert_eq!((open.count(), open.max_us()), (2, Some(120)));
        assert!(sum.latency("delivery").is_none());
    }
}
