//! The JSON report of a storm run: versioned, durations in microseconds. Its
//! schema is `docs/storm-report.schema.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use super::round::{Milestones, Round, Watched};
use super::tally::{Curve, STEP, Tally, is_refusal};
use super::{Outcome, StormPlan};
use crate::histogram::{Latency, Summary};
use crate::plan::Plan;
use crate::report::cohorts::{Cohort, cohorts, name_of};
use crate::report::head::{ErrorKind, Errors, us};
use crate::report::invocation::shown_url;
use crate::report::json::Tool;

/// What was measured. Distributions without values, and what was not reached,
/// are `null`.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    pub plan: PlanReport<'a>,
    pub connections: Connections,
    /// Over all storms.
    pub totals: Totals,
    pub latency: LatencyReport,
    pub storms: Vec<StormJson<'a>>,
    /// Where some read slowly: each cohort's own figures, the healthy ones' first.
    pub cohorts: Vec<Cohort>,
    pub deliveries: Deliveries,
    /// Outside the storms.
    pub errors: Errors<'a>,
    pub tool: Tool,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
    /// Without secrets.
    pub url: String,
    pub method: &'a str,
    pub connections: u32,
    /// `rst`, `fin` or `server`.
    pub cut: &'static str,
    pub rounds: u32,
    pub hold_us: u64,
    pub within_us: u64,
    pub retry_status: Vec<u16>,
    /// What is added to each wait at random, at most, as a share of it.
    pub jitter: f64,
    /// Whether the wait doubles after each attempt that fails.
    pub backoff: bool,
    pub connect_rate: u32,
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
    /// Without an event when the first storm began.
    pub without_event: Option<u64>,
}

/// Sums over all storms; peaks are those of the worst.
#[derive(Debug, Serialize)]
pub struct Totals {
    pub lost: u64,
    pub reopened: u64,
    pub not_reopened: u64,
    pub caught_up: u64,
    pub not_caught_up: u64,
    pub given_up: u64,
    pub stopped: u64,
    pub lost_again: u64,
    pub attempts: u64,
    pub peak_attempts_per_second: u64,
    pub refused: u64,
    pub failed: u64,
    pub early: u64,
}

/// Distributions. Of a connection that never came back the value is 24 h.
#[derive(Debug, Serialize)]
pub struct LatencyReport {
    /// Start of a connection to the connected (and TLS-secured) socket.
    pub connect: Option<Summary>,
    /// Start of a connection to the head of the response that opens the stream.
    pub open: Option<Summary>,
    /// From a slot's loss to the connection that was open at the end of the storm.
    pub reopen: Option<Summary>,
    /// From a slot's loss to where that connection had caught up.
    pub caught_up: Option<Summary>,
    /// From a loss to the start of the next attempt.
    pub first_attempt: Option<Summary>,
}

/// One storm. Times of shares count from the first loss.
#[derive(Debug, Serialize)]
pub struct StormJson<'a> {
    /// Since the start of the run.
    pub began_us: u64,
    /// How long it was watched.
    pub watched_us: u64,
    /// `over`, `timeout` or `interrupted`.
    pub ending: &'static str,
    pub open_before: u32,
    pub lost: u32,
    pub losses: LossesJson,
    /// From the cut, or the start of the command, to the first loss.
    pub first_loss_us: Option<u64>,
    /// From the first loss to the last.
    pub loss_spread_us: u64,
    pub reopened: ShareTimes,
    pub caught_up: ShareTimes,
    /// The same of each cohort, where some read slowly.
    pub cohorts: Vec<CohortBack>,
    /// `id`, `event` or `nothing`: what catching up was.
    pub caught_up_by: &'static str,
    pub given_up: u32,
    pub stopped: u32,
    /// Connections that opened and were lost again before the storm was over.
    pub lost_again: u64,
    /// Answers that opened no stream.
    pub refused: Refused<'a>,
    /// Attempts without an answer.
    pub failed: Errors<'a>,
    /// The command that restarts the server: why it failed.
    pub command_error: Option<&'a str>,
    pub reconnection_times: Vec<ReconnectionTime>,
    /// Slots with times beyond the 256 listed.
    pub other_reconnection_times: u64,
    /// First attempts before the reconnection time was over.
    pub early: u64,
    pub first_attempt: Option<Summary>,
    pub attempts: Attempts,
    pub recovery: RecoveryJson<'a>,
}

/// How connections were lost.
#[derive(Debug, Serialize)]
pub struct LossesJson {
    /// By this side.
    pub cut: u64,
    /// The server ended the response as it should.
    pub ended: u64,
    /// The connection broke.
    pub broken: u64,
}

