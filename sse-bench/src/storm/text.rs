//! The report for people: the verdict first, all on one screen.

use std::fmt::{Result, Write};
use std::time::Duration;

use super::json::{RunReport, ShareTimes, StormJson};
use super::report::StormReport;
use super::round::{NEVER, Round, failures};
use super::tally::STEP;
use crate::failure::printable;
use crate::histogram::Summary;
use crate::report::cohorts;
use crate::report::head::Errors;
use crate::report::text::{write_head, write_kinds, write_limits, write_tool};
use crate::units::{micros, seconds, thousands};

/// Storms listed one by one.
const LISTED_STORMS: usize = 5;
/// The same where each has a line for each cohort.
const LISTED_STORMS_OF_COHORTS: usize = 2;
/// Columns of the curve.
const CURVE: usize = 60;
/// Kinds of error listed.
const LISTED: usize = 4;
/// Reconnection times listed.
const LISTED_TIMES: usize = 2;

/// The report for people.
pub(super) fn write(report: &StormReport<'_>, out: &mut String) -> Result {
    let run = &report.run;
    write_head(&report.head, run.plan.method, &run.plan.url, out)?;
    writeln!(out)?;
    write_connections(run, out)?;
    write_storms(run, out)?;
    let worst = report.outcome.rounds.iter().zip(&run.storms);
    if let Some((round, storm)) = worst.max_by_key(|(round, _)| round.tally.attempts.total()) {
        write_shape(round, storm, run, out)?;
        write_reconnection_times(storm, run, out)?;
    }
    write_failures(report, out)?;
    cohorts::write(&run.cohorts, out)?;
    write_tool(run.plan.threads, &run.tool, report.outcome.elapsed, out)?;
    if let Some(lag) = run.tool.read_lag {
        writeln!(
            out,
            "               its read lag: p99 {}",
            micros(lag.p99_us)
        )?;
    }
    write_limits(&report.thresholds, &report.head, out)
}

fn write_connections(run: &RunReport<'_>, out: &mut String) -> Result {
    let connections = &run.connections;
    write!(
        out,
        "\n  Connections  {} of {} opened, {} open at the end",
        thousands(connections.opened),
        thousands(connections.requested),
        thousands(connections.open_at_end),
    )?;
    if let Some(without) = connections.without_event.filter(|count| *count > 0) {
        write!(
            out,
            ", {} without an event when the first storm began",
            thousands(without)
        )?;
    }
    writeln!(out)
}

fn write_storms(run: &RunReport<'_>, out: &mut String) -> Result {
    if run.storms.is_empty() {
        return writeln!(out, "  Storms       none");
    }
    let how = match run.plan.cut {
        "rst" => "reset by this side",
        "fin" => "closed by this side",
        _ => "lost to the restart of the server",
    };
    writeln!(
        out,
        "\n  All connections {how} at once. After the first loss:"
    )?;
    write!(out, "  {:<24}", "Storm")?;
    for column in ["50 %", "90 %", "99 %", "100 %"] {
        write!(out, " {column:>9}")?;
    }
    writeln!(out, " {:>18}", "connections")?;
    let listed = match run.cohorts.len() {
        0 => LISTED_STORMS,
        _ => LISTED_STORMS_OF_COHORTS,
    };
    for (number, storm) in run.storms.iter().enumerate().take(listed) {
        let name = format!("{} open again", number + 1);
        write_shares(&name, &storm.reopened, storm.lost, out)?;
        if storm.caught_up_by != "nothing" {
            write_shares("  caught up", &storm.caught_up, storm.lost, out)?;
        }
        for cohort in &storm.cohorts {
            let name = format!("  {}", cohort.name);
            write_shares(&name, &cohort.reopened, cohort.lost, out)?;
        }
    }
    if run.storms.len() > listed {
        writeln!(out, "  ... and {} more", run.storms.len() - listed)?;
    }
    if run.storms.len() > 1 {
        let all = match run.cohorts.len() {
            0 => "all: open again",
            _ => "healthy: open again",
        };
        for (name, summary) in [
            (all, run.latency.reopen),
            ("     caught up", run.latency.caught_up),
        ] {
            if let Some(summary) = summary {
                write_summary(name, summary, out)?;
            }
        }
    }
    let caught_up = match run.storms[0].caught_up_by {
        "id" => {
            "received an event that it had not had before, and is as far as any\n               \
             other connection was when it opened again (by id)"
        }
        "event" => "received a first event after it opened again (there are no ids)",
        _ => "not measured: no event had been received before the storm",
    };
    writeln!(out, "  Caught up    {caught_up}")
}

fn write_shares(name: &str, times: &ShareTimes, lost: u32, out: &mut String) -> Result {
    write!(out, "  {name:<24}")?;
    for time in [times.p50_us, times.p90_us, times.p99_us, times.p100_us] {
        let time = time.map_or_else(|| "-".to_owned(), micros);
        write!(out, " {time:>9}")?;
    }
    let (there, lost) = (thousands(times.connections.into()), thousands(lost.into()));
    writeln!(out, " {:>18}", format!("{there} of {lost}"))
}

