//! What retention took away: enough to tell a subscription truthfully whether
//! it lost something.

use std::collections::HashMap;
use std::sync::Arc;

use crate::log::Envelope;

/// Marks kept apart before new ones fall back to the global mark.
const CAPACITY: usize = 10_000;

/// The highest evicted sequence number of each envelope.
#[derive(Debug)]
pub(super) struct EvictedMarks {
    marks: HashMap<Arc<Envelope>, u64>,
    capacity: usize,
    /// The highest evicted sequence number among envelopes that found no room.
    overflow: u64,
    /// Something was evicted and owed to nobody, so distances are no counts.
    uncounted: bool,
    /// Some mark is for a connection: worth a search when one closes.
    has_connections: bool,
}

/// What a subscription lost to eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The newest evicted event that the subscription could have admitted.
    pub(crate) newest: u64,
    /// Every evicted event was one it admits: the distance is their number.
    pub(crate) counts_all: bool,
}

impl EvictedMarks {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            marks: HashMap::new(),
            capacity,
            overflow: 0,
            uncounted: false,
            has_connections: false,
        }
    }

    pub(super) fn mark(&mut self, envelope: &Arc<Envelope>, seq: u64) {
        self.has_connections |= envelope.connection.is_some();
        if let Some(mark) = self.marks.get_mut(envelope) {
            *mark = seq;
        } else if self.marks.len() < self.capacity {
            self.marks.insert(Arc::clone(envelope), seq);
        } else {
            self.overflow = seq;
        }
    }

    /// An event went that nobody is owed any more: its time to live was over,
    /// or its connection gone.
    pub(super) fn pass_over(&mut self) {
        self.uncounted = true;
    }

    /// Events for a connection are owed to it alone: with it, its marks go.
    pub(super) fn forget_connection(&mut self, connection: &str) {
        if !self.has_connections {
            return;
        }
        let before = self.marks.len();
        self.marks
            .retain(|envelope, _| envelope.connection.as_deref() != Some(connection));
        self.uncounted |= self.marks.len() != before;
        self.has_connections = self
            .marks
            .keys()
            .any(|envelope| envelope.connection.is_some());
    }

    /// `None` if nothing admitted was evicted after `cursor`.
    pub(super) fn loss_after(
        &self,
        cursor: u64,
        admits: impl Fn(&Envelope) -> bool,
    ) -> Option<Loss> {
        let mut newest = self.overflow;
        let mut counts_all = self.overflow == 0 && !self.uncounted;
        for (envelope, &seq) in &self.marks {
            if admits(envelope) {
                newest = newest.max(seq);
            } else {
                counts_all = false;
            }
        }
        (newest > cursor).then_some(Loss { newest, counts_all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(topic: &str, event_type: &str) -> Arc<Envelope> {
        Arc::new(Envelope {
            topic: Some(topic.into()),
            event_type: event_type.into(),
            session: None,
            connection: None,
        })
    }

    fn on(topic: &'static str) -> impl Fn(&Envelope) -> bool {
        move |envelope| envelope.topic.as_deref() == Some(topic)
    }

    #[test]
    fn a_topic_that_lost_nothing_raises_no_alarm() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("busy", "tick"), 1);
        marks.mark(&envelope("busy", "tick"), 3);
        assert_eq!(marks.loss_after(0, on("rare")), None);
        let loss = marks.loss_after(2, on("busy")).unwrap();
        assert_eq!((loss.newest, loss.counts_all), (3, true));
        assert_eq!(marks.loss_after(3, on("busy")), None);
    }

    #[test]
    fn a_count_is_given_only_where_every_evicted_event_was_admitted() {
        let mut marks = EvictedMarks::new();
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("b", "tick"), 2);
        assert!(!marks.loss_after(0, on("a")).unwrap().counts_all);
        assert!(marks.loss_after(0, |_| true).unwrap().counts_all);
        marks.pass_over();
        assert!(!marks.loss_after(0, |_| true).unwrap().counts_all);
    }

    #[test]
    fn marks_beyond_the_capacity_alarm_everybody_rather_than_nobody() {
        let mut marks = EvictedMarks::with_capacity(1);
        marks.mark(&envelope("a", "tick"), 1);
        marks.mark(&envelope("b", "tick"), 2);
        assert_eq!(marks.loss_after(1, on("a")).unwrap().newest, 2);
        assert_eq!(marks.loss_after(1, on("b")).unwrap().newest, 2);
        assert_eq!(marks.loss_after(2, on("b")), None);
    }

    #[test]
    fn a_connection_takes_its_marks_with_it() {
        let mut marks = EvictedMarks::new();
        let own = Envelope {
            connection: Some("c1".into()),
            ..Envelope::clone(&envelope("a", "tick"))
        };
        marks.mark(&Arc::new(own), 1);
        assert!(marks.loss_after(0, |_| true).is_some());
        marks.forget_connection("c1");
        assert_eq!(marks.loss_after(0, |_| true), None);
    }
}
