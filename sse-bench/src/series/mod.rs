//! A run over time: samples of its counters and latencies, a bounded number of
//! them, that can be looked at while it runs.

pub mod board;
pub mod distribution;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

pub use board::{Board, Pulse};
pub use distribution::Distribution;

use crate::live::Snapshot;

/// The first distance of two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// Samples at most; when there are so many, each two become one.
const MOST_SAMPLES: usize = 600;

/// Durations by the names of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies(Vec<(&'static str, Distribution)>);

impl Latencies {
    /// Those of this name; `None` if nothing was measured.
    pub fn of(&self, name: &str) -> Option<&Distribution> {
        let mut all = self.0.iter();
        let found = all.find(|(known, of)| *known == name && of.count() > 0);
        found.map(|(_, distribution)| distribution)
    }

    /// Adds what was measured beside it.
    pub fn merge(&mut self, other: &Self) {
        for (name, distribution) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => sum.merge(distribution),
                None => self.0.push((name, distribution.clone())),
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Distribution)> {
        self.0
            .iter()
            .map(|(name, distribution)| (*name, distribution))
    }

    fn is_empty(&self) -> bool {
        self.0
            .iter()
            .all(|(_, distribution)| distribution.count() == 0)
    }
}

impl FromIterator<(&'static str, Distribution)> for Latencies {
    fn from_iter<I: IntoIterator<Item = (&'static str, Distribution)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// What a command records beside the counters of all commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns {
    /// The names of [`Sample::sums`].
    pub sums: &'static [&'static str],
    /// The names of [`Sample::latencies`].
    pub latencies: &'static [&'static str],
}

/// The latencies of endless streams over time.
const OF_STREAMS: &[&str] = &["delivery", "reconnect"];

/// One interval of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// Its end, since the start of the run.
    pub at: Duration,
    /// How long it was.
    pub length: Duration,
    /// Slots at its end: open, ...
    pub open: u64,
    /// ... tried, but not open now, ...
    pub away: u64,
    /// ... not tried yet, ...
    pub unopened: u64,
    /// ... and over for good.
    pub ended: u64,
    /// Events dispatched in it.
    pub deliveries: u64,
    /// Bytes received in it.
    pub bytes: u64,
    /// Reconnects in it.
    pub reconnects: u64,
    /// Failures in it.
    pub errors: u64,
    /// What else the command counts, since the start of the run.
    pub sums: Vec<u64>,
    /// Durations that ended in it.
    pub latencies: Latencies,
}

impl Sample {
    /// What of `amount` falls on a second.
    pub fn per_second(&self, amount: u64) -> f64 {
        amount as f64 / self.length.as_secs_f64().max(1e-3)
    }

    fn starts(&self) -> Duration {
        self.at.saturating_sub(self.length)
    }

    /// This one and the next as one.
    fn join(&mut self, next: Self) {
        let Self {
            length,
            deliveries,
            bytes,
            reconnects,
            errors,
            latencies,
            ..
        } = std::mem::take(self);
        *self = next;
        self.length += length;
        self.deliveries += deliveries;
        self.bytes += bytes;
        self.reconnects += reconnects;
        self.errors += errors;
        self.latencies.merge(&latencies);
    }
}

/// The samples of a run.
#[derive(Debug, Clone)]
pub struct Series {
    slots: u64,
    /// What the samples hold.
    pub columns: Columns,
    interval: Duration,
    samples: Vec<Sample>,
    last: (Duration, Snapshot),
    /// Of intervals that have no sample yet.
    early: Vec<(Duration, Latencies)>,
}

impl Default for Series {
    fn default() -> Self {
        Self::new(0, Columns::default())
    }
}

impl Series {
    fn new(slots: u64, columns: Columns) -> Self {
        Self {
            slots,
            columns,
            interval: INTERVAL,
            samples: Vec::new(),
            last: (Duration::ZERO, Snapshot::default()),
            early: Vec::new(),
        }
    }

    /// All samples, in order.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// What of the sum of this name came in each sample.
    pub fn counted(&self, name: &str) -> Vec<u64> {
        let Some(index) = self.columns.sums.iter().position(|sum| *sum == name) else {
            return Vec::new();
        };
        let mut before = 0;
        let sums = self.samples.iter().map(|sample| sample.sums[index]);
        sums.map(|sum| sum.saturating_sub(std::mem::replace(&mut before, sum)))
            .collect()
    }

