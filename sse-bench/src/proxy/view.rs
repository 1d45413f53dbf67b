//! The faults in force as one request meets them.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::{Fault, Kind, When};
use super::output::Pace;
use super::shared::{Faults, Shared};

/// How far a response is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Events sent on.
    pub(super) events: u64,
    /// Bytes of the body sent on, before compression.
    pub(super) bytes: u64,
    /// When this was so.
    pub(super) at: Instant,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            events: 0,
            bytes: 0,
            at: Instant::now(),
        }
    }
}

/// A fault, and what this request has seen of it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) fault: Arc<Fault>,
    /// Where the response stood when the fault came into force.
    since: Progress,
    /// It strikes once, and has.
    struck: bool,
    /// That it acts was said, where saying it once is enough.
    told: bool,
    /// Events since that count for its pick.
    counted: u64,
    random: Rng,
}

/// The faults that are for one request.
#[derive(Debug)]
pub(super) struct View {
    shared: Arc<Shared>,
    changes: watch::Receiver<Faults>,
    path: String,
    request: u64,
    stream: Option<u64>,
    /// The answer is known to be no event stream.
    not_a_stream: bool,
    live: Vec<Live>,
}

impl View {
    pub(super) fn new(shared: &Arc<Shared>, path: &str, request: u64, stream: Option<u64>) -> Self {
        let mut view = Self {
            shared: Arc::clone(shared),
            changes: shared.watch_faults(),
            path: path.to_owned(),
            request,
            stream,
            not_a_stream: false,
            live: Vec::new(),
        };
        view.rebuild(Progress::start());
        view
    }

    /// The response has begun. `stream` is its number among the event streams.
    pub(super) fn answered(&mut self, stream: Option<u64>) -> Progress {
        self.not_a_stream = stream.is_none();
        self.stream = stream.or(self.stream);
        let start = Progress::start();
        self.rebuild(start);
        for live in &mut self.live {
            live.since = start;
        }
        start
    }

    /// Takes up what changed.
    pub(super) fn refresh(&mut self, progress: Progress) {
        if self.changes.has_changed().unwrap_or(false) {
            self.rebuild(progress);
        }
    }

