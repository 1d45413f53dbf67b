//! Two lines on top: what is connected, and how much comes.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::app::App;
use crate::connection::{Connection, Link};
use crate::format;
use crate::message::Ending;
use crate::theme::Theme;

/// Name, state and URL; below them the figures of all streams together. While
/// the only stream is lost, the cause stands before the figures.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    pen.text(" sse-tui ", theme.brand);
    label(&mut pen, app, theme);
    pen.text("  ", theme.text);
    let (symbol, words, style) = overall(app);
    let style = style(theme);
    pen.text(symbol, style)
        .text(" ", style)
        .text(&words, style)
        .text("  ", style);
    let names: Vec<_> = app.connections.iter().map(|c| c.name.as_str()).collect();
    pen.foreign(&names.join("  "), theme.text);

    let mut pen = Pen::line(buffer, area, 1).marks(theme);
    pen.text(" ", theme.text);
    if let Some(cause) = cause(app) {
        let width = cause.width().min(usize::from(area.width) / 2);
        pen.column(cause, width, theme.bad).text("  ", theme.text);
    }
    let meter = &app.stats.events;
    let rate = format::rate(meter.rate(app.now));
    figure(&mut pen, theme, rate.trim_end_matches("/s"), "events/s");
    let width = pen.room().saturating_sub(48).min(60);
    if width >= 8 {
        let amounts: Vec<_> = meter.series.last(app.now, width).collect();
        pen.sparkline(&amounts, theme.accent, theme.faint)
            .text("   ", theme.text);
    }
    let rate = format!("{}/s", format::bytes(app.stats.byte_rate(app.now)));
    split_figure(&mut pen, theme, &rate);
    let unit = if meter.count == 1 { "event" } else { "events" };
    figure(&mut pen, theme, &format::count(meter.count), unit);
    split_figure(&mut pen, theme, &format::bytes(app.stats.bytes as f64));
}

/// The one line of a small screen.
pub(super) fn draw_status(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    let (symbol, words, style) = overall(app);
    let style = style(theme);
    pen.text(symbol, style).text(" ", style);
    if app.view.paused() {
        pen.text("PAUSED ", theme.warn);
    }
    pen.text(&words, style).text(" ", style);
    figure(
        &mut pen,
        theme,
        &format::rate(app.stats.events.rate(app.now)),
        "",
    );
    figure(
        &mut pen,
        theme,
        &format::short_count(app.stats.events.count),
        "",
    );
    pen.right("? help  q quit", theme.dim);
}

/// Whether what is on the screen is live: paused by the reader, open, ended for
/// good, or between connections.
fn label(pen: &mut Pen<'_>, app: &App, theme: &Theme) {
    let links = || app.connections.iter().map(|connection| &connection.link);
    let (text, style) = if app.view.paused() {
        (" PAUSED ", theme.paused)
    } else if app.screens.replay.is_some() {
        (" REPLAY ", theme.brand)
    } else if links().any(|link| matches!(link, Link::Open { .. })) {
        (" LIVE ", theme.live)
    } else if links().all(|link| matches!(link, Link::Closed(_))) {
        (" ENDED ", theme.brand)
    } else {
        (" OFFLINE ", theme.paused)
    };
    pen.right(text, style);
}

fn figure(pen: &mut Pen<'_>, theme: &Theme, figure: &str, unit: &str) {
    pen.text(figure, theme.strong);
    if !unit.is_empty() {
        pen.text(" ", theme.dim).text(unit, theme.dim);
    }
    pen.text("   ", theme.dim);
}

/// A figure that has its unit after a space.
fn split_figure(pen: &mut Pen<'_>, theme: &Theme, text: &str) {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    figure(pen, theme, number, unit);
}

type Pick = fn(&Theme) -> Style;

/// The state of one connection: a symbol, words, a colour.
pub(super) fn state(connection: &Connection, now: Timestamp) -> (&'static str, String, Pick) {
    match &connection.link {
        Link::Connecting => ("◌", "connecting".to_owned(), |theme| theme.warn),
        Link::Open { since, .. } => {
            let words = format!("open {}", format::duration(whole_seconds(*since, now)));
            ("●", words, |theme| theme.good)
        }
        Link::Waiting { retry_at, .. } => {
            let left = Duration::try_from(retry_at.duration_since(now)).unwrap_or_default();
            (
                "◌",
                format!("retry in {}", format::duration(left)),
                |theme| theme.warn,
            )
        }
        Link::Closed(Ending::Complete(_)) => ("■", "ended".to_owned(), |theme| theme.dim),
        Link::Closed(Ending::Failed(_)) => ("✕", "failed".to_owned(), |theme| theme.bad),
    }
}

fn whole_seconds(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// One state for all: that of the only connection, or a count of each.
fn overall(app: &App) -> (&'static str, String, Pick) {
    if let [only] = app.connections.as_slice() {
        return state(only, app.now);
    }
    let open = app
        .connections
        .iter()
        .filter(|c| matches!(c.link, Link::Open { .. }))
        .count();
    let words = format!("{open} of {} open", app.connections.len());
    if open == app.connections.len() {
        ("●", words, |theme| theme.good)
    } else {
        ("◌", words, |theme| theme.warn)
    }
}

/// Why the only stream is not open.
fn cause(app: &App) -> Option<&str> {
    let [only] = app.connections.as_slice() else {
        return None;
    };
    match &only.link {
        Link::Waiting { cause, .. } => Some(cause),
        Link::Closed(Ending::Failed(text)) => Some(text),
        _ => None,
    }
}
