//! Reconnects: how many, after what, and what came of them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::{panel, split};
use crate::series::Distribution;
use crate::tui::theme::Theme;
use crate::tui::view::{Rules, View};
use crate::units::{micros, thousands};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let inside = panel(frame, area, " reconnects ", theme);
    let mut lines = vec![summary(view, theme)];
    if let Some(back) = view.pulse.latency("reconnect") {
        lines.push(back_after(back, theme));
    }
    match &view.title.judged {
        Some(rules) => lines.extend(judged(view, rules, theme)),
        None => lines.extend(causes(view, theme)),
    }
    let (text, rest) = split(inside, lines.len() as u16);
    frame.render_widget(Paragraph::new(lines), text);
    if rest.height > 0 {
        let latest = view.points.len().saturating_sub(rest.width as usize);
        let rates = view.points[latest..].iter();
        // Below one a second a bar shows too.
        let rates: Vec<_> = rates
            .map(|point| (point.reconnects * 100.0) as u64)
            .collect();
        let sparkline = Sparkline::default().style(theme.away()).data(rates);
        frame.render_widget(sparkline, rest);
    }
}

fn summary(view: &View, theme: Theme) -> Line<'static> {
    let now = view.points.last().map_or(0.0, |point| point.reconnects);
    let mut spans = vec![
        Span::styled(thousands(view.feed.now.reconnects), theme.strong()),
        Span::raw(" came back"),
    ];
    if now > 0.0 {
        spans.push(Span::styled(format!(", {now:.0}/s"), theme.label()));
    }
    Line::from(spans)
}

fn back_after(back: &Distribution, theme: Theme) -> Line<'static> {
    let at = |part| micros(back.quantile_us(part).unwrap_or_default());
    let longest = micros(back.max_us().unwrap_or_default());
    let values = [("p50 ", at(0.5)), (" p99 ", at(0.99)), (" max ", longest)];
    let spans = values.into_iter().flat_map(|(name, value)| {
        let name = Span::styled(name, theme.label());
        [name, Span::raw(value)]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// What connections ended by; that a failure was of an open connection is not
/// known for each kind, so failures have a panel of their own.
fn causes(view: &View, theme: Theme) -> Option<Line<'static>> {
    let ends = view.pulse.ends;
    (ends > 0).then(|| {
        let text = format!("{} streams ended cleanly", thousands(ends));
        Line::styled(text, theme.label())
    })
}

/// How reconnects resumed, and what became of those after each kind of cut.
fn judged(view: &View, rules: &Rules, theme: Theme) -> Vec<Line<'static>> {
    let Some(judged) = &view.judged else {
        return Vec::new();
    };
    let counts = judged.findings.reconnects;
    let ways = [
        ("resumed", counts.resumed, theme.good()),
        ("full replay", counts.full_replay, theme.open_question()),
        ("live only", counts.live_only, theme.bad()),
        ("rejected", counts.rejected, theme.bad()),
        ("nothing owed", counts.vacuous, theme.label()),
    ];
    let mut lines = Vec::new();
    let some: Vec<_> = ways
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .collect();
    for pair in some.chunks(2) {
        let spans = pair.iter().map(|(name, count, style)| {
            Span::styled(
                format!("{:<16}", format!("{name} {}", thousands(*count))),
                *style,
            )
        });
        lines.push(Line::from(spans.collect::<Vec<_>>()));
    }
    lines.extend(cuts(view, rules, theme));
    lines
}

fn cuts(view: &View, rules: &Rules, theme: Theme) -> Vec<Line<'static>> {
    let legs = view.judged.iter().map(|judged| &judged.findings.legs);
    let mut kinds: Vec<(&str, u64, u64)> = Vec::new();
    for (cut, replays) in legs.flat_map(|legs| &legs.by_cut) {
        let known = cut.and_then(|number| rules.cuts.get(usize::from(number)));
        let name = known.copied().unwrap_or("by the server");
        let kind = match kinds.iter().position(|(kind, ..)| *kind == name) {
            Some(index) => &mut kinds[index],
            None => {
                kinds.push((name, 0, 0));
                let last = kinds.len() - 1;
                &mut kinds[last]
            }
        };
        kind.1 += replays.reconnects;
        kind.2 += replays.incomplete;
    }
    kinds.sort_unstable();
    let line = |(name, all, incomplete): (&str, u64, u64)| {
        let style = if incomplete > 0 {
            theme.bad()
        } else {
            Style::new()
        };
        Line::from(vec![
            Span::styled(format!("cut {name} "), theme.label()),
            Span::raw(thousands(all)),
            Span::styled(format!(", {} incomplete", thousands(incomplete)), style),
        ])
    };
    kinds.into_iter().map(line).collect()
}
