//! How the connections come back.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::curve::{self, Curve};
use super::deliveries::fitting;
use super::{errors, panel, split};
use crate::tui::theme::Theme;
use crate::tui::view::StormNow;
use crate::units::{seconds, thousands};

/// The way back, over the time since the first loss.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, storm: &StormNow, theme: Theme) {
    let (number, of) = (storm.number, storm.of);
    let title = match storm.since {
        _ if !storm.is_on && storm.lost == 0 => format!(" calm before storm {number} of {of} "),
        _ if !storm.is_on => format!(" storm {} of {of} is over ", number.saturating_sub(1)),
        None => format!(" storm {number} of {of}, no loss yet "),
        Some(since) => format!(
            " storm {number} of {of}, {} since the first loss ",
            seconds(since)
        ),
    };
    let inside = panel(frame, area, title, theme);
    let (text, rest) = split(inside, 2);
    let count = |count: u32| thousands(count.into());
    let first = [
        (
            format!("{} open again", count(storm.open)),
            theme.strong().patch(theme.curve()),
        ),
        (
            format!("  {} caught up", count(storm.caught_up)),
            theme.good(),
        ),
        (format!("  of {} lost", count(storm.lost)), theme.label()),
    ];
    let over = [
        (storm.given_up, "given up for good"),
        (storm.stopped, "told to stop"),
    ];
    let over = over.into_iter().filter(|(count, _)| *count > 0);
    let over =
        over.map(|(number, what)| Span::styled(format!("{} {what}  ", count(number)), theme.bad()));
    let lines = vec![
        fitting(&first, inside.width),
        Line::from(over.collect::<Vec<_>>()),
    ];
    frame.render_widget(Paragraph::new(lines), text);
    if rest.height < curve::LOWEST || storm.curve.is_empty() {
        return;
    }
    let points = |value: fn(&(f64, u32, u32)) -> u32| {
        let points = storm.curve.iter();
        points
            .map(|point| (point.0, f64::from(value(point))))
            .collect()
    };
    let curves = [
        Curve {
            points: points(|point| point.1),
            style: theme.curve(),
            filled: false,
        },
        Curve {
            points: points(|point| point.2),
            style: theme.good(),
            filled: false,
        },
    ];
    let end = storm.curve.last().map_or(1.0, |point| point.0);
    curve::draw(frame, rest, &curves, end, theme);
}

/// What the server had to bear, and refused.
pub(super) fn draw_attempts(frame: &mut Frame<'_>, area: Rect, storm: &StormNow, theme: Theme) {
    let inside = panel(frame, area, " attempts of this storm ", theme);
    let all = [
        (storm.attempts, "attempts", theme.strong()),
        (storm.peak, "a second at most", theme.label()),
        (storm.refused, "refused", theme.bad()),
        (storm.failed, "failed without an answer", theme.bad()),
        (storm.lost_again, "opened and lost again", theme.bad()),
    ];
    let lines = all.into_iter().map(|(count, what, style)| {
        let style = if count == 0 { theme.label() } else { style };
        Line::styled(format!("{:>9} {what}", thousands(count)), style)
    });
    let (text, rest) = split(inside, all.len() as u16);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), text);
    if rest.height > 0 {
        errors::list(frame, rest, &storm.failures, theme);
    }
}
