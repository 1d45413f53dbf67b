//! The page of `verify`.

use maud::{Markup, html};

use super::report::{VerifyReport, property_name};
use super::verdict::Verdict;
use crate::failure::printable;
use crate::report::Formats;
use crate::report::html::scatter::{Dot, draw};
use crate::report::html::{card, sections, tag, tile};
use crate::units::{micros, thousands};

/// What stands on the page.
pub(super) fn render(report: &VerifyReport<'_>) -> Markup {
    let (head, run, stats) = (&report.head, &report.run, &report.outcome.stats);
    let histograms = [
        ("Time to open a stream", stats.open.distribution()),
        (
            "Time away until reconnected",
            stats.reconnect.distribution(),
        ),
    ];
    let rows = [
        ("connect", run.latency.connect),
        ("open", run.latency.open),
        ("reconnect", run.latency.reconnect),
    ];
    html! {
        (sections::header(head, run.plan.method, &run.plan.url))
        (tiles(report))
        div .cards {
            (properties(report))
            (sections::thresholds(&report.checks()))
            (anomalies(report))
            (strata(report))
            (catch_up(report))
            (sections::over_time(&report.outcome.series))
            (sections::histograms(&histograms))
            (sections::latencies(&rows))
            (sections::errors(&run.errors))
            (sections::comparison(head))
            (sections::planned(head, &run.plan))
        }
        footer { "Latency is no part of the verdict. Durations are drawn in powers of ten." }
    }
}

fn tiles(report: &VerifyReport<'_>) -> Markup {
    let (integrity, run) = (&report.run.integrity, &report.run);
    html! {
        div .tiles {
            (tile(&thousands(integrity.received), &format!("of {} owed events received", thousands(integrity.expected)), false))
            (tile(&thousands(integrity.missing), "missing", integrity.missing > 0))
            (tile(&thousands(integrity.duplicate), "received again", integrity.duplicate > 0 && !run.plan.allow_duplicates))
            (tile(&thousands(integrity.reorder), "out of order", integrity.reorder > 0))
            (tile(&thousands(run.reconnects.total), "reconnects", false))
            (tile(&thousands(run.connections.opened), &format!("of {} connections opened", thousands(run.connections.requested)), run.connections.never_opened > 0))
        }
    }
}

fn properties(report: &VerifyReport<'_>) -> Markup {
    let table = html! {
        table {
            tr { th { "property" } th { "verdict" } th { "coverage" } th { "why" } }
            @for property in &report.judgement.properties {
                @let (held, of, unit) = property.coverage;
                @let verdict = property.verdict.name();
                tr {
                    td { (property_name(property.name)) }
                    td { (tag(verdict)) }
                    td {
                        @if property.verdict != Verdict::NotApplicable {
                            (thousands(held)) " of " (thousands(of)) " " (unit)
                            div class={ "meter " (verdict) } {
                                i style={ "width:" (format!("{:.1}%", 100.0 * held as f64 / of.max(1) as f64)) } {}
                            }
                        }
                    }
                    td .quiet { (printable(&property.note)) }
                }
            }
        }
    };
    card("Properties", true, &html! { div .scroll { (table) } })
}

fn anomalies(report: &VerifyReport<'_>) -> Markup {
    let anomalies = &report.run.anomalies;
    if anomalies.is_empty() {
        return html! {};
    }
    let name = |id: Option<&str>| id.map(printable).unwrap_or_default();
    let table = html! {
        div .scroll {
            table {
                tr { th .n { "after" } th { "what" } th .n { "events" } th { "connection" } th { "first" } th { "last" } }
                @for anomaly in anomalies {
                    tr {
                        td .n { (micros(anomaly.at_us)) }
                        td { (anomaly.kind.replace('_', " ")) }
                        td .n { (thousands(anomaly.count)) }
                        td { "slot " (anomaly.slot) ", leg " (anomaly.leg) }
                        td { code { (name(anomaly.first)) } }
                        td { code { (name(anomaly.last)) } }
                    }
                }
            }
        }
    };
    card("First anomalies of each kind", true, &table)
}

fn strata(report: &VerifyReport<'_>) -> Markup {
    let strata = &report.run.strata;
    if strata.is_empty() {
        return html! {};
    }
    let table = html! {
        div .scroll {
            table {
                tr { th { "cut" } th { "at" } th { "away" } th .n { "reconnects" } th .n { "complete" } th .n { "incomplete" } th .n { "nothing owed" } }
                @for stratum in strata {
                    tr {
                        td { (stratum.cut) }
                        td { (stratum.at) }
                        td { (stratum.outage) }
                        td .n { (thousands(stratum.reconnects)) }
                        td .n { (thousands(stratum.complete)) }
                        td .n { (thousands(stratum.incomplete)) }
                        td .n { (thousands(stratum.vacuous)) }
                    }
                }
            }
        }
    };
    card("Replays by the manner of the cut", true, &table)
}

/// How long each reconnect took to have all that was owed to it.
fn catch_up(report: &VerifyReport<'_>) -> Markup {
    let legs = &report.outcome.findings.legs;
    let dots: Vec<_> = legs
        .sample
        .iter()
        .filter_map(|leg| {
            Some(Dot {
                at: leg.lost as f64 / 1e6,
                lasted: leg.caught_up?.saturating_sub(leg.lost).max(1) as f64,
                kind: usize::from(leg.complete != Some(true)),
            })
        })
        .collect();
    if dots.is_empty() {
        return html! {};
    }
    let end = report.outcome.elapsed.as_secs_f64();
    let kinds = [("all that was owed", "c1"), ("not all of it", "c3")];
    card(
        "From the loss of a connection until it had caught up",
        false,
        &draw(&dots, legs.each, end, &kinds),
    )
}
