//! A cursor over the log: what one subscription is due. Replay and live delivery
//! are the same reads, so they cannot race.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::hub::batch::{BATCH_MAX, Batch};
use crate::hub::control::{self, Connected, Gap};
use crate::hub::position::{GapPolicy, GapReason, Start, resolve};
use crate::hub::registry::Connection;
use crate::hub::tally::Tally;
use crate::hub::{Refused, Shared, Subscribe};
use crate::log::{EventLog, Evictions, Loss, Selection, Tail, Window};
use crate::metrics::Closed;

/// Records looked at before the log is let go for others.
const SCAN_MAX: usize = 4096;

/// One open stream, without the waiting: asked at any time, it says what to
/// write and when to ask again at the latest.
#[derive(Debug)]
pub(super) struct Cursor {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    gap: GapPolicy,
    /// What was published up to here is replayed, what comes after is live.
    head_at_open: u64,
    /// Everything up to here was delivered, or was not for this subscription.
    seq: u64,
    /// The position that the client knows of.
    told: u64,
    /// What was evicted by then was told of, or not asked for.
    forgiven: Evictions,
    /// Nothing was due when it last looked: what came since has woken it.
    at_head: bool,
    /// Blocks were asked for up to here, because memory had let them go.
    asked: u64,
    /// Those that came.
    fetched: Vec<(u64, Bytes)>,
    /// What the hub has to say before the next event.
    preface: BytesMut,
    last_write: Instant,
    closes: Option<Instant>,
    /// When the credential it was opened with ends.
    expires: Option<Instant>,
    closed: Option<Closed>,
}

/// What a cursor is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Whole blocks to write.
    Bytes(Bytes),
    /// These events, which are not in memory: to be fetched and supplied.
    Blocks(Vec<u64>),
    Nothing,
    /// The last bytes were given out.
    End,
}

