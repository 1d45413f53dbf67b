//! What retention took away: enough to tell a subscription truthfully whether
//! it lost something.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::log::Envelope;
use crate::log::selection::{Lane, Scope, from_prefix, has_prefix};

/// Marks kept apart. Beyond, the oldest fall back to a mark that all share.
const CAPACITY: usize = 10_000;

/// The highest evicted sequence number of each envelope.
#[derive(Debug)]
pub(crate) struct EvictedMarks {
    lanes: BTreeMap<Lane, HashMap<Arc<Envelope>, Mark>>,
    kept: usize,
    /// Lanes of connections.
    connections: usize,
    capacity: usize,
    so_far: Evictions,
    /// Of all envelopes whose marks found no room.
    overflow: Mark,
    /// The highest that was owed to nobody: distances across it are no counts.
    passed_over: u64,
}

/// Of one envelope, sequence numbers are evicted in their order: the highest is
/// the latest too.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    seq: u64,
    /// How many evictions there were by then.
    count: u64,
}

impl Mark {
    fn is_after(self, cursor: u64, told: Evictions) -> bool {
        self.seq > cursor && self.count > told.count
    }
}

/// What had been evicted by some moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evictions {
    count: u64,
    highest: u64,
}

/// What a subscription lost to eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The newest evicted event that the subscription could have admitted.
    pub(crate) newest: u64,
    /// Every event evicted after the cursor was one it admits, and is news.
    pub(crate) counts_all: bool,
}

