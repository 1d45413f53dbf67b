//! What is seen of a run while it goes on: a view of it on a terminal, or one
//! line on standard error.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::live::Snapshot;
use crate::series::Recorder;
use crate::tui::{self, Feed, Judge, StormNow, Title, Tui};
use crate::units::{rate, seconds, thousands};

/// How often a line is written where nobody watches.
const LOG_INTERVAL: Duration = Duration::from_secs(5);
/// How often the line is written again on a terminal.
const LINE_INTERVAL: Duration = Duration::from_millis(250);
/// What the rate on a terminal is taken from, at least: streams come in bursts.
const RATE_INTERVAL: Duration = Duration::from_secs(2);

/// Progress on standard error: on a terminal a view of the run, or a line that is
/// rewritten; elsewhere a line every 5 s.
#[derive(Debug)]
pub struct Progress {
    line: Ticker,
    /// How often a frame is drawn and what is known beforehand, until it begins.
    wanted: Option<(Duration, Title)>,
    tui: Option<Tui>,
    shown_at: Option<Instant>,
    interval: Duration,
    phase: Option<&'static str>,
    storm: Option<StormNow>,
    /// Times and counters of late.
    recent: VecDeque<(Duration, Snapshot)>,
}

impl Progress {
    /// Progress of a run of this many connections, in a line.
    pub fn new(connections: u32) -> Self {
        Self {
            line: Ticker::new(connections),
            wanted: None,
            tui: None,
            shown_at: None,
            interval: LINE_INTERVAL,
            phase: None,
            storm: None,
            recent: VecDeque::new(),
        }
    }

    /// With a view of the run instead, drawn once in each `frame`, if there is a
    /// terminal for it.
    #[must_use]
    pub fn with_view(mut self, frame: Option<Duration>, title: impl FnOnce() -> Title) -> Self {
        let frame = frame.filter(|_| tui::is_possible());
        self.wanted = frame.map(|frame| (frame, title()));
        self
    }

    /// The run has begun: this is where it is recorded.
    pub fn begin(&mut self, recorder: &Arc<Recorder>) {
        if let Some((frame, title)) = self.wanted.take() {
            self.tui = Tui::start(title, frame, recorder);
            self.interval = frame;
        }
    }

    /// What the run is doing now, where it has more to say than ramp, hold and drain.
    pub fn phase(&mut self, phase: &'static str) {
        self.phase = Some(phase);
    }

    /// Where the storm stands.
    pub fn storm(&mut self, storm: StormNow) {
        self.storm = Some(storm);
    }

    /// Whether it is time to show where the run stands.
    pub fn is_due(&self) -> bool {
        self.shown_at.is_none_or(|at| at.elapsed() >= self.interval)
    }

    /// Shows where the run stands; `left` is how long the connections are yet
    /// to be held.
    pub fn show(&mut self, now: &Snapshot, elapsed: Duration, left: Option<Duration>) {
        self.shown_at = Some(Instant::now());
        let Some(tui) = &self.tui else {
            return self.line.show(now, elapsed, left);
        };
        self.recent.push_back((elapsed, *now));
        let old = |of: &(Duration, Snapshot)| elapsed.saturating_sub(of.0) > RATE_INTERVAL;
        while self.recent.len() > 2 && self.recent.get(1).is_some_and(old) {
            self.recent.pop_front();
        }
        let (since, before) = self.recent[0];
        let seconds = elapsed.saturating_sub(since).as_secs_f64().max(0.1);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        tui.feed(Feed {
            now: *now,
            elapsed,
            left,
            phase: self.phase,
            deliveries: rate(now.deliveries, before.deliveries),
            bytes: rate(now.bytes, before.bytes),
            requests: rate(now.requests, before.requests),
            storm: self.storm.clone(),
        });
    }

    /// Where a verification is handed over to be judged as if the run ended now, if
    /// somebody looks.
    pub fn judge(&self) -> Option<Judge> {
        self.tui.as_ref().map(Tui::judge)
    }

    /// Makes room for the report.
    pub fn clear(&mut self) {
        self.tui = None;
        self.line.clear();
    }
}

/// The line.
#[derive(Debug)]
struct Ticker {
    connections: u64,
    terminal: bool,
    shown: bool,
    /// Time and events from which the rate is taken, and the rate before.
    base: (Duration, u64),
    rate: f64,
}

impl Ticker {
    fn new(connections: u32) -> Self {
        Self {
            connections: connections.into(),
            terminal: std::io::stderr().is_terminal(),
            shown: false,
            base: (Duration::ZERO, 0),
            rate: 0.0,
        }
    }

    fn show(&mut self, now: &Snapshot, elapsed: Duration, left: Option<Duration>) {
        let (before, deliveries) = self.base;
        let since = elapsed.saturating_sub(before);
        if !self.terminal && since < LOG_INTERVAL {
            return;
        }
        if since >= RATE_INTERVAL || !self.shown {
            let events = now.deliveries.saturating_sub(deliveries);
            self.rate = events as f64 / since.as_secs_f64().max(1e-3);
            self.base = (elapsed, now.deliveries);
        }
        self.shown = true;
        let line = line(now, self.connections, elapsed, left, self.rate);
        // A closed standard error is no reason to end a run.
        let mut stderr = std::io::stderr().lock();
        let _ = if self.terminal {
            write!(stderr, "\r\x1b[2K{line}")
        } else {
            writeln!(stderr, "{line}")
        };
    }

    fn clear(&mut self) {
        if self.terminal && self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

fn line(
    now: &Snapshot,
    connections: u64,
    elapsed: Duration,
    left: Option<Duration>,
    per_second: f64,
) -> String {
    let phase = left.map_or_else(
        || "opening".to_owned(),
        |left| format!("{} to go", seconds(left)),
    );
    let mut line = format!(
        "{} ({phase}): {} of {} open, {} events, {}/s",
        seconds(elapsed),
        thousands(now.open),
        thousands(connections),
        thousands(now.deliveries),
        rate(per_second),
    );
    for (count, what) in [
        (now.requests, "requests done"),
        (now.reconnects, "reconnects"),
        (now.failures, "errors"),
    ] {
        if count > 0 {
            line.extend([", ", &thousands(count), " ", what]);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_the_run_is() {
        let now = Snapshot {
            open: 4999,
            deliveries: 12_000,
            failures: 1,
            ..Snapshot::default()
        };
        let elapsed = Duration::from_millis(7500);
        let left = Some(Duration::from_millis(2500));
        assert_eq!(
            line(&now, 5000, elapsed, left, 4000.0),
            "7.5 s (2.5 s to go): 4,999 of 5,000 open, 12,000 events, 4,000/s, 1 errors"
        );
    }
}
