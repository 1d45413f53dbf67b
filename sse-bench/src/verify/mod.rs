//! `sse-bench verify`: watch a stream through connections that are cut, and
//! judge what arrived.

pub mod anomalies;
mod checking;
pub mod cut;
mod feed;
mod group;
mod html;
pub mod json;
pub mod plan;
pub mod report;
pub(crate) mod restart;
mod slot;
mod team;
mod thread;
pub mod verdict;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::MissedTickBehavior;

pub use plan::VerifyPlan;
pub use report::VerifyReport;

use crate::checker::Findings;
use crate::failure::Failures;
use crate::live::Snapshot;
use crate::load::Ending;
use crate::progress::Progress;
use crate::publish::{Published, Publisher, Schedule};
use crate::series::Series;
use crate::stats::Stats;
use crate::sys;
use anomalies::SlotFrames;
use feed::{Feed, What};
use plan::micros;
use restart::Restarts;
use team::Team;

/// How often the end of a run is looked for, and progress shown.
const TICK: Duration = Duration::from_millis(50);

/// What a verification saw.
#[derive(Debug)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// What the checker found.
    pub findings: Findings,
    /// The counters at the end.
    pub totals: Snapshot,
    /// Latencies and ends of streams.
    pub stats: Stats,
    /// What went wrong with connections and publishing.
    pub failures: Failures,
    /// Own publishing.
    pub published: Published,
    /// Connections cut by this side.
    pub cuts: u64,
    /// Restarts of the server.
    pub restarts: u64,
    /// Length of the run.
    pub elapsed: Duration,
    /// CPU time that the run took.
    pub cpu: Option<Duration>,
    /// The run over time.
    pub series: Series,
    /// When it began.
    pub started: Timestamp,
    /// Of each slot, where the anomaly log is to show them.
    pub frames: Vec<SlotFrames>,
}

impl Outcome {
    fn nothing(ending: Ending) -> Self {
        Self {
            ending,
            findings: Findings::default(),
            totals: Snapshot::default(),
            stats: Stats::default(),
            failures: Failures::default(),
            published: Published::default(),
            cuts: 0,
            restarts: 0,
            elapsed: Duration::ZERO,
            cpu: None,
            series: Series::default(),
            started: Timestamp::now(),
            frames: Vec::new(),
        }
    }
}

/// Carries out the plan, directed by this thread.
pub fn run(plan: VerifyPlan, progress: &mut Progress) -> io::Result<(Arc<VerifyPlan>, Outcome)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let plan = Arc::new(plan);
    let outcome = runtime.block_on(direct(&plan, progress))?;
    // A command that restarts the server may take longer than the run.
    runtime.shutdown_background();
    Ok((plan, outcome))
}

async fn direct(plan: &Arc<VerifyPlan>, progress: &mut Progress) -> io::Result<Outcome> {
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
            outcome.failures.add(&failure);
            return Ok(outcome);
        }
    };
    let (start, started) = (Instant::now(), Timestamp::now());
    let (team, feed) = Team::start(plan, &addresses, start, progress)?;
    let feed = Rc::new(RefCell::new(Some(feed)));
    let publisher = publish(plan, start, &feed);
    let restarts = Rc::new(Restarts::new(plan, start));
    tokio::task::spawn_local(Rc::clone(&restarts).run());
    let run = Run {
        plan,
        start,
        team: &team,
        feed: &feed,
        restarts: &restarts,
    };
    let ending = run.hold(interrupted, progress).await?;
    // An answer to the publisher that comes later is nobody's any more.
    if let Some(mut feed) = feed.take() {
        feed.hand_over(micros(start.elapsed()));
    }
    let recorder = Arc::clone(&team.recorder);
    let done = team.stop(restarts.count.get())?;
    let end = Instant::now();
    progress.clear();
    let totals = done.totals;
    let series = recorder.finish(end, totals, done.sums);
    let cpu = sys::cpu_time().zip(cpu_before);
    let findings = done.checker.judge(micros(end - start));
    let mut stats = done.stats;
    if plan.timestamp_pointer.is_some() {
        stats.delivery.undelivered(findings.integrity.missing);
    }
    let published = publisher.map_or_else(Published::default, |publisher| publisher.published());
    let mut failures = done.failures;
    failures.merge(restarts.failures.take());
    failures.merge(published.failures.clone());
    Ok(Outcome {
        ending,
        findings,
        totals,
        stats,
        failures,
        published,
        cuts: totals.cuts,
        restarts: restarts.count.get(),
        elapsed: end - start,
        cpu: cpu.map(|(now, before)| now.saturating_sub(before)),
        series,
        started,
        frames: done.frames,
    })
}

/// Starts publishing, where there is any.
fn publish(
    plan: &Arc<VerifyPlan>,
    start: Instant,
    feed: &Rc<RefCell<Option<Feed>>>,
) -> Option<Rc<Publisher>> {
    let publishing = plan.publishing.as_ref()?;
    let schedule = Schedule::new(start, publishing.rate);
    let publisher = Rc::new(Publisher::new(schedule, plan.connect_timeout));
    let end = start + plan.duration;
    let feed = Rc::clone(feed);
    let acknowledged = move |number, at: Instant| {
        if let Some(feed) = &mut *feed.borrow_mut() {
            let at = micros(at.saturating_duration_since(start));
            feed.add(0, at, What::Acknowledged(number));
            feed.hand_over_full(at);
        }
    };
    let publishing = Arc::clone(publishing);
    let running = Rc::clone(&publisher).run(publishing, Some(end), acknowledged);
    tokio::task::spawn_local(running);
    Some(publisher)
}

/// A run, while it goes on.
struct Run<'a> {
    plan: &'a VerifyPlan,
    start: Instant,
    team: &'a Team,
    feed: &'a RefCell<Option<Feed>>,
    restarts: &'a Restarts,
}

impl Run<'_> {
    /// Waits for what ends the run.
    async fn hold(
        &self,
        mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
        progress: &mut Progress,
    ) -> io::Result<Ending> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = self.start + self.plan.duration;
        loop {
            tokio::select! {
                result = &mut interrupted => {
                    result?;
                    return Ok(Ending::Interrupted);
                }
                () = tokio::time::sleep_until(end.into()) => return Ok(Ending::Duration),
                _ = tick.tick() => {}
            }
            if let Some(feed) = &mut *self.feed.borrow_mut() {
                feed.hand_over(micros(self.start.elapsed()));
            }
            let restarts = self.restarts.count.get();
            let recorder = &self.team.recorder;
            let now = self.team.snapshot();
            recorder.observe(Instant::now(), || (now, self.team.sums(&now, restarts)));
            if progress.is_due() {
                let left = end.saturating_duration_since(Instant::now());
                progress.show(&now, self.start.elapsed(), Some(left));
            }
            let slots = u64::from(self.plan.connections);
            if now.ended == slots {
                return Ok(Ending::AllEnded);
            }
            if now.connected == 0 && now.settled == slots {
                return Ok(Ending::Unreachable);
            }
        }
    }
}
