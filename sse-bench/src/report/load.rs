//! The report of `load`.

use maud::Markup;

use super::judged::{Findings, Judged};
use super::{Check, Finished, Formats, Head, Invocation, PublishingReport, RunReport, csv, html};
use crate::exit::Exit;
use crate::failure::Failures;
use crate::load::{Ending, Outcome};
use crate::plan::Plan;
use crate::units::thousands;

/// A finished run of endless streams, judged.
pub type Report<'a> = Judged<'a, Plan, Outcome, RunReport<'a>>;

impl Formats for Report<'_> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn run(&self) -> &impl serde::Serialize {
        &self.run
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = Check::of_limits(&self.thresholds, &self.head);
        checks.push(Check::of_run(&self.head, &checks));
        checks
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        self.write(out)
    }

    fn csv(&self) -> String {
        csv::write(&self.outcome.series)
    }

    fn page(&self) -> Markup {
        html::load::render(self)
    }
}

impl<'a> Report<'a> {
    /// Judges a run: passed if each of its connections was opened, none was lost
    /// for good, and each threshold was kept to.
    pub fn new(
        invocation: &Invocation,
        plan: &'a Plan,
        outcome: &'a Outcome,
    ) -> serde_json::Result<Self> {
        let finished = Finished {
            command: "load",
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
            |run, found| find(plan, outcome, run, found),
            |run| passed(plan, outcome, run),
        )
    }
}

fn find(plan: &Plan, outcome: &Outcome, run: &RunReport<'_>, found: &mut Findings) {
    let (opened, given_up) = (outcome.totals.opened, outcome.totals.given_up);
    let wanted = u64::from(plan.connections);
    let interrupted = outcome.ending == Ending::Interrupted;
    found.find(interrupted, Exit::Interrupted, so_far);
    found.find(opened == 0, Exit::NeverReached, || {
        never_reached(&outcome.stats.failures, outcome.stats.stopped)
    });
    found.find(given_up > 0, Exit::Inconclusive, || {
        format!(
            "{} of {} connections failed for good after they had been open",
            thousands(given_up),
            thousands(wanted)
        )
    });
    // A run that ends with the last event wanted need not open what is left.
    let too_few = opened < wanted && outcome.ending != Ending::Events;
    found.find(too_few, Exit::Inconclusive, || {
        format!(
            "{} of {} connections were never opened",
            thousands(wanted - opened),
            thousands(wanted)
        )
    });
    if let Some(reason) = publishing_failed(run) {
        found.find(true, Exit::Inconclusive, || reason);
    }
}

fn passed(plan: &Plan, outcome: &Outcome, run: &RunReport<'_>) -> String {
    let wanted = u64::from(plan.connections);
    let reason = if outcome.totals.opened < wanted {
        "the wanted events arrived".to_owned()
    } else if wanted == 1 {
        "the connection was opened".to_owned()
    } else {
        format!("all {} connections were opened", thousands(wanted))
    };
    let loss = run.publishing.as_ref().and_then(PublishingReport::loss);
    loss.map_or(reason.clone(), |loss| format!("{reason}; {loss}"))
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

/// Why a run ends with [`Exit::Interrupted`].
pub(crate) fn so_far() -> String {
    "this is the report so far".to_owned()
}

/// Why no stream was opened; so many connections were told by a 204 to stop.
pub(crate) fn never_reached(failures: &Failures, stopped: u64) -> String {
    match failures.commonest() {
        Some(counted) => format!("no event stream was opened: {}", counted.example),
        None if stopped > 0 => {
            "no event stream was opened: the server answered 204 No Content, which tells clients to stop".to_owned()
        }
        None => "no event stream was opened in the time given".to_owned(),
    }
}
