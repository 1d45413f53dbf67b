//! Who waits for what: a publish wakes those whom it concerns, and looks at
//! nobody else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::Notify;

use crate::log::selection::{Lane, Selection};
use crate::log::{Envelope, Record};

/// The end of the log, as one subscription follows it.
#[derive(Debug)]
pub(crate) struct Tail {
    selection: Selection,
    /// The first event for it that it has not looked for yet; 0 is none.
    pending: AtomicU64,
    notify: Notify,
}

impl Tail {
    pub(crate) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Returns once there may be something to read.
    pub(crate) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// The first event for it since it last asked. To be asked while the window
    /// is held, or the answer is of another moment.
    pub(crate) fn take_pending(&self) -> Option<u64> {
        match self.pending.swap(0, Ordering::AcqRel) {
            0 => None,
            seq => Some(seq),
        }
    }

    /// The first event for it that it has not looked for yet.
    pub(crate) fn pending(&self) -> Option<u64> {
        match self.pending.load(Ordering::Acquire) {
            0 => None,
            seq => Some(seq),
        }
    }

    /// As if there were something to read.
    pub(crate) fn wake(&self) {
        self.notify.notify_one();
    }

    /// Whether it was idle until now.
    fn mark(&self, seq: u64) -> bool {
        self.pending
            .compare_exchange(0, seq, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// All tails, by the lanes that they read.
#[derive(Debug, Default)]
pub(super) struct Tails {
    index: RwLock<Index>,
    wakes: AtomicU64,
}

#[derive(Debug, Default)]
struct Index {
    lanes: HashMap<Lane, Vec<Arc<Tail>>>,
    prefixes: HashMap<String, Vec<Arc<Tail>>>,
    all_topics: Vec<Arc<Tail>>,
}

impl Tails {
    pub(super) fn open(&self, selection: Selection) -> Arc<Tail> {
        let tail = Arc::new(Tail {
            selection,
            pending: AtomicU64::new(0),
            notify: Notify::new(),
        });
        let mut index = self.write();
        for lane in tail.selection.lanes() {
            let tails = index.lanes.entry(lane.clone()).or_default();
            tails.push(Arc::clone(&tail));
        }
        for prefix in tail.selection.prefixes() {
            let tails = index.prefixes.entry(prefix.clone()).or_default();
            tails.push(Arc::clone(&tail));
        }
        if tail.selection.all_topics() {
            index.all_topics.push(Arc::clone(&tail));
        }
        tail
    }

    pub(super) fn close(&self, tail: &Arc<Tail>) {
        let mut index = self.write();
        for lane in tail.selection.lanes() {
            if let Some(tails) = index.lanes.get_mut(lane) {
                remove(tails, tail);
                if tails.is_empty() {
                    index.lanes.remove(lane);
                }
            }
        }
        for prefix in tail.selection.prefixes() {
            if let Some(tails) = index.prefixes.get_mut(prefix) {
                remove(tails, tail);
                if tails.is_empty() {
                    index.prefixes.remove(prefix);
                }
            }
        }
        if tail.selection.all_topics() {
            remove(&mut index.all_topics, tail);
        }
    }

    pub(super) fn has_connection(&self, connection: &str) -> bool {
        let lane = Lane::Connection(connection.to_owned());
        self.read().lanes.contains_key(&lane)
    }

    /// Marks the tails that these events are for; those that were idle are to
    /// be notified, once no lock is held.
    pub(super) fn mark<'a>(
        &self,
        records: impl Iterator<Item = (u64, &'a Record)>,
    ) -> Vec<Arc<Tail>> {
        let index = self.read();
        let mut idle = Vec::new();
        for (seq, record) in records {
            index.concerned(&record.envelope, |tail| {
                if tail.selection.admits(&record.envelope) && tail.mark(seq) {
                    idle.push(Arc::clone(tail));
                }
            });
        }
        idle
    }

    pub(super) fn notify(&self, tails: &[Arc<Tail>]) {
        self.wakes.fetch_add(tails.len() as u64, Ordering::Relaxed);
        for tail in tails {
            tail.notify.notify_one();
        }
    }

    pub(super) fn notify_all(&self) {
        let index = self.read();
        // Each has one lane of its own, that of its connection.
        for (lane, tails) in &index.lanes {
            if matches!(lane, Lane::Connection(_)) {
                self.notify(tails);
            }
        }
    }

    /// How many read this topic.
    pub(super) fn readers(&self, topic: &str) -> usize {
        let index = self.read();
        let count = |tails: Option<&Vec<Arc<Tail>>>| tails.map_or(0, Vec::len);
        let named = count(index.lanes.get(&Lane::Topic(topic.to_owned())));
        let patterns: usize = topic
            .match_indices('.')
            .map(|(dot, _)| count(index.prefixes.get(&topic[..=dot])))
            .sum();
        named + patterns + index.all_topics.len()
    }

    pub(super) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn concerned(&self, envelope: &Envelope, mut each: impl FnMut(&Arc<Tail>)) {
        let lane = Lane::of(envelope);
        self.lanes
            .get(&lane)
            .into_iter()
            .flatten()
            .for_each(&mut each);
        let Lane::Topic(topic) = &lane else { return };
        self.all_topics.iter().for_each(&mut each);
        if self.prefixes.is_empty() {
            return;
        }
        for (dot, _) in topic.match_indices('.') {
            let tails = self.prefixes.get(&topic[..=dot]);
            tails.into_iter().flatten().for_each(&mut each);
        }
    }
}

fn remove(tails: &mut Vec<Arc<Tail>>, tail: &Arc<Tail>) {
    if let Some(index) = tails.iter().position(|other| Arc::ptr_eq(other, tail)) {
        tails.swap_remove(index);
    }
}
