//! Requests by what became of them, in order of their weight: a low panel shows the first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::connections::{WIDTH, bar};
use super::panel;
use crate::failure::printable;
use crate::tui::theme::Theme;
use crate::tui::view::{Requests, View};
use crate::units::thousands;

/// Counts of the pulse, and what they are called.
const FAILED: [(&str, &str); 5] = [
    ("cut_short", "cut short"),
    ("errors_in_stream", "told of an error"),
    ("refused", "refused"),
    ("not_answered", "not answered"),
    ("timed_out", "timed out"),
];
const OTHERS: [(&str, &str); 3] = [
    ("without_content", "without content"),
    ("waited", "waited"),
    ("stalls", "stalls"),
];

pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View,
    requests: &Requests,
    theme: Theme,
) {
    let inside = panel(frame, area, " under way ", theme);
    let (slots, now) = (&view.slots, &view.feed.now);
    let all = view.title.connections;
    let parts = [
        ("█", "under way", slots.open, theme.good()),
        (
            "·",
            "idle",
            slots.waiting + slots.connecting + slots.to_come,
            theme.label(),
        ),
        ("×", "over", slots.ended, theme.label()),
    ];
    let mut lines = vec![
        Line::from(vec![
            Span::styled(thousands(slots.open), theme.strong()),
            Span::raw(format!(" of at most {}", thousands(all))),
        ]),
        bar(&parts, all, inside.width),
        row("done", now.requests, theme.good()),
        row("failed", now.failures, failed(now.failures, theme)),
    ];
    lines.extend(goodput(view, requests, theme));
    let counts = FAILED.iter().map(|it| (it, theme.bad()));
    let others = OTHERS.iter().map(|it| (it, theme.open_question()));
    for ((key, name), style) in counts.chain(others) {
        let count = view.pulse.count(key);
        if count > 0 {
            lines.push(row(&format!("  {name}"), count, style));
        }
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn goodput(view: &View, requests: &Requests, theme: Theme) -> Vec<Line<'static>> {
    let Some(limits) = &requests.goodput else {
        return Vec::new();
    };
    let share = match view.goodput() {
        Some(share) => Span::styled(format!("{:>10.1} %", 100.0 * share), theme.strong()),
        None => Span::styled(format!("{:>12}", "not yet"), theme.label()),
    };
    vec![
        Line::from(vec![label("goodput"), share]),
        Line::styled(format!("  {}", printable(limits)), theme.label()),
    ]
}

fn failed(count: u64, theme: Theme) -> Style {
    if count > 0 { theme.bad() } else { theme.good() }
}

fn row(name: &str, count: u64, style: Style) -> Line<'static> {
    let count = format!("{:>12}", thousands(count));
    Line::from(vec![label(name), Span::styled(count, style)])
}

fn label(name: &str) -> Span<'static> {
    let width = usize::from(WIDTH) - 2 - 13;
    Span::raw(format!("{name:<width$}"))
}
