//! The latest number of one field.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::super::pen::Pen;
use crate::charts::{Field, Panel};
use crate::format;
use crate::sanitize::{prefix, sanitize};
use crate::theme::Theme;

/// Name and value, how it changed, what else there is.
pub(super) fn draw_value(
    buffer: &mut Buffer,
    area: Rect,
    panel: &Panel,
    field: &Field,
    value: f64,
    now: Timestamp,
    theme: &Theme,
) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    if let Some((first, _)) = field.points(now).next() {
        let span = Duration::try_from(now.duration_since(first)).unwrap_or_default();
        if span.as_secs() > 0 && pen.room() > 40 {
            pen.right(&format!("last {} ", format::duration(span)), theme.dim);
        }
    }
    if panel.fields.len() > 1 {
        let place = panel.chosen().map_or(0, |place| place + 1);
        let more = match panel.fields_beyond {
            0 => format!(" f {place}/{}  ", panel.fields.len()),
            beyond => format!(" f {place}/{} +{beyond}  ", panel.fields.len()),
        };
        pen.right(&more, theme.dim);
    }
    let before = field.points(now).rev_second();
    let (symbol, style) = match before {
        Some(before) if value > before => ("▲", theme.good),
        Some(before) if value < before => ("▼", theme.bad),
        _ => ("·", theme.dim),
    };
    let label = field.label();
    let width = sanitize(prefix(&label, 64)).width();
    let width = width.min(pen.room().saturating_sub(14).max(4));
    pen.skip(1)
        .column(&label, width, theme.dim)
        .text(&number(value), theme.strong)
        .text(" ", theme.dim)
        .text(symbol, style);
    if let Some(before) = before.filter(|before| (value - before).abs() > f64::EPSILON) {
        let by = number((value - before).abs());
        pen.text(" ", theme.dim).text(&by, style);
    }
}

/// The value before the last.
trait RevSecond {
    fn rev_second(self) -> Option<f64>;
}

impl<I: Iterator<Item = (Timestamp, f64)>> RevSecond for I {
    fn rev_second(self) -> Option<f64> {
        let (before, _) = self.fold((None, None), |(_, last), (_, value)| (last, Some(value)));
        before
    }
}

/// At most nine columns or so: `101.5`, `14,684,160`, `1.2e21`.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.2e}");
    }
    if value.fract() == 0.0 {
        let text = format::count(size as u64);
        return if value < 0.0 {
            format!("-{text}")
        } else {
            text
        };
    }
    let decimals = match size {
        1000.0.. => 2,
        1.0.. => 3,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        for (value, text) in [
            (0.0, "0"),
            (101.5, "101.5"),
            (-14_684_160.0, "-14,684,160"),
            (99.123_456, "99.123"),
            (1234.567, "1234.57"),
            (0.000_5, "0.0005"),
            (1.2e21, "1.20e21"),
            (-0.000_001, "-1.00e-6"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
