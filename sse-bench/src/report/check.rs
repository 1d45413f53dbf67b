//! What was checked, one by one: properties, thresholds, the run as a whole.

use super::head::Head;
use crate::threshold::Checked;

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `property`, `storm`, `threshold`, `regression` or `run`.
    pub group: &'static str,
    /// What it is called.
    pub name: String,
    /// What came of it.
    pub result: CheckResult,
    /// What was seen, for people.
    pub seen: String,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// It was exercised, and could not be decided.
    Undecided,
    /// It was switched off, or nothing exercised it.
    NotApplicable,
}

impl Check {
    /// Thresholds, and limits of a comparison.
    pub fn of_limits(thresholds: &[Checked], head: &Head) -> Vec<Self> {
        let thresholds = Self::of_thresholds(thresholds);
        thresholds.chain(Self::of_comparison(head)).collect()
    }

    /// Thresholds as checks.
    pub fn of_thresholds(thresholds: &[Checked]) -> impl Iterator<Item = Self> {
        thresholds.iter().map(|checked| Self {
            group: "threshold",
            name: checked.threshold.to_string(),
            result: match checked.kept {
                Some(true) => CheckResult::Held,
                Some(false) => CheckResult::Failed,
                None => CheckResult::Undecided,
            },
            seen: checked.value.map_or_else(
                || "nothing was measured".to_owned(),
                |value| format!("measured {}", checked.threshold.show(value)),
            ),
        })
    }

    /// Limits of a comparison with an earlier run.
    pub fn of_comparison(head: &Head) -> impl Iterator<Item = Self> {
        let rows = head
            .comparison
            .iter()
            .flat_map(|comparison| &comparison.metrics);
        rows.filter_map(|row| {
            let limit = row.limit_percent?;
            Some(Self {
                group: "regression",
                name: format!("{} at most {limit} % worse", row.metric),
                result: match (row.regressed, row.direction) {
                    (true, _) => CheckResult::Failed,
                    (_, None) => CheckResult::Undecided,
                    _ => CheckResult::Held,
                },
                seen: row.seen(),
            })
        })
    }

    /// The run as a whole, behind all other checks: it is in question only where
    /// none of them says why the run did not pass.
    pub fn of_run(head: &Head, others: &[Self]) -> Self {
        let told = others
            .iter()
            .any(|check| matches!(check.result, CheckResult::Failed | CheckResult::Undecided));
        Self {
            group: "run",
            name: "every connection was opened and the run came to its end".to_owned(),
            result: if head.exit_code == 0 || told {
                CheckResult::Held
            } else {
                CheckResult::Undecided
            },
            seen: head.reason.clone(),
        }
    }
}
