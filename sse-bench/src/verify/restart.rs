//! Restarts of the server by a command of the user.

use std::cell::{Cell, RefCell};
use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::plan::VerifyPlan;
use crate::failure::{Failure, Failures, Kind};
use crate::sys;

/// What came of them.
#[derive(Debug)]
pub(super) struct Restarts {
    plan: Arc<VerifyPlan>,
    start: Instant,
    pub(super) count: Cell<u64>,
    pub(super) failures: RefCell<Failures>,
}

impl Restarts {
    /// None yet, of a run that began at `start`.
    pub(super) fn new(plan: &Arc<VerifyPlan>, start: Instant) -> Self {
        Self {
            plan: Arc::clone(plan),
            start,
            count: Cell::new(0),
            failures: RefCell::default(),
        }
    }

    /// Runs the command again and again, each time after the interval of cuts.
    pub(super) async fn run(self: Rc<Self>) {
        let plan = &self.plan;
        let Some(command) = &plan.exec else { return };
        let mut random = fastrand::Rng::with_seed(plan.seed);
        // What a server needs to come up again is not known: as much as an outage.
        let last = self.start + plan.last_cut(Duration::from_secs(2));
        loop {
            let wait = plan.cut_interval.mul_f64(0.5 + random.f64());
            if Instant::now() + wait > last {
                return;
            }
            tokio::time::sleep(wait).await;
            match run_once(command).await {
                Ok(()) => self.count.set(self.count.get() + 1),
                Err(failure) => self.failures.borrow_mut().add(&failure),
            }
        }
    }
}

/// Runs the command by the shell, and waits for its end.
pub(crate) async fn run_once(command: &str) -> Result<(), Failure> {
    let mut command = sys::shell(command);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let done = tokio::task::spawn_blocking(move || command.status()).await;
    let detail = match done {
        Ok(Ok(status)) if status.success() => return Ok(()),
        Ok(Ok(status)) => format!("--exec: {status}"),
        Ok(Err(error)) => format!("--exec: {error}"),
        Err(error) => format!("--exec: {error}"),
    };
    Err(Failure::new(Kind::Command, detail))
}
