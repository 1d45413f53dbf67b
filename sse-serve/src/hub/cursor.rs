//! A cursor over the log: what one subscription is due. Replay and live delivery
//! are the same reads, so they cannot race.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::hub::batch::Batch;
use crate::hub::control::{self, Connected, Gap};
use crate::hub::position::{GapPolicy, GapReason, Start, resolve};
use crate::hub::{Filter, Refused, Shared, Subscribe};
use crate::log::{Loss, MemoryLog};

/// Records looked at before the log is let go for others.
const SCAN_MAX: usize = 4096;

/// One open stream, without the waiting: asked at any time, it says what to
/// write and when to ask again at the latest.
#[derive(Debug)]
pub(super) struct Cursor {
    shared: Arc<Shared>,
    filter: Filter,
    gap: GapPolicy,
    id: String,
    /// Everything up to here was delivered, or was not for this subscription.
    seq: u64,
    /// The position that the client knows of.
    told: u64,
    /// What the hub has to say before the next event.
    preface: BytesMut,
    last_write: Instant,
    closes: Option<Instant>,
    closed: bool,
}

impl Cursor {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        if shared.draining.borrow().is_some() {
            return Err(Refused::Draining);
        }
        let id = shared.registry.open().ok_or(Refused::Full)?;
        let now = Instant::now();
        let mut cursor = Self {
            filter: request.filter,
            gap: request.gap.unwrap_or(shared.config.gap),
            id,
            seq: 0,
            told: 0,
            preface: BytesMut::new(),
            last_write: now,
            closes: None,
            closed: false,
            shared,
        };
        cursor.begin(&request.start);
        Ok(cursor)
    }

    /// Whole blocks, everything that is due at `now` up to a bound.
    pub(super) fn due(&mut self, now: Instant) -> Option<Bytes> {
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

    /// When something falls due even if nothing is published: the next
    /// heartbeat, or the close.
    pub(super) fn deadline(&self) -> Instant {
        let heartbeat = self.last_write + self.shared.config.heartbeat;
        self.closes
            .map_or(heartbeat, |closes| closes.min(heartbeat))
    }

    /// The last bytes were given out.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Events after the cursor, in one piece.
    fn take(&mut self, now: Instant) -> Option<Bytes> {
        let shared = Arc::clone(&self.shared);
        loop {
            let log = shared.log();
            self.catch_up(&log);
            let mut batch = Batch::new(std::mem::take(&mut self.preface));
            let mut more = false;
            for (scanned, (seq, record)) in log.after(self.seq).enumerate() {
                if scanned == SCAN_MAX || !batch.has_room(record.block.len()) {
                    more = true;
                    break;
                }
                self.seq = seq;
                if !self.filter.admits(&record.envelope, &self.id) {
                    continue;
                }
                if record.expired(now) {
                    shared.expired.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                batch.push(&record.block);
                self.told = seq;
            }
            drop(log);
            let bytes = batch.finish();
            if bytes.is_some() || !more {
                return bytes;
            }
        }
    }

    /// Where retention overtook the cursor, moves it into the window, and says
    /// so if the subscription lost something.
    fn catch_up(&mut self, log: &MemoryLog) {
        if self.seq >= log.floor() {
            return;
        }
        if self.loss(log).is_some() {
            self.shared.lagged.fetch_add(1, Ordering::Relaxed);
            let requested = self.shared.epoch.id(self.seq);
            self.put_gap(log, GapReason::Lagged, requested.as_bytes());
        } else {
            self.seq = log.floor();
        }
    }

    /// What this subscription lost after its cursor, if anything.
    fn loss(&self, log: &MemoryLog) -> Option<Loss> {
        log.loss_after(self.seq, |envelope| self.filter.admits(envelope, &self.id))
    }

    /// The number of events between the cursor and where delivery continues,
    /// where it is known.
    fn missed(&self, log: &MemoryLog) -> Option<u64> {
        let evicted = match self.loss(log) {
            Some(loss) if !loss.counts_all => return None,
            Some(_) => log.floor() - self.seq,
            None => 0,
        };
        let skipped = match self.gap {
            GapPolicy::Oldest => 0,
            GapPolicy::Latest => log
                .after(self.seq)
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
            Start::Head => self.seq = log.head(),
            Start::Earliest => self.seq = log.floor(),
            Start::Last(count) => self.seq = self.before_last(&log, *count),
            Start::After(requested) => match resolve(requested, &shared.epoch, log.head()) {
                Ok(seq) => {
                    self.seq = seq;
                    if self.loss(&log).is_some() {
                        self.put_gap(&log, GapReason::Expired, requested);
                    }
                }
                Err(reason) => self.put_gap(&log, reason, requested),
            },
        }
        self.told = self.seq;
        let cursor = shared.epoch.id(self.seq);
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
        self.seq = match self.gap {
            GapPolicy::Oldest => log.floor(),
            GapPolicy::Latest => log.head(),
        };
        self.told = self.seq;
        let epoch = &self.shared.epoch;
        let retains = log.floor() < log.head();
        let gap = Gap {
            reason,
            requested: control::printable(requested),
            oldest: retains.then(|| epoch.id(log.floor() + 1)),
            newest: retains.then(|| epoch.id(log.head())),
            missed,
        };
        control::put_gap(&mut self.preface, &epoch.id(self.seq), &gap);
    }

    /// A comment after silence; an id alone where the cursor passed events that
    /// were not for this subscription.
    fn heartbeat(&mut self, now: Instant) -> Option<Bytes> {
        if now < self.last_write + self.shared.config.heartbeat {
            return None;
        }
        if self.seq > self.told {
            self.told = self.seq;
            return Some(control::position(&self.shared.epoch.id(self.seq)));
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
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.shared.registry.close(&self.id);
        self.shared.log_mut().forget_connection(&self.id);
    }
}

/// A random time between `reconnection_time` and twice that.
pub(crate) fn jittered(reconnection_time: Duration) -> Duration {
    reconnection_time.mul_f64(1.0 + fastrand::f64())
}

#[cfg(test)]
mod tests;
