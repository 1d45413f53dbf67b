//! What falls due by the clock, looked for now and then.

use std::io;
use std::time::{Duration, Instant};

use crate::writer::socket::Outcome;
use crate::writer::thread::Writer;

/// The longest time between two looks at what falls due by the clock.
const SWEEP_MAX: Duration = Duration::from_secs(1);

/// The same while streams are closed at moments of their own.
const DRAIN_SWEEP_MAX: Duration = Duration::from_millis(100);

const SWEEP_MIN: Duration = Duration::from_millis(5);

impl Writer {
    /// Heartbeats, closes, and writes that stand still.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.portions.clear();
        let timeout = self.options.write_timeout;
        let is_late = |since: Instant| now.saturating_duration_since(since) >= timeout;
        let due: Vec<(usize, bool)> = self
            .sockets
            .iter()
            .filter_map(|(key, socket)| match socket.stalled {
                Some(since) if is_late(since) => Some((key, true)),
                // Of one that stands still, to see whether it is to end.
                _ => (socket.cursor.deadline() <= now).then_some((key, false)),
            })
            .collect();
        for (key, is_stalled) in due {
            if is_stalled {
                self.settle(key, Outcome::Gone(Some(io::ErrorKind::TimedOut)));
            } else {
                self.advance(key, now);
            }
        }
        self.next_sweep = now + self.sweep_interval();
    }

    /// Fine enough for the deadlines that there are.
    fn sweep_interval(&self) -> Duration {
        let config = self.hub.config();
        let deadlines = config.heartbeat.min(self.options.write_timeout) / 15;
        let interval = if self.hub.is_draining() {
            deadlines.min(config.drain / 50).min(DRAIN_SWEEP_MAX)
        } else {
            deadlines.min(SWEEP_MAX)
        };
        interval.max(SWEEP_MIN)
    }
}
