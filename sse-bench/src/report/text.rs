//! The report for people: the verdict first, all on one screen.

use std::fmt::Write;
use std::time::Duration;

use super::head::Errors;
use super::json::{RunReport, Timestamps, Tool};
use super::{Head, Report};
use crate::compare;
use crate::exit::Exit;
use crate::failure::printable;
use crate::histogram::{LONGEST_US, Summary};
use crate::threshold::Checked;
use crate::units::{bytes, micros, rate, seconds, thousands};

/// Event types listed by name; the rest is summed up.
const LISTED_TYPES: usize = 8;
/// Kinds of error listed.
const LISTED_ERRORS: usize = 8;

impl Report<'_> {
    pub(super) fn write(&self, out: &mut String) -> std::fmt::Result {
        let json = &self.run;
        write_head(&self.head, json.plan.method, &json.plan.url, out)?;
        writeln!(out)?;
        self.write_counts(json, out)?;
        if let Some(http2) = &json.http2 {
            http2.write_text(out)?;
        }
        if json.connections.opened > 0 {
            self.write_rates(json, out)?;
        }
        if let Some(publishing) = &json.publishing {
            publishing.write_text(out)?;
        }
        if json.connections.opened > 0 {
            write_latencies(json, out)?;
            super::cohorts::write(&json.cohorts, out)?;
        }
        self.write_types(out)?;
        write_errors(&json.errors, out)?;
        write_limits(&self.thresholds, &self.head, out)
    }

    fn write_counts(&self, json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
        let connections = &json.connections;
        write!(
            out,
            "\n  Connections  {} of {} opened, {} open at the end",
            thousands(connections.opened),
            thousands(connections.requested),
            thousands(connections.open_at_end),
        )?;
        for (count, what) in [
            (json.reconnects.total, "reconnects"),
            (
                json.reconnects.last_event_id_unsendable,
                "requests without a last event ID that no header can carry",
            ),
            (connections.clean_ends, "streams ended by the server"),
            (connections.stopped, "stopped by a 204"),
            (connections.given_up, "lost for good"),
        ] {
            if count > 0 {
                write!(out, ", {} {what}", thousands(count))?;
            }
        }
        write!(out, "\n  Time         {}, ", seconds(self.outcome.elapsed))?;
        match self.outcome.ramp {
            Some(ramp) => write!(out, "{} of it to open them", seconds(ramp))?,
            None => write!(out, "over before all were tried")?,
        }
        match &json.plan.ramp {
            Some(ramp) => write!(out, " by the ramp {ramp}")?,
            None => write!(out, " at {}/s", thousands(json.plan.connect_rate.into()))?,
        }
        if json.ramp_late_us > 100_000 {
            write!(out, " (up to {} late)", micros(json.ramp_late_us))?;
        }
        writeln!(out)
    }

    fn write_rates(&self, json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
        let window = seconds(Duration::from_micros(json.deliveries.window_us));
        writeln!(
            out,
            "  Events       {}, {}/s over {window}",
            thousands(json.deliveries.total),
            rate(json.deliveries.per_second),
        )?;
        writeln!(
            out,
            "  Received     {}, {}/s",
            bytes(json.bytes.total as f64),
            bytes(json.bytes.per_second),
        )?;
        if let Some(per_delivery) = json.reads.per_delivery {
            writeln!(
                out,
                "  Reads        {}, {per_delivery:.2} for each event",
                thousands(json.reads.total)
            )?;
        }
        let outcome = self.outcome;
        write_tool(json.plan.threads, &json.tool, outcome.elapsed, out)
    }

    fn write_types(&self, out: &mut String) -> std::fmt::Result {
        let types = self.outcome.stats.types.by_count();
        if types.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n  Event type                                 events   share"
        )?;
        let total = self.outcome.totals.deliveries.max(1) as f64;
        let (listed, rest) = types.split_at(types.len().min(LISTED_TYPES));
        let mut row = |name: &str, count: u64| {
            let share = 100.0 * count as f64 / total;
            writeln!(out, "  {name:<32} {:>16} {share:>5.1} %", thousands(count))
        };
        for (name, count) in listed {
            row(&clipped(&printable(name), 32), *count)?;
        }
        let others =
            rest.iter().map(|(_, count)| count).sum::<u64>() + self.outcome.stats.types.others;
        if others > 0 {
            row("all others", others)
        } else {
            Ok(())
        }
    }
}

/// The verdict and why, and what was asked for, without the end of that line.
pub(crate) fn write_head(
    head: &Head,
    method: &str,
    url: &str,
    out: &mut String,
) -> std::fmt::Result {
    let verdict = match head.exit {
        Exit::Interrupted => "INTERRUPTED".to_owned(),
        _ => head.verdict.to_uppercase(),
    };
    writeln!(out, "{verdict}: {}", printable(&head.reason))?;
    write!(out, "\n{method} {}", printable(url))
}

/// What this program took.
pub(crate) fn write_tool(
    threads: u32,
    tool: &Tool,
    elapsed: Duration,
    out: &mut String,
) -> std::fmt::Result {
    let plural = if threads == 1 { "" } else { "s" };
    write!(out, "  This tool    {threads} thread{plural}")?;
    if let Some(cpu) = tool.cpu_us.map(Duration::from_micros) {
        let share = 100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64().max(1e-3);
        let cpu = seconds(cpu);
        write!(out, ", {cpu} of CPU time ({share:.0} % of a core)")?;
    }
    if let Some(memory) = tool.peak_memory_bytes {
        write!(out, ", {} of memory at most", bytes(memory as f64))?;
    }
    writeln!(out)
}

