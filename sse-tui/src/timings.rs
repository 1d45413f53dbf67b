//! How long frames take, and how long events and keys wait for one.

use std::time::Instant;

use hdrhistogram::Histogram;

use crate::format;

/// Longer times count as this: microseconds of a minute.
const LONGEST: u64 = 60_000_000;

/// Times in microseconds, to three digits.
#[derive(Debug)]
struct Times(Option<Histogram<u64>>);

impl Times {
    fn new() -> Self {
        // Fails only for bounds that are none.
        Self(Histogram::new_with_bounds(1, LONGEST, 3).ok())
    }

    fn add(&mut self, since: Instant, until: Instant) {
        let time = until.saturating_duration_since(since).as_micros();
        if let Some(times) = &mut self.0 {
            times.saturating_record(u64::try_from(time).unwrap_or(LONGEST).min(LONGEST));
        }
    }

    fn text(&self) -> String {
        let Some(times) = self.0.as_ref().filter(|times| !times.is_empty()) else {
            return "none".to_owned();
        };
        let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
        format!(
            "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.2} ms of {}",
            milliseconds(times.value_at_quantile(0.5)),
            milliseconds(times.value_at_quantile(0.99)),
            milliseconds(times.value_at_quantile(0.999)),
            milliseconds(times.max()),
            format::count(times.len()),
        )
    }
}

/// What is noted from frame to frame.
#[derive(Debug)]
pub struct Timings {
    frames: Times,
    undrawn: Times,
    keys: Times,
    /// When the oldest event was received that no frame has taken in.
    oldest: Option<Instant>,
    /// When the oldest key was read that no frame has taken in.
    key: Option<Instant>,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            frames: Times::new(),
            undrawn: Times::new(),
            keys: Times::new(),
            oldest: None,
            key: None,
        }
    }
}

impl Timings {
    /// Bytes with events in them were received.
    pub fn received(&mut self, at: Instant) {
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
    }

    /// A key was read.
    pub fn key(&mut self, at: Instant) {
        self.key.get_or_insert(at);
    }

    /// A frame with all of that was begun and has been written to the terminal.
    pub fn drawn(&mut self, begun: Instant, written: Instant) {
        self.frames.add(begun, written);
        if let Some(oldest) = self.oldest.take() {
            self.undrawn.add(oldest, written);
        }
        if let Some(key) = self.key.take() {
            self.keys.add(key, written);
        }
    }

    /// For people: a line for each kind of time.
    pub fn report(&self) -> String {
        format!(
            "frame drawn and written: {}\noldest event not yet drawn: {}\nkey to paint: {}",
            self.frames.text(),
            self.undrawn.text(),
            self.keys.text()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_event_counts_and_each_once() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut timings = Timings::default();
        timings.received(after(10));
        // Of another stream, and taken in later.
        timings.received(after(4));
        timings.key(after(20));
        timings.key(after(22));
        timings.drawn(after(30), after(31));
        timings.drawn(after(60), after(62));
        let report = timings.report();
        let lines: Vec<_> = report.lines().collect();
        assert!(lines[0].ends_with("most 2.00 ms of 2"), "{report}");
        assert!(
            lines[1].contains("p50 27.0") && lines[1].ends_with(" of 1"),
            "{report}"
        );
        assert!(
            lines[2].contains("p50 11.0") && lines[2].ends_with(" of 1"),
            "{report}"
        );
    }

    #[test]
    fn where_nothing_was_drawn_it_says_none() {
        assert_eq!(
            Timings::default().report().lines().nth(1),
            Some("oldest event not yet drawn: none")
        );
    }
}
