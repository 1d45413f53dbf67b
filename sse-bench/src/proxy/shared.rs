//! What all connections share: the faults in force, counters, the log.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use url::Url;

use super::fault::{Cut, Fault, Kind, Origin};
use super::log::Log;
use crate::connect::Tls;

/// Faults that may be in force at once.
const MOST_FAULTS: usize = 64;

/// The faults in force. A list is never changed, only replaced.
pub(super) type Faults = Arc<Vec<Arc<Fault>>>;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) upstream: Url,
    pub(super) tls: Tls,
    pub(super) seed: u64,
    pub(super) settings: Settings,
    pub(super) counters: Counters,
    pub(super) log: Log,
    pub(super) started: Instant,
    faults: watch::Sender<Faults>,
    /// Which cut it is, and how.
    cuts: watch::Sender<(u64, Cut)>,
    /// Told of the first request.
    pub(super) first_request: Notify,
    /// The step of the scenario, counted from 1; 0 where there is none.
    pub(super) step: AtomicU64,
}

/// Limits of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) connect_timeout: std::time::Duration,
    pub(super) max_event_size: usize,
    pub(super) preserve_host: bool,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was done so far.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $($(#[$doc])* pub(super) $name: AtomicU64,)*
            /// By kind of fault, in the order of [`Kind::NAMES`].
            acted: [AtomicU64; Kind::NAMES.len()],
        }

        impl Counters {
            fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counters! {
    /// Connections of clients.
    connections,
    /// Requests.
    requests,
    /// Those of them that asked for an event stream or were answered with one.
    streams,
    /// Requests that are being answered.
    open,
    /// Requests that the upstream did not answer.
    upstream_failures,
    /// Answers that the upstream broke off.
    upstream_cut_short,
    /// Whole events that came from the upstream.
    events_received,
    /// Whole events that were sent on.
    events_sent,
    /// Bytes of bodies that came from the upstream.
    bytes_received,
    /// Bytes of bodies that were sent on, after compression.
    bytes_sent,
    /// Streams whose events could not be told apart: compressed, or over a limit.
    streams_unread,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

impl Shared {
    pub(super) fn new(upstream: Url, tls: Tls, seed: u64, settings: Settings, log: Log) -> Self {
        Self {
            upstream,
            tls,
            seed,
            settings,
            counters: Counters::default(),
            log,
            started: Instant::now(),
            faults: watch::Sender::new(Faults::default()),
            cuts: watch::Sender::new((0, Cut::Fin)),
            first_request: Notify::new(),
            step: AtomicU64::new(0),
        }
    }

    /// The faults in force, now and whenever they change.
    pub(super) fn watch_faults(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    pub(super) fn faults(&self) -> Faults {
        Arc::clone(&self.faults.borrow())
    }

    /// Told of each cut from now on.
    pub(super) fn watch_cuts(&self) -> watch::Receiver<(u64, Cut)> {
        self.cuts.subscribe()
    }

    /// Cuts everything that is being answered; how much that is.
    pub(super) fn cut_all(&self, how: Cut) -> u64 {
        let open = self.counters.open.load(Ordering::Relaxed);
        self.cuts.send_modify(|cut| *cut = (cut.0 + 1, how));
        self.log
            .line(format_args!("cut {how}: {open} open requests"));
        open
    }

    /// Puts faults in force, instead of those that `replaced` holds for.
    pub(super) fn set(
        &self,
        faults: Vec<Fault>,
        replaced: impl Fn(&Fault) -> bool,
    ) -> Result<(), String> {
        let mut problem = None;
        self.faults.send_if_modified(|current| {
            let mut next: Vec<_> = current
                .iter()
                .filter(|fault| !replaced(fault))
                .cloned()
                .collect();
            for mut fault in faults {
                if fault.name.is_empty() {
                    fault.name = free_name(fault.kind.name(), &next);
                }
                if next.iter().any(|other| other.name == fault.name) {
                    problem = Some(format!(
                        "a fault named {:?} is in force already",
                        fault.name
                    ));
                    return false;
                }
                next.push(Arc::new(fault));
            }
            if next.len() > MOST_FAULTS {
                problem = Some(format!("more than {MOST_FAULTS} faults"));
                return false;
            }
            *current = Arc::new(next);
            true
        });
        problem.map_or(Ok(()), Err)
    }

    /// Takes away those that `which` holds for; how many that were.
    pub(super) fn remove(&self, which: impl Fn(&Fault) -> bool) -> usize {
        let mut removed = 0;
        self.faults.send_modify(|current| {
            removed = current.iter().filter(|fault| which(fault)).count();
            let kept = current.iter().filter(|fault| !which(fault)).cloned();
            *current = Arc::new(kept.collect());
        });
        removed
    }

    /// Counts and logs that a fault acts.
    pub(super) fn acted(&self, fault: &Fault, who: impl Display, what: impl Display) {
        fault.acted.fetch_add(1, Ordering::Relaxed);
        self.counters.acted[fault.kind.index()].fetch_add(1, Ordering::Relaxed);
        self.log.line(format_args!("{who} {}: {what}", fault.name));
    }

    /// What the control address shows and the end of a run prints.
    pub(super) fn counters_json(&self) -> Value {
        let mut map = Map::new();
        for (name, value) in self.counters.list() {
            map.insert(name.to_owned(), json!(value));
        }
        map.insert("log_lines_left_out".to_owned(), json!(self.log.left_out()));
        let mut acted = Map::new();
        for (name, counter) in Kind::NAMES.iter().zip(&self.counters.acted) {
            let number = counter.load(Ordering::Relaxed);
            if number > 0 {
                acted.insert((*name).to_owned(), json!(number));
            }
        }
        map.insert("acted".to_owned(), Value::Object(acted));
        Value::Object(map)
    }

    pub(super) fn state_json(&self) -> Value {
        let step = Some(self.step.load(Ordering::Relaxed)).filter(|step| *step > 0);
        json!({
            "upstream": self.upstream.as_str(),
            "uptime_ms": self.started.elapsed().as_millis() as u64,
            "seed": self.seed,
            "step": step,
            "faults": self.faults_json(),
            "counters": self.counters_json(),
        })
    }

    pub(super) fn faults_json(&self) -> Value {
        self.faults().iter().map(|fault| fault.to_json()).collect()
    }
}

/// `drop`, or `drop-2` where there is a `drop` already.
fn free_name(kind: &str, taken: &[Arc<Fault>]) -> String {
    let is_free = |name: &String| taken.iter().all(|fault| fault.name != *name);
    let numbered = (2..).map(|number| format!("{kind}-{number}"));
    let mut names = std::iter::once(kind.to_owned()).chain(numbered);
    names.find(is_free).unwrap_or_default()
}

/// Whether a fault belongs to a step of a scenario.
pub(super) fn of_scenario(fault: &Fault) -> bool {
    fault.origin == Origin::Scenario
}
