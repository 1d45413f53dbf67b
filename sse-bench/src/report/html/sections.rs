//! The parts of a page that the reports of several commands have.

use maud::{Markup, html};
use serde::Serialize;
use serde_json::Value;

use super::chart::{Chart, Line};
use super::{card, histogram, tag};
use crate::failure::printable;
use crate::histogram::Summary;
use crate::report::check::{Check, CheckResult};
use crate::report::cohorts::Cohort;
use crate::report::head::{Errors, Head};
use crate::series::{Distribution, Sample, Series};
use crate::stats::EventTypes;
use crate::units::{bytes, micros, rate, seconds, thousands};

/// Event types listed by name.
const LISTED_TYPES: usize = 20;

/// The verdict, why, of what and when.
pub fn header(head: &Head, method: &str, url: &str) -> Markup {
    let length = seconds(std::time::Duration::from_micros(head.elapsed_us));
    html! {
        header {
            span class={ "verdict " (head.verdict) } { (head.verdict) }
            h1 { (sentence(&printable(&head.reason))) }
            div .target { (method) " " (printable(url)) }
            div .quiet { "sse-bench " (head.command) ", " (length) ", started " (head.started_at) ", exit code " (head.exit_code) }
        }
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first.map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// Thresholds and what came of each; nothing where there are none.
pub fn thresholds(checks: &[Check]) -> Markup {
    let of_thresholds = || checks.iter().filter(|check| check.group == "threshold");
    if of_thresholds().next().is_none() {
        return html! {};
    }
    let table = html! {
        table {
            @for check in of_thresholds() {
                tr {
                    td { code { (printable(&check.name)) } }
                    td { (check.seen) }
                    td .n { (tag(verdict(check.result))) }
                }
            }
        }
    };
    card("Thresholds", false, &table)
}

/// An earlier run beside this one; nothing where there is none.
pub fn comparison(head: &Head) -> Markup {
    let Some(comparison) = &head.comparison else {
        return html! {};
    };
    let table = html! {
        p .quiet { (printable(&comparison.baseline)) }
        @for difference in &comparison.differences {
            p { "Not the same: " (printable(&difference.key)) " was " code { (printable(&difference.before.to_string())) } ", is " code { (printable(&difference.after.to_string())) } }
        }
        div .scroll {
            table {
                tr { th { "metric" } th .n { "before" } th .n { "after" } th .n { "change" } th .n { "at most" } th .n {} }
                @for row in &comparison.metrics {
                    tr {
                        td { (row.metric) }
                        td .n { (row.shown.0) }
                        td .n { (row.shown.1) }
                        td .n { @if let Some(change) = row.change_percent { (format!("{change:+.1} %")) } }
                        td .n { @if let Some(limit) = row.limit_percent { (limit) " % worse" } }
                        td .n {
                            @if row.regressed { (tag("fail")) }
                            @else if let Some(direction @ ("better" | "worse")) = row.direction { span .quiet { (direction) } }
                        }
                    }
                }
            }
        }
    };
    card("Compared with an earlier run", true, &table)
}

/// The class and name of a result.
pub fn verdict(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Held => "pass",
        CheckResult::Failed => "fail",
        CheckResult::Undecided => "inconclusive",
        CheckResult::NotApplicable => "not_applicable",
    }
}

/// Events and bytes over time.
pub fn rates(series: &Series) -> Markup {
    let samples = series.samples();
    if samples.is_empty() {
        return html! {};
    }
    let rate = |name, amount: fn(&Sample) -> u64| {
        let value = |sample: &Sample| Some(sample.per_second(amount(sample)));
        vec![line(samples, name, "c1", value)]
    };
    html! {
        (card("Events per second", false, &chart(samples, rate("events/s", |sample| sample.deliveries), number)))
        (card("Bytes per second", false, &chart(samples, rate("bytes/s", |sample| sample.bytes), decimal_bytes)))
    }
}

/// Requests that end, over time: those done are the sum of this name, those that failed its errors.
pub fn requests(series: &Series, done: &str) -> Markup {
    let samples = series.samples();
    if samples.is_empty() {
        return html! {};
    }
    let done = series.counted(done).into_iter().zip(samples);
    let done = done.map(|(count, sample)| Some(sample.per_second(count)));
    let ended = vec![
        Line {
            name: "done",
            class: "c1",
            values: done.collect(),
        },
        line(samples, "failed", "c3", |sample| {
            Some(sample.per_second(sample.errors))
        }),
    ];
    let underway = vec![line(samples, "under way", "c1", |sample| {
        Some(sample.open as f64)
    })];
    html! {
        (card("Requests per second", false, &chart(samples, ended, number)))
        (card("Requests under way", false, &chart(samples, underway, number)))
    }
}

/// Rates, connections and latencies over time.
pub fn over_time(series: &Series) -> Markup {
    html! {
        (rates(series))
        (connections(series))
        (latency(series, "Delivery latency over time", "delivery"))
        (latency(series, "Time away until reconnected", "reconnect"))
    }
}

/// Connections by state, reconnects and errors over time.
pub fn connections(series: &Series) -> Markup {
    let samples = series.samples();
    if samples.is_empty() {
        return html! {};
    }
    let states = vec![
        line(samples, "open", "c1", |sample| Some(sample.open as f64)),
        line(samples, "away", "c2", |sample| Some(sample.away as f64)),
        line(samples, "over for good", "c3", |sample| {
            Some(sample.ended as f64)
        }),
        line(samples, "not yet opened", "c5", |sample| {
            Some(sample.unopened as f64)
        }),
    ];
    html! {
        (card("Connections by state", false, &stacked(samples, states, number)))
        @if samples.iter().any(|sample| sample.reconnects + sample.errors > 0) {
            (card("Reconnects and errors per second", false, &chart(samples, vec![
                line(samples, "reconnects", "c1", |sample| Some(sample.per_second(sample.reconnects))),
                line(samples, "errors", "c3", |sample| Some(sample.per_second(sample.errors))),
            ], number)))
        }
    }
}

/// The durations of this name over time; nothing where none was measured.
pub fn latency(series: &Series, title: &str, name: &str) -> Markup {
    let samples = series.samples();
    let mut measured = samples
        .iter()
        .filter_map(|sample| sample.latencies.of(name));
    if measured.next().is_none() {
        return html! {};
    }
    let quantile = |part: f64| {
        move |sample: &Sample| {
            let quantile = sample.latencies.of(name)?.quantile_us(part)?;
            Some(quantile.max(1) as f64)
        }
    };
    let mut chart = plain(
        samples,
        vec![
            line(samples, "p50", "c1", quantile(0.5)),
            line(samples, "p99", "c2", quantile(0.99)),
            line(samples, "max", "c3", quantile(1.0)),
        ],
        |value| micros(value as u64),
    );
    chart.log = true;
    chart.label = |value| histogram::round_micros(value as u64);
    card(title, false, &chart.draw())
}

/// Of any size, without decimals where they are 0.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        thousands(value.round() as u64)
    } else {
        format!("{value:.1}")
    }
}

