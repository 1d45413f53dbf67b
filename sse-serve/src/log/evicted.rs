//! What retention took away: enough to tell a subscription truthfully whether
//! it lost something.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::log::Envelope;
use crate::log::selection::{Lane, Scope, from_prefix, has_prefix};

/// Marks kept apart before new ones fall back to the global mark.
const CAPACITY: usize = 10_000;

/// The highest evicted sequence number of each envelope.
#[derive(Debug)]
pub(crate) struct EvictedMarks {
    lanes: BTreeMap<Lane, HashMap<Arc<Envelope>, u64>>,
    count: usize,
    /// Lanes of connections.
    connections: usize,
    capacity: usize,
    /// The highest of all.
    highest: u64,
    /// The highest evicted sequence number among envelopes that found no room.
    overflow: u64,
    /// The highest that was owed to nobody: distances across it are no counts.
    passed_over: u64,
}

/// What a subscription lost to eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The newest evicted event that the subscription could have admitted.
    pub(crate) newest: u64,
    /// Every event evicted after the cursor was one it admits.
    pub(crate) counts_all: bool,
}

impl EvictedMarks {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            count: 0,
            connections: 0,
            capacity,
            highest: 0,
            overflow: 0,
            passed_over: 0,
        }
    }

    /// Whether it found room: else it is in [`EvictedMarks::overflow`].
    pub(super) fn mark(&mut self, envelope: &Arc<Envelope>, seq: u64) -> bool {
        self.highest = self.highest.max(seq);
        let lane = Lane::of(envelope);
        if let Some(mark) = self
            .lanes
            .get_mut(&lane)
            .and_then(|marks| marks.get_mut(envelope))
        {
            *mark = seq.max(*mark);
        } else if self.count < self.capacity {
            self.count += 1;
            let is_new = !self.lanes.contains_key(&lane);
            self.connections += usize::from(is_new && matches!(lane, Lane::Connection(_)));
            let marks = self.lanes.entry(lane).or_default();
            marks.insert(Arc::clone(envelope), seq);
        } else {
            self.overflow = self.overflow.max(seq);
            return false;
        }
        true
    }

    /// An event went that nobody is owed any more: its time to live was over,
    /// or its connection gone.
    pub(super) fn pass_over(&mut self, seq: u64) {
        self.passed_over = self.passed_over.max(seq);
    }

    pub(super) fn set_overflow(&mut self, seq: u64) {
        self.overflow = self.overflow.max(seq);
        self.highest = self.highest.max(seq);
    }

    /// Events for a connection are owed to it alone: with it, its marks go.
    pub(super) fn forget_connection(&mut self, connection: &str) {
        let lane = Lane::Connection(connection.to_owned());
        let Some(marks) = self.lanes.remove(&lane) else {
            return;
        };
        self.count -= marks.len();
        self.connections -= 1;
        for seq in marks.into_values() {
            self.pass_over(seq);
        }
    }

    pub(super) fn has_connection(&self, connection: &str) -> bool {
        let lane = || Lane::Connection(connection.to_owned());
        self.connections > 0 && self.lanes.contains_key(&lane())
    }

    /// The highest evicted sequence number of this envelope.
    pub(super) fn of(&self, envelope: &Envelope) -> Option<u64> {
        let marks = self.lanes.get(&Lane::of(envelope))?;
        marks.get(envelope).copied()
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    pub(crate) fn overflow(&self) -> u64 {
        self.overflow
    }

    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// `None` if nothing admitted was evicted after `cursor`.
    pub(super) fn loss_after(&self, cursor: u64, scope: Scope<'_>) -> Option<Loss> {
        if self.highest <= cursor {
            return None;
        }
        let selection = scope.selection;
        let own = (self.connections > 0).then(|| scope.own_lane()).flatten();
        let named = selection
            .lanes()
            .iter()
            .chain(&own)
            .filter_map(|lane| self.lanes.get(lane));
        let mut newest = self.overflow.max(admitted(named.flatten(), scope));
        for prefix in selection.prefixes() {
            let lanes = self.lanes.range(from_prefix(prefix));
            let lanes = lanes.take_while(|(lane, _)| has_prefix(lane, prefix));
            newest = newest.max(admitted(lanes.flat_map(|(_, marks)| marks), scope));
        }
        if selection.all_topics() {
            newest = newest.max(admitted(self.lanes.values().flatten(), scope));
        }
        (newest > cursor).then(|| Loss {
            newest,
            counts_all: self.counts_all(cursor, scope),
        })
    }

    fn counts_all(&self, cursor: u64, scope: Scope<'_>) -> bool {
        let foreign =
            |(envelope, &seq): (&Arc<Envelope>, &u64)| seq > cursor && !scope.admits(envelope);
        self.overflow <= cursor
            && self.passed_over <= cursor
            && !self.lanes.values().flatten().any(foreign)
    }
}

