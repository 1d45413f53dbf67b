//! `sse-bench compare` and `--baseline`: two reports side by side.

mod document;
mod limit;
mod text;

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Value;

pub use document::Document;
pub use limit::Limit;
pub(crate) use text::write;

use crate::cli::compare::CompareArgs;
use crate::exit::Exit;
use crate::report::head::round;
use crate::report::{Format, Render};
use crate::threshold::metric::{Better, Metric, Table};

/// Regressions that a sentence names.
const NAMED: usize = 3;

/// What a run is held against.
#[derive(Debug, Clone)]
pub struct Baseline {
    document: Document,
    table: &'static Table,
    limits: Vec<Limit>,
}

impl Baseline {
    /// For a run of `command`.
    ///
    /// # Errors
    /// One line that says what is wrong with the file or the limits.
    pub fn read(path: &Path, limits: Vec<Limit>, command: &str) -> Result<Self> {
        let document = Document::read(path)?;
        ensure!(
            document.command() == command,
            "{} is a report of {}, not of {command}: they have little in common",
            document.name,
            document.command()
        );
        let table = document.table()?;
        document::check_limits(&limits, table)?;
        Ok(Self {
            document,
            table,
            limits,
        })
    }

    /// Holds what was measured now against it.
    pub fn compare(&self, measured: &Value) -> Comparison {
        let (old, name) = (&self.document.report, self.document.name.clone());
        Comparison::new(name, self.table, old, measured, &self.limits)
    }
}

/// Two reports, metric by metric.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Where the report of before was read.
    pub baseline: String,
    /// When that run began.
    pub started_at: Value,
    /// What the two runs do not have in common, as far as it was planned.
    pub differences: Vec<Difference>,
    /// All that either measured.
    pub metrics: Vec<Row>,
}

/// Something that differs between two plans.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// `plan.connections`, `host`, `version`, ...
    pub key: String,
    pub before: Value,
    pub after: Value,
}

/// A metric before and after.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub metric: String,
    /// Microseconds for durations; `null` if nothing was measured.
    pub before: Option<f64>,
    pub after: Option<f64>,
    /// In percent of the value before; `null` where that is 0 or unknown.
    pub change_percent: Option<f64>,
    /// Whether it got `better` or `worse`; else `same`, or `null` for what is neither.
    pub direction: Option<&'static str>,
    /// In percent, where one was given.
    pub limit_percent: Option<f64>,
    /// Whether it got worse by more than its limit.
    pub regressed: bool,
    /// A limit that could not be held against anything.
    #[serde(skip)]
    unproved: bool,
    #[serde(skip)]
    pub(crate) shown: (String, String),
}

impl Comparison {
    fn new(baseline: String, table: &Table, old: &Value, new: &Value, limits: &[Limit]) -> Self {
        let rows = table
            .metrics()
            .map(|metric| Row::new(&metric, old, new, limits));
        Self {
            baseline,
            started_at: old["started_at"].clone(),
            differences: differences(old, new),
            metrics: rows
                .filter(|row| row.before.is_some() || row.after.is_some() || row.unproved)
                .collect(),
        }
    }

    /// The metrics that got worse by more than their limits, for a sentence.
    pub fn regressions(&self) -> String {
        let regressed = self.metrics.iter().filter(|row| row.regressed);
        let texts: Vec<_> = regressed
            .map(|row| format!("{} {}", row.metric, row.seen()))
            .collect();
        let more = texts.len().saturating_sub(NAMED);
        let named = texts[..texts.len() - more].join(", ");
        match more {
            0 => named,
            _ => format!("{named} and {more} more"),
        }
    }

    /// What it makes of a run, if not a pass: a limit that cannot be held
    /// against anything proves nothing.
    pub fn finding(&self) -> Option<Exit> {
        if self.metrics.iter().any(|row| row.regressed) {
            Some(Exit::Threshold)
        } else if self.metrics.iter().any(|row| row.unproved) {
            Some(Exit::Inconclusive)
        } else {
            None
        }
    }
}

impl Row {
    /// Both values, for people.
    pub fn seen(&self) -> String {
        format!("from {} to {}", self.shown.0, self.shown.1)
    }

