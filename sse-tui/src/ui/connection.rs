//! What there is to know about the connection.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use sse_core::Backoff;

use super::header::state;
use super::pen::Pen;
use crate::app::{App, Focus};
use crate::connection::{Connection, Leg, Link};
use crate::format;
use crate::mouse::{Target, Zones};
use crate::theme::Theme;

/// One connection, or how many.
pub(super) fn title(app: &App) -> String {
    match app.connections.len() {
        1 => "connection".to_owned(),
        number => format!("connections {number}"),
    }
}

/// Lines needed, with the border.
pub(super) fn height(app: &App) -> u16 {
    match app.connections.len() {
        1 => 9,
        number => number as u16 * 2 + 2,
    }
}

/// State, cursor, latency, reconnection time, legs and losses of the only
/// stream; of several streams state, cursor, latency and legs of each.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, zones: &mut Zones) {
    for stream in 0..app.connections.len() {
        let lines = if app.connections.len() == 1 {
            area.height
        } else {
            2
        };
        zones.add_lines(area, stream as u16 * 2, lines, Target::Stream(stream));
    }
    let [only] = app.connections.as_slice() else {
        return draw_all(buffer, area, app, theme);
    };
    let (symbol, words, style) = state(only, app.now);
    let style = style(theme);
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    pen.text(" ", style)
        .text(symbol, style)
        .text(" ", style)
        .text(&words, style);
    match &only.link {
        Link::Open { how, .. } => {
            pen.text("  ", theme.dim).foreign(how, theme.dim);
        }
        Link::Waiting { .. } | Link::Connecting if only.attempts > 0 => {
            pen.text(&format!("  attempt {}", only.attempts), theme.dim);
        }
        _ => {}
    }
    let retry = only
        .retry
        .map_or_else(|| "not set by the server".to_owned(), retry);
    let latency = only.latency.map_or_else(
        || "unknown".to_owned(),
        |latency| format!("{} to open", format::delta(latency)),
    );
    let (cursor, cursor_style) = cursor(only, theme);
    let (ids, ids_style) = losses(only, theme);
    let again = match only.again {
        0 => String::new(),
        again => format!(" · {} sent again", format::count(again)),
    };
    let lines = [
        ("cursor", cursor, cursor_style),
        ("latency", latency, theme.text),
        ("retry", retry, theme.text),
        ("legs", legs(only, ""), theme.text),
        ("lost", ids + &again, ids_style),
        ("resumed", last_leg(only), theme.text),
    ];
    for (number, (name, value, style)) in lines.into_iter().enumerate() {
        let mut pen = Pen::line(buffer, area, number as u16 + 1).marks(theme);
        pen.skip(1)
            .column(name, 8, theme.dim)
            .skip(1)
            .foreign(&value, style);
    }
}

/// Two lines per stream, with the number that marks its rows in the list; one
/// where there is no room for more.
fn draw_all(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let each = if usize::from(area.height) >= app.connections.len() * 2 {
        2
    } else {
        1
    };
    let focused = app.focus == Focus::Streams;
    let fitting = usize::from(area.height / each).max(1);
    let first = if focused {
        (app.stream + 1).saturating_sub(fitting)
    } else {
        0
    };
    let streams = app.connections.iter().enumerate();
    for (number, connection) in streams.skip(first).take(fitting) {
        let (symbol, words, style) = state(connection, app.now);
        let style = style(theme);
        let line = (number - first) as u16 * each;
        let mut pen = Pen::line(buffer, area, line).marks(theme);
        pen.right(&format!(" {words} "), style);
        pen.text(" ", style)
            .text(&format!("{:<2} ", number + 1), theme.lane(number));
        pen.text(symbol, style).text(" ", style);
        pen.foreign(app.short_name(number), theme.text);
        if each == 2 {
            let mut pen = Pen::line(buffer, area, line + 1).marks(theme);
            let latency = connection.latency.map(format::delta).unwrap_or_default();
            pen.right(&format!(" {latency} "), theme.dim);
            let (cursor, style) = cursor(connection, theme);
            pen.text("      ", style)
                .text(&legs(connection, " leg"), theme.dim)
                .text(" · ", theme.dim)
                .foreign(&cursor, style);
        }
        if focused && number == app.stream {
            let mut pen = Pen::line(buffer, area, line);
            pen.text("▌", theme.accent);
            pen.background(theme.selected);
        }
    }
}

/// The last event ID, unless it cannot be sent.
fn cursor(connection: &Connection, theme: &Theme) -> (String, Style) {
    if connection.unsendable {
        let id = &connection.last_event_id;
        (format!("cannot be sent: {id}"), theme.bad)
    } else if connection.last_event_id.is_empty() {
        ("none".to_owned(), theme.dim)
    } else {
        (connection.last_event_id.clone(), theme.text)
    }
}

/// The reconnection time that is kept to, and whether the server asked for another.
fn retry(asked: Duration) -> String {
    let Backoff { floor, ceiling, .. } = Backoff::default();
    if asked > ceiling {
        return format!("{}, the server asks for more", format::duration(ceiling));
    }
    if asked < floor {
        return format!("{}, the server asks for less", format::delta(floor));
    }
    format::delta(asked)
}

/// How many events are lost, as far as that is known.
fn losses(connection: &Connection, theme: &Theme) -> (String, Style) {
    let lost = format::count(connection.lost());
    match (connection.lost(), connection.maybe_lost()) {
        (0, 0) if connection.lost_more => ("some, the server says".to_owned(), theme.bad),
        (1.., _) if connection.lost_more => (format!("{lost} and more"), theme.bad),
        (1.., _) => (lost, theme.bad),
        (0, 0) if connection.continuity.is_counted() => ("none".to_owned(), theme.good),
        (0, 0) => ("none declared".to_owned(), theme.dim),
        (0, missing) => {
            let missing = format::count(missing);
            (format!("none declared · {missing} missing"), theme.warn)
        }
    }
}

/// How many, in this unit if one is to be named.
fn legs(connection: &Connection, unit: &str) -> String {
    match connection.opened {
        0 => "none open yet".to_owned(),
        1 => format!("1{unit}"),
        legs if unit.is_empty() => format::count(legs),
        legs => format!("{}{unit}s", format::count(legs)),
    }
}

/// What became of the events between the last two legs.
fn last_leg(connection: &Connection) -> String {
    let verdict = connection.legs.back().and_then(Leg::verdict);
    verdict.map_or_else(|| "not yet".to_owned(), |(text, _)| text)
}
