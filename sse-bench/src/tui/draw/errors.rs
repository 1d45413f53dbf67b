//! Failures by kind, the most frequent first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::panel;
use crate::failure::Failures;
use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::units::thousands;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let total = view.feed.now.failures;
    let title = match total {
        0 => " errors ".to_owned(),
        _ => format!(" errors: {} ", thousands(total)),
    };
    let inside = panel(frame, area, title, theme);
    if view.pulse.failures.total() == 0 {
        let style = if total == 0 {
            theme.good()
        } else {
            theme.label()
        };
        let text = if total == 0 { "none" } else { "" };
        return frame.render_widget(Line::styled(text, style), inside);
    }
    list(frame, inside, &view.pulse.failures, theme);
}

/// As many kinds as there is room for.
pub(super) fn list(frame: &mut Frame<'_>, inside: Rect, failures: &Failures, theme: Theme) {
    let mut kinds: Vec<_> = failures.iter().collect();
    kinds.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.count));
    let room = usize::from(inside.height);
    // With its example a kind takes two lines, where all have that much room.
    let examples = kinds.len() * 2 <= room;
    let mut lines = Vec::new();
    for (kind, counted) in kinds.iter().take(room) {
        let count = format!("{:>7} ", thousands(counted.count));
        lines.push(Line::from(vec![
            Span::styled(count, theme.bad()),
            Span::raw(kind.to_string()),
        ]));
        if examples {
            lines.push(Line::styled(counted.example.clone(), theme.label()));
        }
    }
    if kinds.len() > room
        && let Some(last) = lines.last_mut()
    {
        *last = Line::styled(
            format!("and {} more kinds", kinds.len() + 1 - room),
            theme.label(),
        );
    }
    frame.render_widget(Paragraph::new(lines), inside);
}
