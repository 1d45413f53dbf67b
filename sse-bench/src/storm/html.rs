//! The page of `storm`.

use maud::{Markup, html};

use super::StormReport;
use super::json::{ShareTimes, StormJson, merged};
use super::recovery::Recovery;
use super::round::failures;
use super::tally::STEP;
use crate::report::Formats;
use crate::report::head::Errors;
use crate::report::html::chart::{Chart, Line};
use crate::report::html::{card, sections, tile};
use crate::units::{micros, seconds, thousands};

/// Storms with charts of their own.
const DRAWN: usize = 5;
/// Points of a curve; of more steps some are left out, of counts none.
const POINTS: usize = 400;

/// What stands on the page.
pub(super) fn render(report: &StormReport<'_>) -> Markup {
    let (head, run, outcome) = (&report.head, &report.run, report.outcome);
    let rounds = &outcome.rounds;
    let histograms = [
        (
            "Time until a connection was open again",
            merged(rounds, |round| &round.reopen).distribution(),
        ),
        (
            "Time until it had caught up",
            merged(rounds, |round| &round.catch_up).distribution(),
        ),
        (
            "Time until the first attempt",
            merged(rounds, |round| &round.tally.waits).distribution(),
        ),
        ("Time to open a stream", outcome.stats.open.distribution()),
    ];
    let in_storms = failures(rounds);
    let more = rounds.len().saturating_sub(DRAWN);
    html! {
        (sections::header(head, run.plan.method, &run.plan.url))
        (tiles(report))
        div .cards {
            (sections::thresholds(&report.checks()))
            (storms(&run.storms))
            @for (number, round) in (1..).zip(rounds.iter().take(DRAWN)) {
                (recovery(number, &round.recovery))
                (attempts(number, &round.recovery))
            }
            @if more > 0 { (card("Further storms", true, &html! { p { (more) " more are in the CSV and in the JSON report." } })) }
            (refusals(report, &Errors::of(&in_storms)))
            (reconnection_times(report))
            (sections::cohorts(&run.cohorts))
            (sections::connections(&outcome.series))
            (sections::rates(&outcome.series))
            (sections::histograms(&histograms))
            (sections::latencies(&run.latencies()))
            (sections::errors(&run.errors))
            (sections::comparison(head))
            (sections::planned(head, &run.plan))
        }
        footer { "Times of shares and curves count from the first loss of a storm, distributions from the loss of each connection; one that never came back counts as 24 h. Errors are those outside the storms." }
    }
}

fn tiles(report: &StormReport<'_>) -> Markup {
    let (run, totals) = (&report.run, &report.run.totals);
    let slowest = run.storms.iter().map(|storm| storm.reopened.p99_us);
    let slowest: Option<Vec<_>> = slowest.collect();
    html! {
        div .tiles {
            (tile(&thousands(totals.lost), "connections lost", totals.lost == 0))
            (tile(&thousands(totals.reopened), "open again", totals.not_reopened > 0))
            (tile(&thousands(totals.caught_up), "caught up", totals.not_caught_up > 0))
            @if let Some(slowest) = slowest.and_then(|all| all.into_iter().max()) {
                (tile(&micros(slowest), "until 99 % were open again", false))
            }
            (tile(&format!("{}/s", thousands(totals.peak_attempts_per_second)), "attempts at most", false))
            (tile(&thousands(totals.refused), "attempts refused", totals.refused > 0))
            (tile(&thousands(totals.given_up), "given up for good", totals.given_up > 0))
        }
    }
}

