//! `sse-bench storm`: lose all connections at once, and measure how they come
//! back.
//!
//! The connections are those of `load`: its threads carry them, and tell a
//! [`watch::Watch`] what becomes of each while a storm is on.

mod csv;
mod html;
pub mod json;
mod now;
pub mod order;
pub mod plan;
pub mod record;
pub mod recovery;
pub mod report;
pub mod round;
pub mod tally;
mod text;
pub mod watch;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

pub use plan::StormPlan;
pub use report::StormReport;
pub use round::Round;

use crate::failure::Failure;
use crate::live::Snapshot;
use crate::load::{Ending, UNREACHABLE_AFTER};
use crate::progress::Progress;
use crate::reach::{Before, Reached, Usage, reach};
use crate::series::Series;
use crate::stats::Stats;
use crate::sys;
use crate::team::Team;
use crate::tui::StormNow;
use crate::verify::restart;
use crate::worker::Message;
use plan::Manner;
use record::{Phase, Phases};
use round::{CaughtUp, End, Watched};
use tally::Tally;
use watch::Storm;

/// How often the run is looked at, and the read lag of each thread probed.
const TICK: Duration = Duration::from_millis(10);
/// A restarted server that cuts no further connection for so long spares them.
const SPARED_AFTER: Duration = Duration::from_secs(5);

/// What a storm run saw.
#[derive(Debug)]
pub struct Outcome {
    /// Why it ended; `Duration` stands for all storms that were wanted.
    pub ending: Ending,
    /// The storms.
    pub rounds: Vec<Round>,
    /// The measurements of all threads; failures are those outside the storms.
    pub stats: Stats,
    /// The counters at the end.
    pub totals: Snapshot,
    /// Length of the run.
    pub elapsed: Duration,
    /// Slots that had received no event when the first storm began.
    pub unfed: Option<u64>,
    /// What it took of the machine.
    pub usage: Usage,
    /// The run over time.
    pub series: Series,
}

impl Outcome {
    /// A run that ended before it began.
    fn nothing(ending: Ending) -> Self {
        Self {
            ending,
            rounds: Vec::new(),
            stats: Stats::default(),
            totals: Snapshot::default(),
            elapsed: Duration::ZERO,
            unfed: None,
            usage: Usage::default(),
            series: Series::default(),
        }
    }
}

/// Carries out the plan.
pub fn run(plan: &StormPlan, progress: &mut Progress) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(direct(plan, progress));
    // A command that restarts the server may take longer than the run.
    runtime.shutdown_background();
    outcome
}

async fn direct(plan: &StormPlan, progress: &mut Progress) -> io::Result<Outcome> {
    let before = Before::now();
    let mut interrupted = std::pin::pin!(sys::interrupted());
    let load = &plan.load;
    let addresses = match reach(&load.target, interrupted.as_mut()).await? {
        Reached::At(addresses) => addresses,
        Reached::Interrupted => return Ok(Outcome::nothing(Ending::Interrupted)),
        Reached::Never(failure) => {
            let mut outcome = Outcome::nothing(Ending::Unreachable);
            outcome.stats.failures.add(&failure);
            return Ok(outcome);
        }
    };
    let start = Instant::now();
    let storm = Arc::new(Storm::new(
        start,
        plan.manner,
        plan.control_events.clone(),
        load.connections,
        load.threads,
    ));
    let mut director = Director {
        plan,
        start,
        team: Team::start(load, &addresses, start, Some(&storm))?,
        storm,
        interrupted,
        tick: tokio::time::interval(TICK),
        ended_threads: 0,
        progress,
        unfed: None,
        rounds: Vec::new(),
        now: StormNow {
            number: 1,
            of: plan.rounds,
            ..StormNow::default()
        },
    };
    director
        .tick
        .set_missed_tick_behavior(MissedTickBehavior::Skip);
    director.progress.begin(director.team.crew().recorder());
    let ending = director.run().await?;
    let Director {
        team,
        rounds,
        unfed,
        progress,
        ..
    } = director;
    let end = Instant::now();
    progress.clear();
    let (totals, stats, series) = team.stop(end)?;
    Ok(Outcome {
        ending,
        rounds,
        stats,
        totals,
        elapsed: end - start,
        unfed,
        usage: before.usage(),
        series,
    })
}

/// Lets storms loose, one after another.
struct Director<'a, I> {
    plan: &'a StormPlan,
    start: Instant,
    team: Team,
    storm: Arc<Storm>,
    interrupted: Pin<&'a mut I>,
    tick: tokio::time::Interval,
    ended_threads: u32,
    progress: &'a mut Progress,
    unfed: Option<u64>,
    rounds: Vec<Round>,
    /// What is shown of the storm that is on, or was last.
    now: StormNow,
}

