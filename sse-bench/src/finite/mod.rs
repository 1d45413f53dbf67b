//! `sse-bench load --until-done`: requests that are answered by streams that end.
//!
//! [`FinitePlan`] says what to do, [`run`] does it on `worker` threads, each
//! with its share of the slots: a slot makes one request at a time, the next one
//! when there is a ticket for it. What a stream says is told
//! by `rules` or, over MCP, by `mcp`; what is measured of it is a
//! `Meter`, summed up in `tally`.

mod amounts;
mod goodput;
mod mcp;
mod meter;
mod plan;
mod preset;
mod reader;
pub mod report;
mod rules;
mod slot;
mod tally;
mod tickets;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

pub use amounts::{AmountSummary, Amounts};
pub use goodput::{Goodput, InvalidGoodput};
pub use plan::FinitePlan;
pub use preset::Preset;
pub use report::FiniteReport;
pub use rules::Rules;
pub use tally::{Counts, Tally};

use crate::crew::Crew;
use crate::lag::PROBE_INTERVAL;
use crate::live::Snapshot;
use crate::load::{UNREACHABLE_AFTER, Window};
use crate::progress::Progress;
use crate::reach::{Before, Reached, Usage, reach};
use crate::series::{Columns, Recorder, Series};
use crate::sys;
use tickets::Tickets;
use worker::{Assignment, Phase};

/// The run over time. Failed requests are its errors.
const COLUMNS: Columns = Columns {
    sums: &[DONE],
    latencies: tally::OVER_TIME,
};
/// The name of the sum of requests that were answered up to their end marker.
pub const DONE: &str = "requests";

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The time was over.
    Duration,
    /// The wanted number of requests was made.
    Requests,
    /// No connection was made for the first 100 requests, or as many as there
    /// are connections.
    Unreachable,
    /// The user asked for it.
    Interrupted,
}

/// What a run saw.
#[derive(Debug)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// The measurements of all threads.
    pub tally: Tally,
    /// The counters at the end.
    pub totals: Snapshot,
    /// Length of the run, its drain included.
    pub elapsed: Duration,
    /// What rates are taken from: the run without its drain.
    pub window: Window,
    /// Requests completed in it.
    pub completed_in_window: u64,
    /// What it took of the machine.
    pub usage: Usage,
    /// The run over time.
    pub series: Series,
}

impl Outcome {
    fn nothing(ending: Ending) -> Self {
        Self {
            ending,
            tally: Tally::default(),
            totals: Snapshot::default(),
            elapsed: Duration::ZERO,
            window: Window::default(),
            completed_in_window: 0,
            usage: Usage::default(),
            series: Series::default(),
        }
    }

    /// Requests completed each second of the window.
    pub fn requests_per_second(&self) -> Option<f64> {
        self.window.per_second(self.completed_in_window)
    }

    /// The share of requests that kept the limits of the goodput; `None` where
    /// there are none, or no request to judge. One that never started did not.
    pub fn goodput(&self) -> Option<f64> {
        self.tally.goodput.as_ref()?;
        let counts = &self.tally.counts;
        let judged = counts.judged + counts.never_started;
        (judged > 0).then(|| counts.good as f64 / judged as f64)
    }

    /// Good requests each second of the run, its drain included.
    pub fn goodput_per_second(&self) -> Option<f64> {
        self.tally.goodput.as_ref()?;
        let seconds = self.elapsed.as_secs_f64();
        (seconds > 0.0).then(|| self.tally.counts.good as f64 / seconds)
    }
}

/// Carries out the plan.
pub fn run(plan: &Arc<FinitePlan>, progress: &mut Progress) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(direct(plan, progress));
    // A look-up of a name that the user no longer waits for may take long.
    runtime.shutdown_background();
    outcome
}

async fn direct(plan: &Arc<FinitePlan>, progress: &mut Progress) -> io::Result<Outcome> {
    let before = Before::now();
    let mut interrupted = std::pin::pin!(sys::interrupted());
    let addresses = match reach(&plan.target, interrupted.as_mut()).await? {
        Reached::At(addresses) => addresses,
        Reached::Interrupted => return Ok(Outcome::nothing(Ending::Interrupted)),
        Reached::Never(failure) => {
            let mut outcome = Outcome::nothing(Ending::Unreachable);
            outcome.tally.failures.add(&failure);
            return Ok(outcome);
        }
    };
    let start = Instant::now();
    let tickets = Arc::new(Tickets::new(start, plan.requests, plan.rate));
    let mut team = Team::start(plan, start, &tickets, &addresses)?;
    progress.begin(team.crew.recorder());
    let ending = team.watch(plan, interrupted.as_mut(), progress).await?;
    let end = Instant::now();
    let at_end = team.crew.snapshot();
    // What a user gave up, or what never was, is not waited for.
    if ending == Ending::Duration {
        team.drain(plan.drain, end, interrupted, progress).await?;
    }
    progress.clear();
    let (totals, mut tally, series) = team.stop()?;
    let due = tickets
        .due_before(end)
        .filter(|_| ending == Ending::Duration);
    tally.counts.never_started = due.map_or(0, |due| due.saturating_sub(tally.counts.started));
    tally.goodput.clone_from(&plan.goodput);
    Ok(Outcome {
        ending,
        tally,
        totals,
        elapsed: start.elapsed(),
        window: Window {
            length: end - start,
            deliveries: at_end.deliveries,
            bytes: at_end.bytes,
        },
        completed_in_window: at_end.requests,
        usage: before.usage(),
        series,
    })
}

