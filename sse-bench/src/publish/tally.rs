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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Plan;
    use crate::cli::{Cli, Command};

    const RATE: u64 = 10;

    /// Ten events a second that may take 5 s each; requests take 10 s at most.
    fn tally(start: Instant) -> (Tally, Arc<Board>) {
        let arguments = "sse-bench load http://h/ --publish-url http://h/ --publish-rate 10";
        let cli = Cli::parse_from(arguments.split(' ').chain(["--publish-body", "{{seq}}"]));
        let Command::Load(mut args) = cli.command else {
            panic!("another command");
        };
        args.publish.publish_sequence = "".parse().unwrap();
        let plan = Plan::new(*args).unwrap();
        let board = plan.board(start).unwrap();
        let publishing = plan.publishing.unwrap();
        (Tally::new(&publishing, Arc::clone(&board)), board)
    }

    fn acknowledge(board: &Board, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            board.acknowledge(number, board.schedule.due(number));
        }
    }

    fn judged(owed: u64, delivered: u64, unjudged: u64) -> Judged {
        Judged {
            owed,
            delivered,
            unjudged,
        }
    }

    #[test]
    fn owed_is_what_is_due_from_the_first_event_on_or_a_second_after_the_opening() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (mut tally, board) = tally(start);
        let (mut heard, _silent) = (tally.opened(at(50)), tally.opened(at(50)));
        tally.received(&mut heard, "hello", at(150));
        acknowledge(&board, 1..=20);
        // 2 to 20, and 11 to 20: due at 100 ms times their number.
        assert_eq!(tally.finish(at(60_000)), judged(19 + 10, 0, 0));
    }

    #[test]
    fn repeats_strange_numbers_and_what_was_not_acknowledged_count_for_nothing() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (mut tally, board) = tally(start);
        let mut leg = tally.opened(start);
        tally.received(&mut leg, "hello", start);
        acknowledge(&board, [1, 2, 3]);
        for data in [
            "1",
            "1",
            "4",
            "700",
            "18446744073709551615",
            "-1",
            "{}",
            "2",
        ] {
            tally.received(&mut leg, data, at(450));
        }
        assert!(tally.is_waiting(at(460)));
        assert!(!tally.is_waiting(at(5300)), "the time of 3 is over");
        assert_eq!(tally.finish(at(5300)), judged(3, 2, 0));
    }

    #[test]
    fn a_connection_that_ended_early_is_owed_what_it_had_the_time_for() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (mut tally, board) = tally(start);
        let mut leg = tally.opened(start);
        tally.received(&mut leg, "hello", start);
        acknowledge(&board, 1..=100);
        for number in [1, 2, 59] {
            let due = board.schedule.due(number);
            tally.received(&mut leg, &number.to_string(), due);
        }
        // It had 5 s for 10 and all before, and 59 came nevertheless.
        tally.closed(&leg, at(6000));
        let unborn = tally.opened(at(6000));
        tally.closed(&unborn, at(6100));
        assert_eq!(tally.finish(at(60_000)), judged(11, 3, 0));
    }

    #[test]
    fn a_run_that_ends_early_claims_no_loss() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (mut tally, board) = tally(start);
        let mut legs = [tally.opened(start), tally.opened(start)];
        for leg in &mut legs {
            tally.received(leg, "hello", start);
            tally.received(leg, "2", at(200));
        }
        tally.received(&mut legs[0], "3", at(300));
        acknowledge(&board, 1..=3);
        assert!(tally.is_waiting(at(400)));
        board.give_up();
        assert!(!tally.is_waiting(at(400)));
        assert_eq!(tally.finish(at(400)), judged(2, 2, 2 + 1));
    }

    #[test]
    fn memory_is_bounded_by_the_time_that_judgement_takes() {
        let start = Instant::now();
        let (mut tally, board) = tally(start);
        let mut leg = tally.opened(start);
        tally.received(&mut leg, "hello", start);
        let last = 100_000;
        for number in 1..=last {
            let due = board.schedule.due(number);
            board.acknowledge(number, due);
            if !number.is_multiple_of(4) {
                tally.received(&mut leg, &number.to_string(), due);
            }
            tally.settle(due);
            assert!(tally.entries.len() as u64 <= 15 * RATE + 1);
            assert!(leg.bits.len() as u64 <= 15 * RATE / 64 + 2);
        }
        let late = board.schedule.due(1) + Duration::from_secs(15);
        board.acknowledge(1, late);
        assert_eq!(board.late(), 1);
        let end = board.schedule.due(last) + Duration::from_secs(60);
        assert_eq!(tally.finish(end), judged(last, last / 4 * 3, 0));
    }
}
