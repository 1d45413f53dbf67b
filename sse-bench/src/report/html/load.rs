//! The page of `load`.

use maud::{Markup, html};

use super::{card, page, sections, tile};
use crate::failure::printable;
use crate::report::Report;
use crate::units::{bytes, micros, rate, thousands};

/// Event types listed by name.
const LISTED_TYPES: usize = 20;

/// The page.
pub fn render(report: &Report<'_>) -> String {
    let (head, run, stats) = (&report.head, &report.run, &report.outcome.stats);
    let latency = &run.latency;
    let histograms = [
        ("Delivery latency", stats.delivery.live.distribution()),
        (
            "Delivery latency of replayed events",
            stats.delivery.replayed.distribution(),
        ),
        ("Time to open a stream", stats.open.distribution()),
        (
            "Time away until reconnected",
            stats.reconnect.distribution(),
        ),
    ];
    let rows = [
        ("connect", latency.connect),
        ("open", latency.open),
        ("first event", latency.first_event),
        ("reconnect", latency.reconnect),
        ("delivery", latency.delivery),
        ("replay", latency.replay),
        ("own read lag", run.tool.read_lag),
    ];
    let plan = serde_json::to_value(&run.plan).unwrap_or_default();
    let body = html! {
        (sections::header(head, run.plan.method, &run.plan.url))
        (tiles(report))
        div .cards {
            (sections::thresholds(&report.checks()))
            (types(report))
            (sections::over_time(&report.outcome.series))
            (sections::histograms(&histograms))
            (sections::latencies(&rows))
            (sections::errors(&run.errors))
            (sections::comparison(head))
            (sections::configuration(head, &plan))
        }
        footer { "Bars of histograms and latencies over time are in powers of ten. Latencies include the time that this tool needed to read (own read lag)." }
    };
    page(&format!("sse-bench load: {}", head.verdict), &body)
}

fn tiles(report: &Report<'_>) -> Markup {
    let run = &report.run;
    let (connections, errors) = (&run.connections, run.errors.total);
    html! {
        div .tiles {
            (tile(&thousands(connections.opened), &format!("of {} connections opened", thousands(connections.requested)), connections.never_opened > 0))
            (tile(&thousands(run.deliveries.total), "events", false))
            (tile(&format!("{}/s", rate(run.deliveries.per_second)), "events, while held", false))
            (tile(&format!("{}/s", bytes(run.bytes.per_second)), "received, while held", false))
            @if let Some(delivery) = run.latency.delivery {
                (tile(&micros(delivery.p99_us), "p99 of delivery", false))
            }
            (tile(&thousands(run.reconnects.total), "reconnects", false))
            (tile(&thousands(errors), "errors", errors > 0))
        }
    }
}

fn types(report: &Report<'_>) -> Markup {
    let types = report.outcome.stats.types.by_count();
    if types.is_empty() {
        return html! {};
    }
    let total = report.outcome.totals.deliveries.max(1) as f64;
    let table = html! {
        table {
            tr { th { "type" } th .n { "events" } th .n { "share" } }
            @for (name, count) in types.iter().take(LISTED_TYPES) {
                tr {
                    td { (printable(name)) }
                    td .n { (thousands(*count)) }
                    td .n { (format!("{:.1} %", 100.0 * *count as f64 / total)) }
                }
            }
            @if types.len() > LISTED_TYPES {
                tr { td .quiet { (types.len() - LISTED_TYPES) " more are in the JSON report" } td {} td {} }
            }
        }
    };
    card("Events by type", false, &table)
}
