//! Event types: how many, how fast, when last; and the heartbeat beneath them.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::list::middle;
use super::pen::Pen;
use crate::app::{App, Focus};
use crate::format;
use crate::mouse::{Target, Zones};
use crate::sanitize::sanitize;
use crate::stats::{Lane, MAX_LANES, Meter};
use crate::theme::Theme;

/// How many types there are, as the title of the pane.
pub(super) fn title(app: &App) -> String {
    match app.stats.lanes.len() {
        0 => "types".to_owned(),
        MAX_LANES => format!("types over {}", MAX_LANES - 1),
        number => format!("types {number}"),
    }
}

/// One entry per type in the order of their first event: three lines each while
/// there is room, else two, else one. What does not fit is counted, and scrolls
/// where the pane has the keys. The heartbeat has the last line.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, zones: &mut Zones) {
    let lanes = &app.stats.lanes;
    let bottom = u16::from(area.height > 1);
    let lane_area = Rect {
        height: area.height - bottom,
        ..area
    };
    draw_heartbeat(buffer, area, app, theme);
    if lanes.is_empty() {
        Pen::line(buffer, lane_area, 0).text(" no event yet", theme.dim);
        return;
    }
    let height = usize::from(lane_area.height);
    let each = if lanes.len() * 3 <= height + 1 {
        3
    } else if lanes.len() * 2 <= height {
        2
    } else {
        1
    };
    let all = lanes.len() * each < height + each;
    let fitting = if all {
        lanes.len()
    } else {
        height.saturating_sub(1)
    };
    let chosen = usize::from(app.lane);
    let first = if app.focus == Focus::Types {
        (chosen + 1).saturating_sub(fitting)
    } else {
        0
    };
    for (index, lane) in lanes.iter().enumerate().skip(first).take(fitting) {
        let line = ((index - first) * each) as u16;
        let lane_target = Target::Lane(u16::try_from(index).unwrap_or(u16::MAX));
        zones.add_lines(lane_area, line, each.min(2) as u16, lane_target);
        let at = At {
            area: lane_area,
            line,
            number: index,
        };
        if each == 1 {
            draw_short(buffer, &at, lane, app, theme);
        } else {
            draw_card(buffer, &at, lane, app, theme);
        }
        if app.focus == Focus::Types && index == chosen {
            let mut pen = Pen::line(buffer, lane_area, line);
            pen.text("▌", theme.accent);
            pen.background(theme.selected);
        }
    }
    if fitting < lanes.len() {
        let more = format!(" and {} more types", lanes.len() - fitting);
        let last = lane_area.height.saturating_sub(1);
        Pen::line(buffer, lane_area, last).text(&more, theme.dim);
    }
}

/// Where an entry stands.
struct At {
    area: Rect,
    line: u16,
    number: usize,
}

/// Comments and blocks with nothing but an id: how fast, how many, when last.
fn draw_heartbeat(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let meter = &app.stats.heartbeats;
    let mut pen = Pen::line(buffer, area, area.height.saturating_sub(1));
    pen.right(" ", theme.dim);
    if meter.count == 0 {
        pen.right("none yet", theme.dim);
    } else {
        pen.right(&format!("{:>4}", age(meter, app)), theme.dim);
        let count = format::short_count(meter.count);
        pen.right(&format!(" {count:>7}"), theme.text);
    }
    pen.text(" ♥ heartbeat ", theme.dim);
    if pen.room() > 6 {
        let amounts: Vec<_> = meter.series.last(app.now, pen.room() - 1).collect();
        pen.sparkline(&amounts, theme.dim, theme.faint);
    }
}

/// The sign before a type: listed, or not.
fn sign(number: usize, app: &App) -> &'static str {
    let selection = app.listing.selection();
    let lane = u16::try_from(number).unwrap_or(u16::MAX);
    match selection.admits_lane(lane) {
        true if selection.solo == Some(lane) => "◉",
        true => "●",
        false => "○",
    }
}

/// Types that are not listed are dim.
fn style(number: usize, app: &App, theme: &Theme) -> Style {
    if sign(number, app) == "○" {
        theme.dim
    } else {
        theme.lane(number)
    }
}

