//! What the slots of one verification have in common.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use super::plan::{VerifyPlan, micros};
use super::publish::Published;
use crate::checker::{Checker, Micros};
use crate::connect::Connector;
use crate::exchange::Wire;
use crate::failure::Failures;
use crate::live::Live;
use crate::stats::{DeliveryMeter, Stats};

/// One group of connections on one thread.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) plan: Rc<VerifyPlan>,
    pub(super) start: Instant,
    pub(super) checker: RefCell<Checker>,
    pub(super) connector: Connector,
    pub(super) live: Live,
    /// The publisher's own counters.
    pub(super) publisher: Live,
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) failures: RefCell<Failures>,
    pub(super) stats: RefCell<Stats>,
    pub(super) meter: RefCell<Option<DeliveryMeter>>,
    pub(super) published: RefCell<Published>,
    /// Cuts made so far, by this side and by restarts of the server.
    pub(super) cuts: Cell<u64>,
    pub(super) restarts: Cell<u64>,
}

impl Group {
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
