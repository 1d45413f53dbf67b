//! A comparison for people.

use std::fmt::Write;

use serde_json::Value;

use super::Comparison;
use crate::failure::printable;
use crate::units::micros;

/// A table of all metrics but those of which the JSON report has enough.
pub(crate) fn write(comparison: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_to(comparison, &mut out);
    out
}

fn write_to(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    let started = comparison.started_at.as_str().unwrap_or("an unknown time");
    writeln!(
        out,
        "\n  Compared with {}, of {}",
        printable(&comparison.baseline),
        printable(started)
    )?;
    for difference in &comparison.differences {
        let key = printable(&difference.key);
        let value = |value| setting(&difference.key, value);
        let (before, after) = (value(&difference.before), value(&difference.after));
        writeln!(out, "    not the same: {key} was {before}, is {after}")?;
    }
    writeln!(
        out,
        "\n  {:<22} {:>12} {:>12} {:>10}",
        "Metric", "before", "after", "change"
    )?;
    let dull = |name: &str| {
        ["p90(", "p99.9(", "mean("]
            .iter()
            .any(|start| name.starts_with(start))
    };
    for row in &comparison.metrics {
        if dull(&row.metric) && !row.regressed {
            continue;
        }
        let change = row
            .change_percent
            .map_or_else(String::new, |change| format!("{change:+.1} %"));
        let (before, after) = &row.shown;
        let line = format!("  {:<22} {before:>12} {after:>12} {change:>10}", row.metric);
        let mark = match (row.regressed, row.direction) {
            (true, _) => format!(
                "  REGRESSION, more than {} %",
                row.limit_percent.unwrap_or_default()
            ),
            (_, Some(direction @ ("better" | "worse"))) => format!("  {direction}"),
            _ => String::new(),
        };
        writeln!(out, "{}", format!("{line}{mark}").trim_end())?;
    }
    Ok(())
}

fn setting(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Number(number) if key.ends_with("_us") => {
            micros(number.as_u64().unwrap_or_default())
        }
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}
