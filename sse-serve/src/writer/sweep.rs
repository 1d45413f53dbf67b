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

    /// Brings the next look forward where a drain began since the last: the
    /// streams drew moments that are nearer.
    pub(super) fn hasten_sweep(&mut self) {
        if self.hub.is_draining() {
            let soon = Instant::now() + self.sweep_interval();
            self.next_sweep = self.next_sweep.min(soon);
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;
    use crate::hub::{Hub, HubConfig};
    use crate::log::WakeQueue;
    use crate::writer::Options;
    use crate::writer::group::Woken;
    use crate::writer::inbox::{Inbox, WAKER};

    #[test]
    fn a_drain_does_not_wait_for_the_look_that_was_due_without_it() {
        let hub = Hub::new(HubConfig::default());
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), WAKER).unwrap();
        let inbox = Arc::new(Inbox::new(waker));
        let options = Options {
            threads: 1,
            write_timeout: Duration::from_secs(60),
            flush_interval: Duration::ZERO,
        };
        let open = Arc::new(watch::Sender::new(0));
        let mut writer = Writer::new(poll, Arc::clone(&inbox), hub.clone(), options, open);
        let later = Instant::now() + Duration::from_secs(3600);
        writer.next_sweep = later;
        let mut wake = || {
            inbox.push(Woken::Socket(0).token());
            assert!(!writer.answer());
            writer.next_sweep
        };
        assert_eq!(wake(), later);
        hub.drain();
        assert!(wake() <= Instant::now() + DRAIN_SWEEP_MAX);
    }
}
