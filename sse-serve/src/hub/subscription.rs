//! A subscription: a cursor over the log. Replay and live delivery are the same
//! reads, so they cannot race.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;
use tokio::time::Sleep;

use crate::hub::control::{self, Connected, Gap};
use crate::hub::position::{GapPolicy, GapReason, Start, resolve};
use crate::hub::{Filter, Refused, Shared, Subscribe};
use crate::log::{Loss, MemoryLog};

/// Bytes after which one read of the log ends. A single larger event is a read
/// of its own, and shared, not copied.
const READ_MAX: usize = 32 << 10;

/// Records looked at before the log is let go for others.
const SCAN_MAX: usize = 4096;

/// One open stream, as the bytes to write.
#[derive(Debug)]
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    filter: Filter,
    gap: GapPolicy,
    id: String,
    /// Everything up to here was delivered, or was not for this subscription.
    cursor: u64,
    /// The position that the client knows of.
    told: u64,
    /// What the hub has to say before the next event.
    preface: BytesMut,
    last_write: Instant,
    closes: Option<Instant>,
    closed: bool,
    wake: watch::Receiver<u64>,
    timer: Pin<Box<Sleep>>,
}

impl Subscription {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        if shared.draining.borrow().is_some() {
            return Err(Refused::Draining);
        }
        let id = shared.registry.open().ok_or(Refused::Full)?;
        let now = Instant::now();
        let mut subscription = Self {
            filter: request.filter,
            gap: request.gap.unwrap_or(shared.config.gap),
            id,
            cursor: 0,
            told: 0,
            preface: BytesMut::new(),
            last_write: now,
            closes: None,
            closed: false,
            wake: shared.head.subscribe(),
            timer: Box::pin(tokio::time::sleep_until(
                (now + shared.config.heartbeat).into(),
            )),
            shared,
        };
        subscription.begin(&request.start);
        Ok(subscription)
    }

    /// The next bytes to write: whole blocks, everything that is due up to a
    /// bound. `None` ends the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let now = Instant::now();
            if let Some(bytes) = self.due(now) {
                return Some(bytes);
            }
            if self.closed {
                return None;
            }
            self.arm();
            tokio::select! {
                // The sender lives in `shared`, so waiting cannot fail.
                _ = self.wake.changed() => {}
                () = self.timer.as_mut() => {}
            }
        }
    }

    /// What is due at `now`, without waiting.
    fn due(&mut self, now: Instant) -> Option<Bytes> {
        if self.closed {
            return None;
        }
        if self.is_closing(now) {
            return Some(self.farewell(now));
        }
        let bytes = self.take(now).or_else(|| self.heartbeat(now))?;
        self.last_write = now;
        Some(bytes)
    }

    /// Events after the cursor, in one piece.
    fn take(&mut self, now: Instant) -> Option<Bytes> {
        let shared = Arc::clone(&self.shared);
        loop {
            let log = shared.log();
            self.catch_up(&log);
            let mut read = Read::new(std::mem::take(&mut self.preface));
            let mut more = false;
            for (scanned, (seq, record)) in log.after(self.cursor).enumerate() {
                if scanned == SCAN_MAX || !read.has_room(record.block.len()) {
                    more = true;
                    break;
                }
                self.cursor = seq;
                if !self.filter.admits(&record.envelope, &self.id) {
                    continue;
                }
                if record.expired(now) {
                    shared.expired.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                read.push(&record.block);
                self.told = seq;
            }
            drop(log);
            let bytes = read.finish();
            if bytes.is_some() || !more {
                return bytes;
            }
        }
    }

    /// Where retention overtook the cursor, moves it into the window, and says
    /// so if the subscription lost something.
    fn catch_up(&mut self, log: &MemoryLog) {
        if self.cursor >= log.floor() {
            return;
        }
        if self.loss(log).is_some() {
            self.shared.lagged.fetch_add(1, Ordering::Relaxed);
            let requested = self.shared.epoch.id(self.cursor);
            self.put_gap(log, GapReason::Lagged, requested.as_bytes());
        } else {
            self.cursor = log.floor();
        }
    }

    /// What this subscription lost after its cursor, if anything.
    fn loss(&self, log: &MemoryLog) -> Option<Loss> {
        log.loss_after(self.cursor, |envelope| {
            self.filter.admits(envelope, &self.id)
        })
    }

    /// The number of events between the cursor and where delivery continues,
    /// where it is known.
    fn missed(&self, log: &MemoryLog) -> Option<u64> {
        let evicted = match self.loss(log) {
            Some(loss) if !loss.counts_all => return None,
            Some(_) => log.floor() - self.cursor,
            None => 0,
        };
        let skipped = match self.gap {
            GapPolicy::Oldest => 0,
            GapPolicy::Latest => log
                .after(self.cursor)
                .filter(|(_, record)| self.filter.admits(&record.envelope, &self.id))
                .count(),
        };
        Some(evicted + skipped as u64)
    }

    /// Sets the first cursor and says where it stands.
    fn begin(&mut self, start: &Start) {
        let shared = Arc::clone(&self.shared);
        let log = shared.log();
        control::put_retry(&mut self.preface, shared.config.retry);
        match start {
            Start::Head => self.cursor = log.head(),
            Start::Earliest => self.cursor = log.floor(),
            Start::Last(count) => self.cursor = self.before_last(&log, *count),
            Start::After(requested) => match resolve(requested, &shared.epoch, log.head()) {
                Ok(seq) => {
                    self.cursor = seq;
                    if self.loss(&log).is_some() {
                        self.put_gap(&log, GapReason::Expired, requested);
                    }
                }
                Err(reason) => self.put_gap(&log, reason, requested),
            },
        }
        self.told = self.cursor;
        let cursor = shared.epoch.id(self.cursor);
        let connected = Connected {
            connection: &self.id,
            cursor: &cursor,
            retry: shared.config.retry.as_millis() as u64,
        };
        control::put_connected(&mut self.preface, &cursor, &connected);
    }

    fn before_last(&self, log: &MemoryLog, count: usize) -> u64 {
        let now = Instant::now();
        let Some(skip) = count.checked_sub(1) else {
            return log.head();
        };
        log.after(0)
            .rev()
            .filter(|(_, record)| {
                !record.expired(now) && self.filter.admits(&record.envelope, &self.id)
            })
            .map(|(seq, _)| seq - 1)
            .take(skip + 1)
            .last()
            .unwrap_or(log.head())
    }

    fn put_gap(&mut self, log: &MemoryLog, reason: GapReason, requested: &[u8]) {
        let missed = match reason {
            GapReason::Expired | GapReason::Lagged => self.missed(log),
            GapReason::Unknown | GapReason::StoreReset => None,
        };
        self.cursor = match self.gap {
            GapPolicy::Oldest => log.floor(),
            GapPolicy::Latest => log.head(),
        };
        self.told = self.cursor;
        let epoch = &self.shared.epoch;
        let retains = log.floor() < log.head();
        let gap = Gap {
            reason,
            requested: control::printable(requested),
            oldest: retains.then(|| epoch.id(log.floor() + 1)),
            newest: retains.then(|| epoch.id(log.head())),
            missed,
        };
        control::put_gap(&mut self.preface, &epoch.id(self.cursor), &gap);
    }

    /// A comment after silence; an id alone where the cursor passed events that
    /// were not for this subscription.
    fn heartbeat(&mut self, now: Instant) -> Option<Bytes> {
        if now < self.last_write + self.shared.config.heartbeat {
            return None;
        }
        if self.cursor > self.told {
            self.told = self.cursor;
            return Some(control::position(&self.shared.epoch.id(self.cursor)));
        }
        Some(control::KEEPALIVE)
    }

    /// Once the hub drains, each stream draws its own moment to close.
    fn is_closing(&mut self, now: Instant) -> bool {
        if self.closes.is_none() {
            let drain = self.shared.config.drain;
            let since = *self.shared.draining.borrow();
            self.closes = since.map(|since| since + drain.mul_f64(fastrand::f64()));
        }
        self.closes.is_some_and(|closes| closes <= now)
    }

    /// The last events and a reconnection time that spreads the clients.
    fn farewell(&mut self, now: Instant) -> Bytes {
        let mut bytes = BytesMut::from(self.take(now).unwrap_or_default());
        control::put_retry(&mut bytes, jittered(self.shared.config.retry));
        self.closed = true;
        bytes.freeze()
    }

    /// Readies the timer for the next heartbeat or the close. A timer that only
    /// fires too early is left alone: moving it on every write would cost more.
    fn arm(&mut self) {
        let heartbeat = self.last_write + self.shared.config.heartbeat;
        let wanted = self
            .closes
            .map_or(heartbeat, |closes| closes.min(heartbeat));
        if self.timer.is_elapsed() || self.timer.deadline() > wanted.into() {
            self.timer.as_mut().reset(wanted.into());
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.registry.close(&self.id);
        self.shared.log_mut().forget_connection(&self.id);
    }
}

/// A random time between `reconnection_time` and twice that.
pub(crate) fn jittered(reconnection_time: Duration) -> Duration {
    reconnection_time.mul_f64(1.0 + fastrand::f64())
}

/// Collects blocks; one alone stays shared.
struct Read {
    copied: BytesMut,
    single: Option<Bytes>,
}

impl Read {
    fn new(preface: BytesMut) -> Self {
        Self {
            copied: preface,
            single: None,
        }
    }

    fn len(&self) -> usize {
        self.copied.len() + self.single.as_ref().map_or(0, Bytes::len)
    }

    fn has_room(&self, length: usize) -> bool {
        self.len() == 0 || self.len() + length <= READ_MAX
    }

    fn push(&mut self, block: &Bytes) {
        if self.len() == 0 {
            self.single = Some(block.clone());
            return;
        }
        if let Some(single) = self.single.take() {
            self.copied.reserve(single.len() + block.len());
            self.copied.extend_from_slice(&single);
        }
        self.copied.extend_from_slice(block);
    }

    fn finish(self) -> Option<Bytes> {
        let bytes = self.single.unwrap_or_else(|| self.copied.freeze());
        (!bytes.is_empty()).then_some(bytes)
    }
}