/// Failures by kind, the most frequent first.
pub(crate) fn write_errors(errors: &Errors<'_>, out: &mut String) -> std::fmt::Result {
    if errors.total == 0 {
        return writeln!(out, "\n  Errors       none");
    }
    writeln!(out, "\n  Errors       {}", thousands(errors.total))?;
    write_kinds(errors, LISTED_ERRORS, out)
}

/// The most frequent kinds of failure, and how many were of others.
pub(crate) fn write_kinds(errors: &Errors<'_>, most: usize, out: &mut String) -> std::fmt::Result {
    let kinds = errors.by_count();
    let (listed, others) = kinds.split_at(kinds.len().min(most));
    for (name, kind) in listed {
        let count = thousands(kind.count);
        writeln!(out, "    {name:<15} {count:>9}  {}", kind.example)?;
    }
    let others: u64 = others.iter().map(|(_, kind)| kind.count).sum();
    if others > 0 {
        let count = thousands(others);
        writeln!(out, "    {:<15} {count:>9}", "of other kinds")?;
    }
    Ok(())
}

/// What came of each threshold, and how the run compares with an earlier one.
pub(crate) fn write_limits(
    thresholds: &[Checked],
    head: &Head,
    out: &mut String,
) -> std::fmt::Result {
    write_thresholds(thresholds, out)?;
    write_comparison(head, out)
}

/// How the run compares with an earlier one.
pub(crate) fn write_comparison(head: &Head, out: &mut String) -> std::fmt::Result {
    let comparison = head.comparison.as_ref();
    comparison.map_or(Ok(()), |comparison| {
        out.write_str(&compare::write(comparison))
    })
}

/// What came of each threshold.
pub(crate) fn write_thresholds(thresholds: &[Checked], out: &mut String) -> std::fmt::Result {
    if !thresholds.is_empty() {
        writeln!(out, "\n  Thresholds")?;
    }
    for checked in thresholds {
        let threshold = &checked.threshold;
        let kept = match checked.kept {
            Some(true) => "kept",
            Some(false) => "breached",
            None => "not measured",
        };
        let value = checked
            .value
            .map_or_else(String::new, |value| threshold.show(value));
        let text = printable(&threshold.to_string());
        writeln!(out, "    {kept:<12} {text}  {value}")?;
    }
    Ok(())
}

fn write_latencies(json: &RunReport<'_>, out: &mut String) -> std::fmt::Result {
    if write_latency_table(&json.latencies(), out)? {
        write_timestamps(
            json.timestamps.as_ref(),
            json.latency.delivery,
            json.tool.read_lag,
            out,
        )?;
        if let Some(publishing) = &json.publishing {
            publishing.write_latency_words(out)?;
        }
    }
    Ok(())
}

/// Whether there is any.
pub(crate) fn write_latency_table(
    rows: &[(&str, Option<Summary>)],
    out: &mut String,
) -> Result<bool, std::fmt::Error> {
    if rows.iter().all(|(_, summary)| summary.is_none()) {
        return Ok(false);
    }
    write!(out, "\n  {:<12}", "Latency")?;
    for column in ["p50", "p90", "p99", "p99.9", "max"] {
        write!(out, " {column:>9}")?;
    }
    writeln!(out, " {:>12}", "count")?;
    for (name, summary) in rows {
        if let Some(summary) = summary {
            write_latency(name, *summary, out)?;
        }
    }
    Ok(true)
}

fn write_latency(name: &str, summary: Summary, out: &mut String) -> std::fmt::Result {
    let Summary {
        p50_us,
        p90_us,
        p99_us,
        p999_us,
        max_us,
        count,
        ..
    } = summary;
    write!(out, "  {name:<12}")?;
    for value in [p50_us, p90_us, p99_us, p999_us, max_us] {
        write!(out, " {:>9}", latency(value))?;
    }
    writeln!(out, " {:>12}", thousands(count))
}

/// A latency as people read it.
fn latency(value: u64) -> String {
    if value >= LONGEST_US {
        return "never".to_owned();
    }
    micros(value)
}

/// What the times in payloads say of the distribution of deliveries.
pub(crate) fn write_timestamps(
    timestamps: Option<&Timestamps>,
    delivery: Option<Summary>,
    read_lag: Option<Summary>,
    out: &mut String,
) -> std::fmt::Result {
    let Some(timestamps) = timestamps else {
        return Ok(());
    };
    let units: Vec<_> = timestamps.units.keys().copied().collect();
    let pointer = printable(&timestamps.pointer);
    if units.is_empty() {
        return writeln!(out, "  No event carried a time at {pointer} in JSON data.");
    }
    write!(
        out,
        "  Delivery is from the time at {pointer} ({})",
        units.join(", ")
    )?;
    if timestamps.without > 0 {
        write!(out, "; {} events had none", thousands(timestamps.without))?;
    }
    writeln!(out, ".")?;
    if timestamps.from_the_future > 0 {
        let count = thousands(timestamps.from_the_future);
        writeln!(
            out,
            "  {count} events were stamped later than they arrived: the clocks differ."
        )?;
    }
    if let (Some(delivery), Some(lag)) = (delivery, read_lag)
        && lag.p99_us > 1000
        && lag.p99_us * 4 > delivery.p99_us
    {
        writeln!(
            out,
            "  The read lag of this tool is a good part of the delivery latency: use more --threads,\n  fewer connections, or another machine for it."
        )?;
    }
    Ok(())
}

fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(width - 3).collect();
    clipped.push_str("...");
    clipped
}
