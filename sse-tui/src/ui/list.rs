//! The events, one line each; only the rows in sight are looked at.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::detail::hits;
use super::divider;
use super::header::state;
use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::json;
use crate::keymap::{Action, Context};
use crate::mouse::{Target, Zones};
use crate::options::Column;
use crate::sanitize::{prefix, sanitize};
use crate::store::{Row, RowKind};
use crate::theme::Theme;

/// What is listed, and what is not: of types not asked for.
pub(super) fn title(app: &App) -> String {
    if let Some(selection) = app.selection_text() {
        return format!("{} · {selection}", app.match_text());
    }
    let shown = format::count(app.stats.events.count - app.hidden);
    let hidden = match app.hidden {
        0 => String::new(),
        hidden => format!(" · {} hidden by --event", format::count(hidden)),
    };
    format!("events {shown}{hidden}")
}

/// What the reader misses by not following.
pub(super) fn note(app: &App) -> String {
    match app.view.unseen(&app.places()) {
        0 if app.view.paused() => "paused".to_owned(),
        0 if !app.view.following() => "not following".to_owned(),
        0 => String::new(),
        unseen => format!("+{} new", format::count(unseen)),
    }
}

/// Draws the rows in sight, in columns fitted to them.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, zones: &mut Zones) {
    let places = app.view.visible(&app.places());
    if places.is_empty() {
        let held = app.store.range();
        let text = if held.is_empty() {
            " waiting for the first event"
        } else if app.listing.progress(&app.store).is_some() {
            " looking for matches"
        } else if app.selection_text().is_some() {
            let key = app.keymap.how(Context::Main, Action::ListAll);
            &format!(" nothing matches so far; {key} lists all events again")
        } else {
            " evicted while paused"
        };
        Pen::line(buffer, area, 0).text(text, theme.dim);
        return;
    }
    let columns = Columns::fit(app, usize::from(area.width), places.clone());
    let area = columns.draw_names(buffer, area, app, theme);
    for (line, place) in places.enumerate() {
        let number = app.listing.row(place);
        let Some((number, row)) = number.and_then(|number| Some((number, app.store.get(number)?)))
        else {
            continue;
        };
        let line = line as u16;
        zones.add_lines(area, line, 1, Target::Row(place));
        let selected = place == app.view.selected();
        columns.draw_parts(buffer, area, line, &row, theme);
        let mut pen = Pen::line(buffer, area, line).marks(theme);
        match (app.bookmarks.contains(&number), selected) {
            (true, _) => pen.text("◆", theme.accent),
            (false, true) => pen.text("▌", theme.accent),
            (false, false) => pen.skip(1),
        };
        columns.draw_time(&mut pen, &row, app, theme);
        if row.kind == RowKind::Event {
            let near = app.listing.is_context(place);
            draw_event(&mut pen, &row, &columns, near, app, theme);
        } else {
            divider::draw(&mut pen, &row, app, theme);
        }
        if selected && !app.view.following() {
            Pen::line(buffer, area, line).background(theme.selected);
        }
    }
}

/// Lines that the names of streams side by side take.
const NAMES: usize = 1;

/// Lines of the pane that rows cannot have.
pub(super) fn lines_above(app: &App) -> usize {
    if app.side_by_side && app.connections.len() > 1 {
        NAMES
    } else {
        0
    }
}

/// Columns that a type may take, on a narrow and on a wide screen.
const TYPE: (usize, usize) = (16, 26);

/// Widths in columns; 0 leaves a column out.
struct Columns {
    time: usize,
    delta: usize,
    source: usize,
    event_type: usize,
    id: usize,
    /// Of each stream's part of the line, where they stand side by side.
    part: Option<usize>,
    streams: usize,
}

