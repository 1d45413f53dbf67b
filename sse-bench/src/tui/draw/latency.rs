//! Durations: quantiles of each, and how the most telling one is spread.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::{panel, split};
use crate::series::Distribution;
use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::units::micros;

/// Below this a histogram shows nothing.
const LOWEST_HISTOGRAM: u16 = 3;
/// From the shortest to the longest duration of a histogram, at least: the
/// distribution tells no finer steps apart.
const NARROWEST: f64 = 4.0;
/// The head and durations that a histogram takes no room from.
const LEAST_ROWS: u16 = 3;
/// The same where the first three durations are what is asked for.
const LEAST_ROWS_OF_REQUESTS: u16 = 5;
/// What the quantiles need.
const COLUMN: usize = 8;
const NAME: usize = 12;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let inside = panel(frame, area, " latency ", theme);
    let rows: Vec<_> = view.latencies().collect();
    if rows.is_empty() {
        let nothing = Line::styled("nothing measured yet", theme.label());
        return frame.render_widget(nothing, inside);
    }
    let columns = (usize::from(inside.width).saturating_sub(NAME) / COLUMN).min(4);
    let histogram = (inside.height / 2).max(LOWEST_HISTOGRAM);
    // On a low panel the numbers win.
    let needed = if view.title.requests.is_some() {
        LEAST_ROWS_OF_REQUESTS
    } else {
        LEAST_ROWS
    };
    let room = match inside.height.saturating_sub(histogram) {
        rest if rest >= needed => rest,
        _ => inside.height,
    };
    let mut lines = vec![head(columns, theme)];
    let lag_last = rows.len() > usize::from(room.saturating_sub(1)) && room > 2;
    let shown = rows.iter().take(usize::from(room.saturating_sub(1)));
    lines.extend(shown.map(|row| quantiles(row, columns, theme)));
    if lag_last && let (Some(last), Some(lag)) = (lines.last_mut(), rows.last()) {
        // Own lag voids the others: it is never left out.
        *last = quantiles(lag, columns, theme);
    }
    let (text, rest) = split(inside, lines.len().min(room.into()) as u16);
    frame.render_widget(Paragraph::new(lines), text);
    if rest.height >= LOWEST_HISTOGRAM {
        let (name, distribution) = rows[0];
        draw_histogram(frame, rest, name, distribution, theme);
    }
}

/// The quantiles that fit, the longest durations first to stay.
const QUANTILES: [(&str, Option<f64>); 4] = [
    ("p50", Some(0.5)),
    ("p90", Some(0.9)),
    ("p99", Some(0.99)),
    ("max", None),
];

fn chosen(columns: usize) -> impl Iterator<Item = (&'static str, Option<f64>)> {
    let wanted = move |index: &usize| match columns {
        0 | 1 => *index == 2,
        2 => matches!(index, 0 | 2),
        3 => *index != 1,
        _ => true,
    };
    (0..4).filter(wanted).map(|index| QUANTILES[index])
}

fn head(columns: usize, theme: Theme) -> Line<'static> {
    let names = chosen(columns).map(|(name, _)| format!("{name:>COLUMN$}"));
    let names: String = names.collect();
    Line::styled(format!("{:NAME$}{names}", ""), theme.label())
}

fn quantiles(row: &(&'static str, &Distribution), columns: usize, theme: Theme) -> Line<'static> {
    let (name, distribution) = row;
    let mut spans = vec![Span::styled(format!("{name:<NAME$}"), theme.label())];
    for (quantile, part) in chosen(columns) {
        let value = match part {
            Some(part) => distribution.quantile_us(part),
            None => distribution.max_us(),
        };
        let text = format!("{:>COLUMN$}", micros(value.unwrap_or_default()));
        let style = if quantile == "p99" {
            theme.strong()
        } else {
            theme.strong().not_bold()
        };
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

fn draw_histogram(
    frame: &mut Frame<'_>,
    area: Rect,
    name: &str,
    distribution: &Distribution,
    theme: Theme,
) {
    let Some((low, high)) = bounds(distribution) else {
        return;
    };
    let (bars, scale) = split(area, area.height - 1);
    let columns = histogram(distribution, (low, high), bars.width);
    let sparkline = Sparkline::default().style(theme.curve()).data(columns);
    frame.render_widget(sparkline, bars);
    let (left, right) = (micros(low as u64), micros(high as u64));
    let middle = format!("{name}, logarithmic");
    let room = usize::from(area.width).saturating_sub(left.len() + right.len());
    let middle = if room > middle.len() {
        middle
    } else {
        String::new()
    };
    let line = format!("{left}{middle:^room$}{right}");
    frame.render_widget(Line::styled(line, theme.label()), scale);
}

/// The durations at the ends of the scale, in microseconds.
fn bounds(distribution: &Distribution) -> Option<(f64, f64)> {
    let low = distribution.quantile_us(0.0)?.max(1) as f64;
    let high = distribution.max_us()?.max(1) as f64;
    let spread = (NARROWEST / (high / low)).max(1.0).sqrt();
    Some(((low / spread).max(1.0), high * spread))
}

/// Events by duration, in columns of equal ratio.
fn histogram(distribution: &Distribution, (low, high): (f64, f64), width: u16) -> Vec<u64> {
    let mut columns = vec![0_u64; usize::from(width.max(1))];
    let scale = (high / low).ln();
    for (value, count) in distribution.buckets() {
        let place = (value.max(1) as f64 / low).ln() / scale;
        let column = (place * columns.len() as f64).max(0.0) as usize;
        let column = column.min(columns.len() - 1);
        columns[column] += count;
    }
    // The smallest count must show beside the largest.
    let most = columns.iter().copied().max().unwrap_or(0);
    for column in &mut columns {
        if *column > 0 {
            *column = (*column).max(most / 64);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_a_column_for_each_ratio_and_shows_what_is_rare() {
        let spread = Distribution::new([(100, 1000), (1_000, 1), (10_000, 500)], 10_000);
        let ends = bounds(&spread).unwrap();
        let columns = histogram(&spread, ends, 20);
        assert_eq!((columns[0], columns[10], columns[19]), (1000, 15, 500));
        assert_eq!(columns.iter().filter(|count| **count > 0).count(), 3);
    }

    #[test]
    fn equal_durations_stand_in_the_middle() {
        let equal = Distribution::new([(1_000, 7)], 1_000);
        let (low, high) = bounds(&equal).unwrap();
        assert!((low - 500.0).abs() < 20.0 && (high - 2_000.0).abs() < 80.0);
        let columns = histogram(&equal, (low, high), 9);
        assert_eq!(columns[4], 7);
        assert!(bounds(&Distribution::default()).is_none());
    }
}
