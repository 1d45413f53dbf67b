//! What the slots of one verification have in common.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::anomalies::SlotFrames;
use super::plan::{VerifyPlan, micros};
use crate::checker::{Checker, Micros};
use crate::connect::Connector;
use crate::exchange::Wire;
use crate::failure::Failures;
use crate::live::{Live, Snapshot};
use crate::series::{Pulse, Recorder};
use crate::stats::{DeliveryMeter, Stats};

/// One group of connections on one thread.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) plan: Rc<VerifyPlan>,
    pub(super) start: Instant,
    pub(super) recorder: Arc<Recorder>,
    pub(super) checker: RefCell<Checker>,
    pub(super) connector: Connector,
    pub(super) live: Live,
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) failures: RefCell<Failures>,
    pub(super) stats: RefCell<Stats>,
    pub(super) meter: RefCell<Option<DeliveryMeter>>,
    /// Of each slot; only for the anomaly log.
    pub(super) frames: Option<RefCell<Vec<SlotFrames>>>,
    /// Cuts made so far, by this side and by restarts of the server.
    pub(super) cuts: Cell<u64>,
    pub(super) restarts: Cell<u64>,
}

/// What the series of a verification sums up beside the common counters.
pub(super) const SUMS: &[&str] = &[
    "cuts",
    "restarts",
    "told_apart",
    "control",
    "unkeyed",
    "announced",
    "id_conflict",
];

impl Group {
    /// Takes a sample of the run where one is due.
    pub(super) fn observe(&self) {
        let now = Instant::now();
        if self.recorder.is_due(now) {
            self.recorder.hand_over(now, self.stats.borrow_mut().turn());
            self.recorder.observe(now, || self.so_far());
            let failures = self.failures.borrow();
            self.recorder.board.post(0, || Pulse {
                failures: failures.clone(),
                ..self.stats.borrow().pulse()
            });
        }
    }

    /// The counters now, and the sums of [`SUMS`].
    pub(super) fn so_far(&self) -> (Snapshot, Vec<u64>) {
        let seen = self.checker.borrow().so_far();
        let sums = vec![
            self.cuts.get(),
            self.restarts.get(),
            seen.told_apart,
            seen.control,
            seen.unkeyed,
            seen.announced,
            seen.id_conflict,
        ];
        (Snapshot::of([&self.live]), sums)
    }

    pub(super) fn since_start(&self, at: Instant) -> Micros {
        micros(at.saturating_duration_since(self.start))
    }

    pub(super) fn wire<'a>(&'a self, live: &'a Live) -> Wire<'a> {
        Wire {
            live,
            buffer: &self.buffer,
            wall_clock: self.plan.timestamp_pointer.is_some(),
        }
    }
}
