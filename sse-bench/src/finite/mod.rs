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
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
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

use crate::lag::{self, PROBE_INTERVAL};
use crate::live::{Live, Snapshot};
use crate::load::{UNREACHABLE_AFTER, Window};
use crate::progress::Progress;
use crate::series::{Recorder, Series};
use crate::sys;
use tickets::Tickets;
use worker::{Assignment, Phase};

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
    /// CPU time that the run took.
    pub cpu: Option<Duration>,
    /// The most memory that this process held, in bytes.
    pub peak_memory: Option<u64>,
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
            cpu: None,
            peak_memory: None,
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
    let cpu_before = sys::cpu_time();
    let mut interrupted = std::pin::pin!(sys::interrupted());
    let resolved = tokio::select! {
        resolved = plan.target.transport.resolve(&plan.target.url) => resolved,
        result = &mut interrupted => {
            result?;
            return Ok(Outcome::nothing(Ending::Interrupted));
        }
    };
    let addresses = match resolved {
        Ok(addresses) => addresses,
        Err(failure) => {
            let mut outcome = Outcome::nothing(Ending::Unreachable);
            outcome.tally.failures.add(&failure);
            return Ok(outcome);
        }
    };
    let start = Instant::now();
    let tickets = Arc::new(Tickets::new(start, plan.requests, plan.rate));
    let mut team = Team::start(plan, start, &tickets, &addresses)?;
    let ending = team.watch(plan, interrupted.as_mut(), progress).await?;
    let end = Instant::now();
    let at_end = team.snapshot();
    // What a user gave up, or what never was, is not waited for.
    if ending == Ending::Duration {
        team.drain(plan.drain, end, interrupted.as_mut()).await?;
    }
    progress.clear();
    let (totals, mut tally, series) = team.stop()?;
    let due = tickets
        .due_before(end)
        .filter(|_| ending == Ending::Duration);
    tally.counts.never_started = due.map_or(0, |due| due.saturating_sub(tally.counts.started));
    tally.goodput.clone_from(&plan.goodput);
    let cpu = sys::cpu_time().zip(cpu_before);
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
        cpu: cpu.map(|(now, before)| now.saturating_sub(before)),
        peak_memory: sys::peak_memory(),
        series,
    })
}

/// The running threads. They stop when this is dropped.
struct Team {
    start: Instant,
    recorder: Recorder,
    lives: Vec<Arc<Live>>,
    threads: Vec<JoinHandle<io::Result<Tally>>>,
    probes: Vec<UdpSocket>,
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
        let mut team = Self {
            start,
            recorder: Recorder::new(start, plan.connections.into(), &["requests"]),
            lives: Vec::new(),
            threads: Vec::new(),
            probes: Vec::new(),
            left,
            phase,
        };
        for number in 0..plan.threads {
            let live = Arc::new(Live::default());
            team.lives.push(Arc::clone(&live));
            let (probe, lag_probe) = lag::pair().unzip();
            team.probes.extend(probe);
            let assignment = Assignment {
                plan: Arc::clone(plan),
                number,
                live,
                addresses: addresses.to_vec(),
                tickets: Arc::clone(tickets),
                phase: told.clone(),
                start,
                lag_probe,
            };
            let leaving = leaving.clone();
            let thread = std::thread::Builder::new().name(format!("requests-{number}"));
            let thread = thread.spawn(move || {
                let _leaving = leaving;
                worker::run(assignment)
            });
            team.threads.push(thread?);
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
        let end = plan.duration.map(|duration| self.start + duration);
        let mut tick = tokio::time::interval(PROBE_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let time_over = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = &mut interrupted => {
                    result?;
                    return Ok(Ending::Interrupted);
                }
                _ = self.left.recv() => return Ok(Ending::Requests),
                () = time_over => return Ok(Ending::Duration),
                _ = tick.tick() => {
                    self.probe_lag();
                    self.recorder.observe(Instant::now(), || {
                        let now = self.snapshot();
                        (now, vec![now.requests])
                    });
                    let now = self.snapshot();
                    let enough = u64::from(plan.connections).min(UNREACHABLE_AFTER);
                    if now.connected == 0 && now.failures >= enough {
                        return Ok(Ending::Unreachable);
                    }
                    if progress.is_due() {
                        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
                        progress.show(&now, self.start.elapsed(), left);
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
        interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
    ) -> io::Result<()> {
        let _ = self.phase.send(Phase::Draining(end));
        tokio::select! {
            _ = self.left.recv() => Ok(()),
            () = tokio::time::sleep(limit) => Ok(()),
            result = interrupted => result,
        }
    }

    fn probe_lag(&self) {
        for probe in &self.probes {
            lag::probe(probe, self.start);
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.lives.iter().map(|live| &**live))
    }

    fn stop(mut self) -> io::Result<(Snapshot, Tally, Series)> {
        let _ = self.phase.send(Phase::Stopped);
        let mut sum = Tally::default();
        for thread in std::mem::take(&mut self.threads) {
            let tally = thread.join();
            sum.merge(tally.map_err(|_| io::Error::other("a thread of the run failed"))??);
        }
        let last = self.snapshot();
        let series = self
            .recorder
            .finish(Instant::now(), last, vec![last.requests]);
        Ok((last, sum, series))
    }
}
