//! Counts and rates, in total and per event type.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

/// Seconds of history that a [`Series`] keeps.
pub const HISTORY: usize = 180;
/// Event types with a lane of their own; the rest share the last one.
pub const MAX_LANES: usize = 256;
/// Name of the lane that types beyond [`MAX_LANES`] share.
pub const OTHER: &str = "(other types)";

const RECENT: usize = 16;
const RATE_SECONDS: usize = 10;
const NANOS: i128 = 1_000_000_000;

/// Amounts per second of the wall clock over the last [`HISTORY`] seconds.
#[derive(Debug, Clone)]
pub struct Series {
    /// The newest second is at the back.
    seconds: VecDeque<u64>,
    newest: i64,
}

impl Series {
    fn new() -> Self {
        Self {
            seconds: VecDeque::new(),
            newest: 0,
        }
    }

    /// Adds an amount at a time. A time a little before the newest counts as the
    /// newest. One long before it begins anew: the clock was set back.
    fn add(&mut self, at: Timestamp, amount: u64) {
        let second = at.as_second();
        if self.newest - second > RATE_SECONDS.cast_signed() as i64 {
            self.seconds.clear();
        }
        if self.seconds.is_empty() {
            self.newest = second;
            self.seconds.push_back(0);
        }
        let ahead = (second - self.newest).max(0);
        if ahead >= HISTORY.cast_signed() as i64 {
            self.seconds.clear();
            self.seconds.push_back(0);
        } else {
            for _ in 0..ahead {
                self.seconds.push_back(0);
            }
        }
        self.newest += ahead;
        while self.seconds.len() > HISTORY {
            self.seconds.pop_front();
        }
        if let Some(last) = self.seconds.back_mut() {
            *last += amount;
        }
    }

    /// The last `count` whole seconds before `now`, oldest first.
    pub fn last(&self, now: Timestamp, count: usize) -> impl Iterator<Item = u64> + '_ {
        let end = now.as_second();
        (0..count).map(move |index| {
            let second = end - (count - index).cast_signed() as i64;
            let back = self.newest - second;
            usize::try_from(back)
                .ok()
                .and_then(|back| self.seconds.len().checked_sub(back + 1))
                .and_then(|position| self.seconds.get(position))
                .copied()
                .unwrap_or(0)
        })
    }

    /// Mean per second over the last whole seconds, at most ten.
    fn mean(&self, now: Timestamp, since: Timestamp) -> f64 {
        let whole =
            (now.as_second() - since.as_second()).clamp(1, RATE_SECONDS.cast_signed() as i64);
        self.last(now, whole as usize).sum::<u64>() as f64 / whole as f64
    }
}

/// How many, how fast, and when last.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Events so far.
    pub count: u64,
    /// When the last one arrived.
    pub last_seen: Timestamp,
    /// Events per second.
    pub series: Series,
    first_seen: Timestamp,
    recent: VecDeque<Timestamp>,
}

impl Meter {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            count: 0,
            last_seen: at,
            series: Series::new(),
            first_seen: at,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    pub(crate) fn add(&mut self, at: Timestamp) {
        self.count += 1;
        self.last_seen = at;
        self.first_seen = self.first_seen.min(at);
        self.series.add(at, 1);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
    }

    /// Events per second: over the last ten seconds where there are enough of
    /// them, else from the distances between the last few, so that one event
    /// every five seconds reads as a steady 0.2.
    pub fn rate(&self, now: Timestamp) -> f64 {
        let mean = self.series.mean(now, self.first_seen);
        if mean * RATE_SECONDS as f64 >= 20.0 {
            return mean;
        }
        let minute = now.as_nanosecond() - 60 * NANOS;
        let mut recent = self
            .recent
            .iter()
            .map(|at| at.as_nanosecond())
            .filter(|at| *at >= minute);
        let Some(first) = recent.next() else {
            return 0.0;
        };
        let (count, last) = recent.fold((0_u32, first), |(count, _), at| (count + 1, at));
        if count == 0 || last - first < NANOS / 2 {
            return mean;
        }
        let interval = (last - first) as f64 / f64::from(count);
        let silence = (now.as_nanosecond() - last) as f64;
        let span = (last - first) as f64 + (silence - 1.5 * interval).max(0.0);
        f64::from(count) / span * NANOS as f64
    }
}

/// One event type.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The event type as it came.
    pub name: String,
    /// Its figures.
    pub meter: Meter,
}

/// Figures of everything that arrived, shown or not.
#[derive(Debug)]
pub struct Stats {
    /// Event types in the order of their first event.
    pub lanes: Vec<Lane>,
    /// All events.
    pub events: Meter,
    /// Comments, and blocks that only move the last event ID.
    pub heartbeats: Meter,
    /// Bytes received so far.
    pub bytes: u64,
    byte_series: Series,
    started: Timestamp,
    index: HashMap<String, u16>,
}

