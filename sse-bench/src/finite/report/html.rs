//! The page of `load --until-done`.

use maud::{Markup, html};

use super::FiniteReport;
use crate::failure::printable;
use crate::finite::{AmountSummary, DONE};
use crate::report::Formats;
use crate::report::html::{card, sections, tile};
use crate::units::{bytes, micros, rate, thousands};

/// What stands on the page.
pub(super) fn render(report: &FiniteReport<'_>) -> Markup {
    let (head, run, tally) = (&report.head, &report.run, &report.outcome.tally);
    let series = &report.outcome.series;
    let histograms = [
        ("Time to the first event", tally.ttfe.distribution()),
        ("Time to the first content", tally.ttfc.distribution()),
        ("Gap between two events", tally.gap.distribution()),
        ("Time to the end marker", tally.duration.distribution()),
        ("Wait for a free connection", tally.waited.distribution()),
    ];
    let from = match run.plan.rate {
        Some(_) => "Times count from the intended start of a request.",
        None => "Times count from the start of a request.",
    };
    html! {
        (sections::header(head, run.plan.method, &run.plan.url))
        (tiles(report))
        div .cards {
            (sections::thresholds(&report.checks()))
            (requests(report))
            (streams(report))
            (sections::types("Answers by the reason they ended for", &tally.finishes, run.requests.completed))
            (sections::types("Events by type", &tally.types, run.deliveries.total))
            (sections::requests(series, DONE))
            (sections::latency(series, "Time to the first event, over time", "ttfe"))
            (sections::latency(series, "Time to the first content, over time", "ttfc"))
            (sections::latency(series, "Gap between two events, over time", "gap"))
            (sections::latency(series, "Time to the end marker, over time", "duration"))
            (sections::rates(series))
            (sections::histograms(&histograms))
            (sections::latencies(&run.latencies()))
            (sections::errors(&run.errors))
            (sections::comparison(head))
            (sections::planned(head, &run.plan))
        }
        footer { (from) " Bars of histograms and latencies over time are in powers of ten. A gap of 0 stands where one read brought both events." }
    }
}

fn tiles(report: &FiniteReport<'_>) -> Markup {
    let (run, requests) = (&report.run, &report.run.requests);
    html! {
        div .tiles {
            (tile(&thousands(requests.completed), &format!("of {} requests done", thousands(requests.started)), false))
            (tile(&format!("{}/s", rate(requests.per_second)), "requests", false))
            (tile(&thousands(requests.failed), "failed", requests.failed > 0))
            @for (name, summary) in [("first event", run.latency.ttfe), ("first content", run.latency.ttfc), ("gap", run.latency.gap)] {
                @if let Some(summary) = summary {
                    (tile(&micros(summary.p99_us), &format!("p99 of {name}"), false))
                }
            }
            @if let Some(share) = run.goodput.as_ref().and_then(|goodput| goodput.share) {
                (tile(&format!("{:.1} %", 100.0 * share), "goodput", false))
            }
            (tile(&thousands(run.streams.stalls), "stalls", run.streams.stalls > 0))
        }
    }
}

fn requests(report: &FiniteReport<'_>) -> Markup {
    let (plan, requests) = (&report.run.plan, &report.run.requests);
    let of_loop = match plan.rate {
        Some(intended) => format!(
            "open loop: {}/s intended, at most {} under way",
            rate(intended),
            thousands(plan.connections.into())
        ),
        None => format!(
            "closed loop: {} at once",
            thousands(plan.connections.into())
        ),
    };
    let row = |name: &str, count: u64, bad: bool| {
        html! {
            tr { td { (name) } td .n { @if bad && count > 0 { span .tag.fail { (thousands(count)) } } @else { (thousands(count)) } } }
        }
    };
    let table = html! {
        p .quiet { (of_loop) }
        table {
            (row("started", requests.started, false))
            (row("done: up to their end marker", requests.completed, false))
            @for (count, name) in requests.failures() { (row(name, count, true)) }
            @for (count, name) in requests.others() {
                @if count > 0 { (row(name, count, name.starts_with("never"))) }
            }
            @if requests.retry_after.count > 0 { (row("refused with Retry-After", requests.retry_after.count, false)) }
        }
        @if let Some(goodput) = &report.run.goodput {
            p {
                "Goodput: " (thousands(goodput.good)) " of " (thousands(goodput.judged)) " kept " code { (printable(&goodput.limits)) }
                @if let Some(per_second) = goodput.per_second { ", " (rate(per_second)) "/s" }
            }
        }
    };
    card("Requests", false, &table)
}

fn streams(report: &FiniteReport<'_>) -> Markup {
    let run = &report.run;
    let row = |name: &str, summary: Option<AmountSummary>, show: fn(u64) -> String| {
        let Some(it) = summary else {
            return html! {};
        };
        html! {
            tr { td { (name) } @for value in [it.p50, it.p90, it.p99, it.max] { td .n { (show(value)) } } }
        }
    };
    let table = html! {
        table {
            tr { th { "of a stream" } @for name in ["p50", "p90", "p99", "max"] { th .n { (name) } } }
            (row("events", run.streams.events, thousands))
            (row("bytes", run.streams.bytes, |value| bytes(value as f64)))
        }
        p {
            (thousands(run.connections.opened)) " connections opened, " (thousands(run.connections.reused)) " requests on one that was kept; "
            (thousands(run.streams.stalls)) " silences longer than " (micros(run.plan.stall_us))
        }
        @if let Some(mcp) = &run.mcp {
            p { "MCP: " (thousands(mcp.sessions)) " sessions, " (thousands(mcp.json_answers)) " JSON answers, " (thousands(mcp.server_messages)) " messages of the server, " (thousands(mcp.resumed)) " streams resumed" }
        }
        @if let Some(http2) = &run.http2 {
            p { "HTTP/2: " (http2.in_words()) }
        }
    };
    card("Streams", false, &table)
}