fn admitted<'a>(
    marks: impl Iterator<Item = (&'a Arc<Envelope>, &'a u64)>,
    scope: Scope<'_>,
) -> u64 {
    marks
        .filter(|(envelope, _)| scope.admits(envelope))
        .map(|(_, &seq)| seq)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{ConnectionId, Filter, Selection, TopicPattern};

    fn envelope(topic: &str, event_type: &str) -> Arc<Envelope> {
        Arc::new(Envelope {
            topic: Some(topic.into()),
            event_type: event_type.into(),
            session: None,
            connection: None,
        })
    }

    fn on(topic: &str) -> Selection {
        let filter = Filter {
            topics: vec![TopicPattern::new(topic)],
            ..Filter::default()
        };
        Selection::new(filter)
    }

    /// With the connection `c1`.
    fn loss_after(marks: &EvictedMarks, cursor: u64, selection: &Selection) -> Option<Loss> {
        let connection = ConnectionId::parse(C1).unwrap();
        let scope = Scope {
            selection,
            connection: Some(&connection),
        };
        marks.loss_after(cursor, scope)
    }

    const C1: &str = "c1c1c1c1c1c1c1c1";

    #[test]
    fn a_topic_that_lost_nothing_raises_no_alarm() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("busy", "tick"), 1);
        marks.mark(&envelope("busy", "tick"), 3);
        assert_eq!(loss_after(&marks, 0, &on("rare")), None);
        let loss = loss_after(&marks, 2, &on("busy")).unwrap();
        assert_eq!((loss.newest, loss.counts_all), (3, true));
        assert_eq!(loss_after(&marks, 3, &on("busy")), None);
    }

    #[test]
    fn a_pattern_finds_the_marks_of_its_topics() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("a.b", "tick"), 2);
        marks.mark(&envelope("a.c", "tick"), 3);
        marks.mark(&envelope("b", "tick"), 4);
        assert_eq!(loss_after(&marks, 0, &on("a.*")).unwrap().newest, 3);
        assert_eq!(loss_after(&marks, 0, &on("c.*")), None);
        assert_eq!(loss_after(&marks, 0, &on("*")).unwrap().newest, 4);
    }

    #[test]
    fn a_count_is_given_only_where_every_evicted_event_was_admitted() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("b", "tick"), 2);
        marks.mark(&envelope("a", "tick"), 3);
        assert!(!loss_after(&marks, 0, &on("a")).unwrap().counts_all);
        assert!(loss_after(&marks, 0, &on("*")).unwrap().counts_all);
        assert!(loss_after(&marks, 2, &on("a")).unwrap().counts_all);
        marks.pass_over(4);
        assert!(!loss_after(&marks, 0, &on("*")).unwrap().counts_all);
    }

    #[test]
    fn marks_beyond_the_capacity_alarm_everybody_rather_than_nobody() {
        let mut marks = EvictedMarks::with_capacity(1);
        assert!(marks.mark(&envelope("a", "tick"), 1));
        assert!(!marks.mark(&envelope("b", "tick"), 2));
        assert_eq!(loss_after(&marks, 1, &on("a")).unwrap().newest, 2);
        assert_eq!(loss_after(&marks, 1, &on("b")).unwrap().newest, 2);
        assert_eq!(loss_after(&marks, 2, &on("b")), None);
    }

    #[test]
    fn a_connection_takes_its_marks_with_it() {
        let mut marks = EvictedMarks::new();
        let own = Envelope {
            connection: Some(C1.into()),
            ..Envelope::clone(&envelope("a", "tick"))
        };
        marks.mark(&Arc::new(own), 1);
        assert!(loss_after(&marks, 0, &on("a")).is_some());
        marks.forget_connection(C1);
        assert_eq!(loss_after(&marks, 0, &on("a")), None);
    }
}
