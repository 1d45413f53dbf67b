//! Thresholds as they stand: what is kept to now may yet be breached.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::threshold::Checked;
use crate::tui::theme::Theme;
use crate::tui::view::View;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let room = usize::from(area.height);
    // Those that are not kept to come first.
    let mut all: Vec<_> = view.thresholds.iter().collect();
    all.sort_by_key(|checked| checked.kept.map_or(1, |kept| 2 * u8::from(kept)));
    let more = all.len().saturating_sub(room);
    let mut lines: Vec<_> = all
        .into_iter()
        .take(room)
        .map(|checked| line(checked, theme))
        .collect();
    if more > 0
        && let Some(last) = lines.last_mut()
    {
        last.push_span(Span::styled(format!("  and {more} more"), theme.label()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(checked: &Checked, theme: Theme) -> Line<'static> {
    let (mark, style) = match checked.kept {
        Some(true) => ("kept", theme.good()),
        Some(false) => ("breached", theme.bad()),
        None => ("open", theme.open_question()),
    };
    let value = checked.value.map_or_else(
        || "nothing measured yet".to_owned(),
        |value| format!("{} so far", checked.threshold.show(value)),
    );
    Line::from(vec![
        Span::styled(format!(" {mark:<9}"), style),
        Span::raw(checked.threshold.to_string()),
        Span::styled(format!("  {value}"), theme.label()),
    ])
}
