//! What a run is to do: a command line that was found sound.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use http::StatusCode;
use sse_core::{Backoff, Limits};

use crate::cli::{LoadArgs, Pace, RequestArgs};
use crate::compare::Baseline;
use crate::publish::{Board, MOST_UNDERWAY, Publishing, Schedule};
use crate::ramp::Ramp;
use crate::report::invocation::shown_url;
use crate::slow::Cohorts;
use crate::stats::{CohortStats, DeliveryMeter, Stats};
use crate::sys;
use crate::target::Target;
use crate::threshold::metric::Table;
use crate::threshold::{self, Threshold};
use crate::timestamp::Pointer;
use crate::transport::Transport;
use crate::tui::Title;

/// Open files that a run needs beside its connections, and for each thread.
const OTHER_FILES: u64 = 32;
const FILES_OF_A_THREAD: u64 = 8;
/// The largest integer that every reader of JSON holds exactly (RFC 8259 §6).
const LARGEST_SEED: u64 = (1 << 53) - 1;
/// Connections to start each second, and that may be underway at once.
pub(crate) const CONNECT_RATE: u32 = 1000;
const CONNECT_CONCURRENCY: u32 = 512;
/// How long to hold connections where neither -z nor -n says.
pub(crate) const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// The plan of a load run.
#[derive(Debug)]
pub struct Plan {
    /// What to ask for.
    pub target: Target,
    /// Slots.
    pub connections: u32,
    /// How long to hold, counted from when each slot was opened or refused.
    pub duration: Option<Duration>,
    /// Events after which to stop, over all slots.
    pub events: Option<u64>,
    /// Slots to start each second, where no ramp says.
    pub connect_rate: u32,
    /// When slots start, where it is not at a rate.
    pub ramp: Option<Ramp>,
    /// Connections underway at once, over all threads.
    pub connect_concurrency: u32,
    /// From the start of a connection to the head of the response.
    pub connect_timeout: Duration,
    /// Whether to reconnect; `None` leaves it to the method.
    pub reconnect: Option<bool>,
    /// Reconnection time, back-off and jitter.
    pub backoff: Backoff,
    /// Refusals after which a slot comes back.
    pub retry_statuses: Vec<StatusCode>,
    /// Slots that read slowly.
    pub cohorts: Cohorts,
    /// Threads.
    pub threads: u32,
    /// Seed of the jitter.
    pub seed: u64,
    /// Caps on lines and events.
    pub limits: Limits,
    /// Where the publish time stands.
    pub timestamp_pointer: Option<Pointer>,
    /// In events of which types; all if none.
    pub timestamp_events: Vec<String>,
    /// Own publishing.
    pub publishing: Option<Arc<Publishing>>,
    /// The longest that a delivery may take from the intended time of the event.
    pub delivery_timeout: Duration,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
    /// What the run is compared with.
    pub baseline: Option<Baseline>,
}

