//! Values over time, from 0 to a round number.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use crate::tui::theme::Theme;
use crate::units::rate;

/// What this needs at least.
pub(super) const LOWEST: u16 = 3;

/// One curve.
pub(super) struct Curve {
    /// Seconds and values.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) style: Style,
    pub(super) filled: bool,
}

/// Draws curves over so many seconds.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, curves: &[Curve], end: f64, theme: Theme) {
    let values = curves.iter().flat_map(|curve| &curve.points);
    let top = ceiling(values.map(|(_, value)| *value).fold(0.0, f64::max));
    let end = end.max(1.0);
    let curves = curves.iter().map(|curve| {
        let graph = if curve.filled {
            GraphType::Area
        } else {
            GraphType::Line
        };
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(graph)
            .style(curve.style)
            .data(&curve.points)
    });
    let y_labels = ["0".to_owned(), rate(top)];
    let x_labels = ["0 s".to_owned(), format!("{end:.0} s")];
    let chart = Chart::new(curves.collect())
        .x_axis(axis([0.0, end], x_labels, theme))
        .y_axis(axis([0.0, top], y_labels, theme));
    frame.render_widget(chart, area);
}

fn axis(bounds: [f64; 2], labels: [String; 2], theme: Theme) -> Axis<'static> {
    Axis::default()
        .bounds(bounds)
        .labels(labels)
        .style(theme.label())
}

/// A round number that is no smaller.
fn ceiling(value: f64) -> f64 {
    if value <= 1.0 {
        return 1.0;
    }
    let magnitude = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = steps.into_iter().map(|step| step * magnitude);
    fits.into_iter()
        .find(|top| *top >= value)
        .unwrap_or(magnitude * 10.0)
}

#[cfg(test)]
mod tests {
    use super::ceiling;

    #[test]
    fn the_scale_ends_with_a_round_number_no_smaller() {
        for (value, expected) in [
            (0.0, 1),
            (1.0, 1),
            (9.5, 10),
            (101.0, 150),
            (7_999.0, 8_000),
        ] {
            assert_eq!(ceiling(value) as u64, expected, "{value}");
        }
    }
}
