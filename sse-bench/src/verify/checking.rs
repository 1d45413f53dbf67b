//! The thread that checks: it takes the batches of the receiving threads and puts
//! their entries in order of time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::anomalies::SlotFrames;
use super::feed::{Batch, Entry, MOST_BATCHES, What};
use super::plan::micros;
use crate::checker::{Checker, Micros, Reception};
use crate::histogram::Latency;
use crate::live::Counter;
use crate::series::{Latencies, Pulse, Recorder};
use crate::tui::Judge;

/// How often it is looked whether a judgement is wanted where nothing arrives.
const IDLE: Duration = Duration::from_millis(50);
/// How often what was measured is shown, where somebody looks.
const POST_EVERY: Duration = Duration::from_secs(1);

/// What the series shows of the checker, for other threads.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) told_apart: Counter,
    pub(super) control: Counter,
    pub(super) unkeyed: Counter,
    pub(super) announced: Counter,
    pub(super) id_conflict: Counter,
}

/// What it has in the end.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) checker: Checker,
    /// How much later than the first connection each other one received an event.
    pub(super) skew: Latency,
    pub(super) frames: Vec<SlotFrames>,
}

/// One thread's batches that wait for those of others.
#[derive(Debug, Default)]
struct Source {
    batches: VecDeque<Batch>,
    /// Entries of the first that are done.
    done: usize,
    upto: Micros,
}

impl Source {
    /// Nothing comes from before this.
    fn next_at(&self) -> Micros {
        let first = self.batches.front();
        first.map_or(self.upto, |batch| batch.entries[self.done].at)
    }

    fn take(&mut self, batch: Batch) {
        self.upto = batch.upto;
        if !batch.entries.is_empty() {
            self.batches.push_back(batch);
        }
    }
}

/// The checker and those who feed it.
pub(super) struct Checking {
    checked: Checked,
    sources: Vec<Source>,
    seen: Arc<Seen>,
    recorder: Arc<Recorder>,
    judge: Option<Judge>,
    start: Instant,
    posted_at: Instant,
    last: Reception,
}

impl Checking {
    /// `threads` feed it in order of time; who has a higher number is not waited for.
    pub(super) fn new(
        checked: Checked,
        threads: usize,
        seen: Arc<Seen>,
        recorder: Arc<Recorder>,
        judge: Option<Judge>,
        start: Instant,
    ) -> Self {
        Self {
            checked,
            sources: (0..threads).map(|_| Source::default()).collect(),
            seen,
            recorder,
            judge,
            start,
            posted_at: start,
            last: Reception::default(),
        }
    }

