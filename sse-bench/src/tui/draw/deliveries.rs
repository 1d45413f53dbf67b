//! What arrives: now, in all, and over the run.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::{panel, split};
use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::units::{bytes, rate, thousands};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let inside = panel(frame, area, " deliveries ", theme);
    let (text, rest) = split(inside, 1);
    let feed = &view.feed;
    let now = format!("{}/s", rate(feed.deliveries));
    let volume = format!("  {}/s", bytes(feed.bytes));
    let all = format!("  in all {}", thousands(feed.now.deliveries));
    let all_bytes = format!(", {}", bytes(feed.now.bytes as f64));
    let parts = [
        (now, theme.strong()),
        (volume, Style::new()),
        (all, theme.label()),
        (all_bytes, theme.label()),
    ];
    // What does not fit whole is left out.
    let mut room = usize::from(inside.width);
    let fitting = parts.into_iter().map_while(|(part, style)| {
        room = room.checked_sub(part.len())?;
        Some(Span::styled(part, style))
    });
    let line = Line::from(fitting.collect::<Vec<_>>());
    frame.render_widget(line, text);
    if rest.height >= 3 {
        chart(frame, rest, view, theme);
    }
}

fn chart(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let points = view.points.iter();
    let mut points: Vec<_> = points.map(|point| (point.at, point.deliveries)).collect();
    // The first rate is that of the time before it.
    if let Some((_, first)) = points.first().copied() {
        points.insert(0, (0.0, first));
    }
    let highest = points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let top = ceiling(highest);
    let end = view.feed.elapsed.as_secs_f64().max(1.0);
    let curve = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Area)
        .style(theme.curve())
        .data(&points);
    let y_labels = ["0".to_owned(), rate(top)];
    let x_labels = ["0 s".to_owned(), format!("{end:.0} s")];
    let chart = Chart::new(vec![curve])
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
