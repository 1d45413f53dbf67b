//! The numbers of one field over time: as a chart, and as bars.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line, Points};
use unicode_width::UnicodeWidthStr;

use super::super::pen::Pen;
use super::figures::number;
use crate::charts::{Field, HISTORY, Panel};
use crate::theme::Theme;

pub(super) fn draw_chart(
    buffer: &mut Buffer,
    area: Rect,
    panel: &Panel,
    field: &Field,
    now: Timestamp,
    theme: &Theme,
) {
    let points = relative(field, now);
    let (Some(first), false) = (points.first(), area.is_empty()) else {
        return;
    };
    let (low, high) = extremes(&points);
    let labels = [number(high), number(low)];
    let width = labels.iter().map(|label| label.width()).max().unwrap_or(0) as u16 + 1;
    let label_width = if area.width > 3 * width { width } else { 0 };
    let plot = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(label_width + 2),
        ..area
    };
    let span = (-first.0).clamp(10.0, HISTORY.as_secs_f64());
    // A line that never moves runs through the middle.
    let margin = if high > low { (high - low) * 0.04 } else { 1.0 };
    let colour = theme.lane(usize::from(panel.lane)).fg.unwrap_or_default();
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([-span, 0.0])
        .y_bounds([low - margin, high + margin])
        .paint(|context| {
            for pair in points.windows(2) {
                let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
                context.draw(&Line::new(x1, y1, x2, y2, colour));
            }
            context.draw(&Points::new(&points, colour));
        })
        .render(plot, buffer);
    if label_width > 0 {
        let column = Rect {
            x: plot.right(),
            width: label_width,
            ..area
        };
        let bottom = area.height - 1;
        let places = if high > low {
            [Some((0, &labels[0])), Some((bottom, &labels[1]))]
        } else {
            [Some((area.height / 2, &labels[0])), None]
        };
        for (line, label) in places.into_iter().flatten() {
            if line == 0 || bottom > 0 {
                let mut pen = Pen::line(buffer, column, line);
                pen.right_column(label, usize::from(label_width), theme.dim);
            }
        }
    }
}

/// Seconds before now, and values.
fn relative(field: &Field, now: Timestamp) -> Vec<(f64, f64)> {
    let point = |(at, value): (Timestamp, f64)| (at.duration_since(now).as_secs_f64(), value);
    field.points(now).map(point).collect()
}

fn extremes(points: &[(f64, f64)]) -> (f64, f64) {
    points.iter().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(low, high), (_, value)| (low.min(*value), high.max(*value)),
    )
}

/// The last values as heights of bars, from 1 to 7.
pub(super) fn levels(field: &Field, now: Timestamp, most: usize) -> Vec<u64> {
    let points = relative(field, now);
    let points = &points[points.len().saturating_sub(most)..];
    let (low, high) = extremes(points);
    let level = |value: f64| {
        if high > low {
            1 + ((value - low) / (high - low) * 6.0).round() as u64
        } else {
            3
        }
    };
    points.iter().map(|(_, value)| level(*value)).collect()
}
