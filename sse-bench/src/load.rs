//! `sse-bench load`: open, hold, count.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::lag::PROBE_INTERVAL;
use crate::live::Snapshot;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::publish::{Published, Publisher, Schedule};
use crate::reach::{Before, Reached, Usage, reach};
use crate::series::Series;
use crate::stats::Stats;
use crate::sys;
use crate::team::Team;
use crate::worker::Message;

/// Slots that fail before a target counts as unreachable, if none connected.
pub(crate) const UNREACHABLE_AFTER: u64 = 100;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The time was over.
    Duration,
    /// The wanted number of events was received.
    Events,
    /// No slot had anything left to do.
    AllEnded,
    /// No connection was made, by any slot or by the first 100.
    Unreachable,
    /// The user asked for it.
    Interrupted,
}

impl Ending {
    /// The name that a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Events => "events",
            Self::AllEnded => "all_ended",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a run saw.
#[derive(Debug)]
pub struct Outcome {
    /// Why it ended.
    pub ending: Ending,
    /// The measurements of all threads.
    pub stats: Stats,
    /// The counters at the end.
    pub totals: Snapshot,
    /// Length of the run.
    pub elapsed: Duration,
    /// Until each slot had been opened or refused; `None` if that never was.
    pub ramp: Option<Duration>,
    /// What rates are taken from.
    pub window: Window,
    /// What it took of the machine.
    pub usage: Usage,
    /// Own publishing.
    pub published: Published,
    /// Own events acknowledged so late that they are owed to nobody.
    pub acknowledged_late: u64,
    /// The run over time.
    pub series: Series,
}

impl Outcome {
    /// A run that ended before it began.
    fn nothing(ending: Ending) -> Self {
        Self {
            ending,
            stats: Stats::default(),
            totals: Snapshot::default(),
            elapsed: Duration::ZERO,
            ramp: None,
            window: Window::default(),
            usage: Usage::default(),
            published: Published::default(),
            acknowledged_late: 0,
            series: Series::default(),
        }
    }
}

/// A part of the run, and what was received in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Its length.
    pub length: Duration,
    /// Events.
    pub deliveries: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Window {
    /// What of `amount` falls on a second; `None` in a window of no length.
    pub fn per_second(&self, amount: u64) -> Option<f64> {
        let seconds = self.length.as_secs_f64();
        (seconds > 0.0).then(|| amount as f64 / seconds)
    }
}

/// Carries out the plan.
pub fn run(plan: &Arc<Plan>, progress: &mut Progress) -> io::Result<Outcome> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let outcome = runtime.block_on(direct(plan, progress));
    // A look-up of a name that the user no longer waits for may take long.
    runtime.shutdown_background();
    outcome
}

async fn direct(plan: &Arc<Plan>, progress: &mut Progress) -> io::Result<Outcome> {
    let before = Before::now();
    let mut interrupted = std::pin::pin!(sys::interrupted());
    let addresses = match reach(&plan.target, interrupted.as_mut()).await? {
        Reached::At(addresses) => addresses,
        Reached::Interrupted => return Ok(Outcome::nothing(Ending::Interrupted)),
        Reached::Never(failure) => {
            let mut outcome = Outcome::nothing(Ending::Unreachable);
            outcome.stats.failures.add(&failure);
            return Ok(outcome);
        }
    };
    let start = Instant::now();
    let mut team = Team::start(plan, &addresses, start, None)?;
    let publishing = publish(plan, &team, start);
    progress.begin(team.crew().recorder());
    let ended = hold(plan, &mut team, start, interrupted.as_mut(), progress).await;
    let (ending, settled) = ended?;
    let (end, at_end) = (Instant::now(), team.crew().snapshot());
    progress.clear();
    if let Some((publisher, running)) = &publishing {
        running.abort();
        if ending == Ending::Duration {
            tokio::select! {
                () = drain(publisher, &mut team) => {}
                result = interrupted => result?,
            }
        }
    }
    let board = team.board().cloned();
    if let Some(board) = &board {
        board.give_up();
    }
    let (totals, mut stats, series) = team.stop(end)?;
    if plan.timestamp_pointer.is_some() {
        stats.delivery.undelivered(stats.own.undelivered());
    }
    // A run that was ended early has no hold to speak of.
    let (from, counted) = match settled {
        Some(settled) if ending == Ending::Duration => settled,
        _ => (start, Snapshot::default()),
    };
    Ok(Outcome {
        ending,
        stats,
        totals,
        elapsed: end - start,
        ramp: settled.map(|(settled, _)| settled - start),
        window: Window {
            length: end - from,
            deliveries: at_end.deliveries - counted.deliveries,
            bytes: at_end.bytes - counted.bytes,
        },
        usage: before.usage(),
        published: publishing.map_or_else(Published::default, |(own, _)| own.published()),
        acknowledged_late: board.map_or(0, |board| board.late()),
        series,
    })
}

