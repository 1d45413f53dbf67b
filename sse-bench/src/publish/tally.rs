//! Which deliveries of own events were owed to the connections of one thread,
//! and which came.
//!
//! A connection is owed the events that are due from its first event on, or
//! from a second after it opened, whichever comes first, and not those that it
//! had less than the delivery timeout for before it ended. What it received all
//! the same counts as delivered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::numbers::Numbers;
use super::{Board, Publishing};

/// What a connection has to begin its stream with.
const GRACE: Duration = Duration::from_secs(1);

/// Deliveries of acknowledged events that could be judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Deliveries owed.
    pub owed: u64,
    /// Those of them that came.
    pub delivered: u64,
    /// Deliveries that had not come when the run was ended before their time was up:
    /// not a part of what was owed.
    pub unjudged: u64,
}

impl Judged {
    /// Owed, and never came.
    pub fn undelivered(&self) -> u64 {
        self.owed - self.delivered
    }

    /// Adds what another thread saw.
    pub fn merge(&mut self, other: &Self) {
        self.owed += other.owed;
        self.delivered += other.delivered;
        self.unjudged += other.unjudged;
    }
}

/// The deliveries of one thread, by number: as many entries as events are due
/// in the time until it is known whether an event is owed.
#[derive(Debug)]
pub struct Tally {
    board: Arc<Board>,
    numbers: Numbers,
    /// The number of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
    /// Connections to which the number before the first entry was owed.
    open: i64,
    judged: Judged,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Connections that are owed this number and not the one before, less those
    /// of which it is the other way round.
    joined: i64,
    /// Connections among them that ended too early.
    excused: i64,
    received: i64,
}

/// What one connection is owed and has received.
#[derive(Debug)]
pub struct LegTally {
    /// The first number that it is owed.
    first: u64,
    has_begun: bool,
    /// A bit for each number received, from number `64 * base` on.
    base: u64,
    bits: VecDeque<u64>,
}

impl Tally {
    /// Nothing is owed yet.
    pub fn new(publishing: &Publishing, board: Arc<Board>) -> Self {
        Self {
            board,
            numbers: Numbers::new(publishing),
            first: 1,
            entries: VecDeque::new(),
            open: 0,
            judged: Judged::default(),
        }
    }

    /// A stream was opened.
    pub fn opened(&mut self, at: Instant) -> LegTally {
        let first = self.board.schedule.last_due(at + GRACE) + 1;
        self.entry(first, |entry| entry.joined += 1);
        LegTally {
            first,
            has_begun: false,
            base: 0,
            bits: VecDeque::new(),
        }
    }

    /// It dispatched an event.
    pub fn received(&mut self, leg: &mut LegTally, data: &str, at: Instant) {
        let due = self.board.schedule.last_due(at);
        if !leg.has_begun {
            leg.has_begun = true;
            if due + 1 < leg.first {
                self.entry(leg.first, |entry| entry.joined -= 1);
                self.entry(due + 1, |entry| entry.joined += 1);
                leg.first = due + 1;
            }
        }
        let Some(number) = self.numbers.find(data) else {
            return;
        };
        // Nothing is sent before it is due: another number is not of this run.
        let owed = leg.first.max(self.first)..=due;
        if owed.contains(&number) && leg.take(number, self.first) {
            self.entry(number, |entry| entry.received += 1);
        }
    }

    /// It ended.
    pub fn closed(&mut self, leg: &LegTally, at: Instant) {
        let schedule = self.board.schedule;
        let due = schedule.last_due(at);
        let end = leg.first.max(due + 1);
        self.entry(end, |entry| entry.joined -= 1);
        let in_time = at.checked_sub(self.board.timeout);
        let in_time = in_time.map_or(0, |at| schedule.last_due(at));
        for number in leg.first.max(self.first).max(in_time + 1)..end {
            if !leg.has(number) {
                self.entry(number, |entry| entry.excused += 1);
            }
        }
    }

    /// Judges what can be judged; to be called now and then.
    pub fn settle(&mut self, now: Instant) {
        self.judge(now, false);
    }

    /// The end of the run: what had its time, or has arrived everywhere, is judged.
    pub fn finish(mut self, now: Instant) -> Judged {
        self.judge(now, true);
        self.judged
    }

    /// Whether a delivery that is owed may still come.
    pub fn is_waiting(&self, now: Instant) -> bool {
        let board = &self.board;
        let known = board.known();
        if known.is_given_up() {
            return false;
        }
        let mut open = self.open;
        (self.first..).zip(&self.entries).any(|(number, entry)| {
            open += entry.joined;
            let complete = open - entry.excused <= entry.received;
            let in_time = now < board.schedule.due(number) + board.timeout;
            !complete && in_time && known.is_acknowledged(number)
        })
    }

    fn judge(&mut self, now: Instant, is_end: bool) {
        let board = Arc::clone(&self.board);
        self.entry(board.schedule.last_due(now), |_| {});
        let known = board.known();
        while let Some(entry) = self.entries.front() {
            let due = board.schedule.due(self.first);
            if !is_end && now < due + board.patience {
                return;
            }
            self.open += entry.joined;
            let owed = self.open - entry.excused;
            if known.is_acknowledged(self.first) {
                let undelivered = (owed - entry.received).unsigned_abs();
                if undelivered == 0 || now >= due + board.timeout {
                    self.judged.owed += owed.unsigned_abs();
                    self.judged.delivered += entry.received.unsigned_abs();
                } else {
                    self.judged.unjudged += undelivered;
                }
            }
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// The entry of a number that was not judged yet; those judged stay as they are,
    /// and who joins or leaves there does so with the first that is left.
    fn entry(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        let index = number.saturating_sub(self.first) as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry::default());
        }
        change(&mut self.entries[index]);
    }
}

impl LegTally {
    /// Whether the number is new. Those before `first` are no longer asked for.
    fn take(&mut self, number: u64, first: u64) -> bool {
        while self.base < first / 64 && self.bits.pop_front().is_some() {
            self.base += 1;
        }
        if self.bits.is_empty() {
            self.base = first / 64;
        }
        let word = (number / 64 - self.base) as usize;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let bit = 1 << (number % 64);
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        is_new
    }

    fn has(&self, number: u64) -> bool {
        let word = (number / 64).checked_sub(self.base);
        let word = word.and_then(|word| self.bits.get(word as usize));
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}
