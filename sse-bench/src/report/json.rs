//! The JSON report: versioned, durations in microseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cohorts::{Cohort, cohorts};
use super::head::{Errors, Head, round, us};
use super::http2::Http2Report;
use super::invocation::shown_url;
use super::publishing::PublishingReport;
use crate::histogram::{Latency, Summary};
use crate::live::Snapshot;
use crate::load::{Ending, Outcome, Window};
use crate::plan::Plan;
use crate::reach::Usage;
use crate::stats::Delivery;
use crate::timestamp::Pointer;

/// A JSON report.
#[derive(Debug, Serialize)]
pub struct Document<'a, R> {
    #[serde(flatten)]
    pub head: &'a Head,
    /// What the command has beside it.
    #[serde(flatten)]
    pub run: &'a R,
}

/// What was measured. Distributions without values, and what the machine does
/// not say, are `null`.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    pub plan: PlanReport<'a>,
    /// Until each connection had been opened or refused.
    pub ramp_us: Option<u64>,
    /// The longest that a connection started later than the ramp meant it to.
    pub ramp_late_us: u64,
    pub connections: Connections,
    pub reconnects: Reconnects,
    pub deliveries: Deliveries<'a>,
    pub bytes: Bytes,
    pub reads: Reads,
    pub latency: LatencyReport,
    /// Where some read slowly: each cohort's own figures, the healthy ones' first.
    pub cohorts: Vec<Cohort>,
    pub timestamps: Option<Timestamps>,
    pub publishing: Option<PublishingReport<'a>>,
    pub http2: Option<Http2Report>,
    pub errors: Errors<'a>,
    pub tool: Tool,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
    /// Without secrets; that of the first connection where each has its own.
    pub url: String,
    pub method: &'a str,
    pub connections: u32,
    pub duration_us: Option<u64>,
    pub events: Option<u64>,
    pub connect_rate: u32,
    /// As given; instead of the rate.
    pub ramp: Option<String>,
    pub connect_concurrency: u32,
    pub threads: u32,
    pub seed: u64,
}

/// Slots by what became of them.
#[derive(Debug, Serialize)]
pub struct Connections {
    pub requested: u64,
    /// Open at least once.
    pub opened: u64,
    pub never_opened: u64,
    pub open_at_end: u64,
    /// Over for good before the end of the run.
    pub ended: u64,
    /// Opened, and later over for good by a failure.
    pub given_up: u64,
    /// Told by a 204 to stop.
    pub stopped: u64,
    /// Streams that the server ended as it should.
    pub clean_ends: u64,
}

/// Connections opened by slots that had been open before.
#[derive(Debug, Serialize)]
pub struct Reconnects {
    pub total: u64,
    /// Requests without the last event ID, because no header can carry it.
    pub last_event_id_unsendable: u64,
}

/// Events dispatched.
#[derive(Debug, Serialize)]
pub struct Deliveries<'a> {
    pub total: u64,
    /// In the window.
    pub per_second: f64,
    /// `hold`: from when each connection was opened or refused; else `run`.
    pub window: &'static str,
    pub window_us: u64,
    pub by_type: BTreeMap<&'a str, u64>,
    /// Of types beyond the 256 counted by name.
    pub other_types: u64,
}

/// Bytes read from sockets, after TLS, HTTP framing included.
#[derive(Debug, Serialize)]
pub struct Bytes {
    pub total: u64,
    pub per_second: f64,
}

/// Reads of sockets.
#[derive(Debug, Serialize)]
pub struct Reads {
    pub total: u64,
    pub per_delivery: Option<f64>,
}

/// Distributions.
#[derive(Debug, Serialize)]
pub struct LatencyReport {
    /// Start of a connection to the connected (and TLS-secured) socket.
    pub connect: Option<Summary>,
    /// Start of a connection to the head of the response that opens the stream.
    pub open: Option<Summary>,
    /// Start of a slot's first connection to its first event.
    pub first_event: Option<Summary>,
    /// Loss of a connection to the next one open.
    pub reconnect: Option<Summary>,
    /// Publish time to read, of events published while the connection was open. What was
    /// owed and did not come counts as 24 h.
    pub delivery: Option<Summary>,
    /// The same of those published before.
    pub replay: Option<Summary>,
}

/// Timestamps found in payloads.
#[derive(Debug, Serialize)]
pub struct Timestamps {
    pub pointer: String,
    /// Events by the unit found.
    pub units: BTreeMap<&'static str, u64>,
    pub without: u64,
    /// Stamped later than they arrived; in no distribution.
    pub from_the_future: u64,
}

