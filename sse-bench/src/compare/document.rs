//! A report of an earlier run, read from a file.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::limit::Limit;
use crate::report::head::SCHEMA;
use crate::threshold::metric::{Better, Table};
use crate::threshold::{finite, load, storm, verify};

/// A JSON report.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it was read.
    pub name: String,
    /// All of it.
    pub report: Value,
}

impl Document {
    /// # Errors
    /// One line that says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let report: Value = serde_json::from_str(&text).with_context(|| {
            format!("{name} is no JSON report: write one with --output-format json={name}")
        })?;
        let document = Self { name, report };
        let (name, schema) = (&document.name, &document.report["schema"]);
        ensure!(
            document.report["command"].is_string() && schema.is_number(),
            "{name} is no report of sse-bench"
        );
        ensure!(
            schema.as_u64() == Some(SCHEMA.into()),
            "{name} has schema {schema}, and this version reads {SCHEMA}: write it anew"
        );
        document.table()?;
        Ok(document)
    }

    /// The subcommand that wrote it.
    pub fn command(&self) -> &str {
        self.report["command"].as_str().unwrap_or_default()
    }

    /// The metrics that it has.
    pub(super) fn table(&self) -> Result<&'static Table> {
        table(self.command()).with_context(|| {
            format!(
                "{} is a report of {}, which has no metrics to compare",
                self.name,
                self.command()
            )
        })
    }
}

/// The metrics of a subcommand.
fn table(command: &str) -> Option<&'static Table> {
    Some(match command {
        "load" => &load::METRICS,
        "load --until-done" => &finite::METRICS,
        "storm" => &storm::METRICS,
        "verify" => &verify::METRICS,
        _ => return None,
    })
}

/// Limits name metrics of the command, which have a better and a worse.
pub(super) fn check_limits(limits: &[Limit], table: &Table) -> Result<()> {
    for name in limits.iter().filter_map(|limit| limit.metric.as_deref()) {
        match table.find(name) {
            None => bail!("there is no metric \"{name}\"\n\n{}", table.help()),
            Some(metric) => ensure!(
                metric.better() != Better::Neither,
                "\"{name}\" is neither better nor worse: it has no limit"
            ),
        }
    }
    Ok(())
}