    fn is_due(&self, at: Duration) -> bool {
        let intervals = self.last.0.as_nanos() / self.interval.as_nanos() + 1;
        at.as_nanos() >= intervals * self.interval.as_nanos()
    }

    fn push(&mut self, at: Duration, now: Snapshot, sums: Vec<u64>) {
        let (since, before) = std::mem::replace(&mut self.last, (at, now));
        if at <= since {
            return;
        }
        let mut sample = Sample {
            at,
            length: at.saturating_sub(since),
            open: now.open,
            away: now.settled.saturating_sub(now.open + now.ended),
            unopened: self.slots.saturating_sub(now.settled),
            ended: now.ended,
            deliveries: now.deliveries.saturating_sub(before.deliveries),
            bytes: now.bytes.saturating_sub(before.bytes),
            reconnects: now.reconnects.saturating_sub(before.reconnects),
            errors: now.failures.saturating_sub(before.failures),
            sums,
            latencies: Latencies::default(),
        };
        self.early.retain(|(of, latencies)| {
            let later = *of > at;
            if !later {
                sample.latencies.merge(latencies);
            }
            later
        });
        self.samples.push(sample);
        if self.samples.len() >= MOST_SAMPLES {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.interval *= 2;
        let mut halved: Vec<Sample> = Vec::with_capacity(MOST_SAMPLES);
        for (number, sample) in std::mem::take(&mut self.samples).into_iter().enumerate() {
            match halved.last_mut() {
                Some(last) if !number.is_multiple_of(2) => last.join(sample),
                _ => halved.push(sample),
            }
        }
        self.samples = halved;
    }

    /// A rate over a moment says nothing.
    fn join_short_end(&mut self) {
        let short = |last: &Sample| last.length < self.interval / 4;
        if self.samples.len() > 1
            && let Some(last) = self.samples.pop_if(|last| short(last))
            && let Some(before) = self.samples.last_mut()
        {
            before.join(last);
        }
    }

    /// `of` is a moment in the middle of the interval.
    fn add(&mut self, of: Duration, latencies: Latencies) {
        let mut samples = self.samples.iter_mut().rev();
        match samples.find(|sample| sample.starts() < of && of <= sample.at) {
            Some(sample) => sample.latencies.merge(&latencies),
            None => self.early.push((of, latencies)),
        }
    }
}

/// Makes a series while others look at it. Nothing on the receive path comes
/// here: threads hand over what they measured once a second.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    /// What is shown while the run goes on, beside the series.
    pub board: Board,
    series: Mutex<Series>,
}

