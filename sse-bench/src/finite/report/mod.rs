//! What a run of finite streams found, judged.

pub mod json;
mod text;

use std::io;

use super::{Ending, FinitePlan, Outcome};
use crate::compare::Comparison;
use crate::exit::Exit;
use crate::report::check::CheckResult;
use crate::report::head::{self, Head};
use crate::report::{Check, Format, Invocation, Render, breaches, csv, junit, unmeasured};
use crate::threshold::Checked;
use crate::units::thousands;
use json::{FiniteJson, RunReport};

/// The `command` of the report: its keys are not those of `load`.
pub(super) const COMMAND: &str = "load --until-done";

/// A finished run, judged.
#[derive(Debug)]
pub struct FiniteReport<'a> {
    /// What was to be done.
    pub plan: &'a FinitePlan,
    /// What was seen.
    pub outcome: &'a Outcome,
    /// The same as the report has it.
    pub run: RunReport<'a>,
    /// The thresholds of the plan, and what came of each.
    pub thresholds: Vec<Checked>,
    /// The result.
    pub exit: Exit,
    /// What all reports have in common.
    pub head: Head,
}

impl Render for FiniteReport<'_> {
    const FORMATS: &'static [Format] = &[Format::Text, Format::Json, Format::Csv, Format::Junit];

    fn text(&self) -> String {
        self.to_text()
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&FiniteJson {
            head: self.head.clone(),
            run: &self.run,
        })
    }

    fn csv(&self) -> Option<String> {
        Some(csv::write(&self.outcome.series))
    }

    fn junit(&self) -> Option<io::Result<String>> {
        Some(junit::write(&self.head, &self.checks()))
    }
}

impl FiniteReport<'_> {
    /// What was checked.
    pub fn checks(&self) -> Vec<Check> {
        let thresholds = Check::of_thresholds(&self.thresholds);
        let mut checks: Vec<_> = thresholds.chain(Check::of_comparison(&self.head)).collect();
        let counts = &self.outcome.tally.counts;
        let result = if counts.cut_short > 0 {
            CheckResult::Failed
        } else if counts.failed() > 0 || counts.never_started > 0 || counts.completed == 0 {
            CheckResult::Undecided
        } else {
            CheckResult::Held
        };
        checks.push(Check {
            group: "run",
            name: "every request was answered up to its end marker".to_owned(),
            result,
            seen: self.head.reason.clone(),
        });
        checks
    }
}

impl<'a> FiniteReport<'a> {
    /// Judges a run: passed if each request was answered up to its end marker,
    /// and each threshold was kept to; violated if a stream ended without it.
    pub fn new(
        invocation: &Invocation,
        plan: &'a FinitePlan,
        outcome: &'a Outcome,
    ) -> serde_json::Result<Self> {
        let run = RunReport::new(plan, outcome);
        let measured = serde_json::to_value(&run)?;
        let thresholds: Vec<_> = plan
            .thresholds
            .iter()
            .map(|threshold| threshold.check(&measured))
            .collect();
        let comparison = plan
            .baseline
            .as_ref()
            .map(|baseline| baseline.compare(&measured));
        let (exit, reason) = judge(outcome, &thresholds, comparison.as_ref());
        let result = head::Result {
            command: COMMAND,
            exit,
            reason: &reason,
            ending: outcome.ending.name(),
            elapsed: outcome.elapsed,
            thresholds: &thresholds,
        };
        Ok(Self {
            head: Head {
                comparison,
                ..Head::new(invocation, &result)
            },
            plan,
            outcome,
            run,
            thresholds,
            exit,
        })
    }
}

impl Ending {
    /// The name that a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Requests => "requests",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
        }
    }
}

fn judge(
    outcome: &Outcome,
    thresholds: &[Checked],
    comparison: Option<&Comparison>,
) -> (Exit, String) {
    let counts = &outcome.tally.counts;
    let failed = counts.failed();
    let nothing_proved = counts.completed == 0 || failed > 0;
    let findings = [
        (outcome.ending == Ending::Interrupted).then_some(Exit::Interrupted),
        (outcome.totals.opened == 0).then_some(Exit::NeverReached),
        (counts.cut_short > 0).then_some(Exit::Violated),
        nothing_proved.then_some(Exit::Inconclusive),
        (counts.never_started > 0).then_some(Exit::Inconclusive),
        comparison.and_then(Comparison::finding),
    ];
    let of_thresholds = thresholds.iter().map(Checked::finding);
    let findings: Vec<_> = findings
        .into_iter()
        .chain(of_thresholds)
        .flatten()
        .collect();
    let exit = Exit::of(&findings);
    let started = thousands(counts.started);
    let reason = match exit {
        Exit::Interrupted => "this is the report so far".to_owned(),
        Exit::NeverReached => never_reached(outcome),
        Exit::Violated => format!(
            "{} of {started} streams ended without their end marker",
            thousands(counts.cut_short)
        ),
        Exit::Threshold => breaches(thresholds, comparison),
        Exit::Inconclusive if failed > 0 => {
            format!("{} of {started} requests failed", thousands(failed))
        }
        Exit::Inconclusive if counts.completed == 0 => {
            "no stream came to its end in the time given".to_owned()
        }
        Exit::Inconclusive if counts.never_started > 0 => format!(
            "{} of {} requests that were due never started: no connection was free",
            thousands(counts.never_started),
            thousands(counts.started + counts.never_started)
        ),
        Exit::Inconclusive => unmeasured(thresholds),
        _ if counts.completed == 1 => "the stream came to its end marker".to_owned(),
        _ => format!(
            "all {} streams came to their end marker",
            thousands(counts.completed)
        ),
    };
    (exit, reason)
}

fn never_reached(outcome: &Outcome) -> String {
    let failures = &outcome.tally.failures;
    let commonest = failures.iter().max_by_key(|(_, counted)| counted.count);
    match commonest {
        Some((_, counted)) => format!("no request was answered by a stream: {}", counted.example),
        None => "no request was answered in the time given".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::{Counts, Tally};
    use crate::live::Snapshot;

    fn judged(counts: Counts, opened: u64) -> u8 {
        let outcome = Outcome {
            tally: Tally {
                counts,
                ..Tally::default()
            },
            totals: Snapshot {
                opened,
                ..Snapshot::default()
            },
            ..Outcome::nothing(Ending::Duration)
        };
        judge(&outcome, &[], None).0.code()
    }

    #[test]
    fn the_exit_code_follows_from_what_became_of_the_requests() {
        let done = Counts {
            started: 9,
            completed: 8,
            ..Counts::default()
        };
        assert_eq!(
            judged(
                Counts {
                    unfinished: 1,
                    ..done
                },
                8
            ),
            0
        );
        assert_eq!(judged(Counts { refused: 1, ..done }, 8), 3);
        assert_eq!(
            judged(
                Counts {
                    never_started: 1,
                    ..done
                },
                8
            ),
            3
        );
        assert_eq!(
            judged(
                Counts {
                    errors_in_stream: 1,
                    ..done
                },
                8
            ),
            3
        );
        assert_eq!(
            judged(
                Counts {
                    cut_short: 1,
                    refused: 1,
                    ..done
                },
                8
            ),
            1
        );
        assert_eq!(
            judged(
                Counts {
                    refused: 9,
                    ..Counts::default()
                },
                0
            ),
            4
        );
        assert_eq!(
            judged(
                Counts {
                    unfinished: 9,
                    ..Counts::default()
                },
                9
            ),
            3
        );
    }
}
