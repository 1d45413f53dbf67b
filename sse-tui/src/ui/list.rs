//! The events, one line each; only the rows in sight are looked at.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::Deserialize;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::json;
use crate::sanitize::{prefix, sanitize};
use crate::store::{Row, RowKind};
use crate::theme::Theme;

/// Events listed, and those that are not: of types not asked for, and evicted
/// to keep the byte budget.
pub(super) fn title(app: &App) -> String {
    let shown = format::count(app.stats.events.count - app.hidden);
    let hidden = match app.hidden {
        0 => String::new(),
        hidden => format!(" · {} hidden by --event", format::count(hidden)),
    };
    let evicted = match app.store.evicted() {
        0 => String::new(),
        evicted => format!(" · {} evicted", format::count(evicted)),
    };
    format!("events {shown}{hidden}{evicted}")
}

/// What the reader misses by not following.
pub(super) fn note(app: &App) -> String {
    match app.view.unseen(&app.store.range()) {
        0 if app.view.paused() => "paused".to_owned(),
        0 if !app.view.following() => "not following".to_owned(),
        0 => String::new(),
        unseen => format!("+{} new", format::count(unseen)),
    }
}

/// Draws the rows in sight, in columns fitted to them.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let held = app.store.range();
    let rows = app.view.visible(&held);
    if rows.is_empty() {
        let text = if held.is_empty() {
            " waiting for the first event"
        } else {
            " evicted while paused"
        };
        Pen::line(buffer, area, 0).text(text, theme.dim);
        return;
    }
    let columns = Columns::fit(app, usize::from(area.width));
    for (line, number) in rows.enumerate() {
        let Some(row) = app.store.get(number) else {
            continue;
        };
        let line = line as u16;
        let selected = number == app.view.selected();
        let mut pen = Pen::line(buffer, area, line).marks(theme);
        if selected {
            pen.text("▌", theme.accent);
        } else {
            pen.skip(1);
        }
        if columns.time > 0 {
            pen.text(&time(&row, &app.time_zone, columns.time), theme.dim)
                .skip(2);
        }
        if app.connections.len() > 1 {
            let source = theme.lane(usize::from(row.source));
            pen.text(&format!("{:<2}", row.source + 1), source).skip(1);
        }
        match divider(&row) {
            Some(text) => draw_divider(&mut pen, &row, &text, theme),
            None => draw_event(&mut pen, &row, &columns, theme),
        }
        if selected && !app.view.following() {
            Pen::line(buffer, area, line).background(theme.selected);
        }
    }
}

/// Widths in columns; 0 leaves a column out.
struct Columns {
    time: usize,
    event_type: usize,
    id: usize,
}

impl Columns {
    fn fit(app: &App, width: usize) -> Self {
        let rows = app.view.visible(&app.store.range());
        let (mut event_type, mut id) = (4, 0);
        for row in rows.filter_map(|number| app.store.get(number)) {
            if divider(&row).is_none() {
                event_type = event_type.max(columns(row.event_type, 16));
                id = id.max(columns(row.id, 22));
            }
        }
        Self {
            time: match width {
                0..40 => 0,
                40..70 => 8,
                _ => 12,
            },
            event_type: event_type.min(if width < 70 { 10 } else { 16 }),
            id: if width < 50 { 0 } else { id.min(width / 5) },
        }
    }
}

/// Bytes looked at for each column: a character may take no room at all.
const MOST_BYTES: usize = 4;

/// Columns that a text takes once it is safe, at most so many.
fn columns(text: &str, most: usize) -> usize {
    let some = prefix(text, most * MOST_BYTES);
    sanitize(some).width().min(most)
}

fn draw_event(pen: &mut Pen<'_>, row: &Row<'_>, columns: &Columns, theme: &Theme) {
    let lane = theme.lane(usize::from(row.lane));
    pen.column(row.event_type, columns.event_type, lane).skip(1);
    if columns.id > 0 {
        pen.column(&tail(row.id, columns.id), columns.id, theme.dim)
            .skip(1);
    }
    draw_data(pen, row.data, theme);
}

/// Data on one line; what begins like JSON is coloured like JSON.
fn draw_data(pen: &mut Pen<'_>, data: &str, theme: &Theme) {
    let most = pen.room() * 16;
    let some = prefix(data, most);
    if !some.starts_with(['{', '[']) {
        pen.foreign(some, theme.text);
        return;
    }
    for (kind, token) in json::tokens(some) {
        if pen.room() == 0 {
            pen.ellipsis(theme.dim);
            return;
        }
        pen.foreign(token, theme.token(kind));
    }
}

/// The end of an id says more than its beginning.
fn tail(id: &str, width: usize) -> String {
    if columns(id, width + 1) <= width && id.len() <= width * MOST_BYTES {
        return id.to_owned();
    }
    let mut start = id.len();
    for (position, _) in id.char_indices().rev() {
        if id.len() - position > width * MOST_BYTES {
            break;
        }
        if sanitize(&id[position..]).width() + 1 > width {
            break;
        }
        start = position;
    }
    format!("…{}", &id[start..])
}

fn time(row: &Row<'_>, zone: &TimeZone, width: usize) -> String {
    let time = row.at.to_zoned(zone.clone()).time();
    if width < 12 {
        time.strftime("%H:%M:%S").to_string()
    } else {
        time.strftime("%H:%M:%S.%3f").to_string()
    }
}

#[derive(Deserialize)]
struct Gap {
    reason: String,
    missed: Option<u64>,
    oldest: Option<String>,
}

/// Data of a gap is no longer than this; what is, is data, not to be parsed for
/// each frame.
const LARGEST_GAP: usize = 4 << 10;

/// The text of a row that stands between events: a connection that came or
/// went, or a gap that the server declared.
fn divider(row: &Row<'_>) -> Option<String> {
    if row.kind != RowKind::Event {
        return Some(row.data.to_owned());
    }
    if row.event_type != "gap" || row.data.len() > LARGEST_GAP {
        return None;
    }
    let gap: Gap = serde_json::from_str(row.data).ok()?;
    let missed = match gap.missed {
        Some(1) => "1 event missed".to_owned(),
        Some(missed) => format!("{} events missed", format::count(missed)),
        None => "events missed".to_owned(),
    };
    let oldest = gap
        .oldest
        .map(|oldest| format!(" · oldest kept {oldest}"))
        .unwrap_or_default();
    Some(format!("gap · {} · {missed}{oldest}", gap.reason))
}

fn draw_divider(pen: &mut Pen<'_>, row: &Row<'_>, text: &str, theme: &Theme) {
    let style = match row.kind {
        RowKind::Opened => theme.good,
        RowKind::Event => theme.warn,
        RowKind::Lost | RowKind::Closed => theme.bad,
    };
    pen.text("── ", style)
        .foreign(text, style)
        .text(" ", style)
        .fill("─", style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_cut_at_its_beginning() {
        assert_eq!(tail("k3x9a1bc-17", 22), "k3x9a1bc-17");
        assert_eq!(tail("k3x9a1bc-17", 6), "…bc-17");
    }

    #[test]
    fn an_id_that_takes_no_room_is_cut_as_well() {
        let id = "\u{301}".repeat(2_000);
        assert!(tail(&id, 22).len() < 100, "{} bytes", tail(&id, 22).len());
    }
}
