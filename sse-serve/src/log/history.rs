//! What all logs have in common.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::log::clock::Clock;
use crate::log::stage::Stage;
use crate::log::stamps::Stamps;
use crate::log::tail::Tails;
use crate::log::window::Window;
use crate::log::{ConnectionId, Envelope, Record, Selection, Tail};

/// The random name of one log: eight of `[a-z0-9]`. A log that lost its history
/// has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch(String);

impl Epoch {
    pub(crate) const LENGTH: usize = 8;

    pub(crate) fn random() -> Self {
        Self(random_name(Self::LENGTH))
    }

    /// `None` if it is not the name of a log.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let well_formed = name.len() == Self::LENGTH
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        well_formed.then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The `id:` of the event, or of the position after it: `<epoch>-<seq>`.
    pub(crate) fn id(&self, seq: u64) -> String {
        format!("{}-{seq}", self.0)
    }
}

/// `length` random characters of `[a-z0-9]`.
pub(crate) fn random_name(length: usize) -> String {
    std::iter::repeat_with(|| {
        char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[fastrand::usize(..36)])
    })
    .take(length)
    .collect()
}

/// The index of what is retained, the recent events, and who waits for more.
#[derive(Debug)]
pub(crate) struct History {
    epoch: Epoch,
    clock: Clock,
    window: RwLock<Window>,
    tails: Tails,
    digests: RandomState,
    reads: AtomicU64,
    max_topics: AtomicUsize,
    stamps: Stamps,
}

impl History {
    /// `since` is the time of its newest event: it is not earlier now, whatever
    /// the system's clock says.
    pub(super) fn new(epoch: Epoch, window: Window, since: u64) -> Self {
        Self {
            epoch,
            clock: Clock::not_before(since),
            window: RwLock::new(window),
            tails: Tails::default(),
            digests: RandomState::new(),
            reads: AtomicU64::new(0),
            max_topics: AtomicUsize::new(usize::MAX),
            stamps: Stamps::new(),
        }
    }

    /// From now on a further topic is refused once as many have events.
    pub(crate) fn limit_topics(&self, max: usize) {
        self.max_topics.store(max, Ordering::Relaxed);
    }

    pub(super) fn max_topics(&self) -> usize {
        self.max_topics.load(Ordering::Relaxed)
    }

    /// Makes what the log holds by its promise seen, and wakes whom it
    /// concerns. Returns what had to go for it.
    pub(super) fn publish(&self, stage: Stage) -> Vec<(u64, Record)> {
        let now = self.clock.now();
        let seen = Instant::now();
        for staged in &stage.records {
            self.stamps.mark(staged.seq, seen);
        }
        let mut evicted = Vec::new();
        let idle = {
            let mut window = self.window_mut();
            let staged = stage.records.iter();
            let idle = self
                .tails
                .mark(staged.map(|staged| (staged.seq, &staged.record)));
            for staged in stage.records {
                window.push(staged.seq, staged.record, staged.content, &mut evicted);
            }
            window.age(now, &mut evicted);
            self.mark(&mut window, &evicted, now);
            idle
        };
        self.tails.notify(&idle);
        evicted
    }

    /// Evicts what is too old by now.
    pub(crate) fn age(&self) -> Vec<(u64, Record)> {
        let now = self.clock.now();
        let mut evicted = Vec::new();
        if self.window().has_aged(now) {
            let mut window = self.window_mut();
            window.age(now, &mut evicted);
            self.mark(&mut window, &evicted, now);
        }
        evicted
    }

    /// Keeps in mind what a log evicted while it was loaded.
    pub(super) fn mark_evicted(&self, evicted: &[(u64, Record)]) {
        let now = self.clock.now();
        self.mark(&mut self.window_mut(), evicted, now);
    }

    /// Opens the end of the log. From now on what is targeted at this connection
    /// wakes it.
    pub(crate) fn tail(
        &self,
        selection: Arc<Selection>,
        connection: Option<ConnectionId>,
    ) -> Arc<Tail> {
        self.tails.open(selection, connection)
    }

    /// From now on what is published for its selection wakes it, too.
    pub(crate) fn follow(&self, tail: &Arc<Tail>) {
        self.tails.follow(tail);
    }

    /// To be called once for each tail. Events for its connection are then owed
    /// to nobody.
    pub(crate) fn close(&self, tail: &Arc<Tail>) {
        self.tails.close(tail);
        let Some(connection) = tail.connection().map(ConnectionId::as_str) else {
            return;
        };
        if self.window().marks().has_connection(connection) {
            self.window_mut().marks_mut().forget_connection(connection);
        }
    }

    /// Wakes every tail, as when the hub drains.
    pub(crate) fn wake_all(&self) {
        self.tails.notify_all();
    }

    /// To be let go of before anything that takes time.
    pub(crate) fn window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The time since the log showed this event, `None` unless it is one of the
    /// newest.
    pub(crate) fn age_of(&self, seq: u64, now: Instant) -> Option<Duration> {
        self.stamps.age(seq, now)
    }

    /// Subscriptions that read this topic.
    pub(crate) fn readers(&self, topic: &str) -> usize {
        self.tails.readers(topic)
    }

    /// Wake-ups of subscriptions so far.
    pub(crate) fn wakes(&self) -> u64 {
        self.tails.wakes()
    }

    /// Records looked at for subscriptions so far.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(crate) fn count_reads(&self, records: u64) {
        self.reads.fetch_add(records, Ordering::Relaxed);
    }

    /// Tells the content of an event from another's: its block but for the id
    /// line, and whom it is for.
    pub(super) fn digest(&self, block: &[u8], envelope: &Envelope) -> u64 {
        let id_end = block.iter().position(|&byte| byte == b'\n');
        let content = &block[id_end.map_or(0, |end| end + 1)..];
        self.digests.hash_one((content, envelope))
    }

    pub(super) fn window_mut(&self) -> RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps in mind what was evicted, if somebody is owed it.
    fn mark(&self, window: &mut Window, evicted: &[(u64, Record)], now: u64) {
        for (seq, record) in evicted {
            let addressee = record.envelope.connection.as_deref();
            let is_owed = !record.expired(now)
                && addressee.is_none_or(|connection| self.tails.has_connection(connection));
            if is_owed {
                window.marks_mut().mark(&record.envelope, *seq);
            } else {
                window.marks_mut().pass_over(*seq);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_eight_lowercase_letters_and_digits() {
        let epoch = Epoch::random();
        assert_eq!(Epoch::parse(epoch.as_str()), Some(epoch.clone()));
        assert_ne!(Epoch::random(), epoch);
        for name in ["", "abcd123", "abcd12345", "ABCD1234", "abcd-123"] {
            assert_eq!(Epoch::parse(name), None, "{name}");
        }
    }
}