impl<I: Future<Output = io::Result<()>>> Director<'_, I> {
    async fn run(&mut self) -> io::Result<Ending> {
        for _ in 0..self.plan.rounds {
            if let Some(ending) = self.calm().await? {
                return Ok(ending);
            }
            let round = self.storm().await?;
            let watched = round.watched;
            self.rounds.push(round);
            self.now.number += 1;
            self.now.so_far = json::so_far(&self.rounds);
            if watched == Watched::Interrupted {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Duration)
    }

    /// Waits until all connections are open and have received an event, and for
    /// the time of calm after that. What ends the run instead, if anything does.
    async fn calm(&mut self) -> io::Result<Option<Ending>> {
        self.progress.phase("calm");
        let slots = u64::from(self.plan.load.connections);
        let mut patience: Option<Instant> = None;
        let mut cut_at: Option<Instant> = None;
        loop {
            if self.next(cut_at).await? {
                return Ok(Some(Ending::Interrupted));
            }
            let now = self.team.crew().snapshot();
            if now.connected == 0 && now.settled >= slots.min(UNREACHABLE_AFTER) {
                return Ok(Some(Ending::Unreachable));
            }
            if self.ended_threads == self.plan.load.threads {
                return Ok(Some(Ending::AllEnded));
            }
            if now.settled < slots {
                continue;
            }
            let patience = *patience.get_or_insert_with(|| Instant::now() + self.plan.within);
            let ready = now.open + now.ended >= slots && now.fed >= now.opened;
            if cut_at.is_none() && (ready || Instant::now() >= patience) {
                cut_at = Some(Instant::now() + self.plan.hold);
            }
            if cut_at.is_some_and(|at| Instant::now() >= at) {
                if now.opened == 0 {
                    return Ok(Some(Ending::Unreachable));
                }
                if self.unfed.is_none() {
                    self.unfed = Some(now.opened - now.fed.min(now.opened));
                }
                return Ok(None);
            }
        }
    }

    async fn storm(&mut self) -> io::Result<Round> {
        self.progress.phase("storm");
        let began = Instant::now();
        self.storm.begin();
        self.now.begin();
        let definition = match self.team.crew().snapshot().fed {
            0 => CaughtUp::Nothing,
            _ if self.storm.by_id() => CaughtUp::Id,
            _ => CaughtUp::Event,
        };
        let mut command = None;
        match (self.plan.manner, &self.plan.exec) {
            (Manner::Server, Some(line)) => command = Some(spawn(line.clone())),
            _ => self.storm.cut(),
        }
        let mut failure = None;
        let until = began + self.plan.within;
        let mut before = Phases::default();
        let mut changed = began;
        let watched = loop {
            if self.next(None).await? {
                break Watched::Interrupted;
            }
            if let Some(running) = &mut command
                && running.is_finished()
            {
                failure = running.await.ok().flatten();
                command = None;
                changed = Instant::now();
            }
            let phases = self.phases();
            if phases != before {
                (before, changed) = (phases, Instant::now());
            }
            let spared = command.is_none() && changed.elapsed() >= SPARED_AFTER;
            if phases.of(Phase::Lost) == 0
                && (phases.of(Phase::AtRisk) == 0 || spared || failure.is_some())
                && (phases.of(Phase::Open) == 0 || definition == CaughtUp::Nothing)
            {
                break Watched::Over;
            }
            if Instant::now() >= until {
                break Watched::TimeOut;
            }
        };
        self.show_storm();
        self.now.is_on = false;
        let end = End {
            began: began - self.start,
            first_loss: self.storm.first_loss(),
            ended: self.start.elapsed(),
            watched,
            definition,
            command: failure,
        };
        let (fates, tally) = self.collect();
        Ok(Round::new(end, &fates, tally))
    }

    fn collect(&self) -> (Vec<record::Fate>, Tally) {
        self.storm.end();
        let (mut fates, mut tally) = (Vec::new(), Tally::default());
        for record in self.storm.records() {
            let (of_thread, counted) = lock(record).end();
            fates.extend(of_thread);
            tally.merge(counted);
        }
        (fates, tally)
    }

    /// Where the storm stands, for the view.
    fn show_storm(&mut self) {
        if self.now.is_on {
            let since = self.storm.first_loss();
            let since = since.map(|first| self.start.elapsed().saturating_sub(first));
            let records = self.storm.records().map(lock);
            let mut seen = Tally::default();
            let mut phases = Phases::default();
            for record in records {
                phases.merge(&record.phases());
                seen.merge(record.tally.clone());
            }
            self.now.stands(since, &phases, &seen);
        }
        self.progress.storm(self.now.clone());
    }

    fn phases(&self) -> Phases {
        let mut sum = Phases::default();
        for record in self.storm.records() {
            sum.merge(&lock(record).phases());
        }
        sum
    }

    /// Waits for the next moment to look. Whether the user wants no more.
    async fn next(&mut self, until: Option<Instant>) -> io::Result<bool> {
        loop {
            tokio::select! {
                result = &mut self.interrupted => {
                    result?;
                    return Ok(true);
                }
                message = self.team.message() => match message {
                    Some(Message::Ended) => self.ended_threads += 1,
                    Some(Message::Left) => {
                        return Err(io::Error::other("a thread of the run failed"));
                    }
                    _ => {}
                },
                _ = self.tick.tick() => {
                    self.team.look();
                    if self.progress.is_due() {
                        self.show_storm();
                        let left = until.map(|end| end.saturating_duration_since(Instant::now()));
                        let now = self.team.crew().snapshot();
                        self.progress.show(&now, self.start.elapsed(), left);
                    }
                    return Ok(false);
                }
            }
        }
    }
}

/// Runs the user's command; why it failed, if it did.
fn spawn(command: String) -> JoinHandle<Option<Failure>> {
    tokio::spawn(async move { restart::run_once(&command).await.err() })
}

/// A panic of another thread ends the run anyway; what it recorded is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
