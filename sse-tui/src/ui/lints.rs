//! What a person should know about the streams.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use sse_core::lint::{Lint, Severity, Sighting};
use unicode_width::UnicodeWidthStr;

use super::facts::Places;
use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::keymap::{Action, Context};
use crate::lints::timestamp;
use crate::mouse::{Target, Zones};
use crate::theme::Theme;

/// Columns of how often and how long ago.
const TIMES: usize = 6;
const AGO: usize = 4;

/// What will stand here.
const NOTHING: [&str; 4] = [
    "What is wrong with a stream although it can be read is listed here, with its",
    "evidence, the source of the rule and what mends it: no ids, no heartbeat, extreme",
    "reconnection times, events that wait in a buffer, fields that are ignored, an event",
    "without its end, headers. Some are known only after a while.",
];

/// Fits the window to the screen, before it is drawn.
pub(super) fn fit(app: &mut App, places: &Places) {
    let keys = app.screens.lints.keys();
    let height = usize::from(places.rows().height);
    app.screens.lints.cursor.fit(height, &keys);
}

/// A line for each lint; all about the selected one.
pub(super) fn draw(
    buffer: &mut Buffer,
    places: &Places,
    app: &App,
    theme: &Theme,
    zones: &mut Zones,
) {
    let lints = &app.screens.lints;
    let rows = lints.rows();
    let names = places.draw_list(buffer, "lints".to_owned(), note(&rows), theme);
    let area = places.rows();
    if rows.is_empty() {
        places.draw_nothing(buffer, "nothing to remark so far", &NOTHING, theme);
        return;
    }
    let several = app.connections.len() > 1;
    if let Some(area) = names {
        let mut pen = Pen::line(buffer, area, 0);
        pen.skip(3)
            .right_column("times", TIMES, theme.dim)
            .skip(1)
            .right_column("last", AGO, theme.dim)
            .skip(if several { 5 } else { 2 })
            .text("what · evidence", theme.dim);
    }
    let index = lints.cursor.index(&lints.keys());
    let titles = rows.iter().map(|(_, lint)| lint.kind.title().width());
    let title = titles.max().unwrap_or(0);
    for (line, (place, (source, lint))) in
        rows.iter().enumerate().skip(lints.cursor.top()).enumerate()
    {
        let line = line as u16;
        zones.add_lines(area, line, 1, Target::Finding(place));
        let mut pen = Pen::line(buffer, area, line).marks(theme);
        let (symbol, style) = severity(lint.severity, theme);
        let ago = since(lint.last, app.now);
        pen.text(if place == index { "▌" } else { " " }, theme.accent)
            .text(symbol, style)
            .skip(1)
            .right_column(&format::short_count(lint.count), TIMES, theme.text)
            .skip(1)
            .right_column(&format::ago(ago), AGO, theme.dim)
            .skip(2);
        if several {
            pen.text(&format!("{:<2}", source + 1), theme.lane(*source))
                .skip(1);
        }
        let room = pen.room();
        if room > title + 20 {
            pen.column(lint.kind.title(), title + 1, style)
                .foreign(&lint.evidence, theme.text);
        } else {
            pen.text(lint.kind.title(), style)
                .text(" · ", theme.faint)
                .foreign(&lint.evidence, theme.text);
        }
        if place == index {
            Pen::line(buffer, area, line).background(theme.selected);
        }
    }
    if let Some((source, lint)) = rows.get(index) {
        let facts = facts(lint, *source, app, theme);
        places.draw_facts(buffer, lint.kind.title().to_owned(), &facts, theme);
    }
}

/// `! 3 lints` for other screens, with the colour of the worst; none if there
/// is nothing to remark.
pub(super) fn label(app: &App, theme: &Theme) -> Option<(String, Style)> {
    let (count, worst) = app.screens.lints.summary()?;
    let key = app.keymap.key(Context::Everywhere, Action::Lints);
    let key = key.map_or_else(String::new, |key| format!("{} ", key.label()));
    let unit = if count == 1 { "lint" } else { "lints" };
    Some((format!("{key}{count} {unit}"), severity(worst, theme).1))
}

fn note(rows: &[(usize, &Lint)]) -> String {
    let count = |severity| {
        rows.iter()
            .filter(move |(_, lint)| lint.severity == severity)
    };
    let words = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        match count(severity).count() {
            0 => String::new(),
            1 => format!("1 {severity}"),
            many => format!("{many} {severity}s"),
        }
    });
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(", ")
}

fn severity(severity: Severity, theme: &Theme) -> (&'static str, Style) {
    match severity {
        Severity::Error => ("✕", theme.bad),
        Severity::Warning => ("▲", theme.warn),
        Severity::Note => ("·", theme.dim),
    }
}

fn since(sighting: Sighting, now: Timestamp) -> Duration {
    let at = timestamp(sighting.moment.at);
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

fn facts(
    lint: &Lint,
    source: usize,
    app: &App,
    theme: &Theme,
) -> Vec<(&'static str, String, Style)> {
    let seen = |sighting: Sighting| {
        let at = timestamp(sighting.moment.at);
        let time = at.to_zoned(app.time_zone.clone()).time();
        let time = time.strftime("%H:%M:%S");
        match sighting.leg {
            0 => format!("{time}, before the first connection"),
            leg => format!("{time}, connection {leg}"),
        }
    };
    let mut facts = vec![("evidence", lint.evidence.clone(), theme.strong)];
    if app.connections.len() > 1
        && let Some(connection) = app.connections.get(source)
    {
        facts.push(("stream", connection.name.clone(), theme.lane(source)));
    }
    let times = match lint.count {
        1 => format!("once: {}", seen(lint.last)),
        count => format!(
            "{} times, first {}, last {}",
            format::count(count),
            seen(lint.first),
            seen(lint.last)
        ),
    };
    let (symbol, style) = severity(lint.severity, theme);
    facts.extend([
        ("mend", lint.kind.mend().to_owned(), theme.good),
        ("seen", times, theme.text),
        (
            "severity",
            format!("{symbol} {} · {}", lint.severity, lint.kind),
            style,
        ),
        ("source", lint.kind.source().to_owned(), theme.dim),
    ]);
    facts
}
