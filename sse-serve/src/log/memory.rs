//! The event log in memory: its promise is that the process lives.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::log::history::{Epoch, History};
use crate::log::retention::Budgets;
use crate::log::stage::{Envelopes, Stage};
use crate::log::window::Window;
use crate::log::{
    AppendError, BlocksReply, Draft, EventLog, Reply, Retention, SWEEP, TopicRetention,
};

#[derive(Debug)]
pub(crate) struct MemoryLog {
    history: Arc<History>,
    /// Held while a batch is numbered and taken in.
    appending: Mutex<Envelopes>,
    sweeper: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl MemoryLog {
    /// An empty log with an epoch of its own.
    pub(crate) fn new(retention: Retention, topics: &[TopicRetention]) -> Self {
        let window = Window::new(Budgets::new(retention, topics), None);
        let ages = window.ages();
        let history = Arc::new(History::new(Epoch::random(), window, 0));
        Self {
            sweeper: ages.then(|| sweep(Arc::clone(&history))).flatten(),
            history,
            appending: Mutex::default(),
        }
    }
}

/// Evicts what is too old, where nobody publishes or subscribes, until the
/// sender is gone.
fn sweep(history: Arc<History>) -> Option<(mpsc::Sender<()>, JoinHandle<()>)> {
    let (sender, ended) = mpsc::channel::<()>();
    let thread = std::thread::Builder::new().name("log-sweeper".to_owned());
    let thread = thread.spawn(move || {
        while ended.recv_timeout(SWEEP) == Err(RecvTimeoutError::Timeout) {
            history.age();
        }
    });
    thread
        .inspect_err(|error| {
            tracing::warn!(%error, "what is too old is evicted with the next publish only");
        })
        .ok()
        .map(|thread| (sender, thread))
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.sweeper.take() {
            drop(sender);
            if thread.join().is_err() {
                tracing::error!("the thread that evicts what is too old had panicked");
            }
        }
    }
}

impl EventLog for MemoryLog {
    fn history(&self) -> &History {
        &self.history
    }

    fn append(&self, drafts: Vec<Draft>, reply: Reply<Vec<u64>, AppendError>) {
        let mut envelopes = self
            .appending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut stage = Stage::new(&self.history);
        let placed = stage.add(&self.history, &mut envelopes, drafts);
        if placed.is_ok() {
            self.history.publish(stage);
        }
        // A publisher that went away has published all the same.
        let _ = reply.send(placed);
    }

    fn fetch(&self, _: Vec<u64>, reply: BlocksReply) {
        // It never lets a block go that it retains.
        reply.send(Ok(Vec::new()));
    }

    fn age(&self) {
        self.history.age();
    }

    fn is_available(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sse_core::Event;
    use tokio::sync::oneshot;

    use super::*;
    use crate::log::{Envelope, Evictions, Filter, Key, Record, Scope, Selection, TopicPattern};

    fn draft(topic: &str, length: usize) -> Draft {
        Draft {
            envelope: Envelope {
                topic: Some(topic.into()),
                event_type: "message".into(),
                session: None,
                connection: None,
            },
            event: Event::new("x".repeat(length)),
            time_to_live: None,
            key: None,
        }
    }

    fn keyed(topic: &str, key: &str, data: &str) -> Draft {
        Draft {
            event: Event::new(data),
            key: Some(Key {
                topic: Some(topic.into()),
                publisher: None,
                key: key.into(),
            }),
            ..draft(topic, 0)
        }
    }

    fn append(log: &MemoryLog, drafts: Vec<Draft>) -> Result<Vec<u64>, AppendError> {
        let (reply, answer) = oneshot::channel();
        log.append(drafts, reply);
        answer.blocking_recv().unwrap()
    }

    fn selection(topics: &[&str]) -> Selection {
        let filter = Filter {
            topics: topics.iter().map(|text| TopicPattern::new(text)).collect(),
            ..Filter::default()
        };
        Selection::new(filter)
    }

    fn scope(selection: &Selection) -> Scope<'_> {
        Scope {
            selection,
            connection: None,
        }
    }

