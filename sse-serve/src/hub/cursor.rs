//! A cursor over the log: what one subscription is due. Replay and live delivery
//! are the same reads, so they cannot race.

mod ending;
mod start;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use crate::hub::audience::Call;
use crate::hub::control;
use crate::hub::portion::{Delivery, Portion, Portions};
use crate::hub::position::GapPolicy;
use crate::hub::registry::Connection;
use crate::hub::{Refused, Shared, Subscribe};
use crate::log::{Blocks, BlocksReply, Evictions, Tail, Unavailable, Window};
use crate::metrics::Closed;

/// One open stream, without the waiting: asked at any time, it says what to
/// write and when to ask again at the latest.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Arc<Connection>,
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
    fetched: Blocks,
    /// What the hub has to say before the next event.
    preface: BytesMut,
    opened: Instant,
    last_write: Instant,
    closes: Option<Instant>,
    /// When it has been open for long enough.
    ages: Option<Instant>,
    /// When the credential it was opened with ends.
    expires: Option<Instant>,
    closed: Option<Closed>,
    has_left: bool,
}

/// What a cursor is due.
#[derive(Debug)]
pub(crate) enum Due {
    Write(Delivery),
    /// These events, which are not in memory: to be fetched and supplied.
    Blocks(Vec<u64>),
    Nothing,
    /// The last bytes were given out.
    End,
}

/// What comes of a fetch.
pub(crate) type Fetching = oneshot::Receiver<Result<Blocks, Unavailable>>;

