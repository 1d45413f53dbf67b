//! Two lines on top: what is connected, and how much comes.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::footer;
use super::pen::Pen;
use crate::app::App;
use crate::connection::{Connection, Link};
use crate::format;
use crate::keymap::Action;
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
    let counters = counters(app);
    let counted: usize = counters
        .iter()
        .map(|(name, count, more)| {
            name.width() + format::short_count(*count).width() + more.width() + 4
        })
        .sum();
    let wide = area.width >= 100;
    let rest = if wide { counted + 28 } else { counted };
    let width = pen.room().saturating_sub(rest).min(60);
    if width >= 8 {
        let amounts: Vec<_> = meter.series.last(app.now, width).collect();
        pen.sparkline(&amounts, theme.accent, theme.faint)
            .text("   ", theme.text);
    }
    let rate = format!("{}/s", format::bytes(app.stats.byte_rate(app.now)));
    if wide {
        split_figure(&mut pen, theme, &rate);
    }
    for (name, count, more) in counters {
        let style = match (name, count) {
            ("lost", _) if !more.is_empty() => theme.bad,
            ("lost" | "dropped", 1..) => theme.bad,
            ("missing", _) => theme.warn,
            (_, 0) => theme.dim,
            _ => theme.strong,
        };
        let count = if pen.room() > 60 {
            format::count(count)
        } else {
            format::short_count(count)
        };
        pen.text(&count, style)
            .text(more, style)
            .text(" ", theme.dim)
            .text(name, theme.dim)
            .text("   ", theme.dim);
    }
    if pen.room() > 12 {
        split_figure(&mut pen, theme, &format::bytes(app.stats.bytes as f64));
    }
}

/// Where the events are: held in memory, evicted for the byte budget, dropped
/// by this program, lost before they got here; and numbers that are missing, if
/// any are. With a sign where there are more than is known.
fn counters(app: &App) -> Vec<(&'static str, u64, &'static str)> {
    let more = if app.lost_more() { "+" } else { "" };
    let mut counters = vec![
        ("kept", app.store.kept(), ""),
        ("evicted", app.store.evicted(), ""),
        ("dropped", app.dropped(), ""),
        ("lost", app.lost(), more),
    ];
    if app.maybe_lost() > 0 {
        counters.push(("missing", app.maybe_lost(), ""));
    }
    counters
}

/// The one line of a small screen.
pub(super) fn draw_status(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    if footer::draw_words(&mut pen, app, theme) {
        return;
    }
    let (symbol, words, style) = overall(app);
    let style = style(theme);
    pen.text(symbol, style).text(" ", style);
    if app.view.paused() {
        pen.text("PAUSED ", theme.warn);
    }
    if app.selection_text().is_some() {
        pen.text("FILTER ", theme.accent);
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
    if let Some((text, style)) = super::lints::label(app, theme) {
        pen.text(
            text.trim_end_matches(" lints").trim_end_matches(" lint"),
            style,
        )
        .text("  ", theme.dim);
    }
    let context = app.context();
    let [help, quit] = [Action::Help, Action::Quit].map(|action| app.keymap.how(context, action));
    pen.right(&format!("{help} help  {quit} quit"), theme.dim);
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
    let count = |is: fn(&Link) -> bool| {
        let links = app.connections.iter().map(|connection| &connection.link);
        links.filter(|link| is(link)).count()
    };
    let open = count(|link| matches!(link, Link::Open { .. }));
    let mut words = format!("{open} of {} open", app.connections.len());
    for (number, state) in [
        (count(|link| matches!(link, Link::Connecting)), "connecting"),
        (
            count(|link| matches!(link, Link::Waiting { .. })),
            "waiting",
        ),
        (
            count(|link| matches!(link, Link::Closed(Ending::Complete(_)))),
            "ended",
        ),
        (
            count(|link| matches!(link, Link::Closed(Ending::Failed(_)))),
            "failed",
        ),
    ] {
        if number > 0 {
            let _ = write!(words, ", {number} {state}");
        }
    }
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