impl Recorder {
    /// Of a run of so many endless streams; `sums` names what the command counts beside
    /// the counters of all commands.
    pub fn new(start: Instant, slots: u64, sums: &'static [&'static str]) -> Self {
        let latencies = OF_STREAMS;
        Self::of(start, slots, Columns { sums, latencies })
    }

    /// Of a run of so many slots.
    pub fn of(start: Instant, slots: u64, columns: Columns) -> Self {
        Self {
            start,
            board: Board::default(),
            series: Mutex::new(Series::new(slots, columns)),
        }
    }

    /// Whether a sample is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.lock()
            .is_due(now.saturating_duration_since(self.start))
    }

    /// Takes a sample where one is due; to be called often.
    pub fn observe(&self, now: Instant, counters: impl FnOnce() -> (Snapshot, Vec<u64>)) {
        let at = now.saturating_duration_since(self.start);
        let mut series = self.lock();
        if series.is_due(at) {
            let (snapshot, sums) = counters();
            series.push(at, snapshot, sums);
        }
    }

    /// What a thread measured since it last did so; `now` is the end of that time.
    pub fn hand_over(&self, now: Instant, latencies: Latencies) {
        let at = now.saturating_duration_since(self.start);
        let of = at.saturating_sub(INTERVAL / 2).max(Duration::from_nanos(1));
        if !latencies.is_empty() {
            self.lock().add(of, latencies);
        }
    }

    /// Has a thread hand over each second what it measured in it, and post what is
    /// shown meanwhile, until that is dropped.
    pub async fn collect(
        &self,
        thread: u32,
        mut turn: impl FnMut() -> Latencies,
        pulse: impl Fn() -> Pulse,
    ) {
        let mut tick = tokio::time::interval_at((self.start + INTERVAL).into(), INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tick.tick().await;
            self.hand_over(Instant::now(), turn());
            self.board.post(thread, &pulse);
        }
    }

    /// The end of the run: all samples.
    pub fn finish(&self, now: Instant, snapshot: Snapshot, sums: Vec<u64>) -> Series {
        let mut series = self.lock();
        let at = now.saturating_duration_since(self.start);
        series.push(at, snapshot, sums);
        series.join_short_end();
        // What came at the very end belongs to the last sample.
        for (_, latencies) in std::mem::take(&mut series.early) {
            if let Some(last) = series.samples.last_mut() {
                last.latencies.merge(&latencies);
            }
        }
        series.clone()
    }

    /// The series so far.
    pub fn read<T>(&self, look: impl FnOnce(&Series) -> T) -> T {
        look(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn counted(deliveries: u64) -> Snapshot {
        Snapshot {
            settled: 3,
            open: 2,
            deliveries,
            ..Snapshot::default()
        }
    }

    fn latency(micros: u64) -> Latencies {
        Latencies::from_iter([("delivery", Distribution::new([(micros, 1)], micros))])
    }

    #[test]
    fn a_sample_tells_what_came_since_the_one_before() {
        let start = Instant::now();
        let recorder = Recorder::new(start, 5, &["cuts"]);
        for (at, deliveries) in [(400, 3), (1010, 7), (1990, 8), (2000, 12)] {
            let now = start + Duration::from_millis(at);
            recorder.observe(now, || (counted(deliveries), vec![deliveries]));
        }
        let end = start + Duration::from_millis(2500);
        let series = recorder.finish(end, counted(13), vec![13]);
        let seen: Vec<_> = series
            .samples()
            .iter()
            .map(|sample| (sample.at.as_millis(), sample.deliveries, sample.sums[0]))
            .collect();
        assert_eq!(seen, [(1010, 7, 7), (2000, 5, 12), (2500, 1, 13)]);
        assert_eq!(series.counted("cuts"), [7, 5, 1]);
        assert!(series.counted("other").is_empty());
        let first = &series.samples()[0];
        assert_eq!((first.open, first.away, first.unopened), (2, 1, 2));
    }

    #[test]
    fn latencies_belong_to_the_interval_in_which_they_were_measured() {
        let start = Instant::now();
        let recorder = Recorder::new(start, 3, &[]);
        let at = |millis| start + Duration::from_millis(millis);
        // One thread is ahead of the sampler, another behind it.
        recorder.hand_over(at(1000), latency(1));
        recorder.observe(at(1001), || (counted(1), vec![]));
        recorder.hand_over(at(1003), latency(2));
        recorder.hand_over(at(2000), latency(30));
        recorder.observe(at(2001), || (counted(2), vec![]));
        recorder.hand_over(at(2600), latency(40));
        let series = recorder.finish(at(2601), counted(3), vec![]);
        let seen: Vec<_> = series
            .samples()
            .iter()
            .map(|sample| {
                let delivery = sample.latencies.of("delivery").unwrap();
                (delivery.count(), delivery.max_us())
            })
            .collect();
        assert_eq!(seen, [(2, Some(2)), (1, Some(30)), (1, Some(40))]);
    }

    #[test]
    fn a_long_run_has_fewer_samples_and_loses_nothing() {
        let start = Instant::now();
        let recorder = Recorder::new(start, 3, &[]);
        for second in 1..=20_000_u32 {
            let now = start + SECOND * second;
            recorder.hand_over(now, latency(second.into()));
            recorder.observe(now, || (counted(u64::from(second) * 2), vec![]));
        }
        let series = recorder.read(Clone::clone);
        let samples = series.samples();
        assert!((MOST_SAMPLES / 2..MOST_SAMPLES).contains(&samples.len()));
        let recorded = samples.last().unwrap().at;
        assert!(recorded > SECOND * 19_000);
        let sum: u64 = samples.iter().map(|sample| sample.deliveries).sum();
        assert_eq!(sum, recorded.as_secs() * 2);
        let latencies: u64 = samples
            .iter()
            .filter_map(|sample| Some(sample.latencies.of("delivery")?.count()))
            .sum();
        assert_eq!(latencies, recorded.as_secs());
        let ends: Duration = samples.iter().map(|sample| sample.length).sum();
        assert_eq!(ends, recorded);
    }
}
