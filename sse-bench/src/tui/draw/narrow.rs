//! A few lines, where there is no room for panels.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::tui::theme::Theme;
use crate::tui::view::View;
use crate::units::{bytes, micros, rate, seconds, thousands};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let (feed, slots) = (&view.feed, &view.slots);
    let left = feed.left.map(|left| format!(", {} left", seconds(left)));
    let mut lines = vec![
        Line::styled(
            format!(
                "{} {}, {}{}",
                view.title.command,
                view.phase(),
                seconds(feed.elapsed),
                left.unwrap_or_default()
            ),
            theme.strong(),
        ),
        Line::raw(match &view.title.requests {
            Some(_) => format!(
                "{} under way, {} done, {}/s",
                thousands(slots.open),
                thousands(feed.now.requests),
                rate(feed.requests)
            ),
            None => format!(
                "{}/{} open, {} connecting",
                thousands(slots.open),
                thousands(view.title.connections),
                thousands(slots.connecting)
            ),
        }),
        Line::raw(format!(
            "{}/s, {}/s, {} events",
            rate(feed.deliveries),
            bytes(feed.bytes),
            thousands(feed.now.deliveries)
        )),
    ];
    if let Some(judged) = &view.judged {
        let counts = judged.findings.integrity;
        let clean = counts.missing + counts.duplicate + counts.reorder + counts.stall == 0;
        let style = if clean { theme.good() } else { theme.bad() };
        let (missing, duplicate) = (thousands(counts.missing), thousands(counts.duplicate));
        let text = format!("so far missing {missing}, duplicate {duplicate}");
        lines.push(Line::styled(text, style));
        let (reorder, stall) = (thousands(counts.reorder), thousands(counts.stall));
        let conflict = thousands(counts.id_conflict);
        let text = format!("reorder {reorder}, stall {stall}, conflict {conflict}");
        lines.push(Line::styled(text, style));
    }
    if let Some((name, distribution)) = view.latencies().next() {
        let at = |part| micros(distribution.quantile_us(part).unwrap_or_default());
        lines.push(Line::raw(format!(
            "{name} p50 {}, p99 {}",
            at(0.5),
            at(0.99)
        )));
    }
    if let Some(storm) = &feed.storm {
        let count = |count: u32| thousands(count.into());
        let (open, caught_up) = (count(storm.open), count(storm.caught_up));
        let lost = count(storm.lost);
        let text = format!("{open} of {lost} open again, {caught_up} caught up");
        lines.push(Line::styled(text, theme.strong()));
    }
    lines.push(Line::raw(match &view.title.requests {
        Some(_) => format!("{} failed", thousands(feed.now.failures)),
        None => format!(
            "{} reconnects, {} errors",
            thousands(feed.now.reconnects),
            thousands(feed.now.failures)
        ),
    }));
    let kept = |kept| {
        view.thresholds
            .iter()
            .filter(|checked| checked.kept == kept)
            .count()
    };
    if !view.thresholds.is_empty() {
        let (breached, all) = (kept(Some(false)), view.thresholds.len());
        let style = if breached > 0 {
            theme.bad()
        } else {
            theme.good()
        };
        lines.push(Line::styled(
            format!("{breached} of {all} thresholds breached"),
            style,
        ));
    }
    lines.push(Line::styled("q ends the run", theme.label()));
    frame.render_widget(Paragraph::new(lines), area);
}