/// When shares of the lost connections had got there.
#[derive(Debug, Serialize)]
pub struct ShareTimes {
    pub connections: u32,
    pub p50_us: Option<u64>,
    pub p90_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub p100_us: Option<u64>,
}

/// How one cohort came back.
#[derive(Debug, Serialize)]
pub struct CohortBack {
    pub name: String,
    pub lost: u32,
    pub reopened: ShareTimes,
    pub caught_up: ShareTimes,
}

/// Refusals by status, or by what else was wrong.
#[derive(Debug, Serialize)]
pub struct Refused<'a> {
    pub total: u64,
    /// With a `Retry-After`.
    pub retry_after: u64,
    pub by_kind: BTreeMap<String, ErrorKind<'a>>,
}

/// A reconnection time that was in force when connections were lost.
#[derive(Debug, Serialize)]
pub struct ReconnectionTime {
    pub time_us: u64,
    /// Whether the server had set it with `retry`.
    pub told: bool,
    pub slots: u64,
}

/// Connections begun, and opened, in each step since the first loss.
#[derive(Debug, Serialize)]
pub struct Attempts {
    pub total: u64,
    /// The most in any second, by steps.
    pub peak_per_second: u64,
    pub peak_per_step: u32,
    pub step_us: u64,
    pub begun: Vec<u32>,
    pub opened: Vec<u32>,
}

/// The way back, in steps since the first loss: how many had lost their connection, were open
/// again for good, and had caught up by the end of each; what attempts were refused, or failed
/// without an answer, in it.
#[derive(Debug, Serialize)]
pub struct RecoveryJson<'a> {
    pub step_us: u64,
    pub lost: &'a [u32],
    pub open: &'a [u32],
    pub caught_up: &'a [u32],
    pub refused: &'a [u32],
    pub failed: &'a [u32],
}

/// Events received in the whole run.
#[derive(Debug, Serialize)]
pub struct Deliveries {
    pub total: u64,
    pub bytes: u64,
    /// Requests without the last event ID, because no header can carry it.
    pub last_event_id_unsendable: u64,
}