impl Plan {
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: LoadArgs) -> Result<Self> {
        let measure = args.measure;
        let size = measure.max_event_size;
        let request = args.request.clone();
        let plan = Self::of(&args.url, args.connections, args.pace, request, size)?;
        let publishing = Publishing::new(&args.publish, &args.request, plan.seed)?;
        Ok(Self {
            duration: match (args.duration, args.events) {
                (None, None) => Some(DEFAULT_DURATION),
                (duration, _) => duration,
            },
            events: args.events,
            timestamp_pointer: measure
                .timestamp_pointer
                .or_else(|| publishing.as_ref().and_then(Publishing::timestamp)),
            timestamp_events: measure.timestamp_event,
            publishing: publishing.map(Arc::new),
            delivery_timeout: args.delivery_timeout,
            thresholds: of_table(measure.threshold, &threshold::load::METRICS)?,
            baseline: args.baseline.read("load")?,
            ..plan
        })
    }

    /// Connections that are held until something else ends the run.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(
        url: &str,
        connections: u32,
        pace: Pace,
        request: RequestArgs,
        max_event_size: usize,
    ) -> Result<Self> {
        let connections = match &pace.ramp {
            Some(ramp) => connections.min(ramp.connections()),
            None => connections,
        };
        let seed = pace.seed;
        let seed = seed.unwrap_or_else(|| fastrand::u64(..=LARGEST_SEED));
        Ok(Self {
            target: Target::templated(url, request, connections, seed)?,
            connections,
            duration: None,
            events: None,
            connect_rate: pace.connect_rate.unwrap_or(CONNECT_RATE),
            ramp: pace.ramp,
            connect_concurrency: pace.connect_concurrency.unwrap_or(CONNECT_CONCURRENCY),
            connect_timeout: pace.connect_timeout,
            reconnect: match (pace.reconnect, pace.no_reconnect) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            backoff: Backoff::default(),
            retry_statuses: Vec::new(),
            threads: pace.threads.unwrap_or_else(cores).min(connections),
            cohorts: Cohorts::new(pace.slow, connections, seed)?,
            seed,
            limits: Limits::default().line(max_event_size).event(max_event_size),
            timestamp_pointer: None,
            timestamp_events: Vec::new(),
            publishing: None,
            delivery_timeout: Duration::ZERO,
            thresholds: Vec::new(),
            baseline: None,
        })
    }

    /// Raises the limit on open files, and says beforehand what this machine
    /// will not carry.
    pub fn check_machine(&self) -> Result<()> {
        // Beside those underway as many may be kept for the next.
        let requests = self.publishing.as_ref();
        let requests = requests.map_or(0, |_| 2 * MOST_UNDERWAY as u64);
        let transport = &self.target.transport;
        check_beside(requests, self.connections, self.threads, transport)
    }

    /// When slot `number` is due to start, from the start of the run.
    pub fn due(&self, number: u32) -> Duration {
        match &self.ramp {
            Some(ramp) => ramp.due(number),
            None => Duration::from_secs_f64(f64::from(number) / f64::from(self.connect_rate)),
        }
    }

    /// Where threads look up what is owed, if this run publishes what they can tell.
    pub fn board(&self, start: Instant) -> Option<Arc<Board>> {
        let publishing = self.publishing.as_ref()?;
        let schedule = Schedule::new(start, publishing.rate);
        let board = Board::new(schedule, self.delivery_timeout, self.connect_timeout);
        publishing.is_numbered().then(|| Arc::new(board))
    }

    /// What a view of the run says of it.
    pub fn title(&self) -> Title {
        Title {
            command: "load",
            url: shown_url(&self.target.url),
            connections: self.connections.into(),
            thresholds: self.thresholds.clone(),
            ..Title::default()
        }
    }

    /// Whether a slot comes back when its stream ends.
    pub fn reconnects(&self) -> bool {
        self.reconnect
            .unwrap_or_else(|| self.target.method.is_idempotent())
    }

    /// Where a thread measures.
    pub fn stats(&self) -> Stats {
        let cohorts = match self.cohorts.slow().len() {
            0 => 0,
            slow => slow + 1,
        };
        Stats {
            cohorts: (0..cohorts).map(|_| CohortStats::default()).collect(),
            ..Stats::default()
        }
    }

    /// A meter of delivery latency, where one was asked for.
    pub fn delivery_meter(&self) -> Option<DeliveryMeter> {
        let pointer = self.timestamp_pointer.clone()?;
        Some(DeliveryMeter::new(pointer, self.timestamp_events.clone()))
    }
}

/// Thresholds that were read before it was known what kind of run they are for.
pub(crate) fn of_table(thresholds: Vec<Threshold>, table: &Table) -> Result<Vec<Threshold>> {
    let checked = thresholds.into_iter().map(|threshold| threshold.of(table));
    Ok(checked.collect::<Result<_, _>>()?)
}