/// In powers of 1,000, as the labels of an axis are.
fn decimal_bytes(value: f64) -> String {
    match value {
        1e9.. => format!("{} GB", number(value / 1e9)),
        1e6.. => format!("{} MB", number(value / 1e6)),
        1e3.. => format!("{} kB", number(value / 1e3)),
        _ => format!("{} B", number(value)),
    }
}

fn line(
    samples: &[Sample],
    name: &'static str,
    class: &'static str,
    value: impl Fn(&Sample) -> Option<f64>,
) -> Line {
    Line {
        name,
        class,
        values: samples.iter().map(value).collect(),
    }
}

fn plain(samples: &[Sample], lines: Vec<Line>, show: fn(f64) -> String) -> Chart {
    let times = samples.iter().map(|sample| {
        let end = sample.at.as_secs_f64();
        (end - sample.length.as_secs_f64(), end)
    });
    Chart {
        times: times.collect(),
        lines,
        log: false,
        stacked: false,
        show,
        label: show,
    }
}

fn chart(samples: &[Sample], lines: Vec<Line>, show: fn(f64) -> String) -> Markup {
    plain(samples, lines, show).draw()
}

fn stacked(samples: &[Sample], lines: Vec<Line>, show: fn(f64) -> String) -> Markup {
    let mut chart = plain(samples, lines, show);
    chart.stacked = true;
    chart.draw()
}

/// All distributions in a table.
pub fn latencies(rows: &[(&str, Option<Summary>)]) -> Markup {
    let measured = || {
        rows.iter()
            .filter_map(|(name, summary)| Some((name, (*summary)?)))
    };
    if measured().next().is_none() {
        return html! {};
    }
    let table = html! {
        div .scroll {
            table {
                tr {
                    th {}
                    @for name in ["p50", "p90", "p99", "p99.9", "max", "count"] { th .n { (name) } }
                }
                @for (name, summary) in measured() {
                    tr {
                        td { (name) }
                        @for value in [summary.p50_us, summary.p90_us, summary.p99_us, summary.p999_us, summary.max_us] {
                            td .n { (micros(value)) }
                        }
                        td .n { (thousands(summary.count)) }
                    }
                }
            }
        }
    };
    card("Latency", true, &table)
}