    fn retained(log: &MemoryLog, topics: &[&str]) -> Vec<u64> {
        let selection = selection(topics);
        let scope = scope(&selection);
        let window = log.history.window();
        let admitted =
            |(seq, record): (u64, &Record)| scope.admits(&record.envelope).then_some(seq);
        let mut seqs: Vec<u64> = window
            .backward(u64::MAX, scope)
            .filter_map(admitted)
            .collect();
        seqs.reverse();
        let forward: Vec<u64> = window.after(0, scope).filter_map(admitted).collect();
        assert_eq!(forward, seqs);
        seqs
    }

    fn lost_after(log: &MemoryLog, cursor: u64, topic: &str) -> Option<u64> {
        let loss = log.history.window().loss_after(
            cursor,
            Evictions::default(),
            scope(&selection(&[topic])),
        );
        loss.map(|loss| loss.newest)
    }

    fn log(events: usize, bytes: usize) -> MemoryLog {
        let retention = Retention {
            events,
            bytes,
            age: None,
        };
        MemoryLog::new(retention, &[])
    }

    #[test]
    fn numbers_are_contiguous_from_one() {
        let log = log(10, 1000);
        assert_eq!(
            append(&log, vec![draft("a", 1), draft("b", 1)]),
            Ok(vec![1, 2])
        );
        assert_eq!(append(&log, vec![draft("a", 1)]), Ok(vec![3]));
        assert_eq!(retained(&log, &["*"]), [1, 2, 3]);
        assert_eq!(retained(&log, &["a"]), [1, 3]);
        assert_eq!(retained(&log, &["a", "b"]), [1, 2, 3]);
        let window = log.history.window();
        assert_eq!(window.after(2, scope(&selection(&["a", "b"]))).count(), 1);
        assert_eq!(window.after(99, scope(&selection(&["*"]))).count(), 0);
    }

    #[test]
    fn the_oldest_go_first_by_count() {
        let log = log(2, 1000);
        for _ in 0..5 {
            append(&log, vec![draft("t", 1)]).unwrap();
        }
        assert_eq!(retained(&log, &["t"]), [4, 5]);
        assert_eq!(lost_after(&log, 2, "t"), Some(3));
        assert_eq!(lost_after(&log, 3, "t"), None);
        assert_eq!(log.history.window().floor(), 3);
    }

    #[test]
    fn the_oldest_go_first_by_bytes() {
        let log = log(100, 100);
        for length in [20, 20, 20] {
            append(&log, vec![draft("t", length)]).unwrap();
        }
        assert_eq!(retained(&log, &["t"]), [2, 3]);
        let before = log.history.window().bytes();
        let refused = append(&log, vec![draft("t", 1), draft("t", 101)]);
        assert!(matches!(
            refused,
            Err(AppendError::TooLarge { max: 100, .. })
        ));
        assert_eq!(retained(&log, &["t"]), [2, 3]);
        let window = log.history.window();
        assert_eq!(
            (window.head(), window.floor(), window.bytes()),
            (3, 1, before)
        );
    }

    #[test]
    fn topics_are_counted_with_the_batch_that_brings_them() {
        let log = log(4, 1000);
        log.history.limit_topics(3);
        append(&log, vec![draft("a", 1), draft("b", 1)]).unwrap();
        let two = append(&log, vec![draft("c", 1), draft("c", 1), draft("d", 1)]);
        assert_eq!(two, Err(AppendError::TooManyTopics("d".into())));
        append(&log, vec![draft("c", 1), draft("a", 1), draft("c", 1)]).unwrap();
        assert_eq!(retained(&log, &["*"]), [2, 3, 4, 5]);
        // The new event of `c` evicts the last of `b`.
        append(&log, vec![draft("c", 1)]).unwrap();
        append(&log, vec![draft("d", 1)]).unwrap();
    }

