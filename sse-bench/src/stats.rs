//! What one thread measures, and the sum of all.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sse_core::EventRef;

use crate::failure::Failures;
use crate::histogram::Latency;
use crate::http2::Sharing;
use crate::publish::Judged;
use crate::series::{Latencies, Pulse};
use crate::timestamp::{Extractor, Pointer, Unit};

/// Event types counted by name; the events of further types are counted together.
const MOST_TYPES: usize = 256;
/// A longer type is counted with the further ones, in bytes.
const LONGEST_TYPE: usize = 256;

/// The measurements of one thread, or of all.
#[derive(Debug, Default)]
pub struct Stats {
    /// Events by type.
    pub types: EventTypes,
    /// Start of a connection to the connected (and TLS-secured) socket.
    pub connect: Latency,
    /// Start of a connection to the head of the response that opens the stream.
    pub open: Latency,
    /// Start of a slot's first connection to its first event.
    pub first_event: Latency,
    /// Loss of a connection to the next one open.
    pub reconnect: Latency,
    /// What the payload timestamps say, of slots that read as fast as they can.
    pub delivery: Delivery,
    /// Deliveries of own events.
    pub own: Judged,
    /// What cohorts have of their own, where there are slow ones.
    pub cohorts: Vec<CohortStats>,
    /// How much later than the first of the slots each other one received an event
    /// that was new.
    pub skew: Latency,
    /// How long an event that a socket holds ready waits until this thread reads
    /// it, estimated by probes.
    pub read_lag: Latency,
    /// Failures by kind.
    pub failures: Failures,
    /// Streams that ended cleanly.
    pub ends: u64,
    /// Slots that were told by a 204 to stop.
    pub stopped: u64,
    /// Requests without the last event ID, because no header can carry it.
    pub unsendable_ids: u64,
    /// Longest wait of a connection for its turn, beyond its time in the ramp.
    pub ramp_late: Duration,
    /// What became of HTTP/2 connections.
    pub sharing: Sharing,
}

impl Stats {
    /// The latencies since the last call, which stay a part of the whole.
    pub fn turn(&mut self) -> Latencies {
        Latencies::from_iter([
            ("delivery", self.delivery.live.turn()),
            ("reconnect", self.reconnect.turn()),
        ])
    }

    /// What is shown of it while the run goes on.
    pub fn pulse(&self) -> Pulse {
        let latencies = [
            ("delivery", &self.delivery.live),
            ("replay", &self.delivery.replayed),
            ("skew", &self.skew),
            ("first_event", &self.first_event),
            ("open", &self.open),
            ("connect", &self.connect),
            ("reconnect", &self.reconnect),
        ];
        Pulse {
            latencies: latencies
                .map(|(name, latency)| (name, latency.distribution()))
                .into_iter()
                .collect(),
            read_lag: self.read_lag.distribution(),
            failures: self.failures.clone(),
            ends: self.ends,
            ..Pulse::default()
        }
    }

    /// Adds what another thread measured.
    pub fn merge(&mut self, other: Self) {
        self.types.merge(&other.types);
        self.connect.merge(&other.connect);
        self.open.merge(&other.open);
        self.first_event.merge(&other.first_event);
        self.reconnect.merge(&other.reconnect);
        self.delivery.merge(&other.delivery);
        self.own.merge(&other.own);
        if self.cohorts.len() < other.cohorts.len() {
            self.cohorts
                .resize_with(other.cohorts.len(), CohortStats::default);
        }
        for (mine, others) in self.cohorts.iter_mut().zip(&other.cohorts) {
            mine.merge(others);
        }
        self.skew.merge(&other.skew);
        self.read_lag.merge(&other.read_lag);
        self.failures.merge(other.failures);
        self.ends += other.ends;
        self.stopped += other.stopped;
        self.unsendable_ids += other.unsendable_ids;
        self.ramp_late = self.ramp_late.max(other.ramp_late);
        self.sharing.merge(other.sharing);
    }
}

/// The measurements of one cohort; see [`Cohorts`](crate::slow::Cohorts).
#[derive(Debug, Default)]
pub struct CohortStats {
    /// Slots that were open at least once.
    pub opened: u64,
    /// Events dispatched.
    pub deliveries: u64,
    /// Bytes of response bodies.
    pub bytes: u64,
    /// Open connections that the server ended as it should.
    pub ended: u64,
    /// Open connections that broke otherwise.
    pub cut: u64,
    /// What the payload timestamps say, of slow slots.
    pub delivery: Delivery,
}

impl CohortStats {
    fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.deliveries += other.deliveries;
        self.bytes += other.bytes;
        self.ended += other.ended;
        self.cut += other.cut;
        self.delivery.merge(&other.delivery);
    }
}

/// Events by type, bounded.
#[derive(Debug, Default)]
pub struct EventTypes {
    counts: Vec<(Box<str>, u64)>,
    /// Where the last event was counted: types come in runs.
    last: usize,
    /// Events of types beyond the bounds.
    pub others: u64,
}

impl EventTypes {
    /// Counts one event.
    pub fn count(&mut self, event_type: &str) {
        if let Some((name, count)) = self.counts.get_mut(self.last)
            && **name == *event_type
        {
            *count += 1;
            return;
        }
        self.add(event_type, 1);
    }