/// A histogram for each distribution that has values.
pub fn histograms(all: &[(&str, Distribution)]) -> Markup {
    html! {
        @for (name, distribution) in all.iter().filter(|(_, distribution)| distribution.count() > 0) {
            (card(name, false, &histogram::draw(distribution)))
        }
    }
}

/// How often each type, or what else has a name, was counted.
pub fn types(title: &str, types: &EventTypes, total: u64) -> Markup {
    let counts = types.by_count();
    if counts.is_empty() {
        return html! {};
    }
    let share = |count: u64| format!("{:.1} %", 100.0 * count as f64 / total.max(1) as f64);
    let (listed, others) = counts.split_at(counts.len().min(LISTED_TYPES));
    let table = html! {
        table {
            tr { th {} th .n { "count" } th .n { "share" } }
            @for (name, count) in listed {
                tr { td { (printable(name)) } td .n { (thousands(*count)) } td .n { (share(*count)) } }
            }
            @if !others.is_empty() {
                tr { td .quiet { (others.len()) " more are in the JSON report" } td {} td {} }
            }
        }
    };
    card(title, false, &table)
}

/// Connections that read slowly, and the others beside them; nothing where all read as fast as they can.
pub fn cohorts(cohorts: &[Cohort]) -> Markup {
    if cohorts.iter().all(|cohort| cohort.opened == 0) {
        return html! {};
    }
    let table = html! {
        div .scroll {
            table {
                tr {
                    th { "cohort" }
                    @for name in ["opened", "events each", "received", "ended", "cut", "p50 of delivery", "p99"] { th .n { (name) } }
                }
                @for cohort in cohorts {
                    tr {
                        td { (cohort.name) }
                        td .n { (thousands(cohort.opened)) }
                        td .n { @if let Some(each) = cohort.deliveries_per_connection { (rate(each)) } }
                        td .n { (bytes(cohort.bytes as f64)) }
                        td .n { (thousands(cohort.ended_by_server)) }
                        td .n { (thousands(cohort.cut_by_server)) }
                        @for value in [cohort.delivery.map(|it| it.p50_us), cohort.delivery.map(|it| it.p99_us)] {
                            td .n { @if let Some(value) = value { (micros(value)) } }
                        }
                    }
                }
            }
        }
        p .quiet { "Ended or cut: by the server." }
    };
    card("Slow readers and the others", true, &table)
}

/// What went wrong with connections.
pub fn errors(errors: &Errors<'_>) -> Markup {
    if errors.total == 0 {
        return html! {};
    }
    let table = html! {
        table {
            tr { th { "kind" } th .n { "count" } th { "the first of them" } }
            @for (name, kind) in errors.by_count() {
                tr { td { (name) } td .n { (thousands(kind.count)) } td { (kind.example) } }
            }
        }
    };
    card("Errors", true, &table)
}

/// The command line, what was planned, and where it ran.
pub fn planned(head: &Head, plan: &impl Serialize) -> Markup {
    configuration(head, &serde_json::to_value(plan).unwrap_or_default())
}

fn configuration(head: &Head, plan: &Value) -> Markup {
    let host = &head.host;
    let machine = [
        Some(host.os.to_owned()),
        host.kernel.clone(),
        Some(host.arch.to_owned()),
        host.cores.map(|cores| format!("{cores} cores")),
    ];
    let machine: Vec<_> = machine.into_iter().flatten().collect();
    let line: Vec<_> = head
        .command_line
        .iter()
        .map(|argument| quoted(argument))
        .collect();
    let content = html! {
        pre { "sse-bench " (printable_whole(&line.join(" "))) }
        table {
            @for (key, value) in plan.as_object().into_iter().flatten() {
                tr { td .quiet { (key.trim_end_matches("_us").replace('_', " ")) } td { (setting(key, value)) } }
            }
            tr { td .quiet { "machine" } td { (machine.join(", ")) } }
            tr { td .quiet { "sse-bench" } td { (head.version) } }
        }
    };
    card("Configuration", true, &content)
}

fn setting(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Number(number) if key.ends_with("_us") => {
            micros(number.as_u64().unwrap_or_default())
        }
        Value::Number(number) if key != "seed" => number
            .as_u64()
            .map_or_else(|| number.to_string(), thousands),
        Value::String(text) => printable_whole(text),
        other => printable_whole(&other.to_string()),
    }
}

/// As a shell takes it.
fn quoted(argument: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// Of any length, without control characters.
fn printable_whole(text: &str) -> String {
    let pieces: Vec<char> = text.chars().collect();
    pieces
        .chunks(64)
        .map(|piece| printable(&piece.iter().collect::<String>()))
        .collect()
}
