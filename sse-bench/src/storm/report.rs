//! A finished storm run, judged.

use super::json::{JsonReport, RunReport};
use super::{Outcome, Round, StormPlan, text};
use crate::exit::Exit;
use crate::load::Ending;
use crate::report::{Format, Head, Invocation, Render, head, never_reached};
use crate::threshold::{Checked, listed};
use crate::units::{seconds, thousands};

/// A finished run, judged.
#[derive(Debug)]
pub struct StormReport<'a> {
    /// What was to be done.
    pub plan: &'a StormPlan,
    /// What was seen.
    pub outcome: &'a Outcome,
    /// The same as the report has it.
    pub run: RunReport<'a>,
    /// What came of the thresholds.
    pub thresholds: Vec<Checked>,
    /// The result.
    pub exit: Exit,
    /// What all reports have in common.
    pub head: Head,
}

impl Render for StormReport<'_> {
    const FORMATS: &'static [Format] = &[Format::Text, Format::Json];

    fn text(&self) -> String {
        text::of(self)
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&JsonReport {
            head: &self.head,
            run: &self.run,
        })
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
        let run = RunReport::new(plan, outcome);
        let measured = serde_json::to_value(&run)?;
        let thresholds = plan.thresholds.iter();
        let thresholds: Vec<_> = thresholds
            .map(|threshold| threshold.check(&measured))
            .collect();
        let (exit, reason) = judge(plan, outcome, &thresholds);
        let result = head::Result {
            command: "storm",
            exit,
            reason: &reason,
            ending: match outcome.ending {
                Ending::Duration => "done",
                other => other.name(),
            },
            elapsed: outcome.elapsed,
            thresholds: &thresholds,
        };
        Ok(Self {
            head: Head::new(invocation, &result),
            plan,
            outcome,
            run,
            thresholds,
            exit,
        })
    }
}

fn judge(plan: &StormPlan, outcome: &Outcome, thresholds: &[Checked]) -> (Exit, String) {
    let mut findings = findings(plan, outcome);
    for exit in thresholds.iter().filter_map(Checked::finding) {
        let reason = match exit {
            Exit::Threshold => {
                let breached = listed(thresholds, Some(false));
                format!("a threshold was breached: {breached}")
            }
            _ => {
                let unmeasured = listed(thresholds, None);
                format!("nothing was measured for a threshold: {unmeasured}")
            }
        };
        findings.push((exit, reason));
    }
    let exits: Vec<_> = findings.iter().map(|(exit, _)| *exit).collect();
    let exit = Exit::of(&exits);
    let first = findings.into_iter().find(|(found, _)| *found == exit);
    let reason = first.map_or_else(|| passed(outcome), |(_, reason)| reason);
    (exit, reason)
}

/// What keeps the run from a pass, the first of a kind before the others.
fn findings(plan: &StormPlan, outcome: &Outcome) -> Vec<(Exit, String)> {
    let mut found = Vec::new();
    let mut find = |holds: bool, exit, reason: &dyn Fn() -> String| {
        if holds {
            found.push((exit, reason()));
        }
    };
    let (rounds, totals) = (&outcome.rounds, &outcome.totals);
    let wanted = u64::from(plan.load.connections);
    let sum = |count: fn(&Round) -> u32| -> u64 {
        rounds.iter().map(|round| u64::from(count(round))).sum()
    };
    let lost = sum(|round| round.back.lost);
    find(
        outcome.ending == Ending::Interrupted,
        Exit::Interrupted,
        &|| "this is the report so far".to_owned(),
    );
    find(totals.opened == 0, Exit::NeverReached, &|| {
        never_reached(&outcome.stats)
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
    found
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
