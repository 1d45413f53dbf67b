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
    /// A log that was written before goes on from there where the system's clock
    /// has been set back since: its events' ages count from one another.
    pub(crate) fn not_before(moment: u64) -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            started: Instant::now(),
            unix_millis: millis(unix.unwrap_or_default()).max(moment),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_where_the_systems_clock_was_set_back() {
        let year = 365 * 24 * 3600 * 1000;
        let ahead = Clock::not_before(0).now() + year;
        let clock = Clock::not_before(ahead);
        let now = clock.now();
        assert!((ahead..ahead + year / 2).contains(&now), "{now}");
        assert!(clock.at(Instant::now() + Duration::from_secs(5)) >= ahead + 5000);
    }
}
