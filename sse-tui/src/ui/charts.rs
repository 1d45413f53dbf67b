//! Live panels, one for each event type.

mod figures;
mod plot;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use self::figures::{draw_value, number};
use self::plot::{draw_chart, levels};
use super::pane::{Edge, Pane};
use super::pen::Pen;
use crate::app::App;
use crate::charts::{Charts, Field, Panel};
use crate::format;
use crate::json;
use crate::mouse::{Target, Zones};
use crate::sanitize::prefix;
use crate::theme::Theme;
use crate::wrap::Lines;

/// A panel is no narrower and no lower than this, if the screen is not.
const LEAST: (u16, u16) = (30, 6);
/// Columns to a row of a panel that looks right.
const ASPECT: f64 = 4.5;
/// The list of fields beside a single panel.
const FIELDS: u16 = 40;

/// How many panels stand side by side and below one another.
fn grid(area: Rect, panels: usize) -> (usize, usize) {
    let most = usize::from(area.width / LEAST.0).max(1);
    let fit = |columns: usize| {
        let rows = panels.div_ceil(columns).max(1);
        let width = f64::from(area.width) / columns as f64;
        let height = f64::from(area.height) / rows as f64;
        let low = (f64::from(LEAST.1) / height).max(1.0).ln() * 4.0;
        (width / height / ASPECT).ln().abs() + low
    };
    let columns = (1..=most.min(panels.max(1)))
        .min_by(|one, other| fit(*one).total_cmp(&fit(*other)))
        .unwrap_or(1);
    let rows = panels.div_ceil(columns).max(1);
    (columns, rows.min(usize::from(area.height / LEAST.1).max(1)))
}

/// Fits the grid to the screen, before it is drawn.
pub(super) fn fit(charts: &mut Charts, area: Rect, edge: Edge) {
    let panels = charts.panels().len();
    let (columns, rows) = match edge {
        Edge::Bare => (1, usize::from(area.height)),
        _ => grid(area, panels),
    };
    charts.fit(columns, rows);
}

/// The panels in sight, or the one that is looked at.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    edge: Edge,
    app: &App,
    theme: &Theme,
    zones: &mut Zones,
) {
    let charts = &app.screens.charts;
    let panels = charts.panels();
    if panels.is_empty() {
        Pen::line(buffer, area, 0).text(" waiting for the first event", theme.dim);
        return;
    }
    let selected = charts.selected_index();
    if edge == Edge::Bare {
        let from = charts.first_in_sight();
        for (line, panel) in panels.iter().skip(from).enumerate() {
            let mut pen = Pen::line(buffer, area, line as u16).marks(theme);
            draw_line(&mut pen, panel, app, theme, from + line == selected);
            zones.add_lines(area, line as u16, 1, Target::Panel(from + line));
        }
        return;
    }
    if charts.zoomed() {
        let side = FIELDS.min(area.width / 3);
        let main = Rect {
            width: area.width - side,
            ..area
        };
        let list = Rect {
            x: main.right(),
            width: side,
            ..area
        };
        zones.add(main, Target::Panel(selected));
        draw_panel(buffer, main, panels[selected], app, theme, true);
        draw_fields(buffer, list, panels[selected], app, theme);
        return;
    }
    let (columns, rows) = grid(area, panels.len());
    let from = charts.first_in_sight();
    let shown = panels.iter().enumerate().skip(from).take(columns * rows);
    for (place, panel) in shown {
        let (column, row) = ((place - from) % columns, (place - from) / columns);
        // The last row is filled by those that are left.
        let columns = columns.min(panels.len() - (place - column));
        let across = |at: usize| area.x + (usize::from(area.width) * at / columns) as u16;
        let down = |at: usize| area.y + (usize::from(area.height) * at / rows) as u16;
        let room = Rect {
            x: across(column),
            y: down(row),
            width: across(column + 1) - across(column),
            height: down(row + 1) - down(row),
        };
        zones.add(room, Target::Panel(place));
        draw_panel(buffer, room, panel, app, theme, place == selected);
    }
}

/// What there is no room for, to be said at the bottom.
pub(super) fn note(app: &App, area: Option<Rect>) -> String {
    let Some(area) = area else {
        return String::new();
    };
    let charts = &app.screens.charts;
    let panels = charts.panels().len();
    let lanes: BTreeSet<_> = charts.panels().iter().map(|panel| panel.lane).collect();
    let types = app.stats.lanes.len();
    let mut notes = Vec::new();
    let (columns, rows) = grid(area, panels);
    if !charts.zoomed() && columns * rows < panels {
        let from = charts.first_in_sight();
        let last = (from + columns * rows).min(panels);
        notes.push(format!("panels {}–{last} of {panels}", from + 1));
    }
    if types > lanes.len() && app.hidden == 0 {
        notes.push(format!("{} types without a panel", types - lanes.len()));
    }
    notes.join(" · ")
}

/// Type, rate, field and value on one line, its last values behind them.
fn draw_line(pen: &mut Pen<'_>, panel: &Panel, app: &App, theme: &Theme, selected: bool) {
    let lane = theme.lane(usize::from(panel.lane));
    let now = app.screens.charts.now(app.now);
    pen.text(if selected { "▌" } else { " " }, theme.accent)
        .column(&name(panel, app), 10, lane)
        .right_column(&rate(panel, app), 7, theme.dim)
        .skip(1);
    match shown(panel, now) {
        Some((field, value)) => {
            pen.foreign(&field.label(), theme.dim)
                .text(" ", theme.dim)
                .text(&number(value), theme.strong)
                .text(" ", theme.dim);
            let room = pen.room().min(24);
            pen.sparkline(&levels(field, now, room), lane, theme.faint);
        }
        None => draw_json(pen, &panel.latest, theme),
    }
}