impl Timestamps {
    /// Of what was measured with this pointer.
    pub fn of(pointer: &Pointer, delivery: &Delivery) -> Self {
        let units = delivery.units();
        Self {
            pointer: pointer.to_string(),
            units: units.map(|(unit, count)| (unit.name(), count)).collect(),
            without: delivery.without,
            from_the_future: delivery.from_the_future,
        }
    }
}

/// This program's own part in what was measured.
#[derive(Debug, Serialize)]
pub struct Tool {
    /// How long events that are ready to read wait until they are read: a part
    /// of every other latency here. Estimated by probes through the same queue.
    pub read_lag: Option<Summary>,
    pub cpu_us: Option<u64>,
    pub peak_memory_bytes: Option<u64>,
}

impl Bytes {
    /// All, and what of those in the window falls on a second.
    pub fn of(totals: &Snapshot, window: &Window) -> Self {
        Self {
            total: totals.bytes,
            per_second: round(window.per_second(window.bytes).unwrap_or_default()),
        }
    }
}

impl Reads {
    /// All, and what of them falls on an event.
    pub fn of(totals: &Snapshot) -> Self {
        let (reads, events) = (totals.reads, totals.deliveries);
        Self {
            total: reads,
            per_delivery: (events > 0).then(|| round(reads as f64 / events as f64)),
        }
    }
}

impl Tool {
    /// Of one run.
    pub fn of(read_lag: &Latency, usage: Usage) -> Self {
        Self {
            read_lag: read_lag.summary(),
            cpu_us: usage.cpu.map(us),
            peak_memory_bytes: usage.peak_memory,
        }
    }
}

impl<'a> RunReport<'a> {
    /// The distributions, as tables name them.
    pub fn latencies(&self) -> [(&'static str, Option<Summary>); 7] {
        let latency = &self.latency;
        [
            ("connect", latency.connect),
            ("open", latency.open),
            ("first event", latency.first_event),
            ("reconnect", latency.reconnect),
            ("delivery", latency.delivery),
            ("replay", latency.replay),
            ("own read lag", self.tool.read_lag),
        ]
    }

    /// What was measured.
    pub fn new(plan: &'a Plan, outcome: &'a Outcome) -> Self {
        let (stats, totals) = (&outcome.stats, &outcome.totals);
        let wanted = u64::from(plan.connections);
        let per_second = |amount| round(outcome.window.per_second(amount).unwrap_or_default());
        Self {
            plan: PlanReport {
                url: shown_url(&plan.target.url),
                method: plan.target.method.as_str(),
                connections: plan.connections,
                duration_us: plan.duration.map(us),
                events: plan.events,
                connect_rate: plan.connect_rate,
                ramp: plan.ramp.map(|ramp| ramp.to_string()),
                connect_concurrency: plan.connect_concurrency,
                threads: plan.threads,
                seed: plan.seed,
            },
            ramp_us: outcome.ramp.map(us),
            ramp_late_us: us(stats.ramp_late),
            connections: Connections {
                requested: wanted,
                opened: totals.opened,
                never_opened: wanted - totals.opened,
                open_at_end: totals.open,
                ended: totals.ended,
                given_up: totals.given_up,
                stopped: stats.stopped,
                clean_ends: stats.ends,
            },
            reconnects: Reconnects {
                total: totals.reconnects,
                last_event_id_unsendable: stats.unsendable_ids,
            },
            deliveries: Deliveries {
                total: totals.deliveries,
                per_second: per_second(outcome.window.deliveries),
                window: if outcome.ending == Ending::Duration {
                    "hold"
                } else {
                    "run"
                },
                window_us: us(outcome.window.length),
                by_type: stats.types.by_name(),
                other_types: stats.types.others,
            },
            bytes: Bytes::of(totals, &outcome.window),
            reads: Reads::of(totals),
            latency: LatencyReport {
                connect: stats.connect.summary(),
                open: stats.open.summary(),
                first_event: stats.first_event.summary(),
                reconnect: stats.reconnect.summary(),
                delivery: stats.delivery.live.summary(),
                replay: stats.delivery.replayed.summary(),
            },
            cohorts: cohorts(plan, stats),
            timestamps: plan
                .timestamp_pointer
                .as_ref()
                .map(|pointer| Timestamps::of(pointer, &stats.delivery)),
            publishing: PublishingReport::of(plan, outcome),
            http2: Http2Report::of(&plan.target.transport, &stats.sharing, &stats.failures),
            errors: Errors::of(&stats.failures),
            tool: Tool::of(&stats.read_lag, outcome.usage),
        }
    }
}