    fn add(&mut self, event_type: &str, events: u64) {
        let known = self
            .counts
            .iter()
            .position(|(name, _)| **name == *event_type);
        if let Some(index) = known {
            self.last = index;
            self.counts[index].1 += events;
        } else if self.counts.len() < MOST_TYPES && event_type.len() <= LONGEST_TYPE {
            self.last = self.counts.len();
            self.counts.push((event_type.into(), events));
        } else {
            self.others += events;
        }
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            self.add(name, *count);
        }
        self.others += other.others;
    }

    /// The types by name.
    pub fn by_name(&self) -> BTreeMap<&str, u64> {
        let named = self.counts.iter();
        named.map(|(name, count)| (&**name, *count)).collect()
    }

    /// The types, the most frequent first.
    pub fn by_count(&self) -> Vec<(&str, u64)> {
        let mut types: Vec<_> = self.by_name().into_iter().collect();
        types.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        types
    }
}

/// Delivery latency: from the publish time in the payload to the return of the
/// read that brought the event.
#[derive(Debug, Default, Clone)]
pub struct Delivery {
    /// Of events published after the head of the response had arrived.
    pub live: Latency,
    /// Of events published before, which the server kept for this connection.
    pub replayed: Latency,
    /// Events by the unit of their timestamp, in the order of [`Unit::ALL`].
    pub units: [u64; Unit::ALL.len()],
    /// Events of the wanted types without a timestamp.
    pub without: u64,
    /// Events stamped later than they arrived: the clocks differ. In no histogram.
    pub from_the_future: u64,
}

impl Delivery {
    /// Events that never came count as the longest latency there is, 24 h.
    pub fn undelivered(&mut self, events: u64) {
        self.live.record_times(Duration::MAX, events);
    }

    fn merge(&mut self, other: &Self) {
        self.live.merge(&other.live);
        self.replayed.merge(&other.replayed);
        for (mine, others) in self.units.iter_mut().zip(other.units) {
            *mine += others;
        }
        self.without += other.without;
        self.from_the_future += other.from_the_future;
    }

    /// Units seen, with the number of events.
    pub fn units(&self) -> impl Iterator<Item = (Unit, u64)> {
        let counted = Unit::ALL.into_iter().zip(self.units);
        counted.filter(|(_, count)| *count > 0)
    }
}

/// Measures the delivery latency of events.
#[derive(Debug)]
pub struct DeliveryMeter {
    extractor: Extractor,
    types: Vec<String>,
}

impl DeliveryMeter {
    /// Looks at the pointer, in events of these types or, if none, of all.
    pub fn new(pointer: Pointer, types: Vec<String>) -> Self {
        let extractor = Extractor::new(pointer);
        Self { extractor, types }
    }

    /// `received_at` and `opened_at` in nanoseconds since the Unix epoch.
    pub fn measure(
        &mut self,
        event: &EventRef<'_>,
        received_at: u64,
        opened_at: u64,
        into: &mut Delivery,
    ) {
        if !self.types.is_empty() && !self.types.iter().any(|name| name == event.event_type) {
            return;
        }
        let Some(published) = self.extractor.find(event.data) else {
            into.without += 1;
            return;
        };
        into.units[published.unit as usize] += 1;
        let Some(latency) = received_at.checked_sub(published.nanos) else {
            into.from_the_future += 1;
            return;
        };
        let histogram = if published.nanos < opened_at {
            &mut into.replayed
        } else {
            &mut into.live
        };
        histogram.record(Duration::from_nanos(latency));
    }
}

/// The wall clock, in nanoseconds since the Unix epoch.
pub fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(meter: &mut DeliveryMeter, stream: &str, received_at: u64, opened_at: u64) -> Delivery {
        let mut delivery = Delivery::default();
        let mut parser = sse_core::Parser::new();
        let mut items = parser.feed(stream.as_bytes());
        while let Some(item) = items.next().unwrap() {
            if let sse_core::Item::Event(event) = item {
                meter.measure(&event, received_at, opened_at, &mut delivery);
            }
        }
        delivery
    }

    #[test]
    fn live_and_replayed_events_are_kept_apart() {
        let mut meter = DeliveryMeter::new("/at".parse().unwrap(), vec![]);
        let second = 1_000_000_000;
        let stream = "data: {\"at\":1790000000}\n\ndata: {\"at\":1790000005}\n\ndata: none\n\n\
                      data: {\"at\":1790000009000}\n\n";
        let opened_at = 1_790_000_003 * second;
        let delivery = feed(&mut meter, stream, 1_790_000_007 * second, opened_at);
        assert_eq!(delivery.replayed.summary().unwrap().count, 1);
        let live = delivery.live.summary().unwrap();
        assert_eq!((live.count, live.max_us / 10_000), (1, 200));
        assert_eq!((delivery.without, delivery.from_the_future), (1, 1));
        assert!(delivery.units().eq([(Unit::Seconds, 2), (Unit::Millis, 1)]));
    }

    #[test]
    fn events_of_other_types_are_not_looked_at() {
        let mut meter = DeliveryMeter::new("/at".parse().unwrap(), vec!["tick".into()]);
        let stream = "data: {\"at\":1790000000}\n\nevent: tick\ndata: {\"at\":1790000000}\n\n";
        let delivery = feed(&mut meter, stream, 1_790_000_000_000_000_000, 0);
        assert_eq!(delivery.live.summary().unwrap().count, 1);
        assert_eq!(delivery.without, 0);
    }

    #[test]
    fn every_event_is_counted_however_many_types_there_are() {
        let (mut one, mut two) = (EventTypes::default(), EventTypes::default());
        for number in 0..1000 {
            one.count(&format!("type-{number}"));
            one.count("tick");
            two.count("tick");
        }
        two.count(&"x".repeat(LONGEST_TYPE + 1));
        one.merge(&two);
        let types = one.by_name();
        assert_eq!(types.len(), MOST_TYPES);
        assert_eq!(types["tick"], 2000);
        assert_eq!(types.values().sum::<u64>() + one.others, 3001);
        assert_eq!(one.by_count()[0], ("tick", 2000));
    }
}
