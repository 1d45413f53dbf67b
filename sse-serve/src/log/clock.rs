//! Time as the log keeps it.

use std::time::{Duration, Instant, SystemTime};

/// Milliseconds since the Unix epoch that only ever grow: the system's clock is
/// read once, so that a jump of it ages nothing and revives nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    unix_millis: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            started: Instant::now(),
            unix_millis: millis(unix.unwrap_or_default()),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(crate) fn at(&self, moment: Instant) -> u64 {
        let elapsed = moment.saturating_duration_since(self.started);
        self.unix_millis.saturating_add(millis(elapsed))
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
