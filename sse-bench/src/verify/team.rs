//! The threads of a verification, from the one that directs it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use tokio::sync::watch;

use super::anomalies::SlotFrames;
use super::checking::{Checked, Checking, Seen};
use super::feed::{Feed, MOST_BATCHES};
use super::plan::VerifyPlan;
use super::thread::{self, Assignment};
use crate::checker::{Checker, Sighter};
use crate::failure::Failures;
use crate::histogram::Latency;
use crate::lag::{self, Prober};
use crate::live::{Live, Snapshot};
use crate::progress::Progress;
use crate::series::Recorder;
use crate::stats::Stats;

/// What the series of a verification sums up beside the common counters.
const SUMS: &[&str] = &[
    "cuts",
    "restarts",
    "told_apart",
    "control",
    "unkeyed",
    "announced",
    "id_conflict",
];

/// The running threads. They stop when this is dropped.
#[derive(Debug)]
pub(super) struct Team {
    pub(super) recorder: Arc<Recorder>,
    lives: Vec<Arc<Live>>,
    threads: Vec<JoinHandle<io::Result<(Stats, Failures)>>>,
    checking: JoinHandle<Checked>,
    seen: Arc<Seen>,
    prober: Option<Prober>,
    stop: watch::Sender<bool>,
}

/// What they had in the end.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) checker: Checker,
    /// The counters at the end.
    pub(super) totals: Snapshot,
    pub(super) sums: Vec<u64>,
    pub(super) frames: Vec<SlotFrames>,
    pub(super) stats: Stats,
    pub(super) failures: Failures,
}

impl Team {
    /// Starts the threads of the plan, and the way by which who directs the run tells
    /// the checker something itself.
    pub(super) fn start(
        plan: &Arc<VerifyPlan>,
        addresses: &[SocketAddr],
        start: Instant,
        progress: &mut Progress,
    ) -> io::Result<(Self, Feed)> {
        let (told, batches) = sync_channel(MOST_BATCHES);
        let recorder = Arc::new(Recorder::new(start, plan.connections.into(), SUMS));
        progress.begin(&recorder);
        let threads = plan.threads as usize;
        let checked = Checked {
            checker: plan.checker(),
            skew: Latency::default(),
            frames: plan.anomalies.as_ref().map_or_else(Vec::new, |log| {
                let slot = || SlotFrames::new(log.frames);
                (0..plan.connections).map(|_| slot()).collect()
            }),
        };
        let (seen, judge) = (Arc::new(Seen::default()), progress.judge());
        let checking = Checking::new(
            checked,
            threads,
            Arc::clone(&seen),
            Arc::clone(&recorder),
            judge,
            start,
        );
        let checking = Builder::new()
            .name("checker".into())
            .spawn(move || checking.run(&batches))?;
        let (stop, stopped) = watch::channel(false);
        let feed = |source| {
            let sighter = Sighter::new(plan.settings.clone());
            Feed::new(source, sighter, told.clone())
        };
        let mut team = Self {
            recorder,
            lives: Vec::new(),
            threads: Vec::new(),
            checking,
            seen,
            prober: None,
            stop,
        };
        let mut probes = Vec::new();
        for number in 0..plan.threads {
            let live = Arc::new(Live::default());
            team.lives.push(Arc::clone(&live));
            let (probe, lag_probe) = lag::pair().unzip();
            probes.extend(probe);
            let assignment = Assignment {
                plan: Arc::clone(plan),
                number,
                addresses: addresses.to_vec(),
                live,
                feed: feed(number as usize),
                start,
                recorder: Arc::clone(&team.recorder),
                lag_probe,
                stop: stopped.clone(),
            };
            let thread = Builder::new().name(format!("slots-{number}"));
            team.threads.push(thread.spawn(|| thread::run(assignment))?);
        }
        team.prober = Prober::start(probes, start).ok();
        Ok((team, feed(threads)))
    }

    /// The counters of all threads.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.lives.iter().map(|live| &**live))
    }

    /// The sums of the series.
    pub(super) fn sums(&self, now: &Snapshot, restarts: u64) -> Vec<u64> {
        sums(now, &self.seen, restarts)
    }

    /// Stops the threads, then the checker, which is done with all that they told it.
    /// No other feed may be left.
    pub(super) fn stop(self, restarts: u64) -> io::Result<Done> {
        drop(self.prober);
        let _ = self.stop.send(true);
        let failed = || io::Error::other("a thread of the run failed");
        let (mut stats, mut failures) = (Stats::default(), Failures::default());
        for thread in self.threads {
            let (own, others) = thread.join().map_err(|_| failed())??;
            stats.merge(own);
            failures.merge(others);
        }
        let checked = self.checking.join().map_err(|_| failed())?;
        stats.skew = checked.skew;
        let totals = Snapshot::of(self.lives.iter().map(|live| &**live));
        Ok(Done {
            checker: checked.checker,
            sums: sums(&totals, &self.seen, restarts),
            totals,
            frames: checked.frames,
            stats,
            failures,
        })
    }
}

fn sums(now: &Snapshot, seen: &Seen, restarts: u64) -> Vec<u64> {
    vec![
        now.cuts,
        restarts,
        seen.told_apart.get(),
        seen.control.get(),
        seen.unkeyed.get(),
        seen.announced.get(),
        seen.id_conflict.get(),
    ]
}