    #[test]
    fn a_busy_topic_cannot_evict_one_with_a_budget_of_its_own() {
        let retention = Retention {
            events: 3,
            ..Retention::default()
        };
        let own = TopicRetention {
            topics: "orders.*".into(),
            events: Some(2),
            ..TopicRetention::default()
        };
        let log = MemoryLog::new(retention, &[own]);
        append(&log, vec![draft("orders.a", 1), draft("orders.b", 1)]).unwrap();
        for _ in 0..10 {
            append(&log, vec![draft("ticks", 1)]).unwrap();
        }
        assert_eq!(retained(&log, &["*"]), [1, 2, 10, 11, 12]);
        assert_eq!(retained(&log, &["orders.*"]), [1, 2]);
        assert_eq!(lost_after(&log, 0, "orders.a"), None);
        assert_eq!(lost_after(&log, 0, "ticks"), Some(9));
        append(&log, vec![draft("orders.a", 1)]).unwrap();
        assert_eq!(retained(&log, &["orders.*", "ticks"]), [2, 10, 11, 12, 13]);
        assert_eq!(lost_after(&log, 0, "orders.a"), Some(1));
    }

    #[test]
    fn what_is_too_old_goes_and_is_marked() {
        let retention = Retention {
            age: Some(Duration::ZERO),
            ..Retention::default()
        };
        let log = MemoryLog::new(retention, &[]);
        append(&log, vec![draft("t", 1)]).unwrap();
        let start = log.history.clock().now();
        while log.history.clock().now() == start {
            std::hint::spin_loop();
        }
        log.history.age();
        assert_eq!(retained(&log, &["t"]), Vec::<u64>::new());
        assert_eq!(lost_after(&log, 0, "t"), Some(1));
    }

    #[test]
    fn what_was_past_its_time_leaves_no_loss_behind() {
        let log = log(1, 1000);
        let expired = Draft {
            time_to_live: Some(Duration::ZERO),
            ..draft("t", 1)
        };
        append(&log, vec![expired]).unwrap();
        append(&log, vec![draft("t", 1)]).unwrap();
        assert_eq!(retained(&log, &["t"]), [2]);
        assert_eq!(lost_after(&log, 0, "t"), None);
    }

    #[test]
    fn a_repeated_key_is_the_first_event_until_that_is_evicted() {
        let log = log(3, 1000);
        assert_eq!(append(&log, vec![keyed("t", "k", "a")]), Ok(vec![1]));
        assert_eq!(
            append(&log, vec![draft("t", 1), keyed("t", "k", "a")]),
            Ok(vec![2, 1])
        );
        assert_eq!(append(&log, vec![keyed("u", "k", "b")]), Ok(vec![3]));
        assert_eq!(
            append(&log, vec![draft("t", 1), keyed("t", "k", "b")]),
            Err(AppendError::KeyTaken("k".into()))
        );
        assert_eq!(retained(&log, &["*"]), [1, 2, 3]);
        assert_eq!(append(&log, vec![draft("t", 1)]), Ok(vec![4]));
        assert_eq!(append(&log, vec![keyed("t", "k", "b")]), Ok(vec![5]));
    }

    #[test]
    fn a_key_repeats_within_a_batch_too_and_a_refused_batch_leaves_none() {
        let log = log(10, 1000);
        let twice = vec![keyed("t", "k", "a"), keyed("t", "k", "a")];
        assert_eq!(append(&log, twice), Ok(vec![1, 1]));
        let refused = vec![keyed("t", "new", "a"), keyed("t", "k", "b")];
        assert!(append(&log, refused).is_err());
        assert_eq!(append(&log, vec![keyed("t", "new", "b")]), Ok(vec![2]));
        assert_eq!(retained(&log, &["t"]), [1, 2]);
    }
}
