//! What a run of finite streams found, judged.

mod html;
pub mod json;
mod text;

use maud::Markup;
use serde::Serialize;

use super::{Ending, FinitePlan, Outcome};
use crate::exit::Exit;
use crate::report::check::CheckResult;
use crate::report::judged::Findings;
use crate::report::load::so_far;
use crate::report::{Check, Finished, Formats, Head, Invocation, Judged, csv};
use crate::units::thousands;
use json::RunReport;

/// The `command` of the report: its keys are not those of `load`.
pub(super) const COMMAND: &str = "load --until-done";

/// A finished run, judged.
pub type FiniteReport<'a> = Judged<'a, FinitePlan, Outcome, RunReport<'a>>;

impl Formats for FiniteReport<'_> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn run(&self) -> &impl Serialize {
        &self.run
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = Check::of_limits(&self.thresholds, &self.head);
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

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        self.write(out)
    }

    fn csv(&self) -> String {
        csv::write(&self.outcome.series)
    }

    fn page(&self) -> Markup {
        html::render(self)
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
        let finished = Finished {
            command: COMMAND,
            plan,
            outcome,
            run: RunReport::new(plan, outcome),
            ending: outcome.ending.name(),
            elapsed: outcome.elapsed,
            thresholds: &plan.thresholds,
            baseline: plan.baseline.as_ref(),
        };
        finished.judge(
            invocation,
            |_, found| find(outcome, found),
            |_| passed(outcome),
        )
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

fn find(outcome: &Outcome, found: &mut Findings) {
    let counts = &outcome.tally.counts;
    let failed = counts.failed();
    let started = thousands(counts.started);
    let interrupted = outcome.ending == Ending::Interrupted;
    found.find(interrupted, Exit::Interrupted, so_far);
    found.find(outcome.totals.opened == 0, Exit::NeverReached, || {
        never_reached(outcome)
    });
    found.find(counts.cut_short > 0, Exit::Violated, || {
        format!(
            "{} of {started} streams ended without their end marker",
            thousands(counts.cut_short)
        )
    });
    found.find(failed > 0, Exit::Inconclusive, || {
        format!("{} of {started} requests failed", thousands(failed))
    });
    found.find(counts.completed == 0, Exit::Inconclusive, || {
        "no stream came to its end in the time given".to_owned()
    });
    found.find(counts.never_started > 0, Exit::Inconclusive, || {
        format!(
            "{} of {} requests that were due never started: no connection was free",
            thousands(counts.never_started),
            thousands(counts.started + counts.never_started)
        )
    });
}

fn passed(outcome: &Outcome) -> String {
    match outcome.tally.counts.completed {
        1 => "the stream came to its end marker".to_owned(),
        all => format!("all {} streams came to their end marker", thousands(all)),
    }
}

fn never_reached(outcome: &Outcome) -> String {
    match outcome.tally.failures.commonest() {
        Some(counted) => format!("no request was answered by a stream: {}", counted.example),
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
        let mut found = Findings::default();
        find(&outcome, &mut found);
        found.verdict(|| passed(&outcome)).0.code()
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
