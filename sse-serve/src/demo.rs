//! The demo publisher: something to look at, without any configuration.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::hub::{Hub, Publication, PublishError};
use crate::sys;

/// How often the demo publisher speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoConfig {
    /// Between two ticks. Default 1 s.
    pub tick_interval: Duration,
    /// Between two statuses. Default 5 s.
    pub status_interval: Duration,
    /// Ticks per second, in place of the interval.
    pub rate: Option<f64>,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            tick_interval: Duration::from_secs(1),
            status_interval: Duration::from_secs(5),
            rate: None,
        }
    }
}

/// The data of `event: tick`.
#[derive(Debug, Serialize)]
struct Tick {
    /// Counts ticks from 1.
    seq: u64,
    symbol: &'static str,
    price: f64,
    /// Nanoseconds since the Unix epoch.
    at: i128,
}

/// The data of `event: status`; `None` where the system does not tell.
#[derive(Debug, Serialize)]
struct Status {
    uptime_s: f64,
    connections: usize,
    events_published: u64,
    memory_bytes: Option<u64>,
}

/// Ticks fall due closer together than timers are worth: they go in batches.
const SHORTEST_PERIOD: Duration = Duration::from_millis(2);

/// The most ticks made up for at once, after the machine slept.
const BATCH_MAX: u64 = 10_000;

/// Publishes a tick and a status at once and then each at its interval, until
/// the hub drains.
pub async fn publish(hub: Hub, config: DemoConfig) {
    let ticks_per_second = config
        .rate
        .unwrap_or_else(|| config.tick_interval.as_secs_f64().recip());
    let period = Duration::try_from_secs_f64(ticks_per_second.recip()).unwrap_or(Duration::MAX);
    let mut ticks = Ticks::new();
    let mut pace = Pace::new(ticks_per_second);
    let mut tick_timer = interval(period.max(SHORTEST_PERIOD));
    let mut status_timer = interval(config.status_interval);
    loop {
        let events = tokio::select! {
            biased;
            () = hub.drained() => return,
            now = tick_timer.tick() => {
                let due = pace.due(now.into_std());
                (0..due).map(|_| ticks.next()).collect::<Vec<_>>()
            }
            _ = status_timer.tick() => vec![status(&hub)],
        };
        // What the log could not hold is lost; the next may not be.
        if let Err(PublishError::Draining) = hub.publish(&events).await {
            return;
        }
    }
}

fn interval(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    interval
}

/// How many ticks are due: the first at once, no drift after it.
struct Pace {
    per_second: f64,
    start: Option<Instant>,
    given: u64,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        Self {
            per_second,
            start: None,
            given: 0,
        }
    }

    fn due(&mut self, now: Instant) -> u64 {
        let start = *self.start.get_or_insert(now);
        let elapsed = now.duration_since(start).as_secs_f64();
        // Timers fire to the millisecond: what is due within it is due.
        let total = 1 + ((elapsed + 0.0005) * self.per_second) as u64;
        let due = total.saturating_sub(self.given);
        self.given = total.max(self.given);
        due.min(BATCH_MAX)
    }
}

/// A price on its random walk.
struct Ticks {
    seq: u64,
    cents: i64,
}

impl Ticks {
    fn new() -> Self {
        Self {
            seq: 0,
            cents: 10_000,
        }
    }

    fn next(&mut self) -> Publication {
        self.seq += 1;
        self.cents = (self.cents + fastrand::i64(-50..=50)).max(1);
        event(
            "tick",
            &Tick {
                seq: self.seq,
                symbol: "DEMO",
                price: self.cents as f64 / 100.0,
                at: jiff::Timestamp::now().as_nanosecond(),
            },
        )
    }
}

fn status(hub: &Hub) -> Publication {
    event(
        "status",
        &Status {
            uptime_s: (hub.uptime().as_secs_f64() * 1000.0).round() / 1000.0,
            connections: hub.connections(),
            events_published: hub.events(),
            memory_bytes: sys::resident_memory(),
        },
    )
}

fn event(event_type: &str, data: &impl Serialize) -> Publication {
    let event = Publication::new(serde_json::to_string(data).unwrap_or_default());
    event.clone().with_type(event_type).unwrap_or(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_keep_their_rate_whatever_the_timer_does() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(10.0);
        assert_eq!(pace.due(at(0)), 1);
        assert_eq!(pace.due(at(100)), 1);
        assert_eq!(pace.due(at(150)), 0);
        assert_eq!(pace.due(at(450)), 3);
        assert_eq!(pace.due(at(10_000)), 96);
        assert_eq!(pace.due(at(100_000_000)), BATCH_MAX);
        assert_eq!(pace.due(at(100_000_100)), 1);
    }

    #[test]
    fn a_rate_above_what_timers_tell_apart_goes_in_batches() {
        let start = Instant::now();
        let mut pace = Pace::new(50_000.0);
        pace.due(start);
        let due: u64 = (1..=500)
            .map(|step| pace.due(start + Duration::from_millis(step * 2)))
            .sum();
        assert!((49_990..=50_030).contains(&due), "{due}");
    }
}