    /// Until all who feed it are gone.
    pub(super) fn run(mut self, batches: &Receiver<(usize, Batch)>) -> Checked {
        loop {
            match batches.recv_timeout(IDLE) {
                Ok((source, batch)) => self.take(source, batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            for (source, batch) in batches.try_iter().take(MOST_BATCHES) {
                self.take(source, batch);
            }
            self.merge();
            self.show();
        }
        for source in &mut self.sources {
            source.upto = Micros::MAX;
        }
        self.merge();
        self.show();
        self.checked
    }

    fn take(&mut self, source: usize, batch: Batch) {
        match self.sources.get_mut(source) {
            Some(source) => source.take(batch),
            None => {
                for entry in &batch.entries {
                    self.checked.enter(source, &batch, entry, &mut self.last);
                }
            }
        }
    }

    /// Checks what comes next, as far as that is known; where a thread lets the others
    /// wait for too long, in the order in which it came.
    fn merge(&mut self) {
        loop {
            let waiting: usize = self.sources.iter().map(|source| source.batches.len()).sum();
            let next = self.sources.iter().enumerate();
            let next = next.filter(|(_, source)| !source.batches.is_empty());
            let Some((number, _)) = next.min_by_key(|(_, source)| source.next_at()) else {
                return;
            };
            let others = self.sources.iter().enumerate();
            let others = others.filter(|(other, _)| *other != number);
            let mut limit = others.map(|(_, source)| source.next_at()).min();
            if waiting > MOST_BATCHES {
                limit = None;
            }
            let limit = limit.unwrap_or(Micros::MAX);
            let source = &mut self.sources[number];
            let Some(batch) = source.batches.front() else {
                return;
            };
            let before = source.done;
            for entry in &batch.entries[before..] {
                if entry.at > limit {
                    break;
                }
                source.done += 1;
                self.checked.enter(number, batch, entry, &mut self.last);
            }
            if source.done == batch.entries.len() {
                source.batches.pop_front();
                source.done = 0;
            } else if source.done == before {
                return;
            }
        }
    }

    /// Tells others how far it is.
    fn show(&mut self) {
        let checker = &mut self.checked.checker;
        let so_far = checker.so_far();
        let seen = &self.seen;
        for (counter, value) in [
            (&seen.told_apart, so_far.told_apart),
            (&seen.control, so_far.control),
            (&seen.unkeyed, so_far.unkeyed),
            (&seen.announced, so_far.announced),
            (&seen.id_conflict, so_far.id_conflict),
        ] {
            counter.set(value);
        }
        let now = Instant::now();
        if let Some(judge) = &mut self.judge {
            let at = micros(now.saturating_duration_since(self.start));
            judge.judge(checker, at);
        }
        if now.saturating_duration_since(self.posted_at) >= POST_EVERY {
            self.posted_at = now;
            let skew = &self.checked.skew;
            self.recorder.board.post(u32::MAX, || Pulse {
                latencies: Latencies::from_iter([("skew", skew.distribution())]),
                ..Pulse::default()
            });
        }
    }
}

impl Checked {
    fn enter(&mut self, source: usize, batch: &Batch, entry: &Entry, last: &mut Reception) {
        let (slot, at, checker) = (entry.slot as usize, entry.at, &mut self.checker);
        match &entry.what {
            What::Sighted(sighted) => {
                *last = checker.sighted(slot, at, &batch.sighting(sighted));
                if let Some(skew) = last.skew {
                    self.skew.record(Duration::from_micros(skew));
                }
            }
            What::Asked => checker.asked(slot, at),
            What::Opened(cursor) => {
                let cursor = batch.text(*cursor);
                checker.opened(slot, at, cursor);
                if let Some(frames) = self.frames.get_mut(slot) {
                    frames.opened(cursor);
                }
            }
            What::Closed(end) => checker.closed(slot, at, *end),
            What::Rejected => checker.rejected(slot),
            What::Gone => checker.gone(slot),
            What::Block(bytes, id) => {
                if let Some(frames) = self.frames.get_mut(slot) {
                    let id = id.map(|id| batch.text(id).into());
                    frames.block(at, batch.bytes(*bytes), id, last);
                }
            }
            What::Begins(bytes) => {
                if let Some(frames) = self.frames.get_mut(slot) {
                    frames.begins(batch.bytes(*bytes));
                }
            }
            What::Looked(since) => checker.looked(source, *since, at),
            What::Acknowledged(number) => checker.acknowledged(*number, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::super::feed::Feed;
    use super::*;
    use crate::checker::{Arrival, Settings, Sighter};

    /// What two threads tell of two slots, one each, in these turns: the thread, and when
    /// it receives the event of this number.
    fn check(turns: &[(usize, &[(Micros, u32)])]) -> Checked {
        let settings = Settings::default();
        let mut checker = Checker::new(settings.clone());
        checker.add_slots(2);
        let (told, batches) = sync_channel(MOST_BATCHES);
        let mut feeds: Vec<Feed> = (0..2)
            .map(|source| Feed::new(source, Sighter::new(settings.clone()), told.clone()))
            .collect();
        drop(told);
        for (source, feed) in feeds.iter_mut().enumerate() {
            feed.opened(source as u32, 0, "");
        }
        for (source, events) in turns {
            let feed = &mut feeds[*source];
            for (at, id) in *events {
                let id = id.to_string();
                let arrival = Arrival {
                    event_type: "tick",
                    data: &id,
                    id: Some(&id),
                };
                feed.received(*source as u32, *at, &arrival);
            }
            feed.hand_over(events.last().map_or(0, |(at, _)| *at));
        }
        drop(feeds);
        let checked = Checked {
            checker,
            skew: Latency::default(),
            frames: Vec::new(),
        };
        let (seen, start) = (Arc::new(Seen::default()), Instant::now());
        let recorder = Arc::new(Recorder::new(start, 2, &[]));
        Checking::new(checked, 2, seen, recorder, None, start).run(&batches)
    }

    #[test]
    fn what_threads_received_is_checked_in_the_order_of_time() {
        // The first tells late what it received early.
        let checked = check(&[
            (1, &[(20_000, 1), (30_000, 2)]),
            (1, &[(50_000, 3)]),
            (0, &[(10_000, 1), (29_000, 2)]),
            (0, &[(55_000, 3)]),
        ]);
        let skew = checked.skew.summary().map(|skew| (skew.count, skew.max_us));
        assert_eq!(skew, Some((3, 10_000)));
        let findings = checked.checker.judge(10_000_000);
        assert_eq!(findings.integrity.expected, 6);
        assert_eq!(findings.integrity.received, 6);
        assert_eq!(findings.anomalies, []);
    }
}
