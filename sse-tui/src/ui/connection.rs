//! What there is to know about the connection.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::state;
use super::pen::Pen;
use crate::app::App;
use crate::connection::Link;
use crate::format;
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
    if app.connections.len() == 1 {
        7
    } else {
        app.connections.len() as u16 + 2
    }
}

/// State, last event ID, reconnection time, comments and reconnects of the only
/// stream; of several streams only the state of each.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
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
    let reconnects = only.opened.saturating_sub(1);
    let reconnects = match reconnects {
        0 => "none".to_owned(),
        number => format::count(number),
    };
    let retry = only
        .retry
        .map_or_else(|| "not set".to_owned(), format::duration);
    let heartbeat = match only.comments {
        (0, _) | (_, None) => "none yet".to_owned(),
        (count, Some(at)) => {
            let ago = Duration::try_from(app.now.duration_since(at)).unwrap_or_default();
            format!("{}, last {}", format::short_count(count), ago_words(ago))
        }
    };
    let last_id = if only.last_event_id.is_empty() {
        "none"
    } else {
        &only.last_event_id
    };
    let lines = [
        ("last id", last_id),
        ("retry", &retry),
        ("heartbeat", &heartbeat),
        ("reconnects", &reconnects),
    ];
    for (number, (name, value)) in lines.into_iter().enumerate() {
        let mut pen = Pen::line(buffer, area, number as u16 + 1).marks(theme);
        pen.skip(1)
            .column(name, 10, theme.dim)
            .skip(1)
            .foreign(value, theme.text);
    }
}

/// One line per stream, with the number that marks its rows in the list.
fn draw_all(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    for (number, connection) in app.connections.iter().enumerate() {
        let (symbol, words, style) = state(connection, app.now);
        let style = style(theme);
        let mut pen = Pen::line(buffer, area, number as u16).marks(theme);
        pen.right(&format!(" {words} "), style);
        pen.text(" ", style)
            .text(&format!("{:<2} ", number + 1), theme.lane(number));
        pen.text(symbol, style).text(" ", style);
        pen.foreign(&connection.name, theme.text);
    }
}

fn ago_words(ago: Duration) -> String {
    match format::ago(ago).as_str() {
        "now" => "now".to_owned(),
        ago => format!("{ago} ago"),
    }
}
