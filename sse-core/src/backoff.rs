//! How long to wait before the next connection.

use std::time::Duration;

/// The reconnection time of one event source, with exponential back-off.
///
/// HTML Living Standard §9.2.3: a user agent waits the reconnection time, and
/// may wait longer after failures. Here the delay is
/// `reconnection time * 2^(failures - 1)`, at most [`max_delay`](Self::max_delay)
/// (or the reconnection time, if that is longer), times a random factor between
/// 1 and `1 + jitter`. It is never shorter than what the server asked for, unless
/// that is beyond [`ceiling`](Self::ceiling), and never longer than 30 years.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// The reconnection time until the server sets one with `retry`. Default 3 s.
    pub reconnection_time: Duration,
    /// The shortest reconnection time, whoever sets it. Default 100 ms.
    pub floor: Duration,
    /// The longest reconnection time, whoever sets it, and the longest wait that
    /// a `Retry-After` can ask for. Default 1 h.
    pub ceiling: Duration,
    /// The longest delay that doubling leads to. Default 1 min.
    pub max_delay: Duration,
    /// How much is added at random, as a share of the delay. Default 0.25;
    /// 0 makes every delay exact.
    pub jitter: f64,
}

/// What the clock of every platform can still hold.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl Default for Backoff {
    fn default() -> Self {
        Self {
            reconnection_time: Duration::from_secs(3),
            floor: Duration::from_millis(100),
            ceiling: Duration::from_secs(60 * 60),
            max_delay: Duration::from_secs(60),
            jitter: 0.25,
        }
    }
}

impl Backoff {
    /// The reconnection time that `asked` leads to: between floor and ceiling.
    pub(crate) fn clamp(&self, asked: Duration) -> Duration {
        asked.min(self.ceiling).max(self.floor)
    }

    /// The delay after this many failures in a row; 0 and 1 give the same.
    ///
    /// `at_least` is what a `Retry-After` asked for, and `random` a number
    /// between 0 and 1.
    pub(crate) fn delay(
        &self,
        reconnection_time: Duration,
        failures: u32,
        at_least: Option<Duration>,
        random: f64,
    ) -> Duration {
        let base = self.clamp(reconnection_time);
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .and_then(|factor| base.checked_mul(factor))
            .unwrap_or(Duration::MAX)
            .min(self.max_delay.max(base));
        let delay = at_least.map_or(doubled, |asked| doubled.max(asked.min(self.ceiling)));
        let random = if random.is_finite() {
            random.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let jitter = if self.jitter.is_finite() {
            self.jitter.max(0.0)
        } else {
            0.0
        };
        Duration::try_from_secs_f64(delay.as_secs_f64() * (1.0 + jitter * random))
            .map_or(delay, |jittered| jittered.max(delay))
            .min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact() -> Backoff {
        Backoff {
            jitter: 0.0,
            ..Backoff::default()
        }
    }

    #[test]
    fn failures_double_the_delay_up_to_the_maximum() {
        let backoff = exact();
        let seconds: Vec<u64> = (0..8)
            .map(|failures| {
                backoff
                    .delay(Duration::from_secs(3), failures, None, 1.0)
                    .as_secs()
            })
            .collect();
        assert_eq!(seconds, [3, 3, 6, 12, 24, 48, 60, 60]);
        let many = backoff.delay(Duration::from_secs(3), u32::MAX, None, 1.0);
        assert_eq!(many, Duration::from_secs(60));
    }

    #[test]
    fn a_server_cannot_ask_for_less_than_the_floor_or_more_than_the_ceiling() {
        let backoff = exact();
        let delay = |asked| backoff.delay(asked, 0, None, 0.0);
        assert_eq!(delay(Duration::ZERO), Duration::from_millis(100));
        assert_eq!(delay(Duration::MAX), Duration::from_secs(3600));
        let retry_after = backoff.delay(Duration::ZERO, 1, Some(Duration::MAX), 0.0);
        assert_eq!(retry_after, Duration::from_secs(3600));
    }

    #[test]
    fn jitter_only_ever_adds() {
        let backoff = Backoff::default();
        let base = Duration::from_secs(4);
        for (random, millis) in [
            (0.0, 4000),
            (0.5, 4500),
            (1.0, 5000),
            (7.0, 5000),
            (-1.0, 4000),
            (f64::NAN, 4000),
        ] {
            assert_eq!(
                backoff.delay(base, 0, None, random),
                Duration::from_millis(millis)
            );
        }
    }

    #[test]
    fn a_longer_retry_after_wins_over_the_backoff() {
        let backoff = exact();
        let base = Duration::from_secs(3);
        let at_least = |secs| {
            backoff
                .delay(base, 2, Some(Duration::from_secs(secs)), 0.0)
                .as_secs()
        };
        assert_eq!((at_least(1), at_least(30)), (6, 30));
    }
}
