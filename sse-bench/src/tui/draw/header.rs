//! What runs, against what, how far it is; and the keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph};

use crate::failure::printable;
use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::units::seconds;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let time = time(view);
    let width = time.len() as u16;
    let (first, second) = super::split(area, 1);
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width + 1)]).areas(first);
    let title = Line::from(vec![
        Span::styled(
            format!(" sse-bench {} ", view.title.command),
            theme.strong(),
        ),
        Span::raw(printable(&view.title.url)),
    ]);
    frame.render_widget(title, left);
    frame.render_widget(Paragraph::new(time).right_aligned(), right);
    let done = view.done().unwrap_or_else(|| settled(view));
    let gauge = LineGauge::default()
        .ratio(done)
        .label(Span::styled(
            format!(" {:>5}", view.phase()),
            theme.strong(),
        ))
        .filled_symbol("━")
        .unfilled_symbol("┄")
        .filled_style(theme.curve())
        .unfilled_style(theme.frame());
    frame.render_widget(gauge, second);
}

/// Until it is known how long the run takes, that is how much of it was opened.
fn settled(view: &View) -> f64 {
    let all = view.title.connections.max(1) as f64;
    (view.feed.now.settled as f64 / all).clamp(0.0, 1.0)
}

fn time(view: &View) -> String {
    let elapsed = seconds(view.feed.elapsed);
    match view.feed.left {
        Some(left) => format!("{elapsed}, {} left", seconds(left)),
        None => elapsed,
    }
}

pub(super) fn draw_keys(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let line = if view.ending {
        Line::styled(" ending: the report follows", theme.open_question())
    } else {
        Line::from(vec![
            Span::styled(" q", theme.strong()),
            Span::styled(" end the run and print the report so far", theme.label()),
        ])
    };
    frame.render_widget(line, area);
}
