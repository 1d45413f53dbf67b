//! What the slots of one thread of a verification have in common.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use super::feed::Feed;
use super::plan::{VerifyPlan, micros};
use crate::checker::Micros;
use crate::connect::Connector;
use crate::exchange::Wire;
use crate::failure::Failures;
use crate::live::Live;
use crate::series::{Pulse, Recorder};
use crate::stats::{DeliveryMeter, Stats};

/// Connections of one thread. Nothing here is shared with another one but counters.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) plan: Arc<VerifyPlan>,
    pub(super) start: Instant,
    pub(super) connector: Connector,
    pub(super) live: Arc<Live>,
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) failures: RefCell<Failures>,
    pub(super) stats: RefCell<Stats>,
    pub(super) meter: RefCell<Option<DeliveryMeter>>,
    /// The way to the checker.
    pub(super) feed: RefCell<Feed>,
    /// Whether blocks are wanted for the anomaly log.
    pub(super) wants_frames: bool,
}

impl Group {
    /// Shows what was measured so far.
    pub(super) fn hand_over(&self, number: u32, recorder: &Recorder) {
        recorder.hand_over(Instant::now(), self.stats.borrow_mut().turn());
        recorder.board.post(number, || Pulse {
            failures: self.failures.borrow().clone(),
            ..self.stats.borrow().pulse()
        });
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
