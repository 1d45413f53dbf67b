//! A finished run, judged: the same steps for each command.

use std::time::Duration;

use serde::Serialize;

use super::head::{self, Head};
use super::invocation::Invocation;
use crate::compare::{Baseline, Comparison};
use crate::exit::Exit;
use crate::threshold::{Checked, Threshold, listed};

/// A finished run, judged.
#[derive(Debug)]
pub struct Judged<'a, P, O, R> {
    /// What was to be done.
    pub plan: &'a P,
    /// What was seen.
    pub outcome: &'a O,
    /// The same as the report has it.
    pub run: R,
    /// The thresholds of the plan, and what came of each.
    pub thresholds: Vec<Checked>,
    /// What all reports have in common.
    pub head: Head,
}

/// A finished run, not yet judged.
#[derive(Debug)]
pub struct Finished<'a, P, O, R> {
    pub command: &'static str,
    pub plan: &'a P,
    pub outcome: &'a O,
    pub run: R,
    /// Why it ended.
    pub ending: &'static str,
    pub elapsed: Duration,
    pub thresholds: &'a [Threshold],
    pub baseline: Option<&'a Baseline>,
}

impl<'a, P, O, R: Serialize> Finished<'a, P, O, R> {
    /// Judges it: what keeps it from a pass, and else what it passed by.
    pub fn judge(
        self,
        invocation: &Invocation,
        findings: impl FnOnce(&R, &mut Findings),
        passed: impl FnOnce(&R) -> String,
    ) -> serde_json::Result<Judged<'a, P, O, R>> {
        let measured = serde_json::to_value(&self.run)?;
        let thresholds = self.thresholds.iter();
        let thresholds: Vec<_> = thresholds
            .map(|threshold| threshold.check(&measured))
            .collect();
        let baseline = self.baseline;
        let comparison = baseline.map(|baseline| baseline.compare(&measured));
        let mut found = Findings::default();
        findings(&self.run, &mut found);
        found.of_limits(&thresholds, comparison.as_ref());
        let (exit, reason) = found.verdict(|| passed(&self.run));
        let result = head::Result {
            command: self.command,
            exit,
            reason: &reason,
            ending: self.ending,
            elapsed: self.elapsed,
            thresholds: &thresholds,
        };
        Ok(Judged {
            head: Head {
                comparison,
                ..Head::new(invocation, &result)
            },
            plan: self.plan,
            outcome: self.outcome,
            run: self.run,
            thresholds,
        })
    }
}

/// What keeps a run from a pass; of those that weigh the same the first is told.
#[derive(Debug, Default)]
pub struct Findings(Vec<(Exit, String)>);

impl Findings {
    /// Adds one that holds.
    pub fn find(&mut self, holds: bool, exit: Exit, reason: impl FnOnce() -> String) {
        if holds {
            self.0.push((exit, reason()));
        }
    }

    fn of_limits(&mut self, thresholds: &[Checked], comparison: Option<&Comparison>) {
        let found = thresholds.iter().filter_map(Checked::finding);
        for exit in found.chain(comparison.and_then(Comparison::finding)) {
            let reason = match exit {
                Exit::Threshold => breaches(thresholds, comparison),
                _ => unmeasured(thresholds),
            };
            self.0.push((exit, reason));
        }
    }

    /// The one that wins and its reason; the other where there is none.
    pub fn verdict(self, passed: impl FnOnce() -> String) -> (Exit, String) {
        let exits: Vec<_> = self.0.iter().map(|(exit, _)| *exit).collect();
        let exit = Exit::of(&exits);
        let first = self.0.into_iter().find(|(found, _)| *found == exit);
        (exit, first.map_or_else(passed, |(_, reason)| reason))
    }
}

/// Why a run ends with [`Exit::Threshold`].
pub(crate) fn breaches(thresholds: &[Checked], comparison: Option<&Comparison>) -> String {
    let breached = listed(thresholds, Some(false));
    let worse = comparison.map(Comparison::regressions).unwrap_or_default();
    let mut reasons = Vec::new();
    if !breached.is_empty() {
        reasons.push(format!("a threshold was breached: {breached}"));
    }
    if !worse.is_empty() {
        reasons.push(format!("worse than the baseline: {worse}"));
    }
    reasons.join("; ")
}

/// Why a run is inconclusive where nothing else is the reason.
pub(crate) fn unmeasured(thresholds: &[Checked]) -> String {
    match listed(thresholds, None).as_str() {
        "" => "a metric with a limit was not measured in both runs".to_owned(),
        names => format!("nothing was measured for a threshold: {names}"),
    }
}
