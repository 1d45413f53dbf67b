//! The page of `load`.

use maud::{Markup, html};

use super::{card, sections, tile};
use crate::failure::printable;
use crate::report::{Formats, Report};
use crate::units::{bytes, micros, rate, thousands};

/// What stands on the page.
pub fn render(report: &Report<'_>) -> Markup {
    let (head, run, stats) = (&report.head, &report.run, &report.outcome.stats);
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
    html! {
        (sections::header(head, run.plan.method, &run.plan.url))
        (tiles(report))
        div .cards {
            (sections::thresholds(&report.checks()))
            (sections::types("Events by type", &stats.types, report.outcome.totals.deliveries))
            (publishing(report))
            (sections::cohorts(&run.cohorts))
            (sections::over_time(&report.outcome.series))
            (sections::histograms(&histograms))
            (sections::latencies(&run.latencies()))
            (sections::errors(&run.errors))
            (sections::comparison(head))
            (sections::planned(head, &run.plan))
        }
        footer { "Bars of histograms and latencies over time are in powers of ten. Latencies include the time that this tool needed to read (own read lag)." }
    }
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

fn publishing(report: &Report<'_>) -> Markup {
    let Some(own) = &report.run.publishing else {
        return html! {};
    };
    let row = |name: &str, count: Option<u64>| {
        html! {
            @if let Some(count) = count { tr { td { (name) } td .n { (thousands(count)) } } }
        }
    };
    let table = html! {
        p .quiet { (printable(&own.url)) ", " (thousands(own.rate.into())) " events a second" }
        table {
            (row("sent", Some(own.sent)))
            (row("acknowledged", Some(own.acknowledged)))
            (row("acknowledged too late to be owed", Some(own.acknowledged_late).filter(|count| *count > 0)))
            (row("waited for a free request", Some(own.waited).filter(|count| *count > 0)))
            (row("deliveries owed", own.owed))
            (row("delivered", own.delivered))
            (row("undelivered", own.undelivered))
            (row("not judged: the run ended too early", Some(own.unjudged).filter(|count| *count > 0)))
            tr { td { "sent late, at most" } td .n { (micros(own.late_us)) } }
            @if let Some(answer) = own.acknowledge { tr { td { "p99 of the answers" } td .n { (micros(answer.p99_us)) } } }
            @for (kind, error) in own.errors.by_count() {
                tr { td { (kind) ": " (error.example) } td .n { (thousands(error.count)) } }
            }
        }
    };
    card("Own publishing", false, &table)
}