fn storms(storms: &[StormJson<'_>]) -> Markup {
    if storms.is_empty() {
        return html! {};
    }
    let row = |name: String, times: &ShareTimes, lost: u32| {
        html! {
            tr {
                td { (name) }
                @for time in [times.p50_us, times.p90_us, times.p99_us, times.p100_us] {
                    td .n { @if let Some(time) = time { (micros(time)) } @else { span .quiet { "never" } } }
                }
                td .n { (thousands(times.connections.into())) " of " (thousands(lost.into())) }
            }
        }
    };
    let table = html! {
        div .scroll {
            table {
                tr { th { "storm" } @for share in ["50 %", "90 %", "99 %", "100 %"] { th .n { (share) } } th .n { "connections" } }
                @for (number, storm) in (1..).zip(storms) {
                    (row(format!("{number} open again"), &storm.reopened, storm.lost))
                    @if storm.caught_up_by != "nothing" {
                        (row(format!("{number} caught up, by {}", storm.caught_up_by), &storm.caught_up, storm.lost))
                    }
                    @for cohort in &storm.cohorts {
                        (row(format!("{number} open again: {}", cohort.name), &cohort.reopened, cohort.lost))
                    }
                }
            }
        }
    };
    card(
        "When shares of the lost connections were back",
        true,
        &table,
    )
}

fn recovery(number: u32, recovery: &Recovery) -> Markup {
    if recovery.steps() == 0 {
        return html! {};
    }
    // By the end of a step: the last of those that are drawn as one.
    let last = |values: &[u32]| -> Vec<Option<f64>> {
        let points = values.chunks(width(recovery)).filter_map(<[u32]>::last);
        points.map(|count| Some(f64::from(*count))).collect()
    };
    let lines = vec![
        line("lost", "c3", last(&recovery.lost)),
        line("open again", "c1", last(&recovery.open)),
        line("caught up", "c4", last(&recovery.caught_up)),
    ];
    let title = format!("Storm {number}: connections since the first loss");
    card(&title, false, &chart(recovery, lines))
}

fn attempts(number: u32, recovery: &Recovery) -> Markup {
    if recovery.steps() == 0 {
        return html! {};
    }
    let width = width(recovery);
    let sums = |values: &[u32]| -> Vec<Option<f64>> {
        let points = values.chunks(width).map(|steps| steps.iter().sum());
        points.map(|sum: u32| Some(f64::from(sum))).collect()
    };
    let mut lines = vec![
        line("attempts", "c2", sums(&recovery.begun)),
        line("opened", "c1", sums(&recovery.opened)),
    ];
    for (name, class, values) in [
        ("refused", "c3", &recovery.refused),
        ("failed without an answer", "c5", &recovery.failed),
    ] {
        if values.iter().any(|count| *count > 0) {
            lines.push(line(name, class, sums(values)));
        }
    }
    let length = STEP * u32::try_from(width).unwrap_or(u32::MAX);
    let title = format!("Storm {number}: attempts in each {}", seconds(length));
    card(&title, false, &chart(recovery, lines))
}

fn line(name: &'static str, class: &'static str, values: Vec<Option<f64>>) -> Line {
    Line {
        name,
        class,
        values,
    }
}

/// Steps that are drawn as one point.
fn width(recovery: &Recovery) -> usize {
    recovery.steps().div_ceil(POINTS).max(1)
}

fn chart(recovery: &Recovery, lines: Vec<Line>) -> Markup {
    let (steps, width) = (recovery.steps(), width(recovery));
    let at = |step: usize| STEP.as_secs_f64() * step as f64;
    let starts = (0..steps).step_by(width);
    let show = |value: f64| thousands(value.round() as u64);
    let chart = Chart {
        times: starts
            .map(|start| (at(start), at((start + width).min(steps))))
            .collect(),
        lines,
        log: false,
        stacked: false,
        show,
        label: show,
    };
    chart.draw()
}

fn refusals(report: &StormReport<'_>, errors: &Errors<'_>) -> Markup {
    let (run, totals) = (&report.run, &report.run.totals);
    if run.storms.is_empty() {
        return html! {};
    }
    let retry_after: u64 = run.storms.iter().map(|it| it.refused.retry_after).sum();
    let table = html! {
        p {
            (thousands(totals.refused)) " attempts refused (" (thousands(retry_after)) " with Retry-After), "
            (thousands(totals.failed)) " without an answer; "
            (thousands(totals.given_up)) " connections given up for good, as EventSource does"
            @if totals.stopped > 0 { ", " (thousands(totals.stopped)) " told by a 204 to stop" }
            @if totals.lost_again > 0 { "; " (thousands(totals.lost_again)) " times one opened and did not last" }
        }
        @if errors.total > 0 {
            table {
                tr { th { "kind" } th .n { "count" } th { "the first of them" } }
                @for (name, kind) in errors.by_count() {
                    tr { td { (name) } td .n { (thousands(kind.count)) } td { (kind.example) } }
                }
            }
        }
        @for error in run.storms.iter().filter_map(|storm| storm.command_error) {
            p { "The command failed: " (crate::failure::printable(error)) }
        }
    };
    card("Refusals and failures in the storms", true, &table)
}

fn reconnection_times(report: &StormReport<'_>) -> Markup {
    let storms = (1..).zip(&report.run.storms);
    let rows: Vec<(u32, _)> = storms
        .flat_map(|(number, storm)| storm.reconnection_times.iter().map(move |it| (number, it)))
        .take(20)
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    let plan = &report.run.plan;
    let table = html! {
        p .quiet {
            @if plan.jitter > 0.0 { "Jitter of up to " (format!("{:.0}", 100.0 * plan.jitter)) " % of the wait, " } @else { "No jitter, " }
            @if plan.backoff { "doubled after each failed attempt." } @else { "not doubled after failed attempts." }
            " " (thousands(report.run.totals.early)) " first attempts came too early."
        }
        table {
            tr { th { "storm" } th .n { "reconnection time" } th {} th .n { "connections" } }
            @for (number, time) in rows {
                tr {
                    td { (number) }
                    td .n { (micros(time.time_us)) }
                    td .quiet { @if time.told { "told by retry" } @else { "the default" } }
                    td .n { (thousands(time.slots)) }
                }
            }
        }
    };
    card("Reconnection times in force", false, &table)
}
