//! A finished storm run, judged.

use maud::Markup;
use serde::Serialize;

use super::json::RunReport;
use super::round::{CaughtUp, Watched};
use super::{Outcome, Round, StormPlan, csv, html, text};
use crate::exit::Exit;
use crate::load::Ending;
use crate::report::check::CheckResult;
use crate::report::judged::Findings;
use crate::report::load::{never_reached, so_far};
use crate::report::{Check, Finished, Formats, Head, Invocation, Judged};
use crate::units::{seconds, thousands};

/// The `command` of the report.
pub(super) const COMMAND: &str = "storm";

/// A finished run, judged.
pub type StormReport<'a> = Judged<'a, StormPlan, Outcome, RunReport<'a>>;

impl Formats for StormReport<'_> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn run(&self) -> &impl Serialize {
        &self.run
    }

    fn checks(&self) -> Vec<Check> {
        let rounds = (1..).zip(&self.outcome.rounds);
        let storms = rounds.flat_map(|(number, round)| checks(number, round));
        let limits = Check::of_limits(&self.thresholds, &self.head);
        let mut checks: Vec<_> = storms.chain(limits).collect();
        checks.push(Check::of_run(&self.head, &checks));
        checks
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        text::write(self, out)
    }

    fn csv(&self) -> String {
        csv::write(&self.outcome.rounds)
    }

    fn page(&self) -> Markup {
        html::render(self)
    }
}

impl<'a> StormReport<'a> {
    /// Judges a run: passed if all connections that were lost are open again and
    /// have caught up, and each threshold was kept to.
    pub fn new(
        invocation: &Invocation,
        plan: &'a StormPlan,
        outcome: &'a Outcome,
    ) -> serde_json::Result<Self> {
        let finished = Finished {
            command: COMMAND,
            plan,
            outcome,
            run: RunReport::new(plan, outcome),
            ending: match outcome.ending {
                Ending::Duration => "done",
                other => other.name(),
            },
            elapsed: outcome.elapsed,
            thresholds: &plan.thresholds,
            baseline: plan.baseline.as_ref(),
        };
        finished.judge(
            invocation,
            |_, found| findings(plan, outcome, found),
            |_| passed(outcome),
        )
    }
}

/// What was checked of one storm.
fn checks(number: u32, round: &Round) -> [Check; 2] {
    let back = &round.back;
    let (not_reopened, behind) = (round.not_reopened(), round.not_caught_up());
    let is_over = round.watched != Watched::Interrupted;
    let check = |what: &str, result, there: u32| Check {
        group: "storm",
        name: format!("storm {number}: all that were lost {what}"),
        result,
        seen: format!(
            "{} of {}",
            thousands(there.into()),
            thousands(back.lost.into())
        ),
    };
    // Those that were told to stop, or had yet to wait, prove nothing.
    let excused = round.stopped + round.still_waiting;
    let reopened = match not_reopened {
        _ if back.lost == 0 => CheckResult::Undecided,
        0 => CheckResult::Held,
        _ if not_reopened > excused && is_over => CheckResult::Failed,
        _ => CheckResult::Undecided,
    };
    let caught_up = match behind {
        _ if back.lost == 0 || round.definition == CaughtUp::Nothing => CheckResult::NotApplicable,
        0 if not_reopened == 0 => CheckResult::Held,
        _ => CheckResult::Undecided,
    };
    [
        check("are open again", reopened, back.reopened),
        check("have caught up", caught_up, back.caught_up),
    ]
}

/// What keeps the run from a pass, the first of a kind before the others.
fn findings(plan: &StormPlan, outcome: &Outcome, found: &mut Findings) {
    let mut find = |holds, exit, reason: &dyn Fn() -> String| found.find(holds, exit, reason);
    let (rounds, totals) = (&outcome.rounds, &outcome.totals);
    let wanted = u64::from(plan.load.connections);
    let sum = |count: fn(&Round) -> u32| -> u64 {
        rounds.iter().map(|round| u64::from(count(round))).sum()
    };
    let lost = sum(|round| round.back.lost);
    find(
        outcome.ending == Ending::Interrupted,
        Exit::Interrupted,
        &so_far,
    );
    find(totals.opened == 0, Exit::NeverReached, &|| {
        never_reached(&outcome.stats.failures, outcome.stats.stopped)
    });
    let given_up = sum(|round| round.given_up);
    find(given_up > 0, Exit::Violated, &|| {
        format!(
            "{} of {} connections gave up for good after a refusal, as EventSource does",
            thousands(given_up),
            thousands(lost)
        )
    });
    let away =
        sum(|round| round.not_reopened() - round.given_up - round.stopped - round.still_waiting);
    find(away > 0, Exit::Violated, &|| {
        format!(
            "{} of {} connections were not open again within {}",
            thousands(away),
            thousands(lost),
            seconds(plan.within)
        )
    });
    let waiting = sum(|round| round.still_waiting);
    find(waiting > 0, Exit::Inconclusive, &|| {
        format!(
            "{} of {} connections were still to wait when {} were over, for their reconnection time: give --within more",
            thousands(waiting),
            thousands(lost),
            seconds(plan.within)
        )
    });
    let command = rounds.iter().find_map(|round| round.command.as_ref());
    find(command.is_some(), Exit::Inconclusive, &|| {
        let detail = command.map(|failure| failure.detail.as_str());
        format!("the command failed: {}", detail.unwrap_or_default())
    });
    find(
        rounds.iter().any(|round| round.back.lost == 0),
        Exit::Inconclusive,
        &|| "no connection was lost in a storm".to_owned(),
    );
    let behind = sum(Round::not_caught_up);
    find(behind > 0, Exit::Inconclusive, &|| {
        format!(
            "{} of {} connections are open again and have not caught up within {}",
            thousands(behind),
            thousands(lost),
            seconds(plan.within)
        )
    });
    let stopped = sum(|round| round.stopped);
    find(stopped > 0, Exit::Inconclusive, &|| {
        format!(
            "{} connections were told by a 204 to stop",
            thousands(stopped)
        )
    });
    find(totals.opened < wanted, Exit::Inconclusive, &|| {
        format!(
            "{} of {} connections were never opened, before any storm",
            thousands(wanted - totals.opened),
            thousands(wanted)
        )
    });
    find(
        rounds.len() < plan.rounds as usize && outcome.ending != Ending::Interrupted,
        Exit::Inconclusive,
        &|| format!("{} of {} storms took place", rounds.len(), plan.rounds),
    );
}

fn passed(outcome: &Outcome) -> String {
    let lost: u64 = outcome
        .rounds
        .iter()
        .map(|round| u64::from(round.back.lost))
        .sum();
    let slowest = outcome
        .rounds
        .iter()
        .filter_map(|round| round.back.reopening[3])
        .max();
    let all = match lost {
        1 => "the connection that was lost was open again".to_owned(),
        _ => format!(
            "all {} connections that were lost were open again",
            thousands(lost)
        ),
    };
    match slowest {
        Some(time) => format!("{all} within {}", seconds(time)),
        None => all,
    }
}
