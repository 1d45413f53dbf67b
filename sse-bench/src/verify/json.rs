//! The JSON report: versioned, durations in microseconds. Its schema is
//! `docs/verify-report.schema.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Outcome;
use super::plan::VerifyPlan;
use super::report::{level, owed};
use super::verdict::Property;
use crate::failure::printable;
use crate::histogram::Summary;
use crate::reach::Usage;
use crate::report::Http2Report;
use crate::report::head::{Errors, us};
use crate::report::invocation::shown_url;
use crate::report::json::{Timestamps, Tool};

/// What was found.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    pub plan: PlanReport<'a>,
    pub identity: IdentityReport<'a>,
    pub properties: BTreeMap<&'static str, PropertyReport>,
    pub integrity: Integrity,
    pub reconnects: Reconnects,
    /// Reconnects by the manner of the cut before them.
    pub strata: Vec<Stratum>,
    pub connections: Connections,
    pub deliveries: Deliveries,
    pub latency: Latency,
    pub timestamps: Option<Timestamps>,
    pub publishing: Option<Publishing>,
    pub http2: Option<Http2Report>,
    pub errors: Errors<'a>,
    /// The first of each kind.
    pub anomalies: Vec<AnomalyReport<'a>>,
    /// Where all of them were asked for.
    pub anomaly_log: Option<AnomalyLogReport>,
    pub tool: Tool,
}

#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
    /// Without secrets.
    pub url: String,
    pub method: &'a str,
    pub connections: u32,
    pub witnesses: u32,
    /// Threads that received.
    pub threads: u32,
    pub duration_us: u64,
    pub cut_interval_us: u64,
    pub stall_us: u64,
    pub delivery_timeout_us: u64,
    pub drain_us: u64,
    pub allow_duplicates: bool,
    pub strict: bool,
    pub seed: u64,
}

/// What events were told apart by.
#[derive(Debug, Serialize)]
pub struct IdentityReport<'a> {
    /// `sequence`, `id`, `pointer`, `content` or `none`.
    pub level: &'static str,
    /// What is owed: `published`, `sequence` or `union` (of what all connections received).
    pub owed: &'static str,
    pub control_events: &'a [String],
    pub gap_events: &'a [String],
    /// Types seen nowhere but first on a connection, and how often: no part of the stream.
    pub greetings: BTreeMap<&'a str, u64>,
    /// Events told apart, and those of them that several connections received.
    pub events: u64,
    pub shared: u64,
    /// How long at least two connections watched, as far as anything was owed.
    pub window_us: u64,
}

#[derive(Debug, Serialize)]
pub struct PropertyReport {
    /// `pass`, `fail`, `inconclusive` or `not_applicable`.
    pub verdict: &'static str,
    pub coverage: Coverage,
    pub note: String,
}

#[derive(Debug, Serialize)]
pub struct Coverage {
    /// Checked, and as they should be.
    pub held: u64,
    pub of: u64,
    pub unit: &'static str,
}

/// See `sse-bench verify --help` and the documentation of each count.
#[derive(Debug, Serialize)]
pub struct Integrity {
    pub expected: u64,
    pub received: u64,
    pub unkeyed: u64,
    pub missing: u64,
    pub gap: u64,
    pub cursor_past_hole: u64,
    pub lost_after_reconnect: u64,
    pub declared_gap: u64,
    pub duplicate: u64,
    pub replay_overlap: u64,
    pub reorder: u64,
    pub id_conflict: u64,
    pub stall: u64,
}