/// Over all storms, from each connection's own loss.
fn write_summary(name: &str, summary: Summary, out: &mut String) -> Result {
    let Summary {
        p50_us,
        p90_us,
        p99_us,
        max_us,
        ..
    } = summary;
    write!(out, "  {name:<24}")?;
    for time in [p50_us, p90_us, p99_us, max_us] {
        let never = Duration::from_micros(time) >= NEVER;
        let time = if never { "-".to_owned() } else { micros(time) };
        write!(out, " {time:>9}")?;
    }
    writeln!(out, " {:>18}", thousands(summary.count))
}

fn write_shape(
    round: &Round,
    storm: &StormJson<'_>,
    run: &RunReport<'_>,
    out: &mut String,
) -> Result {
    let attempts = &storm.attempts;
    writeln!(
        out,
        "\n  Attempts     {}, at most {}/s and {} in 100 ms",
        thousands(attempts.total),
        thousands(attempts.peak_per_second),
        thousands(attempts.peak_per_step.into()),
    )?;
    let steps = round.tally.attempts.steps();
    if !steps.is_empty() {
        let (curve, step) = sparkline(steps);
        writeln!(out, "               {curve}  {} a column", seconds(step))?;
    }
    write!(out, "  Jitter       ")?;
    if run.plan.jitter > 0.0 {
        write!(out, "up to {:.0} % of the wait", 100.0 * run.plan.jitter)?;
    } else {
        write!(out, "none")?;
    }
    let backoff = if run.plan.backoff {
        "doubled after each failed attempt"
    } else {
        "not doubled after failed attempts"
    };
    writeln!(out, "; waits are {backoff}")
}

fn write_reconnection_times(
    storm: &StormJson<'_>,
    run: &RunReport<'_>,
    out: &mut String,
) -> Result {
    let times: Vec<_> = storm
        .reconnection_times
        .iter()
        .take(LISTED_TIMES)
        .map(|time| {
            let source = if time.told {
                "told by retry"
            } else {
                "the default"
            };
            let slots = thousands(time.slots);
            format!("{} ({source}): {slots} connections", micros(time.time_us))
        })
        .collect();
    if times.is_empty() {
        return Ok(());
    }
    let listed: u64 = storm
        .reconnection_times
        .iter()
        .skip(LISTED_TIMES)
        .map(|time| time.slots)
        .sum();
    let others = listed + storm.other_reconnection_times;
    write!(out, "  Retry        {}", times.join(", "))?;
    if others > 0 {
        write!(out, ", others: {}", thousands(others))?;
    }
    if let Some(waits) = run.latency.first_attempt {
        write!(
            out,
            "\n               first attempts after {} (p50) to {} (max), {} of them too early",
            micros(waits.p50_us),
            micros(waits.max_us),
            thousands(run.totals.early),
        )?;
    }
    writeln!(out)
}

fn write_failures(report: &StormReport<'_>, out: &mut String) -> Result {
    let (run, totals) = (&report.run, &report.run.totals);
    if !run.storms.is_empty() {
        writeln!(
            out,
            "\n  Refused      {} attempts ({} with Retry-After), {} connections given up for good",
            thousands(totals.refused),
            thousands(
                run.storms
                    .iter()
                    .map(|storm| storm.refused.retry_after)
                    .sum()
            ),
            thousands(totals.given_up),
        )?;
        if totals.stopped > 0 {
            writeln!(
                out,
                "  Stopped      {} connections, by a 204",
                thousands(totals.stopped)
            )?;
        }
        writeln!(
            out,
            "  Failed       {} attempts without an answer",
            thousands(totals.failed)
        )?;
    }
    let failures = failures(&report.outcome.rounds);
    write_kinds(&Errors::of(&failures), LISTED, out)?;
    if totals.lost_again > 0 {
        writeln!(
            out,
            "  Lost again   {} times a connection opened and did not last",
            thousands(totals.lost_again)
        )?;
    }
    for round in &report.outcome.rounds {
        if let Some(failure) = &round.command {
            writeln!(out, "  Command      {}", printable(&failure.detail))?;
        }
    }
    if run.errors.total > 0 {
        writeln!(
            out,
            "  Errors       {} outside the storms",
            thousands(run.errors.total)
        )?;
        write_kinds(&run.errors, LISTED, out)?;
    }
    if run.deliveries.last_event_id_unsendable > 0 {
        writeln!(
            out,
            "  Last event   {} requests without their last event ID: no header can carry it",
            thousands(run.deliveries.last_event_id_unsendable)
        )?;
    }
    Ok(())
}

/// At most [`CURVE`] columns, and how long each is.
fn sparkline(steps: &[u32]) -> (String, Duration) {
    const BARS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = steps.len().div_ceil(CURVE).max(1);
    let columns: Vec<u64> = steps
        .chunks(width)
        .map(|steps| steps.iter().map(|count| u64::from(*count)).sum())
        .collect();
    let most = columns.iter().copied().max().unwrap_or_default().max(1);
    // Whatever is there is seen, however little it is.
    let bar = |count: &u64| BARS[(count * 8).div_ceil(most) as usize];
    let width = u32::try_from(width).unwrap_or(u32::MAX);
    (columns.iter().map(bar).collect(), STEP * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_fits_its_columns_and_hides_nothing() {
        assert_eq!(sparkline(&[0, 8, 1000]).0, "·▁█");
        let (curve, step) = sparkline(&vec![1; 601]);
        assert_eq!((curve.chars().count(), step), (55, STEP * 11));
        assert_eq!(sparkline(&[0, 0]).0, "··");
    }
}