impl<'a> RunReport<'a> {
    /// The distributions, as tables name them.
    pub fn latencies(&self) -> [(&'static str, Option<Summary>); 6] {
        let latency = &self.latency;
        [
            ("open again", latency.reopen),
            ("caught up", latency.caught_up),
            ("first attempt", latency.first_attempt),
            ("connect", latency.connect),
            ("open", latency.open),
            ("own read lag", self.tool.read_lag),
        ]
    }

    pub(super) fn new(plan: &'a StormPlan, outcome: &'a Outcome) -> Self {
        let (load, totals, stats) = (&plan.load, &outcome.totals, &outcome.stats);
        let wanted = u64::from(load.connections);
        Self {
            plan: PlanReport {
                url: shown_url(&load.target.url),
                method: load.target.method.as_str(),
                connections: load.connections,
                cut: plan.manner.name(),
                rounds: plan.rounds,
                hold_us: us(plan.hold),
                within_us: us(plan.within),
                retry_status: load.retry_statuses.iter().map(StatusCode::as_u16).collect(),
                jitter: load.backoff.jitter,
                backoff: !load.backoff.max_delay.is_zero(),
                connect_rate: load.connect_rate,
                threads: load.threads,
                seed: load.seed,
            },
            connections: Connections {
                requested: wanted,
                opened: totals.opened,
                never_opened: wanted - totals.opened,
                open_at_end: totals.open,
                ended: totals.ended,
                without_event: outcome.unfed,
            },
            totals: sums(&outcome.rounds),
            latency: LatencyReport {
                connect: stats.connect.summary(),
                open: stats.open.summary(),
                reopen: merged(&outcome.rounds, |round| &round.reopen).summary(),
                caught_up: merged(&outcome.rounds, |round| &round.catch_up).summary(),
                first_attempt: merged(&outcome.rounds, |round| &round.tally.waits).summary(),
            },
            storms: outcome
                .rounds
                .iter()
                .map(|round| storm(round, load))
                .collect(),
            cohorts: cohorts(load, stats),
            deliveries: Deliveries {
                total: totals.deliveries,
                bytes: totals.bytes,
                last_event_id_unsendable: stats.unsendable_ids,
            },
            errors: Errors::of(&stats.failures),
            tool: Tool::of(&stats.read_lag, outcome.usage),
        }
    }
}

/// What thresholds look at of the storms that are over.
pub(super) fn so_far(rounds: &[Round]) -> serde_json::Value {
    serde_json::json!({
        "totals": sums(rounds),
        "latency": {
            "reopen": merged(rounds, |round| &round.reopen).summary(),
            "caught_up": merged(rounds, |round| &round.catch_up).summary(),
            "first_attempt": merged(rounds, |round| &round.tally.waits).summary(),
        },
    })
}

/// Over all storms.
pub(super) fn merged(rounds: &[Round], which: fn(&Round) -> &Latency) -> Latency {
    let mut sum = Latency::default();
    for round in rounds {
        sum.merge(which(round));
    }
    sum
}

fn sums(rounds: &[Round]) -> Totals {
    let sum = |count: fn(&Round) -> u64| rounds.iter().map(count).sum();
    let attempts = |round: &Round| round.tally.attempts.peak_per_second();
    Totals {
        lost: sum(|round| round.back.lost.into()),
        reopened: sum(|round| round.back.reopened.into()),
        not_reopened: sum(|round| round.not_reopened().into()),
        caught_up: sum(|round| round.back.caught_up.into()),
        not_caught_up: sum(|round| round.not_caught_up().into()),
        given_up: sum(|round| round.given_up.into()),
        stopped: sum(|round| round.stopped.into()),
        lost_again: sum(|round| round.tally.lost_again),
        attempts: sum(|round| round.tally.attempts.total()),
        peak_attempts_per_second: rounds.iter().map(attempts).max().unwrap_or_default(),
        refused: sum(|round| round.tally.refused()),
        failed: sum(|round| round.tally.failures.total() - round.tally.refused()),
        early: sum(|round| round.tally.early),
    }
}

fn storm<'a>(round: &'a Round, load: &Plan) -> StormJson<'a> {
    let tally = &round.tally;
    StormJson {
        began_us: us(round.began),
        watched_us: us(round.length),
        ending: match round.watched {
            Watched::Over => "over",
            Watched::TimeOut => "timeout",
            Watched::Interrupted => "interrupted",
        },
        open_before: round.open_before,
        lost: round.back.lost,
        losses: LossesJson {
            cut: tally.losses.cut,
            ended: tally.losses.ended,
            broken: tally.losses.broken,
        },
        first_loss_us: round.first_loss.map(us),
        loss_spread_us: us(round.loss_spread),
        reopened: shares(round.back.reopened, &round.back.reopening),
        caught_up: shares(round.back.caught_up, &round.back.catching_up),
        cohorts: back_of_cohorts(round, load),
        caught_up_by: round.definition.name(),
        given_up: round.given_up,
        stopped: round.stopped,
        lost_again: tally.lost_again,
        refused: Refused {
            total: tally.refused(),
            retry_after: tally.retry_after,
            by_kind: Errors::some(&tally.failures, is_refusal).by_kind,
        },
        failed: Errors::some(&tally.failures, |kind| !is_refusal(kind)),
        command_error: round
            .command
            .as_ref()
            .map(|failure| failure.detail.as_str()),
        reconnection_times: times(tally),
        other_reconnection_times: tally.times.others,
        early: tally.early,
        first_attempt: tally.waits.summary(),
        attempts: Attempts {
            total: tally.attempts.total(),
            peak_per_second: tally.attempts.peak_per_second(),
            peak_per_step: tally.attempts.peak_of_step(),
            step_us: us(STEP),
            begun: steps(&tally.attempts),
            opened: steps(&tally.openings),
        },
        recovery: RecoveryJson {
            step_us: us(STEP),
            lost: &round.recovery.lost,
            open: &round.recovery.open,
            caught_up: &round.recovery.caught_up,
            refused: &round.recovery.refused,
            failed: &round.recovery.failed,
        },
    }
}

fn back_of_cohorts(round: &Round, load: &Plan) -> Vec<CohortBack> {
    if load.cohorts.slow().is_empty() {
        return Vec::new();
    }
    let backs = round.cohorts.iter().enumerate();
    let listed = backs.map(|(number, back)| CohortBack {
        name: name_of(load, number),
        lost: back.lost,
        reopened: shares(back.reopened, &back.reopening),
        caught_up: shares(back.caught_up, &back.catching_up),
    });
    listed.collect()
}

fn shares(connections: u32, times: &Milestones) -> ShareTimes {
    let [p50_us, p90_us, p99_us, p100_us] = times.map(|time: Option<Duration>| time.map(us));
    ShareTimes {
        connections,
        p50_us,
        p90_us,
        p99_us,
        p100_us,
    }
}

fn times(tally: &Tally) -> Vec<ReconnectionTime> {
    let times = tally.times.by_count().into_iter();
    let listed = times.map(|(time, told, slots)| ReconnectionTime {
        time_us: us(time),
        told,
        slots,
    });
    listed.collect()
}

fn steps(curve: &Curve) -> Vec<u32> {
    curve.steps().to_vec()
}
