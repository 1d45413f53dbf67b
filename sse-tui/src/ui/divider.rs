//! Rows between the events: a connection that came or went, events that are
//! missing.

use super::pen::Pen;
use crate::app::{App, DeclaredGap};
use crate::connection::Verdict;
use crate::format;
use crate::store::{Row, RowKind};
use crate::theme::Theme;

/// A line across the list, with what happened; of a reconnect also what became
/// of the events in between, as far as is known by now.
pub(super) fn draw(pen: &mut Pen<'_>, row: &Row<'_>, app: &App, theme: &Theme) {
    let style = match row.kind {
        RowKind::Opened => theme.good,
        RowKind::Gap | RowKind::Away => theme.warn,
        RowKind::Lost | RowKind::Closed | RowKind::Missing | RowKind::Event => theme.bad,
    };
    pen.text("── ", style);
    let verdict = (row.kind == RowKind::Opened)
        .then(|| {
            app.connections
                .get(usize::from(row.source))?
                .find_leg(row.leg)?
                .verdict()
        })
        .flatten();
    match (row.kind, verdict) {
        (RowKind::Gap, _) => {
            pen.foreign(&gap(row), style);
        }
        (_, Some((text, verdict))) => {
            let (head, tail) = row.data.split_once(" · ").unwrap_or((row.data, ""));
            let verdict = match verdict {
                Verdict::Complete => theme.good,
                Verdict::Unknown => theme.warn,
                Verdict::Lost => theme.bad,
            };
            pen.foreign(head, style).text(" · ", style);
            pen.text(&text, verdict).text(" · ", style);
            pen.foreign(tail, style);
        }
        _ => {
            pen.foreign(row.data, style);
        }
    }
    pen.text(" ", style).fill("─", style);
}

/// A gap that the server declared.
fn gap(row: &Row<'_>) -> String {
    let Some(gap) = DeclaredGap::parse(row.event_type, row.data) else {
        return "gap".to_owned();
    };
    let missed = match gap.missed {
        Some(1) => "1 event missed".to_owned(),
        Some(missed) => format!("{} events missed", format::count(missed)),
        None => "events missed".to_owned(),
    };
    let oldest = gap
        .oldest
        .map(|oldest| format!(" · oldest kept {oldest}"))
        .unwrap_or_default();
    format!("gap · {} · {missed}{oldest}", gap.reason)
}
