//! Event types: how many, how fast, when last.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::sanitize::sanitize;
use crate::stats::{Lane, MAX_LANES};
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
/// there is room, else two, else one; what does not fit is counted.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let lanes = &app.stats.lanes;
    if lanes.is_empty() {
        Pen::line(buffer, area, 0).text(" no event yet", theme.dim);
        return;
    }
    let height = usize::from(area.height);
    let each = if lanes.len() * 3 <= height + 1 {
        3
    } else if lanes.len() * 2 <= height {
        2
    } else {
        1
    };
    let fitting = if lanes.len() * each < height + each {
        lanes.len()
    } else {
        height.saturating_sub(1)
    };
    for (number, lane) in lanes.iter().take(fitting).enumerate() {
        let line = (number * each) as u16;
        if each == 1 {
            draw_short(&mut Pen::line(buffer, area, line), number, lane, app, theme);
        } else {
            draw_card(buffer, area, line, number, lane, app, theme);
        }
    }
    if fitting < lanes.len() {
        let more = format!(" and {} more types", lanes.len() - fitting);
        Pen::line(buffer, area, area.height.saturating_sub(1)).text(&more, theme.dim);
    }
}

/// All types on one line, for screens without a side pane.
pub(super) fn draw_line(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
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
    let spark = pen.room().saturating_sub(needed) / lanes.len().max(1);
    let spark = if spark > 4 { spark.min(17) - 1 } else { 0 };
    for (number, (lane, figures)) in lanes.iter().zip(&figures).enumerate() {
        let width = width(&lane.name);
        let last = number + 1 == lanes.len();
        if pen.room() < width + spark + figures.width() + if last { 4 } else { 13 } {
            pen.text(&format!("+{} more", lanes.len() - number), theme.dim);
            return;
        }
        let style = theme.lane(number);
        pen.text("● ", style).column(&lane.name, width, style);
        if spark > 0 {
            let amounts: Vec<_> = lane.meter.series.last(app.now, spark).collect();
            pen.sparkline(&amounts, style, theme.faint).text(" ", style);
        }
        pen.text(figures, theme.dim).text("   ", theme.dim);
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
fn draw_card(
    buffer: &mut Buffer,
    area: Rect,
    line: u16,
    number: usize,
    lane: &Lane,
    app: &App,
    theme: &Theme,
) {
    let style = theme.lane(number);
    let mut pen = Pen::line(buffer, area, line).marks(theme);
    pen.right(" ", style)
        .right(&format::rate(lane.meter.rate(app.now)), theme.strong);
    pen.right(" ", style)
        .text(" ● ", style)
        .foreign(&lane.name, style);

    let mut pen = Pen::line(buffer, area, line + 1);
    pen.right(" ", style);
    pen.right(&format!("{:>4}", age(lane, app)), theme.dim);
    pen.right(
        &format!(" {:>7}", format::short_count(lane.meter.count)),
        theme.text,
    );
    pen.text("   ", style);
    let amounts: Vec<_> = lane.meter.series.last(app.now, pen.room()).collect();
    pen.sparkline(&amounts, style, theme.faint);
}

/// One line: name, rate, count, age.
fn draw_short(pen: &mut Pen<'_>, number: usize, lane: &Lane, app: &App, theme: &Theme) {
    let style = theme.lane(number);
    pen.right(" ", style);
    pen.right(&format!("{:>4}", age(lane, app)), theme.dim);
    pen.right(
        &format!(" {:>6}", format::short_count(lane.meter.count)),
        theme.text,
    );
    pen.right(
        &format!(" {:>7}", format::rate(lane.meter.rate(app.now))),
        theme.strong,
    );
    pen.text(" ● ", style).foreign(&lane.name, style);
}

/// How long ago the last event of the type arrived.
fn age(lane: &Lane, app: &App) -> String {
    let age = app.now.duration_since(lane.meter.last_seen);
    format::ago(Duration::try_from(age).unwrap_or_default())
}
