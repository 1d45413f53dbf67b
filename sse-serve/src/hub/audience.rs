//! The cursors of one selection that one thread serves: told together of what is
//! for all of them.

use std::sync::Arc;
use std::time::Instant;

use crate::hub::Shared;
use crate::hub::cursor::Cursor;
use crate::hub::portion::{Portion, Portions};
use crate::log::{Evictions, Scope, Selection, Tail, WakeQueue};

/// Follows the log for all of them with one tail, so that a publish costs the
/// same for one subscription and for a thousand.
#[derive(Debug)]
pub(crate) struct Audience {
    shared: Arc<Shared>,
    selection: Arc<Selection>,
    tail: Arc<Tail>,
}

/// That there is something for an audience.
#[derive(Debug)]
pub(crate) struct Call {
    /// The first event that those at the head of the log have not seen.
    pub(super) first: u64,
    /// What is due to those who saw all before it; `None` where each has to look
    /// for itself.
    pub(super) portion: Option<Arc<Portion>>,
}

impl Call {
    /// Whether more is due after it already.
    pub(crate) fn has_more(&self) -> bool {
        let portion = self.portion.as_ref();
        portion.is_some_and(|portion| portion.has_more)
    }
}

impl Audience {
    /// For the selection of this cursor, without anybody in it. A wake-up puts
    /// the token into the queue.
    pub(crate) fn open(cursor: &Cursor, queue: Arc<dyn WakeQueue>, token: usize) -> Self {
        let shared = Arc::clone(&cursor.shared);
        let selection = Arc::clone(cursor.connection.selection());
        let tail = shared.history().tail(Arc::clone(&selection), None);
        tail.wake_into(queue, token);
        shared.history().follow(&tail);
        Self {
            shared,
            selection,
            tail,
        }
    }

    /// Tells selections apart, for as long as one of its cursors lives.
    pub(crate) fn key(cursor: &Cursor) -> usize {
        Arc::as_ptr(cursor.connection.selection()).addr()
    }

    /// To be called before the cursor is first asked what is due.
    pub(crate) fn join(&self, cursor: &Cursor) {
        cursor.connection.join(&self.tail);
    }

    /// Tells the metrics how old the events were when they were handed over to so
    /// many, all of whom had been there before.
    pub(crate) fn observe(&self, call: &Call, times: u32, now: Instant) {
        let Some(portion) = call.portion.as_ref().filter(|_| times > 0) else {
            return;
        };
        let history = self.shared.history();
        let ages = portion.observe(0, now, |seq, now| history.age_of(seq, now));
        let latency = &self.shared.metrics.delivery_latency;
        latency.observe_all(&ages, times.into());
    }

    /// What it was woken for, if anything. Every cursor of it is then to
    /// [hear](Cursor::hear) it, or it would lose what it was called for.
    pub(crate) fn call(&self, now: Instant, portions: &mut Portions) -> Option<Call> {
        let shared = &*self.shared;
        let history = shared.history();
        self.tail.take_wake();
        let window = history.window();
        let first = self.tail.take_pending()?;
        let scope = Scope {
            selection: &self.selection,
            connection: None,
        };
        // What was evicted before anybody looked, each is to be told of.
        let has_lost = window
            .loss_after(first - 1, Evictions::default(), scope)
            .is_some();
        let alone = has_lost || shared.draining.borrow().is_some();
        let read = (!alone).then(|| {
            let moment = history.clock().at(now);
            portions.read(&window, &self.selection, first - 1, moment)
        });
        drop(window);
        if let Some((portion, true)) = &read {
            history.count_reads(portion.looked_at);
        }
        let portion = read.map(|(portion, _)| portion);
        Some(Call {
            first,
            portion: portion.filter(|portion| !portion.blocks().is_empty()),
        })
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        self.shared.history().close(&self.tail);
    }
}
