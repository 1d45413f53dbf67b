//! What a cursor is due by the clock: heartbeats, and its end.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::hub::control;
use crate::hub::cursor::{Cursor, Due, jittered};
use crate::hub::portion::Delivery;
use crate::metrics::Closed;

impl Cursor {
    /// When something falls due even if nothing is published: the next
    /// heartbeat, or an end.
    pub(crate) fn deadline(&self) -> Instant {
        let heartbeat = self.last_write + self.shared.config.heartbeat;
        let ends = [self.closes, self.ages, self.expires].into_iter().flatten();
        ends.fold(heartbeat, Instant::min)
    }

    /// Ends it at once if it is to end whatever it is still due; whether it did.
    pub(crate) fn cut(&mut self, now: Instant) -> bool {
        let cause = self.ended(now);
        self.closed = self.closed.or(cause);
        cause.is_some()
    }

    /// A comment after silence; an id alone where the cursor passed events that
    /// were not for this subscription.
    pub(super) fn heartbeat(&mut self, now: Instant) -> Option<Bytes> {
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
    pub(super) fn ended(&self, now: Instant) -> Option<Closed> {
        let is_expired = self.expires.is_some_and(|expires| expires <= now);
        let kicked = self.connection.kicked();
        kicked.or(is_expired.then_some(Closed::Expired))
    }

    /// Once the hub drains, each stream draws its own moment to close; one that
    /// reaches its age closes alike.
    pub(super) fn is_closing(&mut self, now: Instant) -> bool {
        if self.closes.is_none() {
            let drain = self.shared.config.drain;
            let since = *self.shared.draining.borrow();
            self.closes = since.map(|since| since + drain.mul_f64(fastrand::f64()));
        }
        let ends = [self.closes, self.ages].into_iter().flatten();
        ends.min().is_some_and(|end| end <= now)
    }

    /// The last events and a reconnection time that spreads the clients.
    pub(super) fn farewell(&mut self, due: Due) -> Due {
        let mut delivery = match due {
            Due::Write(delivery) => delivery,
            _ => Delivery::default(),
        };
        let mut after = BytesMut::new();
        control::put_retry(&mut after, jittered(self.shared.config.retry));
        delivery.after = after.freeze();
        let cause = match self.closes {
            Some(_) => Closed::Drained,
            None => Closed::Aged,
        };
        self.closed.get_or_insert(cause);
        Due::Write(delivery)
    }
}
