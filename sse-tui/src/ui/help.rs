//! The keys, as the keymap has them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::pane::Pane;
use super::pen::Pen;
use crate::app::App;
use crate::keymap::{Context, Key};
use crate::theme::Theme;

enum Line {
    Title(&'static str),
    Keys(String, &'static str),
    Space,
}

/// A window over everything: two columns where they fit, else one that begins
/// with the keys that work everywhere.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let columns = columns_for(app);
    let keys = columns.iter().flatten().map(key_width).max().unwrap_or(0);
    let words = columns.iter().flatten().map(help_width).max().unwrap_or(0);
    let column = keys + words + 4;
    let wide = usize::from(area.width) >= 2 * column + 2;
    let lines = if wide {
        columns.into()
    } else {
        let mut contexts = vec![Context::Everywhere];
        contexts.extend(contexts_for(app));
        vec![lines(app, &contexts)]
    };
    let count = lines.len();
    let width = ((count * column + 2) as u16).min(area.width);
    let height = lines.iter().map(Vec::len).max().unwrap_or(0) as u16 + 2;
    let height = height.min(area.height);
    let window = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(window, buffer);
    let inside = Pane::new("keys".to_owned())
        .focused(true)
        .draw(buffer, window, theme);
    for (number, lines) in lines.iter().enumerate() {
        let start = (number * column) as u16;
        let room = Rect {
            x: inside.x + start,
            width: inside.width.saturating_sub(start),
            ..inside
        };
        for (line, content) in lines.iter().enumerate() {
            let mut pen = Pen::line(buffer, room, line as u16);
            match content {
                Line::Title(title) => pen.skip(1).text(title, theme.strong),
                Line::Keys(text, help) => pen
                    .skip(1)
                    .right_column(text, keys, theme.accent)
                    .skip(2)
                    .text(help, theme.text),
                Line::Space => &mut pen,
            };
        }
    }
}

/// What has keys of its own on this screen.
fn contexts_for(app: &App) -> Vec<Context> {
    let mut contexts = match app.screens.context() {
        Some(context) => vec![context],
        None => vec![Context::List, Context::Detail],
    };
    if app.screens.replay.is_some() {
        contexts.push(Context::Replay);
    }
    contexts.push(Context::Help);
    contexts
}

/// The first of these and what works everywhere on the left, the others on the
/// right.
fn columns_for(app: &App) -> [Vec<Line>; 2] {
    let contexts = contexts_for(app);
    let (left, right) = contexts.split_at(1);
    [
        lines(app, &[left[0], Context::Everywhere]),
        lines(app, right),
    ]
}

fn lines(app: &App, contexts: &[Context]) -> Vec<Line> {
    let mut lines = Vec::new();
    for context in contexts {
        if !lines.is_empty() {
            lines.push(Line::Space);
        }
        lines.push(Line::Title(context.title()));
        for binding in app.keymap.of(*context) {
            let keys: Vec<_> = binding.keys.iter().map(|key: &Key| key.label()).collect();
            lines.push(Line::Keys(keys.join(" "), binding.help));
        }
    }
    lines
}

fn key_width(line: &Line) -> usize {
    match line {
        Line::Keys(keys, _) => keys.width(),
        _ => 0,
    }
}

fn help_width(line: &Line) -> usize {
    match line {
        Line::Keys(_, help) => help.width(),
        _ => 0,
    }
}