/// Starts publishing, where there is any.
fn publish(
    plan: &Arc<Plan>,
    team: &Team,
    start: Instant,
) -> Option<(Rc<Publisher>, JoinHandle<()>)> {
    let publishing = Arc::clone(plan.publishing.as_ref()?);
    let schedule = Schedule::new(start, publishing.rate);
    let publisher = Rc::new(Publisher::new(schedule, plan.connect_timeout));
    let board = team.board().cloned();
    let acknowledged = move |number, at| {
        if let Some(board) = &board {
            board.acknowledge(number, at);
        }
    };
    let running = Rc::clone(&publisher).run(publishing, None, acknowledged);
    Some((publisher, tokio::task::spawn_local(running)))
}

/// Waits until all that was published is acknowledged or refused, and has come or
/// is late.
async fn drain(publisher: &Publisher, team: &mut Team) {
    while publisher.is_underway() {
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
    team.drain().await;
}

/// Waits for what ends the run. Also when each slot had been opened or refused,
/// and the counters at that moment.
async fn hold(
    plan: &Plan,
    team: &mut Team,
    start: Instant,
    mut interrupted: Pin<&mut impl Future<Output = io::Result<()>>>,
    progress: &mut Progress,
) -> io::Result<(Ending, Option<(Instant, Snapshot)>)> {
    let mut tick = tokio::time::interval(PROBE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut settled_threads, mut ended_threads) = (0, 0);
    let mut settled = None;
    let mut hold_ends: Option<Instant> = None;
    let ending = loop {
        let hold_end = async {
            match hold_ends {
                Some(end) => tokio::time::sleep_until(end.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = &mut interrupted => {
                result?;
                break Ending::Interrupted;
            }
            message = team.message() => match message {
                Some(Message::Settled) => settled_threads += 1,
                Some(Message::Ended) => ended_threads += 1,
                Some(Message::EventsReached) => break Ending::Events,
                Some(Message::Left) | None => break Ending::AllEnded,
            },
            () = hold_end => break Ending::Duration,
            _ = tick.tick() => {
                team.look();
                if progress.is_due() {
                    let left = hold_ends.map(|end| end.saturating_duration_since(Instant::now()));
                    progress.show(&team.crew().snapshot(), start.elapsed(), left);
                }
            }
        }
        let now = team.crew().snapshot();
        let enough = u64::from(plan.connections).min(UNREACHABLE_AFTER);
        if now.connected == 0 && now.settled >= enough {
            break Ending::Unreachable;
        }
        if ended_threads == plan.threads {
            break Ending::AllEnded;
        }
        if settled_threads == plan.threads && settled.is_none() {
            let now = Instant::now();
            settled = Some((now, team.crew().snapshot()));
            hold_ends = plan.duration.map(|duration| now + duration);
        }
    };
    Ok((ending, settled))
}