impl EvictedMarks {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            kept: 0,
            connections: 0,
            capacity,
            so_far: Evictions::default(),
            overflow: Mark::default(),
            passed_over: 0,
        }
    }

    pub(super) fn mark(&mut self, envelope: &Arc<Envelope>, seq: u64) {
        let mark = self.next(seq);
        let lane = Lane::of(envelope);
        let is_of_connection = matches!(lane, Lane::Connection(_));
        let marks = self.lanes.entry(lane).or_default();
        self.connections += usize::from(is_of_connection && marks.is_empty());
        if marks.insert(Arc::clone(envelope), mark).is_none() {
            self.kept += 1;
            if self.kept > self.capacity {
                self.share_oldest();
            }
        }
    }

    /// An event went that nobody is owed any more: its time to live was over,
    /// or its connection gone.
    pub(super) fn pass_over(&mut self, seq: u64) {
        self.passed_over = self.passed_over.max(seq);
    }

    pub(super) fn set_overflow(&mut self, seq: u64) {
        if seq > self.overflow.seq {
            self.overflow = self.next(seq);
        }
    }

    fn next(&mut self, seq: u64) -> Mark {
        self.so_far.count += 1;
        self.so_far.highest = self.so_far.highest.max(seq);
        Mark {
            seq,
            count: self.so_far.count,
        }
    }

    /// Makes room: the oldest tenth concern the fewest cursors.
    fn share_oldest(&mut self) {
        let mut seqs: Vec<u64> = self
            .lanes
            .values()
            .flat_map(HashMap::values)
            .map(|mark| mark.seq)
            .collect();
        let (_, &mut newest, _) = seqs.select_nth_unstable(self.capacity / 10);
        let overflow = &mut self.overflow;
        self.lanes.retain(|_, marks| {
            marks.retain(|_, mark| {
                let stays = mark.seq > newest;
                if !stays {
                    overflow.seq = overflow.seq.max(mark.seq);
                    overflow.count = overflow.count.max(mark.count);
                }
                stays
            });
            !marks.is_empty()
        });
        self.kept = self.lanes.values().map(HashMap::len).sum();
        let lanes = self.lanes.keys();
        self.connections = lanes
            .filter(|lane| matches!(lane, Lane::Connection(_)))
            .count();
    }

    /// Events for a connection are owed to it alone: with it, its marks go.
    pub(super) fn forget_connection(&mut self, connection: &str) {
        let lane = Lane::Connection(connection.to_owned());
        let Some(marks) = self.lanes.remove(&lane) else {
            return;
        };
        self.kept -= marks.len();
        self.connections -= 1;
        for mark in marks.into_values() {
            self.pass_over(mark.seq);
        }
    }

    pub(super) fn has_connection(&self, connection: &str) -> bool {
        let lane = || Lane::Connection(connection.to_owned());
        self.connections > 0 && self.lanes.contains_key(&lane())
    }

    /// The highest evicted sequence number of this envelope.
    pub(super) fn of(&self, envelope: &Envelope) -> Option<u64> {
        let marks = self.lanes.get(&Lane::of(envelope))?;
        marks.get(envelope).map(|mark| mark.seq)
    }

    pub(crate) fn so_far(&self) -> Evictions {
        self.so_far
    }

    /// The highest of those that share a mark.
    pub(crate) fn overflow(&self) -> u64 {
        self.overflow.seq
    }

    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// `None` if nothing admitted was evicted after `cursor` but what was `told`.
    pub(super) fn loss_after(
        &self,
        cursor: u64,
        told: Evictions,
        scope: Scope<'_>,
    ) -> Option<Loss> {
        if self.so_far.highest <= cursor || self.so_far.count == told.count {
            return None;
        }
        let selection = scope.selection;
        let newest = |marks: &mut dyn Iterator<Item = (&Arc<Envelope>, &Mark)>| {
            marks
                .filter(|(envelope, mark)| mark.is_after(cursor, told) && scope.admits(envelope))
                .map(|(_, mark)| mark.seq)
                .max()
        };
        let own = (self.connections > 0).then(|| scope.own_lane()).flatten();
        let lanes = selection.lanes().iter().chain(&own);
        let named = lanes.filter_map(|lane| self.lanes.get(lane));
        let mut found = newest(&mut named.flatten());
        for prefix in selection.prefixes() {
            let lanes = self.lanes.range(from_prefix(prefix));
            let lanes = lanes.take_while(|(lane, _)| has_prefix(lane, prefix));
            found = found.max(newest(&mut lanes.flat_map(|(_, marks)| marks)));
        }
        if selection.all_topics() {
            found = found.max(newest(&mut self.lanes.values().flatten()));
        }
        let shared = self.overflow.is_after(cursor, told);
        found = found.max(shared.then_some(self.overflow.seq));
        found.map(|newest| Loss {
            newest,
            counts_all: self.counts_all(cursor, told, scope),
        })
    }

    fn counts_all(&self, cursor: u64, told: Evictions, scope: Scope<'_>) -> bool {
        let foreign = |(envelope, mark): (&Arc<Envelope>, &Mark)| {
            mark.seq > cursor && !scope.admits(envelope)
        };
        told.highest <= cursor
            && self.overflow.seq <= cursor
            && self.passed_over <= cursor
            && !self.lanes.values().flatten().any(foreign)
    }
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

    fn none() -> Evictions {
        Evictions::default()
    }

    fn on(topic: &str) -> Selection {
        let filter = Filter {
            topics: vec![TopicPattern::new(topic)],
            ..Filter::default()
        };
        Selection::new(filter)
    }

    /// With the connection `c1`.
    fn loss_after(
        marks: &EvictedMarks,
        cursor: u64,
        told: Evictions,
        selection: &Selection,
    ) -> Option<Loss> {
        let connection = ConnectionId::parse(C1).unwrap();
        let scope = Scope {
            selection,
            connection: Some(&connection),
        };
        marks.loss_after(cursor, told, scope)
    }

    const C1: &str = "c1c1c1c1c1c1c1c1";

    #[test]
    fn a_topic_that_lost_nothing_raises_no_alarm() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("busy", "tick"), 1);
        marks.mark(&envelope("busy", "tick"), 3);
        assert_eq!(loss_after(&marks, 0, none(), &on("rare")), None);
        let loss = loss_after(&marks, 2, none(), &on("busy")).unwrap();
        assert_eq!((loss.newest, loss.counts_all), (3, true));
        assert_eq!(loss_after(&marks, 3, none(), &on("busy")), None);
    }

    #[test]
    fn a_pattern_finds_the_marks_of_its_topics() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("a.b", "tick"), 2);
        marks.mark(&envelope("a.c", "tick"), 3);
        marks.mark(&envelope("b", "tick"), 4);
        assert_eq!(loss_after(&marks, 0, none(), &on("a.*")).unwrap().newest, 3);
        assert_eq!(loss_after(&marks, 0, none(), &on("c.*")), None);
        assert_eq!(loss_after(&marks, 0, none(), &on("*")).unwrap().newest, 4);
    }

    #[test]
    fn a_count_is_given_only_where_every_evicted_event_was_admitted() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("b", "tick"), 2);
        marks.mark(&envelope("a", "tick"), 3);
        assert!(!loss_after(&marks, 0, none(), &on("a")).unwrap().counts_all);
        assert!(loss_after(&marks, 0, none(), &on("*")).unwrap().counts_all);
        assert!(loss_after(&marks, 2, none(), &on("a")).unwrap().counts_all);
        marks.pass_over(4);
        assert!(!loss_after(&marks, 0, none(), &on("*")).unwrap().counts_all);
    }

    #[test]
    fn marks_beyond_the_capacity_alarm_old_cursors_rather_than_nobody() {
        let mut marks = EvictedMarks::with_capacity(10);
        marks.mark(&envelope("rare", "tick"), 1);
        for seq in 2..=11 {
            marks.mark(&envelope(&format!("t{seq}"), "tick"), seq);
        }
        // The two oldest share a mark from now on.
        assert_eq!((marks.kept, marks.overflow()), (9, 2));
        assert_eq!(
            loss_after(&marks, 0, none(), &on("rare")).unwrap().newest,
            2
        );
        assert_eq!(
            loss_after(&marks, 1, none(), &on("other")).unwrap().newest,
            2
        );
        assert_eq!(loss_after(&marks, 2, none(), &on("other")), None);
        assert_eq!(
            loss_after(&marks, 2, none(), &on("t11")).unwrap().newest,
            11
        );
    }

    #[test]
    fn what_was_told_of_is_no_news_but_what_goes_later_is() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("busy", "tick"), 90);
        let told = marks.so_far();
        assert_eq!(loss_after(&marks, 10, told, &on("*")), None);
        // Kept longer than what was published after it.
        marks.mark(&envelope("rare", "tick"), 20);
        let loss = loss_after(&marks, 10, told, &on("*")).unwrap();
        assert_eq!((loss.newest, loss.counts_all), (20, false));
        assert_eq!(loss_after(&marks, 20, told, &on("*")), None);
    }

    #[test]
    fn a_connection_takes_its_marks_with_it() {
        let mut marks = EvictedMarks::new();
        let own = Envelope {
            connection: Some(C1.into()),
            ..Envelope::clone(&envelope("a", "tick"))
        };
        marks.mark(&Arc::new(own), 1);
        assert!(loss_after(&marks, 0, none(), &on("a")).is_some());
        marks.forget_connection(C1);
        assert_eq!(loss_after(&marks, 0, none(), &on("a")), None);
    }
}
