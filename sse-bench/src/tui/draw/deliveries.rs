//! What arrives, or is done: now, in all, and over the run.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::curve::{self, Curve};
use super::{panel, split};
use crate::tui::theme::Theme;
use crate::tui::view::{Point, View};
use crate::units::{bytes, rate, thousands};

/// Events.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let feed = &view.feed;
    let parts = [
        (format!("{}/s", rate(feed.deliveries)), theme.strong()),
        (format!("  {}/s", bytes(feed.bytes)), Style::new()),
        (
            format!("  in all {}", thousands(feed.now.deliveries)),
            theme.label(),
        ),
        (format!(", {}", bytes(feed.now.bytes as f64)), theme.label()),
    ];
    let title = if view.title.requests.is_some() {
        " events "
    } else {
        " deliveries "
    };
    over_time(
        frame,
        area,
        view,
        title,
        &parts,
        |point| point.deliveries,
        theme,
    );
}

/// Requests that came to their end marker.
pub(super) fn draw_requests(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let feed = &view.feed;
    let intended = view.title.requests.as_ref().and_then(|it| it.rate);
    let parts = [
        (format!("{}/s done", rate(feed.requests)), theme.strong()),
        (
            intended.map_or_else(String::new, |it| format!("  of {}/s to start", rate(it))),
            Style::new(),
        ),
        (
            format!("  in all {}", thousands(feed.now.requests)),
            theme.label(),
        ),
    ];
    over_time(
        frame,
        area,
        view,
        " requests ",
        &parts,
        |point| point.requests,
        theme,
    );
}

/// A line of figures over a curve.
fn over_time(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View,
    title: &'static str,
    parts: &[(String, Style)],
    value: fn(&Point) -> f64,
    theme: Theme,
) {
    let inside = panel(frame, area, title, theme);
    let (text, rest) = split(inside, 1);
    frame.render_widget(fitting(parts, inside.width), text);
    if rest.height < curve::LOWEST {
        return;
    }
    let mut points: Vec<_> = view
        .points
        .iter()
        .map(|point| (point.at, value(point)))
        .collect();
    // The first rate is that of the time before it.
    if let Some((_, first)) = points.first().copied() {
        points.insert(0, (0.0, first));
    }
    let curve = Curve {
        points,
        style: theme.curve(),
        filled: true,
    };
    let end = view.feed.elapsed.as_secs_f64();
    curve::draw(frame, rest, &[curve], end, theme);
}

/// The parts that fit whole, from the first on.
pub(super) fn fitting(parts: &[(String, Style)], width: u16) -> Line<'static> {
    let mut room = usize::from(width);
    let fitting = parts.iter().map_while(|(part, style)| {
        room = room.checked_sub(part.len())?;
        Some(Span::styled(part.clone(), *style))
    });
    Line::from(fitting.collect::<Vec<_>>())
}
