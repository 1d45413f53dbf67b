//! Who waits for what: a publish wakes those whom it concerns, and looks at
//! nobody else.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Poll, Waker};

use indexmap::IndexMap;

use crate::log::selection::{Lane, Selection};
use crate::log::{ConnectionId, Envelope, Record};

/// The end of the log, as one reader follows it: a subscription, or many of one
/// selection that are served together.
#[derive(Debug)]
pub(crate) struct Tail {
    selection: Arc<Selection>,
    connection: Option<ConnectionId>,
    /// Whether it is woken by what its selection admits, or only by what is
    /// targeted at its connection.
    follows: AtomicBool,
    /// The subscriptions behind it.
    readers: AtomicUsize,
    /// The first event for it that it has not looked for yet; 0 is none.
    pending: AtomicU64,
    is_woken: AtomicBool,
    waiter: Mutex<Waiter>,
}

#[derive(Debug, Default)]
enum Waiter {
    #[default]
    Nobody,
    Task(Waker),
    Queue(Arc<dyn WakeQueue>, usize),
}

/// Where a thread that serves many tails finds those that were woken.
pub(crate) trait WakeQueue: fmt::Debug + Send + Sync {
    /// Must not wait.
    fn push(&self, token: usize);
}

impl Tail {
    fn new(selection: Arc<Selection>, connection: Option<ConnectionId>) -> Self {
        Self {
            selection,
            connection,
            follows: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
            pending: AtomicU64::new(0),
            is_woken: AtomicBool::new(false),
            waiter: Mutex::default(),
        }
    }

    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        self.connection.as_ref()
    }

    /// Returns once there may be something to read.
    pub(crate) async fn wait(&self) {
        poll_fn(|context| {
            if self.take_wake() {
                return Poll::Ready(());
            }
            *self.waiter() = Waiter::Task(context.waker().clone());
            if self.take_wake() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    /// From now on a wake-up puts this token there, once until it is taken with
    /// [`Tail::take_wake`]. What came before may have woken nobody.
    pub(crate) fn wake_into(&self, queue: Arc<dyn WakeQueue>, token: usize) {
        *self.waiter() = Waiter::Queue(queue, token);
        self.take_wake();
    }

    /// Whether it was woken since it last asked.
    pub(crate) fn take_wake(&self) -> bool {
        self.is_woken.swap(false, Ordering::AcqRel)
    }

    /// The first event for it since it last asked. To be asked while the window
    /// is held, or the answer is of another moment.
    pub(crate) fn take_pending(&self) -> Option<u64> {
        match self.pending.load(Ordering::Acquire) {
            0 => None,
            _ => Some(self.pending.swap(0, Ordering::AcqRel)).filter(|&seq| seq > 0),
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
        if self.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        match &*self.waiter() {
            Waiter::Nobody => {}
            Waiter::Task(waker) => waker.wake_by_ref(),
            Waiter::Queue(queue, token) => queue.push(*token),
        }
    }

    pub(crate) fn add_readers(&self, count: usize) {
        self.readers.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn remove_reader(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether it was idle until now.
    fn mark(&self, seq: u64) -> bool {
        self.pending
            .compare_exchange(0, seq, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    fn waiter(&self) -> std::sync::MutexGuard<'_, Waiter> {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner)
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
    connections: HashMap<ConnectionId, Arc<Tail>>,
    /// Of topics and sessions.
    lanes: HashMap<Lane, Readers>,
    prefixes: HashMap<String, Readers>,
    all_topics: Readers,
}

/// By their addresses: as many close at once as opened.
type Readers = IndexMap<usize, Arc<Tail>>;

impl Tails {
    /// One that is woken by what is targeted at its connection.
    pub(super) fn open(
        &self,
        selection: Arc<Selection>,
        connection: Option<ConnectionId>,
    ) -> Arc<Tail> {
        let tail = Arc::new(Tail::new(selection, connection));
        if let Some(connection) = connection {
            let connections = &mut self.write().connections;
            connections.insert(connection, Arc::clone(&tail));
        }
        tail
    }

    /// From now on it is woken by what its selection admits, too.
    pub(super) fn follow(&self, tail: &Arc<Tail>) {
        if tail.follows.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut index = self.write();
        for lane in tail.selection.lanes() {
            insert(index.lanes.entry(lane.clone()).or_default(), tail);
        }
        for prefix in tail.selection.prefixes() {
            insert(index.prefixes.entry(prefix.clone()).or_default(), tail);
        }
        if tail.selection.all_topics() {
            insert(&mut index.all_topics, tail);
        }
    }

    pub(super) fn close(&self, tail: &Arc<Tail>) {
        let mut index = self.write();
        if let Some(connection) = tail.connection() {
            index.connections.remove(connection);
        }
        if !tail.follows.load(Ordering::Acquire) {
            return;
        }
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
        ConnectionId::parse(connection).is_some_and(|id| self.read().connections.contains_key(&id))
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
                if tail.mark(seq) {
                    idle.push(Arc::clone(tail));
                }
            });
        }
        idle
    }

    pub(super) fn notify(&self, tails: &[Arc<Tail>]) {
        self.wakes.fetch_add(tails.len() as u64, Ordering::Relaxed);
        for tail in tails {
            tail.wake();
        }
    }

    pub(super) fn notify_all(&self) {
        let tails: Vec<_> = self.read().connections.values().cloned().collect();
        self.notify(&tails);
    }

    /// How many subscriptions read this topic.
    pub(super) fn readers(&self, topic: &str) -> usize {
        let index = self.read();
        let count = |tails: &Readers| -> usize {
            let readers = tails.values();
            readers
                .map(|tail| tail.readers.load(Ordering::Relaxed))
                .sum()
        };
        let named = index
            .lanes
            .get(&Lane::Topic(topic.to_owned()))
            .map_or(0, count);
        let patterns: usize = topic
            .match_indices('.')
            .map(|(dot, _)| index.prefixes.get(&topic[..=dot]).map_or(0, count))
            .sum();
        named + patterns + count(&index.all_topics)
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
        if let Some(connection) = &envelope.connection {
            let id = ConnectionId::parse(connection);
            let tail = id.and_then(|id| self.connections.get(&id));
            let admits = |tail: &&Arc<Tail>| {
                let filter = tail.selection.filter();
                filter.admits(envelope, Some(connection))
            };
            tail.filter(admits).into_iter().for_each(each);
            return;
        }
        let mut each = |tail: &Arc<Tail>| {
            if tail.selection.filter().admits(envelope, None) {
                each(tail);
            }
        };
        let lane = Lane::of(envelope);
        self.lanes
            .get(&lane)
            .into_iter()
            .flat_map(Readers::values)
            .for_each(&mut each);
        let Lane::Topic(topic) = &lane else { return };
        self.all_topics.values().for_each(&mut each);
        if self.prefixes.is_empty() {
            return;
        }
        for (dot, _) in topic.match_indices('.') {
            let tails = self.prefixes.get(&topic[..=dot]);
            let tails = tails.into_iter().flat_map(Readers::values);
            tails.for_each(&mut each);
        }
    }
}

fn insert(tails: &mut Readers, tail: &Arc<Tail>) {
    tails.insert(Arc::as_ptr(tail).addr(), Arc::clone(tail));
}

fn remove(tails: &mut Readers, tail: &Arc<Tail>) {
    tails.swap_remove(&Arc::as_ptr(tail).addr());
}