    /// Returns when the faults in force have changed.
    pub(super) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.changes.mark_changed();
    }

    fn rebuild(&mut self, progress: Progress) {
        let faults = Arc::clone(&self.changes.borrow_and_update());
        let mut known = std::mem::take(&mut self.live);
        for fault in faults.iter() {
            let scope = &fault.scope;
            if !scope.holds(&self.path, self.request, self.stream)
                || (self.not_a_stream && !scope.all_responses)
            {
                continue;
            }
            let index = known
                .iter()
                .position(|live| live.fault.serial == fault.serial);
            self.live.push(match index {
                Some(index) => known.swap_remove(index),
                None => Live {
                    fault: Arc::clone(fault),
                    since: Progress {
                        at: Instant::now(),
                        ..progress
                    },
                    struck: false,
                    told: false,
                    counted: 0,
                    random: self.random(fault),
                },
            });
        }
    }

    /// The same for the same seed, request and fault, whatever else goes on.
    fn random(&self, fault: &Fault) -> Rng {
        let mut seed = self.shared.seed;
        let number = self.stream.unwrap_or(self.request);
        let name = fault.name.bytes().map(u64::from);
        for part in name.chain([number]) {
            seed = Rng::with_seed(seed ^ part).u64(..);
        }
        Rng::with_seed(seed)
    }

    /// `stream 3`, or `request 5` where it is none.
    pub(super) fn who(&self) -> String {
        match self.stream {
            Some(number) if !self.not_a_stream => format!("stream {number}"),
            _ => format!("request {}", self.request),
        }
    }

    pub(super) fn acted(&self, fault: &Fault, what: impl std::fmt::Display) {
        self.shared.acted(fault, self.who(), what);
    }

    /// Says once for each request that a lasting fault acts.
    fn tell(&mut self, index: usize, what: impl std::fmt::Display) {
        if !std::mem::replace(&mut self.live[index].told, true) {
            let fault = Arc::clone(&self.live[index].fault);
            self.acted(&fault, what);
        }
    }

    /// The first fault of a kind.
    pub(super) fn find(&self, wanted: impl Fn(&Kind) -> bool) -> Option<Arc<Fault>> {
        let mut found = self.live.iter().filter(|live| wanted(&live.fault.kind));
        found.next().map(|live| Arc::clone(&live.fault))
    }

    /// Whether a fault is still in force.
    pub(super) fn has(&self, fault: &Fault) -> bool {
        self.live
            .iter()
            .any(|live| live.fault.serial == fault.serial)
    }

    pub(super) fn needs_whole_events(&self) -> bool {
        self.live
            .iter()
            .any(|live| !live.struck && live.fault.kind.needs_whole_events())
    }

    /// Whether there is any latency.
    pub(super) fn is_late(&self) -> bool {
        self.find(|kind| matches!(kind, Kind::Latency { .. }))
            .is_some()
    }

    /// How much later what arrives now is delivered. Several latencies add up.
    pub(super) fn latency(&mut self) -> Duration {
        let mut sum = Duration::ZERO;
        for index in 0..self.live.len() {
            let live = &mut self.live[index];
            let Kind::Latency { delay, jitter } = live.fault.kind else {
                continue;
            };
            let late = jitter.mul_f64(live.random.f64() * 2.0);
            sum += (delay + late).saturating_sub(jitter);
            let delay = humantime::format_duration(delay);
            self.tell(index, format_args!("everything is {delay} late"));
        }
        sum
    }

    /// How the socket is to be written to; the smallest of each kind counts.
    pub(super) fn pace(&mut self) -> Pace {
        let mut pace = Pace::default();
        for index in 0..self.live.len() {
            match self.live[index].fault.kind {
                Kind::Split { bytes, pause } => {
                    let smaller = pace.split.is_none_or(|(other, _)| bytes < other);
                    pace.split = if smaller {
                        Some((bytes, pause))
                    } else {
                        pace.split
                    };
                    self.tell(index, format_args!("at most {bytes} bytes in one write"));
                }
                Kind::Bandwidth { bytes_per_second } => {
                    let rate = pace.bytes_per_second.unwrap_or(u64::MAX);
                    pace.bytes_per_second = Some(rate.min(bytes_per_second));
                    self.tell(index, format_args!("{bytes_per_second} bytes a second"));
                }
                _ => {}
            }
        }
        pace
    }

    /// The faults that take this event, in the order in which they are done.
    pub(super) fn picks(&mut self, event_type: &str) -> Vec<Arc<Fault>> {
        let mut picks = Vec::new();
        for live in &mut self.live {
            if let Some(pick) = live.fault.kind.pick()
                && pick.counts(event_type)
            {
                live.counted += 1;
                if pick.takes(live.counted, &mut live.random) {
                    picks.push(Arc::clone(&live.fault));
                }
            }
        }
        picks.sort_by_key(|fault| match fault.kind {
            Kind::StripId(_) => 0,
            Kind::Drop(_) => 1,
            Kind::Duplicate { .. } => 2,
            _ => 3,
        });
        picks
    }

    /// A cut or a black hole that is due; it will not be again.
    pub(super) fn strike(
        &mut self,
        mut due: impl FnMut(When, Progress) -> bool,
    ) -> Option<Arc<Fault>> {
        let found = self.live.iter_mut().find(|live| {
            let when = live.fault.kind.when();
            !live.struck && when.is_some_and(|when| due(when, live.since))
        })?;
        found.struck = true;
        Some(Arc::clone(&found.fault))
    }

    /// How many more bytes may pass before a cut or a black hole.
    pub(super) fn bytes_until_strike(&self, progress: Progress) -> Option<u64> {
        let left = self.live.iter().filter(|live| !live.struck);
        let left = left.filter_map(|live| match live.fault.kind.when() {
            Some(When::Bytes(count)) => Some(live.since.bytes + count),
            _ => None,
        });
        left.min().map(|end| end.saturating_sub(progress.bytes))
    }

    /// When the next cut or black hole is due that waits for a time.
    pub(super) fn next_time(&self) -> Option<Instant> {
        self.live.iter().filter_map(Live::timed).min()
    }

    /// When the next cut is due that waits for a time.
    pub(super) fn next_timed_cut(&self) -> Option<Instant> {
        let cuts = self.live.iter().filter(|live| live.is_cut());
        cuts.filter_map(Live::timed).min()
    }

    /// The cut that is due by its time; it will not be again.
    pub(super) fn strike_timed_cut(&mut self) -> Option<Arc<Fault>> {
        let now = Instant::now();
        let mut cuts = self.live.iter_mut().filter(|live| live.is_cut());
        let due = cuts.find(|live| live.timed().is_some_and(|at| at <= now))?;
        due.struck = true;
        Some(Arc::clone(&due.fault))
    }
}

impl Live {
    fn is_cut(&self) -> bool {
        matches!(self.fault.kind, Kind::Cut { .. })
    }

    /// The time at which it strikes, where that is all it waits for.
    fn timed(&self) -> Option<Instant> {
        match self.fault.kind.when() {
            Some(When::Time {
                after,
                mid_event: false,
            }) if !self.struck => Some(self.since.at + after),
            _ => None,
        }
    }
}
