//! Where a cursor stands: at first, and after retention overtook it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::hub::SlowPolicy;
use crate::hub::control::{self, Connected, Gap};
use crate::hub::cursor::Cursor;
use crate::hub::portion::SCAN_MAX;
use crate::hub::position::{GapPolicy, GapReason, Start, resolve};
use crate::log::{Loss, Window};
use crate::metrics::Closed;

impl Cursor {
    /// Sets the first cursor and says where it stands.
    pub(super) fn begin(&mut self, start: &Start) {
        let shared = Arc::clone(&self.shared);
        let history = shared.history();
        let before_last = match start {
            Start::Last(count) => Some(self.before_last(*count)),
            _ => None,
        };
        let window = history.window();
        self.head_at_open = window.head();
        control::put_retry(&mut self.preface, shared.config.retry);
        match start {
            Start::Earliest => self.seq = window.floor(),
            Start::Head | Start::Last(_) => {
                let seq = before_last.flatten().unwrap_or(window.head());
                // Retention may have gone on meanwhile.
                self.seq = seq.max(window.floor());
            }
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

    /// The position before the last so many events for this subscription. Looks
    /// at a bounded number of events at a time, so that it holds up no publisher.
    fn before_last(&self, count: usize) -> Option<u64> {
        let history = self.shared.history();
        let scope = self.connection.scope();
        let mut end = history.window().head();
        let mut found = None;
        let mut left = count;
        while left > 0 {
            let window = history.window();
            let now = history.clock().now();
            let mut looked_at = 0;
            let records = window.backward(end, scope).take(SCAN_MAX);
            for (seq, record) in records.inspect(|_| looked_at += 1) {
                end = seq - 1;
                if !record.expired(now) && scope.admits(&record.envelope) {
                    found = Some(end);
                    left -= 1;
                    if left == 0 {
                        break;
                    }
                }
            }
            if looked_at < SCAN_MAX {
                break;
            }
        }
        found
    }

    /// The position just before the next event, or as near to it as is found
    /// within bounds.
    fn before_next(&self, window: &Window) -> u64 {
        let scope = self.connection.scope();
        let mut passed = self.seq;
        for (looked_at, (seq, record)) in window.after(self.seq, scope).enumerate() {
            if looked_at == SCAN_MAX {
                return passed;
            }
            if scope.admits(&record.envelope) {
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

    /// Where retention overtook the cursor and the subscription lost something,
    /// says so or closes.
    pub(super) fn catch_up(&mut self, window: &Window) {
        if self.loss(window).is_none() {
            return;
        }
        if self.shared.config.slow == SlowPolicy::Close {
            self.closed = Some(Closed::Lagged);
            return;
        }
        let requested = self.shared.history().epoch().id(self.seq);
        self.put_gap(window, GapReason::Lagged, requested.as_bytes());
    }

    /// What this subscription lost after its cursor, if anything.
    fn loss(&self, window: &Window) -> Option<Loss> {
        window.loss_after(self.seq, self.forgiven, self.connection.scope())
    }

    /// The number of events between the cursor and where delivery continues,
    /// where it is known.
    fn missed(&self, window: &Window) -> Option<u64> {
        let scope = self.connection.scope();
        let now = self.shared.history().clock().now();
        let evicted = match self.loss(window) {
            Some(loss) if !loss.counts_all => return None,
            Some(_) => window.evicted_after(self.seq),
            None => 0,
        };
        let skipped = match self.gap {
            GapPolicy::Oldest => 0,
            GapPolicy::Latest => window
                .after(self.seq, scope)
                .filter(|(_, record)| !record.expired(now) && scope.admits(&record.envelope))
                .count(),
        };
        Some(evicted + skipped as u64)
    }
}
