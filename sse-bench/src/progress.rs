//! One line on standard error while a run goes on.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::live::Snapshot;
use crate::units::{rate, seconds, thousands};

/// How often a line is written where nobody watches.
const LOG_INTERVAL: Duration = Duration::from_secs(5);
/// What the rate on a terminal is taken from, at least: streams come in bursts.
const RATE_INTERVAL: Duration = Duration::from_secs(2);

/// Progress on standard error: a line that is rewritten on a terminal, a line
/// every 5 s elsewhere.
#[derive(Debug)]
pub struct Progress {
    connections: u64,
    terminal: bool,
    shown: bool,
    /// Time and events from which the rate is taken, and the rate before.
    base: (Duration, u64),
    rate: f64,
}

impl Progress {
    /// Progress of a run of this many connections.
    pub fn new(connections: u32) -> Self {
        Self {
            connections: connections.into(),
            terminal: std::io::stderr().is_terminal(),
            shown: false,
            base: (Duration::ZERO, 0),
            rate: 0.0,
        }
    }

    /// Shows where the run stands; `left` is how long the connections are yet
    /// to be held.
    pub fn show(&mut self, now: &Snapshot, elapsed: Duration, left: Option<Duration>) {
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

    /// Makes room for the report.
    pub fn clear(&mut self) {
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
    for (count, what) in [(now.reconnects, "reconnects"), (now.failures, "errors")] {
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