impl Columns {
    fn fit(app: &App, width: usize, places: Range<u64>) -> Self {
        let (mut event_type, mut id) = (4, 0);
        let rows = places.filter_map(|place| app.store.get(app.listing.row(place)?));
        for row in rows.filter(|row| row.kind == RowKind::Event) {
            event_type = event_type.max(columns(row.event_type, TYPE.1));
            id = id.max(columns(row.id, 22));
        }
        let streams = app.connections.len();
        let shown = |column| app.columns.contains(&column);
        let mut fitted = Self {
            time: match width {
                _ if !shown(Column::Time) => 0,
                0..40 => 0,
                40..70 => 8,
                _ => 12,
            },
            delta: if width < 76 || !shown(Column::Delta) {
                0
            } else {
                6
            },
            source: if streams > 1 { 2 } else { 0 },
            event_type: match width {
                _ if !shown(Column::Type) => 0,
                0..70 => event_type.min(10),
                _ => event_type.min((width / 4).clamp(TYPE.0, TYPE.1)),
            },
            id: if width < 50 || !shown(Column::Id) {
                0
            } else {
                id.min(width / 5)
            },
            part: None,
            streams,
        };
        if app.side_by_side && streams > 1 {
            let before = 1
                + fitted.time
                + 1
                + if fitted.delta > 0 {
                    fitted.delta + 1
                } else {
                    0
                };
            fitted.source = 0;
            fitted.id = 0;
            fitted.part = Some((width.saturating_sub(before) / streams).max(4));
            fitted.event_type = fitted.event_type.min(10);
        }
        fitted
    }

    /// The names of streams that stand side by side; returns the room below.
    fn draw_names(&self, buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) -> Rect {
        let Some(part) = self.part else {
            return area;
        };
        let before = usize::from(area.width).saturating_sub(part * self.streams);
        let mut pen = Pen::line(buffer, area, 0).marks(theme);
        pen.skip(before);
        for (number, connection) in app.connections.iter().enumerate() {
            let style = theme.lane(number);
            let (symbol, _, state) = state(connection, app.now);
            pen.text("│", style)
                .text(symbol, state(theme))
                .text(" ", style);
            pen.column(app.short_name(number), part.saturating_sub(4), style);
        }
        Rect {
            y: area.y.saturating_add(NAMES as u16).min(area.bottom()),
            height: area.height.saturating_sub(NAMES as u16),
            ..area
        }
    }

    /// The left edges of streams that stand side by side; that of the row's own
    /// in its colour.
    fn draw_parts(&self, buffer: &mut Buffer, area: Rect, line: u16, row: &Row<'_>, theme: &Theme) {
        let Some(part) = self.part else {
            return;
        };
        let before = usize::from(area.width).saturating_sub(part * self.streams);
        for number in 0..self.streams {
            if row.kind == RowKind::Away {
                continue;
            }
            let own = number == usize::from(row.source);
            let style = if own { theme.lane(number) } else { theme.faint };
            let mut pen = Pen::line(buffer, area, line);
            pen.skip(before + number * part).text("│", style);
        }
    }

