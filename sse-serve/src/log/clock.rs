//! Time as the log keeps it.

use std::time::{Duration, Instant, SystemTime};

/// Milliseconds since the Unix epoch that only ever grow: the system's clock is
/// read once, so that a jump of it ages nothing and revives nothing.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    unix_millis: u64,
    /// Set by a test that moves time itself.
    #[cfg(test)]
    stopped_at: std::sync::atomic::AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            started: Instant::now(),
            unix_millis: millis(unix.unwrap_or_default()),
            #[cfg(test)]
            stopped_at: std::sync::atomic::AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(crate) fn at(&self, moment: Instant) -> u64 {
        #[cfg(test)]
        if let stopped_at @ 1.. = self.stopped_at.load(std::sync::atomic::Ordering::Relaxed) {
            return stopped_at;
        }
        let elapsed = moment.saturating_duration_since(self.started);
        self.unix_millis.saturating_add(millis(elapsed))
    }

    /// From now on it is this late.
    #[cfg(test)]
    pub(crate) fn stop_at(&self, unix_millis: u64) {
        let stopped_at = &self.stopped_at;
        stopped_at.store(unix_millis, std::sync::atomic::Ordering::Relaxed);
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