    fn new(metric: &Metric, old: &Value, new: &Value, limits: &[Limit]) -> Self {
        let (before, after) = (metric.of(old), metric.of(new));
        let both = before.zip(after);
        // What is worse has the sign of more errors.
        let worsening = both.and_then(|(before, after)| match metric.better() {
            Better::Less => Some(after - before),
            Better::More => Some(before - after),
            Better::Neither => None,
        });
        let limit = limit::of(limits, metric);
        let regressed = |limit: &Limit| {
            let before = before.unwrap_or_default().abs();
            worsening.is_some_and(|worse| worse > 0.0 && worse > before * limit.part * (1.0 + 1e-9))
        };
        let show =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| metric.show(value));
        Self {
            metric: metric.name(),
            before,
            after,
            change_percent: both
                .filter(|(before, _)| *before != 0.0)
                .map(|(before, after)| round(100.0 * (after - before) / before)),
            direction: worsening.map(|worse| match worse {
                0.0 => "same",
                worse if worse > 0.0 => "worse",
                _ => "better",
            }),
            limit_percent: limit.map(|limit| round(limit.part * 100.0)),
            regressed: limit.is_some_and(regressed),
            unproved: limit.is_some_and(|limit| {
                both.is_none() && (limit.metric.is_some() || before.is_some())
            }),
            shown: (show(before), show(after)),
        }
    }
}

/// What was asked for, and of which machine and program, without what is chance.
fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let empty = serde_json::Map::new();
    let (before, after) = (&old["plan"], &new["plan"]);
    let (before, after) = (
        before.as_object().unwrap_or(&empty),
        after.as_object().unwrap_or(&empty),
    );
    let added = after.keys().filter(|key| !before.contains_key(*key));
    let keys = before.keys().chain(added).filter(|key| *key != "seed");
    let of_plan = keys.map(|key| (format!("plan.{key}"), before.get(key), after.get(key)));
    let of_head = ["host", "version"].map(|key| (key.to_owned(), old.get(key), new.get(key)));
    // A run that is not over has no head yet: it is of this machine and program.
    let of_head = of_head.into_iter().filter(|(_, _, after)| after.is_some());
    of_plan
        .chain(of_head)
        .filter(|(_, before, after)| before != after)
        .map(|(key, before, after)| Difference {
            key,
            before: before.cloned().unwrap_or_default(),
            after: after.cloned().unwrap_or_default(),
        })
        .collect()
}

/// A finished comparison of two files.
#[derive(Debug, Serialize)]
pub struct CompareReport {
    schema: u32,
    command: &'static str,
    version: &'static str,
    verdict: &'static str,
    reason: String,
    exit_code: u8,
    /// Where the newer report was read.
    after: String,
    #[serde(flatten)]
    comparison: Comparison,
}

impl Render for CompareReport {
    const FORMATS: &'static [Format] = &[Format::Text, Format::Json];

    fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.verdict.to_uppercase(), self.reason);
        text.push_str(&text::write(&self.comparison));
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// Compares two files.
///
/// # Errors
/// What is wrong with the files or the limits.
pub fn run(args: &CompareArgs) -> Result<Exit> {
    let new = Document::read(&args.new)?;
    let baseline = Baseline::read(&args.old, args.fail_on_regression.clone(), new.command())?;
    let writer = args.output.open::<CompareReport>()?;
    let comparison = baseline.compare(&new.report);
    let exit = comparison.finding().unwrap_or(Exit::Pass);
    let count = |direction| {
        let rows = comparison.metrics.iter();
        rows.filter(|row| row.direction == Some(direction)).count()
    };
    let reason = match exit {
        Exit::Threshold => format!("worse than before: {}", comparison.regressions()),
        Exit::Inconclusive => "a metric with a limit was not measured in both runs".to_owned(),
        _ => format!(
            "{} metrics better, {} worse, {} the same",
            count("better"),
            count("worse"),
            count("same")
        ),
    };
    let shows_text = writer.shows_text();
    if exit != Exit::Pass && !shows_text {
        crate::complain(&reason);
    }
    writer.write(&CompareReport {
        schema: crate::report::head::SCHEMA,
        command: "compare",
        version: env!("CARGO_PKG_VERSION"),
        verdict: exit.verdict(),
        reason,
        exit_code: exit.code(),
        after: new.name,
        comparison,
    })?;
    Ok(exit)
}
