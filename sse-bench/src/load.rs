//! `sse-bench load`: open, hold, count.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::connect::{Connector, resolve};
use crate::live::{Live, Snapshot};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::stats::Stats;
use crate::sys;
use crate::worker::{self, Assignment, Message};

/// How often the read lag of each thread is probed.
const PROBE_INTERVAL: Duration = Duration::from_millis(10);
/// Probes from one progress line to the next.
const PROGRESS_EVERY: u32 = 25;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The time was over.
    Duration,
    /// The wanted number of events was received.
    Events,
    /// No slot had anything left to do.
    AllEnded,
    /// No connection was made, by any slot.
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
    pub stats: Stats,
    /// The counters at the end.
    pub totals: Snapshot,
    /// Length of the run.
    pub elapsed: Duration,
    /// Until each slot had been opened or refused; `None` if that never was.
    pub ramp: Option<Duration>,
    /// What rates are taken from.
    pub window: Window,
    /// CPU time that the run took.
    pub cpu: Option<Duration>,
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(direct(plan, progress))
}

async fn direct(plan: &Arc<Plan>, progress: &mut Progress) -> io::Result<Outcome> {
    let cpu_before = sys::cpu_time();
    let mut interrupted = std::pin::pin!(sys::interrupted());
    let resolved = tokio::select! {
        resolved = resolve(&plan.url) => Some(resolved),
        _ = &mut interrupted => None,
    };
    let start = Instant::now();
    let mut run = Run::new(start);
    let addresses = match resolved {
        Some(Ok(addresses)) => addresses,
        Some(Err(failure)) => {
            let mut stats = Stats::default();
            stats.failures.add(&failure);
            return Ok(run.outcome(Ending::Unreachable, stats, cpu_before));
        }
        None => return Ok(run.outcome(Ending::Interrupted, Stats::default(), cpu_before)),
    };

    let (told, mut messages) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let events_left = plan.events.map(|events| Arc::new(AtomicU64::new(events)));
    let mut threads = Vec::new();
    let mut probes = Vec::new();
    for number in 0..plan.threads {
        let live = Arc::new(Live::default());
        run.lives.push(Arc::clone(&live));
        let (probe, lag_probe) = lag_probe().unzip();
        probes.extend(probe);
        let assignment = Assignment {
            plan: Arc::clone(plan),
            number,
            live,
            connector: Connector::new(plan.tls.clone(), &plan.url, addresses.clone()),
            messages: told.clone(),
            stop: stopped.clone(),
            start,
            events_left: events_left.clone(),
            lag_probe,
        };
        let thread = std::thread::Builder::new().name(format!("slots-{number}"));
        threads.push(thread.spawn(|| worker::run(assignment))?);
    }

    let mut tick = tokio::time::interval(PROBE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticks = 0_u32;
    let (mut settled, mut ended) = (0, 0);
    let mut hold_ends = None;
    let ending = loop {
        let hold_end = async {
            match hold_ends {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = &mut interrupted => {
                result?;
                break Ending::Interrupted;
            }
            message = messages.recv() => match message {
                Some(Message::Settled) => settled += 1,
                Some(Message::Ended) => ended += 1,
                Some(Message::EventsReached) => break Ending::Events,
                Some(Message::Left) | None => break Ending::AllEnded,
            },
            () = hold_end => break Ending::Duration,
            _ = tick.tick() => {
                for probe in &probes {
                    let sent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    // A full buffer means that the thread is far behind, which
                    // the datagrams before this one say already.
                    let _ = probe.send(&sent.to_le_bytes());
                }
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(PROGRESS_EVERY) {
                    let left = hold_ends.map(|end| end.saturating_duration_since(tokio::time::Instant::now()));
                    progress.show(&run.snapshot(), start.elapsed(), left);
                }
                continue;
            }
        }
        if ended == plan.threads {
            break if run.snapshot().connected == 0 {
                Ending::Unreachable
            } else {
                Ending::AllEnded
            };
        }
        if settled == plan.threads && run.settled.is_none() {
            let now = run.settle();
            if run.snapshot().connected == 0 {
                break Ending::Unreachable;
            }
            hold_ends = plan.duration.map(|duration| (now + duration).into());
        }
    };
    run.stop();
    progress.clear();
    let _ = stop.send(true);
    drop(messages);
    let stats = join(threads)?;
    Ok(run.outcome(ending, stats, cpu_before))
}

/// A pair of datagram sockets that know only each other.
fn lag_probe() -> Option<(UdpSocket, UdpSocket)> {
    let pair = || {
        let (from, to) = (
            UdpSocket::bind("127.0.0.1:0")?,
            UdpSocket::bind("127.0.0.1:0")?,
        );
        from.connect(to.local_addr()?)?;
        to.connect(from.local_addr()?)?;
        from.set_nonblocking(true)?;
        to.set_nonblocking(true)?;
        io::Result::Ok((from, to))
    };
    // Without it the report says that the lag is unknown.
    pair().ok()
}

fn join(threads: Vec<JoinHandle<io::Result<Stats>>>) -> io::Result<Stats> {
    let mut sum = Stats::default();
    for thread in threads {
        let stats = thread.join();
        sum.merge(stats.map_err(|_| io::Error::other("a thread of the run failed"))??);
    }
    Ok(sum)
}

/// The clock of a run.
struct Run {
    lives: Vec<Arc<Live>>,
    start: Instant,
    settled: Option<(Instant, Snapshot)>,
    stopped: Option<(Instant, Snapshot)>,
}

impl Run {
    fn new(start: Instant) -> Self {
        Self {
            lives: Vec::new(),
            start,
            settled: None,
            stopped: None,
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.lives.iter().map(|live| &**live))
    }

    fn settle(&mut self) -> Instant {
        let now = Instant::now();
        self.settled = Some((now, self.snapshot()));
        now
    }

    fn stop(&mut self) {
        self.stopped = Some((Instant::now(), self.snapshot()));
    }

    fn outcome(self, ending: Ending, stats: Stats, cpu_before: Option<Duration>) -> Outcome {
        let totals = self.snapshot();
        let (end, at_end) = self.stopped.unwrap_or((Instant::now(), totals));
        // A run that a user or a count ended early has no hold to speak of.
        let (from, before) = match self.settled {
            Some(settled) if ending == Ending::Duration => settled,
            _ => (self.start, Snapshot::default()),
        };
        Outcome {
            ending,
            stats,
            totals,
            elapsed: end - self.start,
            ramp: self.settled.map(|(settled, _)| settled - self.start),
            window: Window {
                length: end - from,
                deliveries: at_end.deliveries - before.deliveries,
                bytes: at_end.bytes - before.bytes,
            },
            cpu: sys::cpu_time()
                .zip(cpu_before)
                .map(|(now, before)| now.saturating_sub(before)),
        }
    }
}