/// Raises the limit on open files, and says beforehand what this machine will
/// not carry.
pub fn check_connections(connections: u32, threads: u32, transport: &Transport) -> Result<()> {
    check_beside(0, connections, threads, transport)
}

/// The same, where so many requests may be underway beside the connections.
fn check_beside(
    requests: u64,
    connections: u32,
    threads: u32,
    transport: &Transport,
) -> Result<()> {
    let others = OTHER_FILES + requests + u64::from(threads) * FILES_OF_A_THREAD;
    let sockets = transport.sockets(connections, threads);
    fits_open_files(sockets, others, sys::raise_open_files())?;
    transport.local.check()?;
    if transport.unix_socket.is_some() {
        return Ok(());
    }
    fits_ports(sockets, sys::local_ports(), transport.local.count())
}

/// Threads where the user names no number.
pub(crate) fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

fn fits_open_files(connections: u32, others: u64, limit: Option<u64>) -> Result<()> {
    let needed = u64::from(connections) + others;
    let Some(limit) = limit.filter(|limit| *limit < needed) else {
        return Ok(());
    };
    bail!(
        "the limit of {limit} open files will not carry -c {connections}: raise it with \
         `ulimit -n {needed}`, or use at most -c {}",
        limit.saturating_sub(others)
    )
}

fn fits_ports(connections: u32, ports: Option<u64>, addresses: u64) -> Result<()> {
    let all = ports.map(|ports| ports.saturating_mul(addresses));
    let (Some(ports), Some(all)) = (ports, all.filter(|all| *all < u64::from(connections))) else {
        return Ok(());
    };
    let needed = u64::from(connections).div_ceil(ports.max(1));
    bail!(
        "the {ports} local ports of this machine, times {addresses} local address{}, will not carry \
         -c {connections} to one address: give {needed} addresses by --local-addr, widen \
         net.ipv4.ip_local_port_range, or use at most -c {all}",
        if addresses == 1 { "" } else { "es" }
    )
}

/// Slots that thread `thread` carries, by number.
pub fn share(connections: u32, threads: u32, thread: u32) -> impl Iterator<Item = u32> {
    let step = NonZeroU32::new(threads).map_or(1, NonZeroU32::get);
    (thread..connections).step_by(step as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn plan(arguments: &[&str]) -> Result<Plan> {
        let fixed = ["sse-bench", "load"].iter().chain(arguments);
        match Cli::try_parse_from(fixed)?.command {
            Command::Load(args) => Plan::new(*args),
            _ => bail!("another command"),
        }
    }

    #[test]
    fn ten_seconds_are_the_default_where_nothing_else_ends_the_run() {
        let ten = Some(Duration::from_secs(10));
        assert_eq!(plan(&["http://h"]).unwrap().duration, ten);
        assert_eq!(plan(&["http://h", "-n", "5"]).unwrap().duration, None);
        let both = plan(&["http://h", "-n", "5", "-z", "2s"]).unwrap();
        assert_eq!(
            (both.duration, both.events),
            (Some(Duration::from_secs(2)), Some(5))
        );
    }

    #[test]
    fn the_limits_of_the_machine_are_named_with_their_mend() {
        assert!(fits_open_files(5000, 64, Some(5064)).is_ok());
        assert!(fits_open_files(5000, 64, None).is_ok());
        let refused = fits_open_files(5000, 64, Some(1024))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("ulimit -n 5064") && refused.contains("-c 960"),
            "{refused}"
        );
        assert!(fits_ports(28_232, Some(28_232), 1).is_ok());
        assert!(fits_ports(56_464, Some(28_232), 2).is_ok());
        let refused = fits_ports(56_465, Some(28_232), 2).unwrap_err().to_string();
        assert!(refused.contains("give 3 addresses"), "{refused}");
        assert!(refused.contains("at most -c 56464"), "{refused}");
    }

    #[test]
    fn threads_share_all_slots_and_none_twice() {
        let mut all: Vec<u32> = (0..3).flat_map(|thread| share(10, 3, thread)).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10));
    }
}
