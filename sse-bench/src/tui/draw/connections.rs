//! Connections by state: a bar, and what its parts mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::{panel, split};
use crate::tui::theme::Theme;
use crate::tui::view::{Slots, View};
use crate::units::thousands;

pub(super) const WIDTH: u16 = 34;

/// The parts of the bar, told apart without colour too.
fn parts(slots: &Slots, theme: Theme) -> [(&'static str, &'static str, u64, Style); 5] {
    [
        ("█", "open", slots.open, theme.good()),
        ("▓", "connecting", slots.connecting, theme.open_question()),
        ("▒", "to reconnect", slots.waiting, theme.away()),
        ("×", "over", slots.ended, theme.bad()),
        ("·", "to come", slots.to_come, theme.label()),
    ]
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let inside = panel(frame, area, " connections ", theme);
    let all = view.title.connections;
    let parts = parts(&view.slots, theme);
    let mut lines = vec![
        Line::from(vec![
            Span::styled(thousands(view.slots.open), theme.strong()),
            Span::raw(format!(" of {} open", thousands(all))),
        ]),
        bar(&parts, all, inside.width),
    ];
    let given_up = view.feed.now.given_up;
    for (symbol, name, count, style) in parts {
        let mut line = vec![
            Span::styled(symbol, style),
            Span::styled(format!(" {name:<13}"), theme.label()),
            Span::raw(format!("{:>9}", thousands(count))),
        ];
        if name == "over" && given_up > 0 {
            let text = format!(" {} lost", thousands(given_up));
            line.push(Span::styled(text, theme.bad()));
        }
        lines.push(Line::from(line));
    }
    let (text, rest) = split(inside, lines.len() as u16);
    frame.render_widget(Paragraph::new(lines), text);
    if rest.height >= 3 {
        let (name, curve) = split(rest, 1);
        frame.render_widget(Line::styled("open over time", theme.label()), name);
        let latest = view.points.len().saturating_sub(curve.width as usize);
        let open = view.points[latest..].iter().map(|point| point.open);
        let sparkline = Sparkline::default().max(all.max(1)).style(theme.good());
        frame.render_widget(sparkline.data(open.collect::<Vec<_>>()), curve);
    }
}

/// Each part that is not empty has a cell at least.
pub(super) fn bar(
    parts: &[(&'static str, &str, u64, Style)],
    all: u64,
    width: u16,
) -> Line<'static> {
    let cells = |count: u64| {
        let exact = count as f64 / all.max(1) as f64 * f64::from(width);
        (exact.round() as usize).max(usize::from(count > 0))
    };
    let mut cells: Vec<_> = parts.iter().map(|(_, _, count, _)| cells(*count)).collect();
    // What was rounded up is taken from the largest part.
    let beyond = cells.iter().sum::<usize>().saturating_sub(width.into());
    if let Some(largest) = cells.iter_mut().max() {
        *largest = largest.saturating_sub(beyond);
    }
    let parts = parts.iter().zip(cells);
    let spans =
        parts.map(|((symbol, _, _, style), cells)| Span::styled(symbol.repeat(cells), *style));
    Line::from(spans.collect::<Vec<_>>())
}
