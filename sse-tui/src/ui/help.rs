//! The keys, as the keymap has them, and the filter language.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::pane::Pane;
use super::pen::Pen;
use crate::app::App;
use crate::filter::SYNTAX;
use crate::keymap::{Action, Context};
use crate::theme::Theme;

enum Line {
    Title(&'static str),
    Keys(String, &'static str),
    Sign(&'static str, fn(&Theme) -> Style, &'static str),
    Space,
}

/// A window over everything, in as many columns as fit; what is too high for it
/// scrolls. Returns how far it is scrolled, which is no further than it can be.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) -> usize {
    let mut columns = columns(app, theme.ascii);
    // One under another until they fit.
    while columns.len() > 1 && usize::from(area.width) < width(&columns) + 2 {
        let upper = if columns.len() == 4 { 2 } else { 0 };
        let lower = columns.remove(upper + 1);
        columns[upper].push(Line::Space);
        columns[upper].extend(lower);
    }
    let width = (width(&columns) as u16 + 2).min(area.width);
    let lines = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = (lines as u16 + 2).min(area.height);
    let window = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(window, buffer);
    let room = usize::from(height.saturating_sub(2));
    let most = lines.saturating_sub(room);
    let scroll = app.help.unwrap_or(0).min(most);
    let note = if most > 0 {
        let keys = [Action::Up, Action::Down].map(|action| app.keymap.how(Context::Help, action));
        format!(
            "{} {}–{} of {lines}",
            keys.concat(),
            scroll + 1,
            scroll + room
        )
    } else {
        String::new()
    };
    let inside = Pane::new("help".to_owned())
        .note(note)
        .focused(true)
        .draw(buffer, window, theme);
    let mut start = 0;
    for column in &columns {
        let room = Rect {
            x: inside.x + start,
            width: inside.width.saturating_sub(start),
            ..inside
        };
        let mut keys = 0;
        for (number, content) in column.iter().enumerate() {
            if let Line::Title(_) = content {
                keys = section_keys(&column[number + 1..]);
            }
            let Some(line) = number.checked_sub(scroll) else {
                continue;
            };
            let mut pen = Pen::line(buffer, room, line as u16);
            match content {
                Line::Title(title) => pen.skip(1).text(title, theme.strong),
                Line::Keys(text, help) => pen
                    .skip(1)
                    .right_column(text, keys, theme.accent)
                    .skip(2)
                    .text(help, theme.text),
                Line::Sign(sign, style, meaning) => pen
                    .skip(1)
                    .right_column(sign, keys, style(theme))
                    .skip(2)
                    .text(meaning, theme.text),
                Line::Space => &mut pen,
            };
        }
        start += column_width(column) as u16;
    }
    scroll
}

/// What works here.
fn columns(app: &App, ascii: bool) -> Vec<Vec<Line>> {
    let replay = app.screens.replay.as_ref().map(|_| Context::Replay);
    if let Some(context) = app.screens.context() {
        let mut contexts = vec![Context::Everywhere];
        contexts.extend(replay);
        contexts.push(Context::Help);
        return vec![keys(app, ascii, &[context]), keys(app, ascii, &contexts)];
    }
    let mut first: Vec<_> = replay.into_iter().collect();
    first.extend([Context::List, Context::Prompt]);
    vec![
        keys(app, ascii, &first),
        keys(
            app,
            ascii,
            &[Context::Main, Context::Everywhere, Context::Types],
        ),
        [
            syntax(),
            vec![Line::Space],
            signs(),
            vec![Line::Space],
            keys(app, ascii, &[Context::Help]),
        ]
        .into_iter()
        .flatten()
        .collect(),
        keys(app, ascii, &[Context::Detail]),
    ]
}

fn width(columns: &[Vec<Line>]) -> usize {
    columns.iter().map(|column| column_width(column)).sum()
}

fn column_width(column: &[Line]) -> usize {
    let mut keys = 0;
    let mut width = 0;
    for (number, line) in column.iter().enumerate() {
        width = width.max(match line {
            Line::Title(title) => {
                keys = section_keys(&column[number + 1..]);
                title.width() + 2
            }
            Line::Keys(_, help) | Line::Sign(_, _, help) => keys + help.width() + 5,
            Line::Space => 0,
        });
    }
    width
}

/// Columns for the keys of the lines up to the next title.
fn section_keys(lines: &[Line]) -> usize {
    let section = lines
        .iter()
        .take_while(|line| !matches!(line, Line::Title(_)));
    let widths = section.map(|line| match line {
        Line::Keys(keys, _) => keys.width(),
        Line::Sign(sign, ..) => sign.width(),
        _ => 0,
    });
    widths.max().unwrap_or(0)
}

fn keys(app: &App, ascii: bool, contexts: &[Context]) -> Vec<Line> {
    let mut lines = Vec::new();
    for context in contexts {
        if !lines.is_empty() {
            lines.push(Line::Space);
        }
        lines.push(Line::Title(context.title()));
        for binding in app.keymap.of(*context) {
            if binding.keys.is_empty() {
                continue;
            }
            let keys: Vec<_> = binding.keys.iter().map(|key| key.label_in(ascii)).collect();
            lines.push(Line::Keys(keys.join(" "), binding.help));
        }
    }
    lines
}

/// What signs and colours mean.
fn signs() -> Vec<Line> {
    let sign = |(sign, style, meaning)| Line::Sign(sign, style, meaning);
    let mut lines = vec![Line::Title("signs and colours")];
    lines.extend(SIGNS.map(sign));
    lines
}

type Sign = (&'static str, fn(&Theme) -> Style, &'static str);

const SIGNS: [Sign; 10] = [
    (
        "●",
        |theme| theme.good,
        "open; a type: its colour everywhere",
    ),
    ("◌", |theme| theme.warn, "connecting, or waiting to"),
    ("■ ✕", |theme| theme.bad, "ended; ended for a failure"),
    ("○ ◉", |theme| theme.accent, "type that is muted; solo"),
    ("▌ ◆", |theme| theme.accent, "selected row; bookmark"),
    ("──", |theme| theme.good, "connected, nothing lost"),
    ("──", |theme| theme.warn, "no connection, or loss unknown"),
    ("──", |theme| theme.bad, "cut off, or events lost"),
    (
        "▁▇",
        |theme| theme.accent,
        "events a second, now at the right",
    ),
    (
        "0+",
        |theme| theme.bad,
        "lost, says the server, not how many",
    ),
];

fn syntax() -> Vec<Line> {
    let mut lines = vec![Line::Title("filter, terms side by side must all hold")];
    let examples = SYNTAX.iter();
    lines.extend(examples.map(|(example, words)| Line::Keys((*example).to_owned(), words)));
    lines
}
