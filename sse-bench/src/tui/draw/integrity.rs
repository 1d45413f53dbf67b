//! What the verdict would rest on if the run ended now, and the first anomalies.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::panel;
use crate::checker::{Anomaly, Integrity};
use crate::failure::printable;
use crate::tui::theme::Theme;
use crate::tui::view::{Judged, Rules, View};
use crate::units::{seconds, thousands};
use std::time::Duration;

/// Of the panel, frame included.
pub(super) const HEIGHT: u16 = 8;
pub(super) const WIDTH: u16 = 38;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let title = match &view.judged {
        Some(judged) => format!(" so far, judged at {} ", time(judged.at)),
        None => " not judged yet ".to_owned(),
    };
    let inside = panel(frame, area, title, theme);
    let nothing = Judged::default();
    let judged = view.judged.as_ref().unwrap_or(&nothing);
    let rules = view.title.judged.clone().unwrap_or_default();
    let counts = judged.findings.integrity;
    let mut lines = vec![Line::from(vec![
        Span::styled(thousands(counts.received), theme.strong()),
        Span::raw(format!(" of {} owed", thousands(counts.expected))),
    ])];
    let cells = cells(&counts, &rules);
    for pair in cells.chunks(2) {
        let spans = pair.iter().flat_map(|cell| {
            let style = cell.style(theme);
            [
                Span::styled(format!("{:<10}", cell.name), theme.label()),
                Span::styled(format!("{:<8}", thousands(cell.count)), style),
            ]
        });
        lines.push(Line::from(spans.collect::<Vec<_>>()));
    }
    if let Some(at) = judged.given_up {
        let text = format!("since {} too much to judge on the way", time(at));
        lines.insert(1, Line::styled(text, theme.open_question()));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

struct Cell {
    name: &'static str,
    count: u64,
    fails: bool,
}

impl Cell {
    fn style(&self, theme: Theme) -> Style {
        match (self.count, self.fails) {
            (0, _) => theme.good(),
            (_, true) => theme.bad(),
            (_, false) => theme.open_question(),
        }
    }
}

/// In order of their weight: a low panel shows the first.
fn cells(counts: &Integrity, rules: &Rules) -> Vec<Cell> {
    let cell = |name, count, fails| Cell { name, count, fails };
    vec![
        cell("missing", counts.missing, true),
        cell("duplicate", counts.duplicate, !rules.allow_duplicates),
        cell("gap", counts.gap, true),
        cell("reorder", counts.reorder, true),
        cell("lost", counts.lost_after_reconnect, true),
        cell("conflict", counts.id_conflict, true),
        cell("past hole", counts.cursor_past_hole, true),
        cell("stall", counts.stall, true),
        cell("announced", counts.declared_gap, rules.strict),
        cell("unkeyed", counts.unkeyed, false),
    ]
}

pub(super) fn draw_anomalies(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let inside = panel(frame, area, " first anomalies ", theme);
    let anomalies = view.anomalies();
    if anomalies.is_empty() {
        let none = Line::styled("none so far", theme.good());
        return frame.render_widget(none, inside);
    }
    let room = usize::from(inside.height);
    let mut lines: Vec<_> = anomalies
        .iter()
        .take(room)
        .map(|anomaly| line(anomaly, theme))
        .collect();
    if anomalies.len() > room
        && let Some(last) = lines.last_mut()
    {
        let more = anomalies.len() + 1 - room;
        *last = Line::styled(format!("and {more} more in the report"), theme.label());
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn line(anomaly: &Anomaly, theme: Theme) -> Line<'static> {
    let Anomaly {
        slot, leg, count, ..
    } = anomaly;
    let mut spans = vec![
        Span::styled(format!("{:>7} ", time(anomaly.at)), theme.label()),
        Span::styled(anomaly.kind.name(), theme.bad()),
        Span::raw(format!(" slot {slot} leg {leg}")),
    ];
    if *count > 1 {
        spans.push(Span::raw(format!(", {}", thousands(*count))));
    }
    let ends = [&anomaly.first, &anomaly.last].map(|id| id.as_deref().map(printable));
    let ids = match ends {
        [Some(first), Some(last)] if first != last => format!(": {first} to {last}"),
        [Some(first), _] => format!(": {first}"),
        _ => String::new(),
    };
    spans.push(Span::styled(ids, theme.label()));
    Line::from(spans)
}

fn time(micros: u64) -> String {
    seconds(Duration::from_micros(micros))
}
