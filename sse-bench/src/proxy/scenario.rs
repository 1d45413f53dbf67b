//! A timeline of faults from a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use tokio::time::sleep;

use super::fault::{Cut, Fault, Origin};
use super::shared::{Shared, of_scenario};
use super::spec::Spec;
use crate::units::{parse_duration, seconds};

/// The most steps of a scenario.
const MOST_STEPS: usize = 10_000;
/// The largest file, in bytes.
const LARGEST: u64 = 1 << 20;

/// Steps, one after another.
#[derive(Debug)]
pub(super) struct Scenario {
    steps: Vec<Step>,
    repeat: bool,
    pub(super) seed: Option<u64>,
    /// The timeline starts with the first request instead of at once.
    waits_for_request: bool,
}

#[derive(Debug)]
struct Step {
    /// For good, where there is none.
    lasting: Option<Duration>,
    faults: Vec<Spec>,
    /// What happens to all open connections as the step begins.
    cut: Option<Cut>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: Option<u64>,
    #[serde(default)]
    repeat: bool,
    start: Option<String>,
    #[serde(default)]
    fault: BTreeMap<String, BTreeMap<String, toml::Value>>,
    step: Vec<StepOfFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepOfFile {
    #[serde(rename = "for")]
    lasting: Option<String>,
    #[serde(default)]
    faults: Vec<String>,
    cut: Option<String>,
}

impl Scenario {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let at = || format!("--scenario {}", path.display());
        let size = std::fs::metadata(path).with_context(at)?.len();
        ensure!(size <= LARGEST, "{}: more than {LARGEST} bytes", at());
        let text = std::fs::read_to_string(path).with_context(at)?;
        Self::parse(&text).with_context(at)
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| anyhow!("{error}"))?;
        let mut specs = BTreeMap::new();
        for (name, table) in file.fault {
            let entries = table.into_iter().map(|(key, value)| (key, as_text(&value)));
            let mut spec = Spec::collect(entries).with_context(|| format!("fault {name:?}"))?;
            spec.set_name(&name);
            // Checked now, so that no step fails in the middle of a run.
            spec.clone()
                .into_fault(Origin::Scenario)
                .with_context(|| format!("fault {name:?}"))?;
            specs.insert(name, spec);
        }
        ensure!(!file.step.is_empty(), "there is no [[step]]");
        ensure!(
            file.step.len() <= MOST_STEPS,
            "more than {MOST_STEPS} steps"
        );
        let last = file.step.len();
        let mut steps = Vec::new();
        for (index, step) in file.step.iter().enumerate() {
            let number = index + 1;
            let parsed = parse_step(step, &specs).with_context(|| format!("step {number}"))?;
            ensure!(
                parsed.lasting.is_some() || (number == last && !file.repeat),
                "step {number}: only the last step, where nothing repeats, may go without for=..."
            );
            steps.push(parsed);
        }
        let waits_for_request = match file.start.as_deref() {
            None | Some("launch") => false,
            Some("first-request") => true,
            Some(other) => bail!("start = {other:?} is none of \"launch\", \"first-request\""),
        };
        Ok(Self {
            steps,
            repeat: file.repeat,
            seed: file.seed,
            waits_for_request,
        })
    }

    /// Plays the steps. The faults of the last one stay, if it has no end.
    pub(super) async fn play(self, shared: Arc<Shared>) {
        if self.waits_for_request {
            shared.first_request.notified().await;
        }
        loop {
            for (index, step) in self.steps.iter().enumerate() {
                shared.step.store(index as u64 + 1, Ordering::Relaxed);
                begin(step, index + 1, &shared);
                match step.lasting {
                    Some(time) => sleep(time).await,
                    None => return,
                }
            }
            if !self.repeat {
                break;
            }
        }
        shared.step.store(0, Ordering::Relaxed);
        shared.remove(of_scenario);
        shared.log.line("scenario: over");
    }
}

fn begin(step: &Step, number: usize, shared: &Shared) {
    let faults: Vec<Fault> = step
        .faults
        .iter()
        .filter_map(|spec| spec.clone().into_fault(Origin::Scenario).ok())
        .collect();
    let names: Vec<_> = faults.iter().map(|fault| fault.name.clone()).collect();
    let names = if names.is_empty() {
        "no faults".to_owned()
    } else {
        names.join(", ")
    };
    let time = step.lasting.map_or("for good".to_owned(), seconds);
    let log = &shared.log;
    log.line(format_args!("scenario: step {number}, {time}: {names}"));
    if let Err(problem) = shared.set(faults, of_scenario) {
        log.line(format_args!("scenario: step {number}: {problem}"));
    }
    if let Some(how) = step.cut {
        shared.cut_all(how);
    }
}

fn parse_step(step: &StepOfFile, specs: &BTreeMap<String, Spec>) -> Result<Step> {
    let lasting = step.lasting.as_deref().map(parse_duration).transpose();
    let cut = step.cut.as_deref().map(Cut::parse).transpose();
    let faults = step
        .faults
        .iter()
        .map(|name| {
            let spec = specs.get(name).cloned();
            spec.ok_or_else(|| anyhow!("there is no [fault.{name}]"))
        })
        .collect::<Result<_>>()?;
    Ok(Step {
        lasting: lasting.context("for")?,
        faults,
        cut: cut.map_err(|problem| anyhow!("cut: {problem}"))?,
    })
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_place() {
        for (text, problem) in [
            ("", "missing field `step`"),
            ("[[step]]\nfaults = ['x']", "step 1: there is no [fault.x]"),
            (
                "[fault.x]\nfault = 'drop'\nevry = 2\n[[step]]",
                "did you mean \"every\"?",
            ),
            (
                "[[step]]\n[[step]]\nfor = '1s'",
                "step 1: only the last step",
            ),
            ("repeat = true\n[[step]]", "step 1: only the last step"),
            ("[[step]]\nfor = '5'", "step 1: for: a duration"),
            ("[[step]]\ncut = 'now'", "step 1: cut: \"now\" is none of"),
            ("start = 'soon'\n[[step]]", "start = \"soon\""),
        ] {
            let error = format!("{:#}", Scenario::parse(text).unwrap_err());
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }
}