fn draw_panel(
    buffer: &mut Buffer,
    area: Rect,
    panel: &Panel,
    app: &App,
    theme: &Theme,
    selected: bool,
) {
    let now = app.screens.charts.now(app.now);
    let meter = &panel.meter;
    let ago = Duration::try_from(now.duration_since(meter.last_seen)).unwrap_or_default();
    let ago = format::ago(ago);
    let note = format!(
        "{} · {} · {ago}",
        rate(panel, app),
        format::short_count(meter.count)
    );
    let name = name(panel, app);
    let inside = Pane::new(name.clone())
        .note(
            if usize::from(area.width) > note.width() + name.width() + 8 {
                note
            } else {
                rate(panel, app)
            },
        )
        .focused(selected)
        .draw(buffer, area, theme);
    if inside.height == 0 || inside.width < 4 {
        return;
    }
    let spark = u16::from(inside.height >= 5);
    let body = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(1 + spark),
        ..inside
    };
    match shown(panel, now) {
        Some((field, value)) => {
            draw_value(buffer, inside, panel, field, value, now, theme);
            if field.points(now).nth(1).is_some() {
                draw_chart(buffer, body, panel, field, now, theme);
            } else {
                draw_latest(buffer, body, panel, theme);
            }
        }
        None => {
            let body = Rect {
                y: inside.y,
                height: inside.height - spark,
                ..inside
            };
            draw_latest(buffer, body, panel, theme);
        }
    }
    if spark > 0 {
        let mut pen = Pen::line(buffer, inside, inside.height - 1);
        let lane = theme.lane(usize::from(panel.lane));
        pen.text(" events/s ", theme.dim);
        let width = pen.room().saturating_sub(1);
        let amounts: Vec<_> = meter.series.last(now, width.min(180)).collect();
        pen.skip(width - amounts.len());
        pen.sparkline(&amounts, lane, theme.faint);
    }
}

/// Data without numbers, as much as there is room for.
fn draw_latest(buffer: &mut Buffer, area: Rect, panel: &Panel, theme: &Theme) {
    let absent = panel.chosen().is_none();
    if let Some(pointer) = panel.wanted().filter(|_| absent) {
        let text = format!("no number at {pointer}");
        Pen::line(buffer, area, 0)
            .marks(theme)
            .skip(1)
            .foreign(&text, theme.warn);
    }
    let skip = u16::from(absent && panel.wanted().is_some());
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    let some = prefix(&panel.latest, width * usize::from(area.height) * 4);
    let mut lines = Lines::default();
    lines.extend(some, &[], width);
    for line in 0..lines
        .len()
        .min(usize::from(area.height.saturating_sub(skip)))
    {
        let (start, end) = lines.get(line);
        let mut pen = Pen::line(buffer, area, line as u16 + skip).marks(theme);
        pen.skip(1).foreign(some[start..end].trim_end(), theme.text);
    }
}

fn draw_fields(buffer: &mut Buffer, area: Rect, panel: &Panel, app: &App, theme: &Theme) {
    let now = app.screens.charts.now(app.now);
    let note = match panel.fields_beyond {
        0 => String::new(),
        beyond => format!("+{beyond} not charted"),
    };
    let inside = Pane::new(format!("fields {}", panel.fields.len()))
        .note(note)
        .draw(buffer, area, theme);
    let lane = theme.lane(usize::from(panel.lane));
    let shown = panel.chosen().unwrap_or(0);
    let top = (shown + 1).saturating_sub(usize::from(inside.height));
    for (line, (place, field)) in panel.fields.iter().enumerate().skip(top).enumerate() {
        let mut pen = Pen::line(buffer, inside, line as u16).marks(theme);
        let chosen = place == shown;
        let style = if chosen { theme.strong } else { theme.text };
        let value = field
            .points(now)
            .last()
            .map_or_else(String::new, |(_, v)| number(v));
        let width = usize::from(inside.width).saturating_sub(24).max(6);
        pen.text(if chosen { "▌" } else { " " }, theme.accent)
            .column(&field.label(), width, style)
            .right_column(&value, 10, style)
            .skip(1);
        let room = pen.room();
        pen.sparkline(&levels(field, now, room), lane, theme.faint);
    }
}

/// JSON coloured on one line, other text as it is.
fn draw_json(pen: &mut Pen<'_>, data: &str, theme: &Theme) {
    let some = prefix(data, pen.room() * 8);
    if !some.starts_with(['{', '[']) {
        pen.foreign(some, theme.text);
        return;
    }
    for (kind, token) in json::tokens(some) {
        if pen.room() == 0 {
            break;
        }
        pen.foreign(token, theme.token(kind));
    }
}

/// The field that a panel shows, and its latest value.
fn shown(panel: &Panel, now: Timestamp) -> Option<(&Field, f64)> {
    let field = panel.fields.get(panel.chosen()?)?;
    Some((field, field.points(now).last()?.1))
}

fn rate(panel: &Panel, app: &App) -> String {
    format::rate(panel.meter.rate(app.screens.charts.now(app.now)))
}

/// Its type, and of several streams which.
fn name(panel: &Panel, app: &App) -> String {
    if app.connections.len() > 1 {
        format!("{} · {}", panel.name, panel.source + 1)
    } else {
        panel.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_take_a_shape_that_fits_the_screen() {
        let of = |width, height, panels| grid(Rect::new(0, 0, width, height), panels);
        assert_eq!(of(80, 20, 2), (1, 2));
        assert_eq!(of(80, 20, 3), (2, 2));
        assert_eq!(of(200, 46, 4), (2, 2));
        assert_eq!(of(80, 20, 40), (2, 3));
        assert_eq!(of(20, 3, 9), (1, 1));
    }
}
