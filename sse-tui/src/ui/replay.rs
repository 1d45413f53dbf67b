//! One line: where a recording is played, and how fast.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::theme::Theme;

/// State, speed, place, a bar where there is room, date, and what could not be
/// replayed.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some(status) = &app.screens.replay else {
        return;
    };
    let (symbol, style) = match (status.ended, status.paused) {
        (true, _) => ("■ replayed", theme.dim),
        (_, true) => ("‖ replay", theme.warn),
        _ => ("▶ replay", theme.good),
    };
    let date = status.position.to_zoned(app.time_zone.clone());
    let date = date.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    pen.text(" ", style).text(symbol, style);
    if !status.ended {
        pen.text(&format!(" {}", status.speed), style);
    }
    let place = match status.end {
        Some(end) => format!(
            "  {} / {}  ",
            clock(status.start, status.position),
            clock(status.start, end)
        ),
        None => format!("  {}  ", clock(status.start, status.position)),
    };
    pen.text(&place, theme.text);
    if let Some(note) = &status.note {
        pen.foreign(note, theme.warn).text("  ", theme.dim);
    }
    if pen.room() > 40 {
        pen.right(&format!(" {date} "), theme.dim);
    }
    if let Some(end) = status.end
        && pen.room() > 8
    {
        let room = pen.room();
        let whole = seconds(status.start, end).max(f64::EPSILON);
        let share = seconds(status.start, status.position) / whole;
        let done = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
        pen.text(&"━".repeat(done), theme.accent)
            .text(&"─".repeat(room - done), theme.faint);
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// `01:07.3`, `1:02:03`
fn clock(from: Timestamp, to: Timestamp) -> String {
    let time = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    let seconds = time.as_secs();
    if seconds >= 86_400 {
        return format::duration(time);
    }
    if seconds >= 3600 {
        return format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
    }
    let tenths = time.subsec_millis() / 100;
    format!("{:02}:{:02}.{tenths}", seconds / 60, seconds % 60)
}