impl Stats {
    /// Empty figures that begin at a time.
    pub fn new(started: Timestamp) -> Self {
        Self {
            lanes: Vec::new(),
            events: Meter::new(started),
            heartbeats: Meter::new(started),
            bytes: 0,
            byte_series: Series::new(),
            started,
            index: HashMap::new(),
        }
    }

    /// Counts an event and says which lane it belongs to.
    pub fn event(&mut self, event_type: &str, at: Timestamp) -> u16 {
        self.events.add(at);
        let lane = self.lane(event_type, at);
        self.lanes[usize::from(lane)].meter.add(at);
        lane
    }

    /// Counts what says only that the connection lives.
    pub fn heartbeat(&mut self, at: Timestamp) {
        self.heartbeats.add(at);
    }

    /// Counts bytes as they came over the wire.
    pub fn received(&mut self, bytes: usize, at: Timestamp) {
        self.bytes += bytes as u64;
        self.started = self.started.min(at);
        self.byte_series.add(at, bytes as u64);
    }

    /// Bytes per second over the last ten seconds.
    pub fn byte_rate(&self, now: Timestamp) -> f64 {
        self.byte_series.mean(now, self.started)
    }

    fn lane(&mut self, event_type: &str, at: Timestamp) -> u16 {
        if let Some(lane) = self.index.get(event_type) {
            return *lane;
        }
        if self.lanes.len() >= MAX_LANES {
            return (MAX_LANES - 1) as u16;
        }
        let lane = self.lanes.len() as u16;
        let name = if self.lanes.len() == MAX_LANES - 1 {
            OTHER
        } else {
            self.index.insert(event_type.to_owned(), lane);
            event_type
        };
        self.lanes.push(Lane {
            name: name.to_owned(),
            meter: Meter::new(at),
        });
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanosecond((seconds * 1e9) as i128).unwrap()
    }

    #[test]
    fn a_slow_steady_type_reads_as_its_true_rate_at_any_moment() {
        let mut stats = Stats::new(at(1000.0));
        for beat in 0..20 {
            stats.event("status", at(1000.0 + 5.0 * f64::from(beat)));
        }
        for now in [1095.1, 1097.0, 1099.9] {
            let rate = stats.lanes[0].meter.rate(at(now));
            assert!((rate - 0.2).abs() < 0.001, "{rate} at {now}");
        }
        let mut young = Stats::new(at(1000.0));
        young.event("status", at(1000.0));
        young.event("status", at(1005.0));
        let rate = young.lanes[0].meter.rate(at(1007.1));
        assert!((rate - 0.2).abs() < 0.001, "{rate}");
    }

    #[test]
    fn a_type_that_fell_silent_fades_to_nothing() {
        let mut stats = Stats::new(at(1000.0));
        for beat in 0..20 {
            stats.event("tick", at(1000.0 + f64::from(beat)));
        }
        assert!(stats.lanes[0].meter.rate(at(1030.0)) < 0.7);
        assert!(stats.lanes[0].meter.rate(at(1080.0)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_fast_type_is_measured_over_whole_seconds() {
        let mut stats = Stats::new(at(1000.0));
        for event in 0..5_000 {
            stats.event("tick", at(1000.0 + f64::from(event) / 1000.0));
        }
        let rate = stats.events.rate(at(1005.0));
        assert!((rate - 1000.0).abs() < 1.0, "{rate}");
    }

    #[test]
    fn a_series_is_aligned_to_the_clock_and_forgets() {
        let mut series = Series::new();
        series.add(at(100.2), 1);
        series.add(at(100.9), 1);
        series.add(at(103.0), 5);
        assert_eq!(
            series.last(at(104.5), 5).collect::<Vec<_>>(),
            [0, 2, 0, 0, 5]
        );
        assert_eq!(series.last(at(106.0), 3).collect::<Vec<_>>(), [5, 0, 0]);
        series.add(at(9_000.0), 7);
        assert_eq!(series.last(at(9_001.0), 2).collect::<Vec<_>>(), [0, 7]);
        series.add(at(8_995.0), 1);
        assert_eq!(series.last(at(9_001.0), 1).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_series_begins_anew_when_the_clock_is_set_back() {
        let mut series = Series::new();
        series.add(at(9_000.0), 7);
        series.add(at(10.0), 1);
        series.add(at(11.0), 2);
        assert_eq!(series.last(at(12.0), 3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn types_beyond_the_limit_share_a_lane_and_none_goes_uncounted() {
        let mut stats = Stats::new(at(0.0));
        for number in 0..1_000 {
            stats.event(&format!("type-{number}"), at(1.0));
        }
        assert_eq!(stats.lanes.len(), MAX_LANES);
        assert_eq!(stats.lanes[MAX_LANES - 1].name, OTHER);
        let counted: u64 = stats.lanes.iter().map(|lane| lane.meter.count).sum();
        assert_eq!(counted, 1_000);
        assert_eq!(stats.event("type-3", at(2.0)), 3);
    }
}