    fn draw_time(&self, pen: &mut Pen<'_>, row: &Row<'_>, app: &App, theme: &Theme) {
        if self.time > 0 {
            pen.text(&time(row, &app.time_zone, self.time), theme.dim)
                .skip(1);
        }
        if self.delta > 0 {
            let (delta, style) = match row.delta {
                None => (String::new(), theme.dim),
                Some(Duration::ZERO) => ("0".to_owned(), theme.dim),
                Some(delta) => (format::delta(delta), theme.dim),
            };
            pen.right_column(&delta, self.delta, style).skip(1);
        } else if self.time > 0 {
            pen.skip(1);
        }
        if row.kind == RowKind::Away {
            // It is of no stream.
            pen.skip(if self.source > 0 { self.source + 1 } else { 0 });
        } else if let Some(part) = self.part {
            let before = pen.room().saturating_sub(part * self.streams);
            pen.skip(before + part * usize::from(row.source) + 1);
            pen.narrow(part - 1);
        } else if self.source > 0 {
            let source = theme.lane(usize::from(row.source));
            pen.text(&format!("{:<2}", row.source + 1), source).skip(1);
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

fn draw_event(
    pen: &mut Pen<'_>,
    row: &Row<'_>,
    columns: &Columns,
    near: bool,
    app: &App,
    theme: &Theme,
) {
    let lane = if near {
        theme.dim
    } else {
        theme.lane(usize::from(row.lane))
    };
    if columns.event_type > 0 {
        let name = middle(row.event_type, columns.event_type);
        let places = hits(app, &name);
        pen.marked_column(&name, columns.event_type, lane, &places, theme.hit)
            .skip(1);
    }
    if columns.id > 0 {
        let id = tail(row.id, columns.id);
        let places = hits(app, &id);
        pen.marked_column(&id, columns.id, theme.dim, &places, theme.hit)
            .skip(1);
    }
    let some = prefix(row.data, pen.room() * 16);
    let places = hits(app, some);
    if near {
        pen.marked(some, theme.dim, &places, theme.hit);
    } else {
        draw_data(pen, some, &places, theme);
    }
}

/// Data on one line; what begins like JSON is coloured like JSON.
fn draw_data(pen: &mut Pen<'_>, data: &str, places: &[Range<usize>], theme: &Theme) {
    if !data.starts_with(['{', '[']) {
        pen.marked(data, theme.text, places, theme.hit);
        return;
    }
    for (kind, token) in json::tokens(data) {
        if pen.room() == 0 {
            pen.ellipsis(theme.dim);
            return;
        }
        let start = token.as_ptr().addr() - data.as_ptr().addr();
        draw_token(pen, token, start, theme.token(kind), places, theme);
    }
}

/// A token with the matches that reach into it.
fn draw_token(
    pen: &mut Pen<'_>,
    token: &str,
    start: usize,
    style: Style,
    places: &[Range<usize>],
    theme: &Theme,
) {
    let first = places.partition_point(|place| place.end <= start);
    let inside: Vec<_> = places[first..]
        .iter()
        .take_while(|place| place.start < start + token.len())
        .map(|place| place.start.saturating_sub(start)..(place.end - start).min(token.len()))
        .collect();
    pen.marked(token, style, &inside, theme.hit);
}

/// Types often differ in their last word: `content_block_start`,
/// `content_block_stop`.
pub(super) fn middle(name: &str, width: usize) -> Cow<'_, str> {
    let whole = columns(name, width + 1) <= width && name.len() <= width * MOST_BYTES;
    if whole || width < LEAST_MIDDLE {
        return prefix(name, width * MOST_BYTES).into();
    }
    let end = tail(name, width - width / 2);
    let mut start = String::new();
    for character in name.chars().take(width) {
        start.push(character);
        if sanitize(&start).width() > width / 2 {
            start.pop();
            break;
        }
    }
    Cow::Owned(start + &end)
}

/// A narrower name keeps its beginning.
const LEAST_MIDDLE: usize = 10;

/// The end of an id says more than its beginning.
pub(super) fn tail(id: &str, width: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_cut_at_its_beginning() {
        assert_eq!(tail("k3x9a1bc-17", 22), "k3x9a1bc-17");
        assert_eq!(tail("k3x9a1bc-17", 6), "…bc-17");
    }

    #[test]
    fn a_type_is_cut_in_its_middle() {
        for (name, width, shown) in [
            ("content_block_stop", 18, "content_block_stop"),
            ("content_block_stop", 14, "content…k_stop"),
            ("response.output_text.delta", 16, "response…t.delta"),
            ("日本語イベント名前です", 12, "日本語…です"),
            ("content_block_stop", 8, "content_block_stop"),
        ] {
            let cut = middle(name, width);
            assert_eq!(cut, shown, "{name} in {width}");
        }
        let endless = "\u{301}".repeat(2_000);
        assert!(middle(&endless, 16).len() < 200);
    }

    #[test]
    fn an_id_that_takes_no_room_is_cut_as_well() {
        let id = "\u{301}".repeat(2_000);
        assert!(tail(&id, 22).len() < 100, "{} bytes", tail(&id, 22).len());
    }
}
