//! What a run found, in each format.

pub mod check;
pub mod cohorts;
pub mod csv;
pub mod head;
pub mod html;
pub(crate) mod http2;
pub mod invocation;
pub(crate) mod json;
pub mod junit;
mod output;
pub mod publishing;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::io;

use crate::compare::Comparison;
use crate::exit::Exit;
use crate::load::{Ending, Outcome};
use crate::plan::Plan;
use crate::stats::Stats;
use crate::threshold::{Checked, listed};
use crate::units::thousands;

pub use check::Check;
pub use head::Head;
pub use http2::Http2Report;
pub use invocation::Invocation;
pub use json::{JsonReport, RunReport};
pub use output::{Format, Output, Writer};
pub use publishing::PublishingReport;

/// What can be written in each format.
pub trait Render {
    /// The formats that it has, text and JSON among them.
    const FORMATS: &'static [Format];

    /// For people.
    fn text(&self) -> String;
    /// For programs.
    fn json(&self) -> serde_json::Result<String>;

    /// The run over time: [`csv::write`].
    fn csv(&self) -> Option<String> {
        None
    }

    /// For CI: [`junit::write`].
    fn junit(&self) -> Option<io::Result<String>> {
        None
    }

    /// A page with charts.
    fn html(&self) -> Option<String> {
        None
    }
}

impl Render for Report<'_> {
    const FORMATS: &'static [Format] = &[
        Format::Text,
        Format::Json,
        Format::Csv,
        Format::Junit,
        Format::Html,
    ];

    fn text(&self) -> String {
        self.to_text()
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.to_json())
    }

    fn csv(&self) -> Option<String> {
        Some(csv::write(&self.outcome.series))
    }

    fn junit(&self) -> Option<io::Result<String>> {
        Some(junit::write(&self.head, &self.checks()))
    }

    fn html(&self) -> Option<String> {
        Some(html::load::render(self))
    }
}

impl Report<'_> {
    /// What was checked.
    pub fn checks(&self) -> Vec<Check> {
        let thresholds = Check::of_thresholds(&self.thresholds);
        let mut checks: Vec<_> = thresholds.chain(Check::of_comparison(&self.head)).collect();
        checks.push(Check::of_run(&self.head, &checks));
        checks
    }
}

/// A finished run, judged.
#[derive(Debug)]
pub struct Report<'a> {
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

impl<'a> Report<'a> {
    /// Judges a run: passed if each of its connections was opened, none was lost
    /// for good, and each threshold was kept to.
    pub fn new(
        invocation: &Invocation,
        plan: &'a Plan,
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
        let (exit, reason) = judge(plan, outcome, &run, &thresholds, comparison.as_ref());
        let result = head::Result {
            command: "load",
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
            outcome,
            run,
            thresholds,
            exit,
        })
    }
}

fn judge(
    plan: &Plan,
    outcome: &Outcome,
    run: &RunReport<'_>,
    thresholds: &[Checked],
    comparison: Option<&Comparison>,
) -> (Exit, String) {
    let opened = outcome.totals.opened;
    let wanted = u64::from(plan.connections);
    let given_up = outcome.totals.given_up;
    let findings = [
        (outcome.ending == Ending::Interrupted).then_some(Exit::Interrupted),
        (opened == 0).then_some(Exit::NeverReached),
        (opened < wanted && !enough_events(outcome)).then_some(Exit::Inconclusive),
        (given_up > 0).then_some(Exit::Inconclusive),
        publishing_failed(run).map(|_| Exit::Inconclusive),
        comparison.and_then(Comparison::finding),
    ];
    let of_thresholds = thresholds.iter().map(Checked::finding);
    let findings: Vec<_> = findings
        .into_iter()
        .chain(of_thresholds)
        .flatten()
        .collect();
    let exit = Exit::of(&findings);
    let reason = match exit {
        Exit::Interrupted => "this is the report so far".to_owned(),
        Exit::NeverReached => never_reached(&outcome.stats),
        Exit::Inconclusive if given_up > 0 => format!(
            "{} of {} connections failed for good after they had been open",
            thousands(given_up),
            thousands(wanted)
        ),
        Exit::Threshold => breaches(thresholds, comparison),
        Exit::Inconclusive if opened < wanted => format!(
            "{} of {} connections were never opened",
            thousands(wanted - opened),
            thousands(wanted)
        ),
        Exit::Inconclusive => publishing_failed(run).unwrap_or_else(|| unmeasured(thresholds)),
        _ if opened < wanted => "the wanted events arrived".to_owned(),
        _ if wanted == 1 => "the connection was opened".to_owned(),
        _ => format!("all {} connections were opened", thousands(wanted)),
    };
    let loss = run.publishing.as_ref().and_then(PublishingReport::loss);
    let reason = match loss {
        Some(loss) if exit == Exit::Pass => format!("{reason}; {loss}"),
        _ => reason,
    };
    (exit, reason)
}

/// Why a run that was to publish has measured nothing of it.
fn publishing_failed(run: &RunReport<'_>) -> Option<String> {
    let publishing = run.publishing.as_ref()?;
    let errors = publishing.errors.by_kind.values();
    let commonest = errors.max_by_key(|error| error.count)?;
    (publishing.acknowledged == 0).then(|| {
        format!(
            "nothing was published that the server acknowledged: {}",
            commonest.example
        )
    })
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

/// A run that ends with the last event wanted need not open what is left.
fn enough_events(outcome: &Outcome) -> bool {
    outcome.ending == Ending::Events
}

pub(crate) fn never_reached(stats: &Stats) -> String {
    let failures = &stats.failures;
    let commonest = failures.iter().max_by_key(|(_, counted)| counted.count);
    match commonest {
        Some((_, counted)) => format!("no event stream was opened: {}", counted.example),
        None if stats.stopped > 0 => {
            "no event stream was opened: the server answered 204 No Content, which tells clients to stop".to_owned()
        }
        None => "no event stream was opened in the time given".to_owned(),
    }
}
