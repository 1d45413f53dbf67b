//! Restarts of the server by a command of the user.

use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::group::Group;
use crate::failure::{Failure, Kind};
use crate::sys;

/// Runs the command again and again, each time after the interval of cuts.
pub(super) async fn run(group: Rc<Group>) {
    let plan = &group.plan;
    let Some(command) = &plan.exec else { return };
    let mut random = fastrand::Rng::with_seed(plan.seed);
    // What a server needs to come up again is not known: as much as an outage.
    let last = group.start + plan.last_cut(Duration::from_secs(2));
    loop {
        let wait = plan.cut_interval.mul_f64(0.5 + random.f64());
        if Instant::now() + wait > last {
            return;
        }
        tokio::time::sleep(wait).await;
        match run_once(command).await {
            Ok(()) => group.restarts.set(group.restarts.get() + 1),
            Err(failure) => group.failures.borrow_mut().add(&failure),
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