impl Cursor {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        if shared.draining.borrow().is_some() {
            return Err(Refused::Draining);
        }
        let now = Instant::now();
        shared.log.age();
        // Before it looks at the log: what comes in between wakes it.
        let connection = shared
            .registry
            .open(request.peer, request.filter, |selection| {
                shared.history().tail(selection)
            })?;
        shared.metrics.opened.inc();
        let mut cursor = Self {
            connection,
            gap: request.gap.unwrap_or(shared.config.gap),
            head_at_open: 0,
            seq: 0,
            told: 0,
            forgiven: Evictions::default(),
            at_head: false,
            asked: 0,
            fetched: Vec::new(),
            preface: BytesMut::new(),
            last_write: now,
            closes: None,
            expires: request.expires,
            closed: None,
            shared,
        };
        cursor.begin(&request.start);
        cursor.connection.show(cursor.seq, false);
        Ok(cursor)
    }

    /// Everything that is due at `now`, up to a bound.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.closed.is_some() {
            return Due::End;
        }
        let due = self.step(now);
        self.connection.show(self.seq, self.at_head);
        if let Due::Bytes(bytes) = &due {
            self.last_write = now;
            let length = bytes.len() as u64;
            self.connection.bytes.fetch_add(length, Ordering::Relaxed);
            self.shared.metrics.delivered_bytes.inc_by(length);
        }
        due
    }

    fn step(&mut self, now: Instant) -> Due {
        if let Some(cause) = self.ended(now) {
            self.closed = Some(cause);
            return Due::Bytes(control::ending(cause));
        }
        let is_closing = self.is_closing(now);
        let due = match self.take(now) {
            Due::Nothing if !is_closing => self.heartbeat(now).map_or(Due::Nothing, Due::Bytes),
            due => due,
        };
        // What is to be fetched first, the client will come back for.
        if is_closing { self.farewell(due) } else { due }
    }

    /// The blocks asked for with [`Due::Blocks`].
    pub(super) fn supply(&mut self, blocks: Vec<(u64, Bytes)>) {
        self.fetched = blocks;
        if self.lacks_the_next() {
            self.give_up();
        }
    }

    /// Ends the stream: what it is due cannot be read.
    pub(super) fn give_up(&mut self) {
        self.closed = Some(Closed::Unreadable);
    }

    pub(super) fn tail(&self) -> &Tail {
        self.connection.tail()
    }

    fn selection(&self) -> &Selection {
        self.tail().selection()
    }

    pub(super) fn log(&self) -> &dyn EventLog {
        &*self.shared.log
    }

    /// When something falls due even if nothing is published: the next
    /// heartbeat, or an end.
    pub(super) fn deadline(&self) -> Instant {
        let heartbeat = self.last_write + self.shared.config.heartbeat;
        let ends = self.closes.into_iter().chain(self.expires);
        ends.fold(heartbeat, Instant::min)
    }

    /// Events after the cursor, in one piece.
    fn take(&mut self, now: Instant) -> Due {
        let shared = Arc::clone(&self.shared);
        let moment = shared.history().clock().at(now);
        loop {
            let window = shared.history().window();
            self.pass_idle(&window);
            self.catch_up(&window);
            let mut batch = Batch::new(std::mem::take(&mut self.preface));
            let mut wanted = Wanted::default();
            let mut more = false;
            let mut looked_at = 0;
            let mut tally = Tally::new(&shared, self.head_at_open, now);
            for (seq, record) in window.after(self.seq, self.selection()) {
                if looked_at == SCAN_MAX {
                    more = true;
                    break;
                }
                looked_at += 1;
                let is_admitted = self.selection().admits(&record.envelope);
                if !is_admitted || record.expired(moment) {
                    if wanted.seqs.is_empty() {
                        self.seq = seq;
                        if is_admitted {
                            shared.metrics.expired.inc();
                        }
                    }
                    continue;
                }
                let block = record.block.as_ref().or_else(|| self.fetched(seq));
                match block {
                    Some(block) if wanted.seqs.is_empty() && batch.has_room(block.len()) => {
                        batch.push(block);
                        tally.count(seq);
                        self.seq = seq;
                        self.told = seq;
                    }
                    None if batch.is_empty() && wanted.has_room(record.length) => {
                        wanted.push(seq, record.length);
                    }
                    _ => {
                        more = true;
                        break;
                    }
                }
            }
            more |= !wanted.seqs.is_empty();
            self.at_head = !more;
            if self.at_head {
                self.seq = window.head().max(self.seq);
            }
            drop(window);
            tally.add_to(&self.connection);
            shared.history().count_reads(looked_at as u64);
            self.fetched.clear();
            if let Some(bytes) = batch.finish() {
                return Due::Bytes(bytes);
            }
            if let Some(&last) = wanted.seqs.last() {
                self.asked = last;
                return Due::Blocks(wanted.seqs);
            }
            if !more {
                return Due::Nothing;
            }
        }
    }

    fn fetched(&self, seq: u64) -> Option<&Bytes> {
        let index = self.fetched.binary_search_by_key(&seq, |(seq, _)| *seq);
        index.ok().map(|index| &self.fetched[index].1)
    }

    /// Whether the event that comes next is retained, was asked for and is
    /// nowhere to be read. Others may have been evicted since.
    fn lacks_the_next(&self) -> bool {
        let history = self.shared.history();
        let (now, window) = (history.clock().now(), history.window());
        let selection = self.selection();
        window
            .after(self.seq, selection)
            .take(SCAN_MAX)
            .find(|(_, record)| selection.admits(&record.envelope) && !record.expired(now))
            .filter(|(seq, _)| *seq <= self.asked)
            .is_some_and(|(seq, record)| record.block.is_none() && self.fetched(seq).is_none())
    }

    /// Moves past what was published for others while it waited.
    fn pass_idle(&mut self, window: &Window) {
        let pending = self.tail().take_pending();
        if self.at_head {
            let before = pending.map_or(window.head(), |seq| seq - 1);
            self.seq = self.seq.max(before);
        }
    }

    /// Where retention overtook the cursor, says so if the subscription lost
    /// something.
    fn catch_up(&mut self, window: &Window) {
        if self.loss(window).is_some() {
            let requested = self.shared.history().epoch().id(self.seq);
            self.put_gap(window, GapReason::Lagged, requested.as_bytes());
        }
    }

    /// What this subscription lost after its cursor, if anything.
    fn loss(&self, window: &Window) -> Option<Loss> {
        window.loss_after(self.seq, self.forgiven, self.selection())
    }

    /// The number of events between the cursor and where delivery continues,
    /// where it is known.
    fn missed(&self, window: &Window) -> Option<u64> {
        let selection = self.selection();
        let now = self.shared.history().clock().now();
        let evicted = match self.loss(window) {
            Some(loss) if !loss.counts_all => return None,
            Some(_) => window.evicted_after(self.seq),
            None => 0,
        };
        let skipped = match self.gap {
            GapPolicy::Oldest => 0,
            GapPolicy::Latest => window
                .after(self.seq, selection)
                .filter(|(_, record)| !record.expired(now) && selection.admits(&record.envelope))
                .count(),
        };
        Some(evicted + skipped as u64)
    }

    /// Sets the first cursor and says where it stands.
    fn begin(&mut self, start: &Start) {
        let shared = Arc::clone(&self.shared);
        let history = shared.history();
        let window = history.window();
        self.head_at_open = window.head();
        control::put_retry(&mut self.preface, shared.config.retry);
        match start {
            Start::Head => self.seq = window.head(),
            Start::Earliest => self.seq = window.floor(),
            Start::Last(count) => self.seq = self.before_last(&window, *count),
            Start::After(requested) => match resolve(requested, history.epoch(), window.head()) {
                Ok(seq) => {
                    self.seq = seq;
                    if self.loss(&window).is_some() {
                        self.put_gap(&window, GapReason::Expired, requested);
                    }
                }
                Err(reason) => self.put_gap(&window, reason, requested),
            },
        }
        self.forgiven = window.marks().so_far();
        self.told = self.seq;
        let cursor = history.epoch().id(self.seq);
        let connected = Connected {
            connection: self.connection.id(),
            cursor: &cursor,
            retry: shared.config.retry.as_millis() as u64,
        };
        control::put_connected(&mut self.preface, &cursor, &connected);
    }

    fn before_last(&self, window: &Window, count: usize) -> u64 {
        let now = self.shared.history().clock().now();
        let selection = self.selection();
        window
            .backward(selection)
            .filter(|(_, record)| !record.expired(now) && selection.admits(&record.envelope))
            .map(|(seq, _)| seq - 1)
            .take(count)
            .last()
            .unwrap_or(window.head())
    }

    /// The position just before the next event, or as near to it as is found
    /// within bounds.
    fn before_next(&self, window: &Window) -> u64 {
        let selection = self.selection();
        let mut passed = self.seq;
        for (looked_at, (seq, record)) in window.after(self.seq, selection).enumerate() {
            if looked_at == SCAN_MAX {
                return passed;
            }
            if selection.admits(&record.envelope) {
                return seq - 1;
            }
            passed = seq;
        }
        window.head()
    }

    fn put_gap(&mut self, window: &Window, reason: GapReason, requested: &[u8]) {
        let missed = match reason {
            GapReason::Expired | GapReason::Lagged => self.missed(window),
            GapReason::Unknown | GapReason::StoreReset => None,
        };
        self.shared.metrics.gap(reason.name(), missed);
        self.connection.gaps.fetch_add(1, Ordering::Relaxed);
        self.seq = match self.gap {
            GapPolicy::Oldest => self.before_next(window),
            GapPolicy::Latest => window.head(),
        };
        self.told = self.seq;
        self.forgiven = window.marks().so_far();
        let epoch = self.shared.history().epoch();
        let retains = window.len() > 0;
        let gap = Gap {
            reason,
            requested: control::printable(requested),
            oldest: retains.then(|| epoch.id(window.floor() + 1)),
            newest: retains.then(|| epoch.id(window.head())),
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
        self.shared.metrics.heartbeats.inc();
        if self.seq > self.told {
            self.told = self.seq;
            return Some(control::position(
                &self.shared.history().epoch().id(self.seq),
            ));
        }
        Some(control::KEEPALIVE)
    }

    /// Why it ends now, whatever it is still due.
    fn ended(&self, now: Instant) -> Option<Closed> {
        let is_expired = self.expires.is_some_and(|expires| expires <= now);
        let kicked = self.connection.kicked();
        kicked.or(is_expired.then_some(Closed::Expired))
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
    fn farewell(&mut self, due: Due) -> Due {
        let mut bytes = match due {
            Due::Bytes(bytes) => BytesMut::from(bytes),
            _ => BytesMut::new(),
        };
        control::put_retry(&mut bytes, jittered(self.shared.config.retry));
        self.closed = Some(Closed::Drained);
        Due::Bytes(bytes.freeze())
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let shared = &*self.shared;
        shared.registry.close(&self.connection);
        shared.history().close(self.connection.tail());
        shared.metrics.close(self.closed.unwrap_or(Closed::Gone));
    }
}

/// Events to fetch, as many as make one write.
#[derive(Debug, Default)]
struct Wanted {
    seqs: Vec<u64>,
    bytes: usize,
}

impl Wanted {
    fn has_room(&self, length: usize) -> bool {
        self.seqs.is_empty() || self.bytes + length <= BATCH_MAX
    }

    fn push(&mut self, seq: u64, length: usize) {
        self.seqs.push(seq);
        self.bytes += length;
    }
}

/// A random time between `reconnection_time` and twice that.
pub(crate) fn jittered(reconnection_time: Duration) -> Duration {
    reconnection_time.mul_f64(1.0 + fastrand::f64())
}

#[cfg(test)]
mod tests;