/// All types on one line, for screens without a side pane.
pub(super) fn draw_line(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    zones: &mut Zones,
) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    pen.text(" ", theme.text);
    let lanes = &app.stats.lanes;
    if lanes.is_empty() {
        pen.text("no event yet", theme.dim);
    }
    let figures: Vec<_> = lanes.iter().map(|lane| line_figures(lane, app)).collect();
    let width = |name: &str| sanitize(name).width().min(16);
    let needed: usize = (lanes.iter().zip(&figures))
        .map(|(lane, figures)| width(&lane.name) + figures.width() + 6)
        .sum();
    let beats = match app.stats.heartbeats.count {
        0 => String::new(),
        count => format!("♥ {}", format::short_count(count)),
    };
    let needed = needed + beats.width();
    let spark = pen.room().saturating_sub(needed) / lanes.len().max(1);
    let spark = if spark > 4 { spark.min(17) - 1 } else { 0 };
    for (number, (lane, figures)) in lanes.iter().zip(&figures).enumerate() {
        let width = width(&lane.name);
        let last = number + 1 == lanes.len();
        if pen.room() < width + spark + figures.width() + if last { 4 } else { 13 } {
            pen.text(&format!("+{} more", lanes.len() - number), theme.dim);
            return;
        }
        let mut style = style(number, app, theme);
        if app.focus == Focus::Types && number == usize::from(app.lane) {
            style = style.patch(theme.selected);
        }
        let start = pen.place();
        pen.text(sign(number, app), style).text(" ", style);
        pen.column(&middle(&lane.name, width), width, style);
        if spark > 0 {
            let amounts: Vec<_> = lane.meter.series.last(app.now, spark).collect();
            pen.sparkline(&amounts, style, theme.faint).text(" ", style);
        }
        pen.text(figures, theme.dim);
        let target = Target::Lane(u16::try_from(number).unwrap_or(u16::MAX));
        zones.add(pen.since(start), target);
        pen.text("   ", theme.dim);
    }
    if pen.room() >= beats.width() {
        pen.text(&beats, theme.dim);
    }
}

/// Rate, unless it is zero, and count.
fn line_figures(lane: &Lane, app: &App) -> String {
    let count = format::short_count(lane.meter.count);
    match lane.meter.rate(app.now) {
        rate if rate < 0.005 => count,
        rate => format!("{} {count}", format::rate(rate)),
    }
}

/// Two lines: name and rate; sparkline, count and age.
fn draw_card(buffer: &mut Buffer, at: &At, lane: &Lane, app: &App, theme: &Theme) {
    let style = style(at.number, app, theme);
    let mut pen = Pen::line(buffer, at.area, at.line).marks(theme);
    pen.right(" ", style)
        .right(&format::rate(lane.meter.rate(app.now)), theme.strong);
    pen.right(" ", style)
        .text(" ", style)
        .text(sign(at.number, app), style)
        .text(" ", style);
    let name = middle(&lane.name, pen.room());
    pen.foreign(&name, style);

    let mut pen = Pen::line(buffer, at.area, at.line + 1);
    pen.right(" ", style);
    pen.right(&format!("{:>4}", age(&lane.meter, app)), theme.dim);
    pen.right(
        &format!(" {:>7}", format::short_count(lane.meter.count)),
        theme.text,
    );
    pen.text("   ", style);
    let amounts: Vec<_> = lane.meter.series.last(app.now, pen.room()).collect();
    pen.sparkline(&amounts, style, theme.faint);
}

/// One line: name, rate, count, age.
fn draw_short(buffer: &mut Buffer, at: &At, lane: &Lane, app: &App, theme: &Theme) {
    let style = style(at.number, app, theme);
    let mut pen = Pen::line(buffer, at.area, at.line).marks(theme);
    pen.right(" ", style);
    pen.right(&format!("{:>4}", age(&lane.meter, app)), theme.dim);
    pen.right(
        &format!(" {:>6}", format::short_count(lane.meter.count)),
        theme.text,
    );
    pen.right(
        &format!(" {:>7}", format::rate(lane.meter.rate(app.now))),
        theme.strong,
    );
    pen.text(" ", style)
        .text(sign(at.number, app), style)
        .text(" ", style);
    let name = middle(&lane.name, pen.room());
    pen.foreign(&name, style);
}

/// How long ago the last one arrived.
fn age(meter: &Meter, app: &App) -> String {
    let age = app.now.duration_since(meter.last_seen);
    format::ago(Duration::try_from(age).unwrap_or_default())
}
