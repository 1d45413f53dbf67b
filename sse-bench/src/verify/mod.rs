//! `sse-bench verify`: watch a stream through connections that are cut, and
//! judge what arrived.

pub mod anomalies;
pub mod cut;
mod group;
mod html;
pub mod json;
pub mod plan;
pub mod report;
pub(crate) mod restart;
mod slot;
pub mod verdict;

use std::cell::{Cell, RefCell};
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

use crate::checker::{Checker, Findings};
use crate::connect::Connector;
use crate::exchange::{EVENT_INTERVAL, READ_BUFFER};
use crate::failure::Failures;
use crate::lag::{self, Prober};
use crate::live::{Live, Snapshot};
use crate::load::Ending;
use crate::progress::Progress;
use crate::publish::{Published, Publisher, Schedule};
use crate::series::{Recorder, Series};
use crate::stats::Stats;
use crate::sys;
use anomalies::SlotFrames;
use group::{Group, SUMS};
use plan::micros;
use slot::Slot;

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

/// Carries out the plan, on this thread.
pub fn run(plan: VerifyPlan, progress: &mut Progress) -> io::Result<(Rc<VerifyPlan>, Outcome)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(LocalOptions::default())?;
    let plan = Rc::new(plan);
    let outcome = runtime.block_on(direct(&plan, progress))?;
    // A command that restarts the server may take longer than the run.
    runtime.shutdown_background();
    Ok((plan, outcome))
}

async fn direct(plan: &Rc<VerifyPlan>, progress: &mut Progress) -> io::Result<Outcome> {
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
    let mut checker = Checker::new(plan.settings.clone());
    if plan.publishing.is_some() {
        checker.owe_acknowledged();
    }
    let (start, started) = (Instant::now(), Timestamp::now());
    let group = Rc::new(Group {
        plan: Rc::clone(plan),
        start,
        recorder: Arc::new(Recorder::new(start, plan.connections.into(), SUMS)),
        checker: RefCell::new(checker),
        connector: Connector::new(&plan.target.transport, &plan.target.url, addresses),
        live: Live::default(),
        buffer: RefCell::new(vec![0; READ_BUFFER].into()),
        failures: RefCell::default(),
        stats: RefCell::default(),
        meter: RefCell::new(plan.delivery_meter()),
        frames: plan.anomalies.as_ref().map(|log| {
            let slot = || SlotFrames::new(log.frames);
            RefCell::new((0..plan.connections).map(|_| slot()).collect())
        }),
        cuts: Cell::new(0),
        restarts: Cell::new(0),
    });
    for number in 0..plan.connections {
        let slot = Slot::new(Rc::clone(&group), number);
        let due = group.start + plan.opens(number);
        tokio::task::spawn_local(async move {
            tokio::time::sleep_until(due.into()).await;
            slot.run().await;
        });
    }
    let prober = lag::pair().map(|(probes, read)| {
        let group = Rc::clone(&group);
        tokio::task::spawn_local(async move {
            let record = |lag, events| {
                let at = group.since_start(Instant::now());
                let mut checker = group.checker.borrow_mut();
                checker.looked(0, at.saturating_sub(micros(lag)), at);
                group.stats.borrow_mut().read_lag.record_times(lag, events);
            };
            lag::record_each(read, group.start, &group.live, record).await;
        });
        probes
    });
    let prober = prober.map(|probes| Prober::start(probes, group.start));
    let publisher = publish(&group);
    tokio::task::spawn_local(restart::run(Rc::clone(&group)));
    progress.begin(&group.recorder);
    let ending = hold(&group, interrupted, progress).await?;
    let end = Instant::now();
    drop(prober);
    progress.clear();
    let series = {
        let latencies = group.stats.borrow_mut().turn();
        group.recorder.hand_over(end, latencies);
        let (snapshot, sums) = group.so_far();
        group.recorder.finish(end, snapshot, sums)
    };
    let checker = group.checker.replace(Checker::new(plan.settings.clone()));
    let cpu = sys::cpu_time().zip(cpu_before);
    let findings = checker.judge(group.since_start(end));
    let frames = group.frames.as_ref().map(RefCell::take);
    let mut stats = group.stats.take();
    stats.sharing = group.connector.sharing();
    if plan.timestamp_pointer.is_some() {
        stats.delivery.undelivered(findings.integrity.missing);
    }
    let published = publisher.map_or_else(Published::default, |publisher| publisher.published());
    let mut failures = group.failures.take();
    failures.merge(published.failures.clone());
    Ok(Outcome {
        ending,
        findings,
        totals: Snapshot::of([&group.live]),
        stats,
        failures,
        published,
        cuts: group.cuts.get(),
        restarts: group.restarts.get(),
        elapsed: end - group.start,
        cpu: cpu.map(|(now, before)| now.saturating_sub(before)),
        series,
        started,
        frames: frames.unwrap_or_default(),
    })
}

/// Starts publishing, where there is any.
fn publish(group: &Rc<Group>) -> Option<Rc<Publisher>> {
    let plan = &group.plan;
    let publishing = plan.publishing.as_ref()?;
    let schedule = Schedule::new(group.start, publishing.rate);
    let publisher = Rc::new(Publisher::new(schedule, plan.connect_timeout));
    let end = group.start + plan.duration;
    let told = Rc::clone(group);
    let acknowledged = move |number, at| {
        let at = told.since_start(at);
        told.checker.borrow_mut().acknowledged(number, at);
    };
    let publishing = Arc::clone(publishing);
    let running = Rc::clone(&publisher).run(publishing, Some(end), acknowledged);
    tokio::task::spawn_local(running);
    Some(publisher)
}

/// Waits for what ends the run.
async fn hold(
    group: &Group,
    mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
    progress: &mut Progress,
) -> io::Result<Ending> {
    let plan = &group.plan;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let end = group.start + plan.duration;
    loop {
        tokio::select! {
            result = &mut interrupted => {
                result?;
                return Ok(Ending::Interrupted);
            }
            () = tokio::time::sleep_until(end.into()) => return Ok(Ending::Duration),
            _ = tick.tick() => {}
        }
        group.observe();
        let now = Snapshot::of([&group.live]);
        if progress.is_due() {
            let left = end.saturating_duration_since(Instant::now());
            progress.show(&now, group.start.elapsed(), Some(left));
            progress.judge(
                &mut group.checker.borrow_mut(),
                group.since_start(Instant::now()),
            );
        }
        let slots = u64::from(plan.connections);
        if now.ended == slots {
            return Ok(Ending::AllEnded);
        }
        if now.connected == 0 && now.settled == slots {
            return Ok(Ending::Unreachable);
        }
    }
}
