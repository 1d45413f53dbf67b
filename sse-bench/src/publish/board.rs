//! What all threads know of the publishing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Schedule;

/// Which events were acknowledged. Nothing on the receive path comes here.
#[derive(Debug)]
pub struct Board {
    /// When each is due.
    pub schedule: Schedule,
    /// The longest that a delivery may take from its intended time.
    pub timeout: Duration,
    /// From the intended time until it is known whether an event is owed.
    pub patience: Duration,
    known: Mutex<Known>,
}

/// A bit for each event of the run.
#[derive(Debug, Default)]
pub(super) struct Known {
    acknowledged: Vec<u64>,
    late: u64,
    /// Nothing more is waited for.
    given_up: bool,
}

impl Board {
    /// `limit` is the longest that a publishing request may take.
    pub fn new(schedule: Schedule, timeout: Duration, limit: Duration) -> Self {
        Self {
            schedule,
            timeout,
            patience: timeout.saturating_add(limit),
            known: Mutex::default(),
        }
    }

    /// The server accepted this event.
    pub fn acknowledge(&self, number: u64, at: Instant) {
        let mut known = self.known();
        if at >= self.schedule.due(number) + self.patience {
            known.late += 1;
            return;
        }
        let word = (number / 64) as usize;
        if known.acknowledged.len() <= word {
            known.acknowledged.resize(word + 1, 0);
        }
        known.acknowledged[word] |= 1 << (number % 64);
    }

    /// Events acknowledged so late that they are owed to nobody.
    pub fn late(&self) -> u64 {
        self.known().late
    }

    /// Ends the wait for what is owed.
    pub fn give_up(&self) {
        self.known().given_up = true;
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    pub(super) fn is_acknowledged(&self, number: u64) -> bool {
        let word = self.acknowledged.get((number / 64) as usize);
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }
}