#[derive(Debug, Serialize)]
pub struct Reconnects {
    pub total: u64,
    pub vacuous: u64,
    pub resumed: u64,
    pub full_replay: u64,
    pub live_only: u64,
    pub rejected: u64,
    /// Over before their resume mode could be told.
    pub undecided: u64,
    /// Requests without the last event ID, because no header can carry it.
    pub last_event_id_unsendable: u64,
    /// With something owed: all of it arrived in time, or not.
    pub complete: u64,
    pub incomplete: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct Stratum {
    /// `rst`, `fin`, `half-open`, or `server` for what this side did not cut.
    pub cut: String,
    pub at: String,
    pub outage: String,
    pub reconnects: u64,
    pub vacuous: u64,
    pub complete: u64,
    pub incomplete: u64,
}

#[derive(Debug, Serialize)]
pub struct Connections {
    pub requested: u64,
    pub opened: u64,
    pub never_opened: u64,
    pub open_at_end: u64,
    /// Over for good before the end of the run.
    pub ended: u64,
    /// Cut by this program, and restarts of the server by `--exec`.
    pub cuts: u64,
    pub restarts: u64,
    /// Streams that the server ended as it should.
    pub clean_ends: u64,
    /// Told by a 204 to stop.
    pub stopped: u64,
}

#[derive(Debug, Serialize)]
pub struct Deliveries {
    pub total: u64,
    /// Control events among them.
    pub control: u64,
    pub bytes: u64,
    /// Reads of sockets, heads of responses included.
    pub reads: u64,
    pub reads_per_delivery: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Latency {
    pub connect: Option<Summary>,
    pub open: Option<Summary>,
    pub reconnect: Option<Summary>,
    /// Publish time to read, of events published while the connection was open; what
    /// never came counts as 24 h.
    pub delivery: Option<Summary>,
    /// The same of those published before.
    pub replay: Option<Summary>,
    /// How much later than the first of the connections each other one received an event.
    pub skew: Option<Summary>,
}

#[derive(Debug, Serialize)]
pub struct Publishing {
    pub sent: u64,
    pub acknowledged: u64,
    /// The longest that an event was sent later than intended.
    pub late_us: u64,
}

/// Slots and legs count from 1.
#[derive(Debug, Serialize)]
pub struct AnomalyReport<'a> {
    pub kind: &'static str,
    pub slot: usize,
    pub leg: usize,
    /// Since the start of the run.
    pub at_us: u64,
    pub count: u64,
    pub first: Option<&'a str>,
    pub last: Option<&'a str>,
}

/// The log of all anomalies.
#[derive(Debug, Serialize)]
pub struct AnomalyLogReport {
    /// Without the last one, which sums them up.
    pub lines: usize,
    pub left_out: u64,
}

impl<'a> RunReport<'a> {
    /// What was found.
    pub fn new(plan: &'a VerifyPlan, outcome: &'a Outcome, properties: &[Property]) -> Self {
        let (findings, totals, stats) = (&outcome.findings, &outcome.totals, &outcome.stats);
        let requested = u64::from(plan.connections);
        Self {
            plan: PlanReport {
                url: shown_url(&plan.target.url),
                method: plan.target.method.as_str(),
                connections: plan.connections,
                witnesses: plan.witnesses,
                threads: plan.threads,
                duration_us: us(plan.duration),
                cut_interval_us: us(plan.cut_interval),
                stall_us: plan.settings.stall,
                delivery_timeout_us: plan.settings.delivery_timeout,
                drain_us: plan.settings.drain,
                allow_duplicates: plan.allow_duplicates,
                strict: plan.strict,
                seed: plan.seed,
            },
            identity: IdentityReport {
                level: level(outcome),
                owed: owed(plan, outcome),
                control_events: &plan.settings.control_events,
                gap_events: &plan.settings.gap_events,
                greetings: findings
                    .greetings
                    .iter()
                    .map(|(name, count)| (name.as_str(), *count))
                    .collect(),
                events: findings.events,
                shared: findings.shared,
                window_us: findings.window,
            },
            properties: properties
                .iter()
                .map(|property| (property.name, property_report(property)))
                .collect(),
            integrity: integrity(outcome),
            reconnects: reconnects(outcome),
            strata: strata(plan, outcome),
            connections: Connections {
                requested,
                opened: totals.opened,
                never_opened: requested - totals.opened,
                open_at_end: totals.open,
                ended: totals.ended,
                cuts: outcome.cuts,
                restarts: outcome.restarts,
                clean_ends: stats.ends,
                stopped: stats.stopped,
            },
            deliveries: Deliveries {
                total: totals.deliveries,
                control: findings.control,
                bytes: totals.bytes,
                reads: totals.reads,
                reads_per_delivery: (totals.deliveries > 0)
                    .then(|| totals.reads as f64 / totals.deliveries as f64),
            },
            latency: Latency {
                connect: stats.connect.summary(),
                open: stats.open.summary(),
                reconnect: stats.reconnect.summary(),
                delivery: stats.delivery.live.summary(),
                replay: stats.delivery.replayed.summary(),
                skew: stats.skew.summary(),
            },
            timestamps: plan
                .timestamp_pointer
                .as_ref()
                .map(|pointer| Timestamps::of(pointer, &stats.delivery)),
            publishing: plan.publishing.as_ref().map(|_| Publishing {
                sent: outcome.published.sent,
                acknowledged: outcome.published.acknowledged,
                late_us: us(outcome.published.late),
            }),
            http2: Http2Report::of(
                &plan.target.transport,
                &outcome.stats.sharing,
                &outcome.failures,
            ),
            errors: Errors::of(&outcome.failures),
            anomalies: findings
                .anomalies
                .iter()
                .map(|anomaly| AnomalyReport {
                    kind: anomaly.kind.name(),
                    slot: anomaly.slot,
                    leg: anomaly.leg,
                    at_us: anomaly.at,
                    count: anomaly.count,
                    first: anomaly.first.as_deref(),
                    last: anomaly.last.as_deref(),
                })
                .collect(),
            anomaly_log: plan.anomalies.as_ref().map(|_| AnomalyLogReport {
                lines: findings.log.entries.len(),
                left_out: findings.log.left_out,
            }),
            tool: Tool::of(
                &stats.read_lag,
                Usage {
                    cpu: outcome.cpu,
                    peak_memory: crate::sys::peak_memory(),
                },
            ),
        }
    }
}

fn integrity(outcome: &Outcome) -> Integrity {
    let found = &outcome.findings.integrity;
    Integrity {
        expected: found.expected,
        received: found.received,
        unkeyed: found.unkeyed,
        missing: found.missing,
        gap: found.gap,
        cursor_past_hole: found.cursor_past_hole,
        lost_after_reconnect: found.lost_after_reconnect,
        declared_gap: found.declared_gap,
        duplicate: found.duplicate,
        replay_overlap: found.replay_overlap,
        reorder: found.reorder,
        id_conflict: found.id_conflict,
        stall: found.stall,
    }
}

fn reconnects(outcome: &Outcome) -> Reconnects {
    let found = &outcome.findings.reconnects;
    Reconnects {
        total: found.total,
        vacuous: found.vacuous,
        last_event_id_unsendable: outcome.stats.unsendable_ids,
        resumed: found.resumed,
        full_replay: found.full_replay,
        live_only: found.live_only,
        rejected: found.rejected,
        undecided: found.undecided,
        complete: found.complete,
        incomplete: found.incomplete,
    }
}

fn strata(plan: &VerifyPlan, outcome: &Outcome) -> Vec<Stratum> {
    let all = plan.strata.all();
    let mut strata: Vec<Stratum> = all
        .iter()
        .map(|stratum| Stratum {
            cut: stratum.kind.name().to_owned(),
            at: stratum.place.name().to_owned(),
            outage: printable(&stratum.outage.to_string()),
            ..Stratum::default()
        })
        .collect();
    strata.push(Stratum {
        cut: "server".to_owned(),
        ..Stratum::default()
    });
    for (cut, replays) in &outcome.findings.legs.by_cut {
        let stratum = &mut strata[cut.map_or(all.len(), usize::from)];
        stratum.reconnects = replays.reconnects;
        stratum.vacuous = replays.vacuous;
        stratum.complete = replays.complete;
        stratum.incomplete = replays.incomplete;
    }
    strata.retain(|stratum| stratum.reconnects > 0);
    strata
}

fn property_report(property: &Property) -> PropertyReport {
    let (held, of, unit) = property.coverage;
    PropertyReport {
        verdict: property.verdict.name(),
        coverage: Coverage { held, of, unit },
        note: property.note.clone(),
    }
}