/// The running threads. They stop when this is dropped.
struct Team {
    start: Instant,
    crew: Crew<Tally>,
    /// Closes when the last thread has made all its requests.
    left: mpsc::UnboundedReceiver<()>,
    phase: watch::Sender<Phase>,
}

impl Team {
    fn start(
        plan: &Arc<FinitePlan>,
        start: Instant,
        tickets: &Arc<Tickets>,
        addresses: &[SocketAddr],
    ) -> io::Result<Self> {
        let (leaving, left) = mpsc::unbounded_channel::<()>();
        let (phase, told) = watch::channel(Phase::Running);
        let recorder = Recorder::of(start, plan.connections.into(), COLUMNS);
        let mut team = Self {
            start,
            crew: Crew::new(start, recorder),
            left,
            phase,
        };
        for _ in 0..plan.threads {
            let (plan, addresses) = (Arc::clone(plan), addresses.to_vec());
            let (tickets, phase) = (Arc::clone(tickets), told.clone());
            let leaving = leaving.clone();
            let work = move |post| {
                let _leaving = leaving;
                worker::run(Assignment {
                    post,
                    plan,
                    addresses,
                    tickets,
                    phase,
                })
            };
            team.crew.add("requests", work)?;
        }
        Ok(team)
    }

    /// Waits for what ends the run.
    async fn watch(
        &mut self,
        plan: &FinitePlan,
        mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
        progress: &mut Progress,
    ) -> io::Result<Ending> {
        progress.phase("run");
        let end = plan.duration.map(|duration| self.start + duration);
        let mut tick = tick();
        loop {
            tokio::select! {
                result = &mut interrupted => {
                    result?;
                    return Ok(Ending::Interrupted);
                }
                _ = self.left.recv() => return Ok(Ending::Requests),
                () = until(end) => return Ok(Ending::Duration),
                _ = tick.tick() => {
                    let now = self.look(end, progress);
                    let enough = u64::from(plan.connections).min(UNREACHABLE_AFTER);
                    if now.connected == 0 && now.failures >= enough {
                        return Ok(Ending::Unreachable);
                    }
                }
            }
        }
    }

    /// Lets what is under way come to its end, for at most so long.
    async fn drain(
        &mut self,
        limit: Duration,
        end: Instant,
        mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
        progress: &mut Progress,
    ) -> io::Result<()> {
        progress.phase("drain");
        let _ = self.phase.send(Phase::Draining(end));
        let last = Some(end + limit);
        let mut tick = tick();
        loop {
            tokio::select! {
                result = &mut interrupted => return result,
                _ = self.left.recv() => return Ok(()),
                () = until(last) => return Ok(()),
                _ = tick.tick() => drop(self.look(last, progress)),
            }
        }
    }

    /// Probes the threads, records and shows where the run stands.
    fn look(&self, end: Option<Instant>, progress: &mut Progress) -> Snapshot {
        self.crew.probe_lag();
        self.crew.observe(sums);
        let now = self.crew.snapshot();
        if progress.is_due() {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            progress.show(&now, self.start.elapsed(), left);
        }
        now
    }

    fn stop(mut self) -> io::Result<(Snapshot, Tally, Series)> {
        let _ = self.phase.send(Phase::Stopped);
        let mut sum = Tally::default();
        for tally in self.crew.join()? {
            sum.merge(tally);
        }
        let series = self.crew.series(Instant::now(), sums);
        Ok((self.crew.snapshot(), sum, series))
    }
}

/// Those of [`COLUMNS`].
fn sums(now: &Snapshot) -> Vec<u64> {
    vec![now.requests]
}

fn tick() -> tokio::time::Interval {
    let mut tick = tokio::time::interval(PROBE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    tick
}

/// For ever, where that is not known.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end.into()).await,
        None => std::future::pending().await,
    }
}
