//! What a run found, as text and as JSON.

pub(crate) mod json;
mod output;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use crate::exit::Exit;
use crate::load::{Ending, Outcome};
use crate::plan::Plan;
use crate::threshold::{Checked, Threshold};
use crate::units::thousands;

pub use json::JsonReport;
pub use output::{Format, Output, Writer};

/// What can be written in each format.
pub trait Render {
    /// For people.
    fn text(&self) -> String;
    /// For programs.
    fn json(&self) -> serde_json::Result<String>;
}

impl Render for Report<'_> {
    fn text(&self) -> String {
        self.to_text()
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.to_json())
    }
}

/// A finished run, judged.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// What was seen.
    pub outcome: &'a Outcome,
    /// The thresholds of the plan, and what came of each.
    pub thresholds: Vec<(&'a Threshold, Checked)>,
    /// The result.
    pub exit: Exit,
    /// The result in a sentence.
    pub reason: String,
}

impl<'a> Report<'a> {
    /// Judges a run: passed if each of its connections was opened, none was lost
    /// for good, and each threshold was kept to.
    pub fn new(plan: &'a Plan, outcome: &'a Outcome) -> Self {
        let opened = outcome.totals.opened;
        let wanted = u64::from(plan.connections);
        let mut findings = vec![];
        if outcome.ending == Ending::Interrupted {
            findings.push(Exit::Interrupted);
        }
        if opened == 0 {
            findings.push(Exit::NeverReached);
        }
        if opened < wanted && !enough_events(outcome) {
            findings.push(Exit::Inconclusive);
        }
        let given_up = outcome.totals.given_up;
        if given_up > 0 {
            findings.push(Exit::Inconclusive);
        }
        let thresholds: Vec<_> = plan
            .thresholds
            .iter()
            .map(|threshold| (threshold, threshold.check(plan, outcome)))
            .collect();
        findings.extend(
            thresholds
                .iter()
                .filter_map(|(_, checked)| match checked.kept {
                    Some(true) => None,
                    Some(false) => Some(Exit::Threshold),
                    None => Some(Exit::Inconclusive),
                }),
        );
        let breached = || texts(&thresholds, Some(false));
        let unmeasured = || texts(&thresholds, None);
        let exit = Exit::of(&findings);
        let reason = match exit {
            Exit::Interrupted => "this is the report so far".to_owned(),
            Exit::NeverReached => never_reached(outcome),
            Exit::Inconclusive if given_up > 0 => format!(
                "{} of {} connections failed for good after they had been open",
                thousands(given_up),
                thousands(wanted)
            ),
            Exit::Threshold => format!("a threshold was breached: {}", breached()),
            Exit::Inconclusive if opened < wanted => format!(
                "{} of {} connections were never opened",
                thousands(wanted - opened),
                thousands(wanted)
            ),
            Exit::Inconclusive => {
                format!("nothing was measured for a threshold: {}", unmeasured())
            }
            _ if opened < wanted => "the wanted events arrived".to_owned(),
            _ if wanted == 1 => "the connection was opened".to_owned(),
            _ => format!("all {} connections were opened", thousands(wanted)),
        };
        Self {
            plan,
            outcome,
            thresholds,
            exit,
            reason,
        }
    }
}

/// A run that ends with the last event wanted need not open what is left.
fn enough_events(outcome: &Outcome) -> bool {
    outcome.ending == Ending::Events
}

fn texts(thresholds: &[(&Threshold, Checked)], kept: Option<bool>) -> String {
    let chosen = thresholds
        .iter()
        .filter(|(_, checked)| checked.kept == kept);
    let texts: Vec<_> = chosen.map(|(threshold, _)| threshold.to_string()).collect();
    texts.join(", ")
}

fn never_reached(outcome: &Outcome) -> String {
    let failures = &outcome.stats.failures;
    let commonest = failures.iter().max_by_key(|(_, counted)| counted.count);
    match commonest {
        Some((_, counted)) => format!("no event stream was opened: {}", counted.example),
        None if outcome.stats.stopped > 0 => {
            "no event stream was opened: the server answered 204 No Content, which tells clients to stop".to_owned()
        }
        None => "no event stream was opened in the time given".to_owned(),
    }
}