impl Cursor {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        if shared.draining.borrow().is_some() {
            return Err(Refused::Draining);
        }
        let now = Instant::now();
        shared.log.age();
        // Before it looks at the log: what is targeted at it from now on wakes it.
        let connection = shared.registry.open(
            request.peer,
            request.filter,
            request.replaces.as_deref(),
            |selection, id| shared.history().tail(selection, Some(id)),
        )?;
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
            fetched: Blocks::new(),
            preface: BytesMut::new(),
            opened: now,
            last_write: now,
            closes: None,
            ages: shared
                .config
                .max_age
                .map(|age| now + age.mul_f64(1.0 - fastrand::f64() / 10.0)),
            expires: request.expires,
            closed: None,
            has_left: false,
            shared,
        };
        cursor.begin(&request.start);
        cursor.connection.show(cursor.seq, false);
        cursor.shared.registry.begin(&cursor.connection);
        let dropped = &cursor.shared.metrics.notices_dropped;
        cursor.shared.observers.opened(&cursor.connection, dropped);
        Ok(cursor)
    }

    /// From now on what is published for it wakes its own tail. To be called
    /// before it is first asked, unless it joins an
    /// [`Audience`](crate::hub::Audience).
    pub(super) fn follow(&self) {
        let tail = self.connection.tail();
        tail.add_readers(1);
        self.shared.history().follow(tail);
    }

    /// Everything that is due at `now`, up to a bound. Those who serve many give
    /// the portions that they read lately.
    pub(crate) fn due(&mut self, now: Instant, portions: Option<&mut Portions>) -> Due {
        if self.closed.is_some() {
            return Due::End;
        }
        let due = self.step(now, portions);
        self.connection.show(self.seq, self.at_head);
        if let Due::Write(delivery) = &due {
            self.count(delivery, now);
        }
        due
    }

    /// What an audience was called for, if this cursor stands where it begins.
    /// Else `None`: then it is to be asked what is due to it.
    pub(crate) fn hear(&mut self, call: &Call, can_write: bool, now: Instant) -> Option<Delivery> {
        if !self.at_head {
            return None;
        }
        // What is for it alone may have come before.
        let own = self.tail().pending().unwrap_or(call.first);
        self.seq = self.seq.max(call.first.min(own) - 1);
        let portion = call.portion.as_ref().filter(|portion| {
            // What was targeted at it before the call has it look for itself.
            can_write
                && self.tail().pending().is_none()
                && self.seq == portion.from
                && self.preface.is_empty()
                && self.closes.is_none()
                && self.ages.is_none_or(|ages| now < ages)
                && self.closed.is_none()
                && self.ended(now).is_none()
        });
        let Some(portion) = portion else {
            // What comes next may be before what others are due.
            self.at_head = false;
            self.connection.show(self.seq, false);
            return None;
        };
        self.pass(portion);
        self.connection.show(self.seq, self.at_head);
        let delivery = Delivery {
            portion: Some(Arc::clone(portion)),
            ..Delivery::default()
        };
        self.count(&delivery, now);
        Some(delivery)
    }

    /// Asks the log for these events. The tail is woken when the answer is there.
    pub(crate) fn fetch(&self, seqs: Vec<u64>) -> Fetching {
        let (reply, fetching) = oneshot::channel();
        let reply = BlocksReply::new(reply, Arc::clone(self.connection.tail()));
        self.shared.log.fetch(seqs, reply);
        fetching
    }

    /// The blocks asked for with [`Due::Blocks`].
    pub(crate) fn supply(&mut self, blocks: Blocks) {
        self.fetched = blocks;
        if self.lacks_the_next() {
            self.give_up();
        }
    }

    /// Ends the stream: what it is due cannot be read.
    pub(crate) fn give_up(&mut self) {
        self.closed = Some(Closed::Unreadable);
    }

    pub(crate) fn tail(&self) -> &Tail {
        self.connection.tail()
    }

    /// Whether all of it was published after the stream was opened.
    pub(crate) fn is_live(&self, portion: &Portion) -> bool {
        portion.from >= self.head_at_open
    }

    /// Tells the metrics how old the events were when they were handed over.
    pub(crate) fn observe(&self, portion: &Portion, now: Instant) {
        let live = portion.up_to(self.head_at_open);
        if live < portion.seqs.len() {
            let history = self.shared.history();
            let ages = portion.observe(live, now, |seq, now| history.age_of(seq, now));
            self.shared.metrics.delivery_latency.observe_all(&ages, 1);
        }
    }

    fn step(&mut self, now: Instant, portions: Option<&mut Portions>) -> Due {
        if let Some(cause) = self.ended(now) {
            self.closed = Some(cause);
            return Due::Write(Delivery::of(control::ending(cause)));
        }
        let is_closing = self.is_closing(now);
        let due = match self.take(now, portions) {
            Due::Nothing if !is_closing => self
                .heartbeat(now)
                .map_or(Due::Nothing, |bytes| Due::Write(Delivery::of(bytes))),
            due => due,
        };
        // What is to be fetched first, the client will come back for.
        if is_closing { self.farewell(due) } else { due }
    }

    /// Events after the cursor, in one piece.
    fn take(&mut self, now: Instant, mut portions: Option<&mut Portions>) -> Due {
        let shared = Arc::clone(&self.shared);
        let history = shared.history();
        let moment = history.clock().at(now);
        loop {
            let window = history.window();
            self.pass_idle(&window);
            self.catch_up(&window);
            if self.closed.is_some() {
                return Due::Write(Delivery::of(control::ending(Closed::Lagged)));
            }
            let is_shared =
                self.fetched.is_empty() && !window.is_targeted(self.connection.own_id());
            let (portion, is_new) = match &mut portions {
                Some(portions) if is_shared => {
                    portions.read(&window, self.connection.selection(), self.seq, moment)
                }
                _ => {
                    let scope = self.connection.scope();
                    let read = Portion::read(&window, scope, self.seq, moment, &self.fetched);
                    (Arc::new(read), true)
                }
            };
            drop(window);
            if is_new {
                history.count_reads(portion.looked_at);
            }
            self.fetched = Blocks::new();
            self.pass(&portion);
            let before = std::mem::take(&mut self.preface).freeze();
            if !before.is_empty() || !portion.blocks().is_empty() {
                return Due::Write(Delivery {
                    before,
                    portion: Some(portion),
                    after: Bytes::new(),
                });
            }
            if let Some(&last) = portion.wanted.last() {
                self.asked = last;
                return Due::Blocks(portion.wanted.clone());
            }
            if !portion.has_more {
                return Due::Nothing;
            }
        }
    }

    /// Moves to the end of what was read.
    fn pass(&mut self, portion: &Portion) {
        self.seq = portion.to;
        self.at_head = !portion.has_more;
        if let Some(&last) = portion.seqs.last() {
            self.told = last;
        }
        if portion.expired > 0 {
            self.shared.metrics.expired.inc_by(portion.expired);
        }
    }

    fn count(&mut self, delivery: &Delivery, now: Instant) {
        self.last_write = now;
        let metrics = &self.shared.metrics;
        let length = delivery.len() as u64;
        metrics.delivered_bytes.inc_by(length);
        let portion = delivery.portion.as_ref();
        let events = portion.map_or(0, |portion| portion.seqs.len() as u64);
        let replayed = portion.map_or(0, |portion| portion.up_to(self.head_at_open) as u64);
        if replayed > 0 {
            metrics.delivered_replayed.inc_by(replayed);
        }
        if events > replayed {
            metrics.delivered_live.inc_by(events - replayed);
        }
        self.connection.count(events, length);
    }

    /// Whether the event that comes next is retained, was asked for and is
    /// nowhere to be read. Others may have been evicted since.
    fn lacks_the_next(&self) -> bool {
        let history = self.shared.history();
        let (now, window) = (history.clock().now(), history.window());
        let next = Portion::read(
            &window,
            self.connection.scope(),
            self.seq,
            now,
            &self.fetched,
        );
        next.seqs.is_empty() && next.wanted.first().is_some_and(|&seq| seq <= self.asked)
    }

    /// Moves past what was published for others while it waited.
    fn pass_idle(&mut self, window: &Window) {
        let shared = self.connection.unseen();
        let own = self.tail().take_pending();
        if self.at_head {
            let first = own.into_iter().chain(shared).min();
            let before = first.map_or(window.head(), |seq| seq - 1);
            self.seq = self.seq.max(before);
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Cursor {
    /// Gives its place back, before the client can see that the stream ended.
    pub(crate) fn leave(&mut self) {
        if std::mem::replace(&mut self.has_left, true) {
            return;
        }
        let shared = &*self.shared;
        shared.registry.close(&self.connection);
        self.connection.leave();
        shared.history().close(self.connection.tail());
        let reason = self.closed.unwrap_or(Closed::Gone);
        shared.metrics.close(reason);
        let dropped = &shared.metrics.notices_dropped;
        let (observers, opened) = (&shared.observers, self.opened);
        observers.closed(&self.connection, opened, reason, dropped);
    }
}

/// A random time between `reconnection_time` and twice that.
pub(crate) fn jittered(reconnection_time: Duration) -> Duration {
    reconnection_time.mul_f64(1.0 + fastrand::f64())
}

#[cfg(test)]
mod tests;
