//! One line: keys, or what is being typed, or a word to the user.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::app::{App, Tone};
use crate::connection::Link;
use crate::format;
use crate::keymap::{Action, Binding, Context, Key};
use crate::mouse::{Target, Zones};
use crate::prompt::{Prompt, PromptKind};
use crate::screens::Screen;
use crate::theme::Theme;

/// The keys that the keymap gives a hint for where the keys go now, and how
/// much of the byte budget is used.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    charts: Option<Rect>,
    app: &App,
    theme: &Theme,
    zones: &mut Zones,
) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    if draw_words(&mut pen, app, theme) {
        return;
    }
    let kept = format!(
        "{} of {} ",
        format::bytes(app.store.used() as f64),
        format::bytes(app.store.budget() as f64).replace(".0 ", " ")
    );
    let note = super::charts::note(app, charts);
    if !note.is_empty() {
        pen.right(&format!(" {note} "), theme.warn);
    }
    let lints = super::lints::label(app, theme);
    if let Some((text, style)) = lints.filter(|_| app.screens.current != Screen::Lints) {
        pen.right(&format!(" {text} "), style);
    }
    pen.text(" ", theme.dim);
    draw_recording(&mut pen, app, theme);
    let mut hints: Vec<Hint> = hints(app)
        .filter_map(|binding| Hint::of(binding, app, theme))
        .collect();
    while !hints.is_empty() {
        let hint = hints.remove(0);
        // How to get help and to leave is said, if anything is.
        let kept: usize = if hint.kept {
            0
        } else {
            let kept = hints.iter().filter(|hint| hint.kept);
            kept.map(|hint| hint.width() + 2).sum()
        };
        if pen.room() < hint.width() + kept {
            hints.retain(|hint| hint.kept);
            continue;
        }
        let start = pen.place();
        pen.text(&hint.keys, theme.accent)
            .text(" ", theme.dim)
            .text(hint.word, theme.dim);
        zones.add(pen.since(start), Target::Key(hint.key));
        pen.text("  ", theme.dim);
    }
    if app.mouse && pen.room() > MOUSE.len() {
        pen.right(MOUSE, theme.dim);
    }
    if pen.room() > kept.len() {
        pen.right(&kept, theme.dim);
    }
}

/// That the mouse works.
const MOUSE: &str = " mouse ";

/// A key, or two that belong together, and a word.
struct Hint {
    key: Key,
    keys: String,
    word: &'static str,
    /// Others go without room before it does.
    kept: bool,
}

impl Hint {
    fn of(binding: &Binding, app: &App, theme: &Theme) -> Option<Self> {
        let key = *binding.keys.first()?;
        let context = app.context();
        let keys = key.label_in(theme.ascii);
        let other = counterpart(binding.action).and_then(|other| app.keymap.key(context, other));
        let keys = match other.map(|other| other.label_in(theme.ascii)) {
            Some(other) if other.width() + keys.width() == 2 => keys + &other,
            Some(other) => format!("{keys} {other}"),
            None => keys,
        };
        let word = match binding.action {
            Action::Pause if app.view.paused() => "resume",
            Action::Record if app.screens.recording.is_some() => "end recording",
            Action::Close if context == Context::Detail && app.screens.back.is_some() => "back",
            _ => binding.hint,
        };
        Some(Self {
            key,
            keys,
            word,
            kept: matches!(binding.action, Action::Help | Action::Quit | Action::Close),
        })
    }

    fn width(&self) -> usize {
        self.keys.width() + 1 + self.word.width()
    }
}

/// What stands beside an action under one word.
fn counterpart(action: Action) -> Option<Action> {
    match action {
        Action::Up => Some(Action::Down),
        Action::PlaySlower => Some(Action::PlayFaster),
        Action::PlayBack => Some(Action::PlayAhead),
        _ => None,
    }
}

/// What has a word in the footer where the keys go now.
fn hints(app: &App) -> impl Iterator<Item = &Binding> {
    let replay = app.screens.replay.is_some();
    let hints = app.keymap.hints(app.context(), replay);
    let shown = match app.screens.current {
        Screen::Main => None,
        Screen::Text => Some(Action::Text),
        Screen::Charts => Some(Action::Charts),
        Screen::Lints => Some(Action::Lints),
        Screen::Audit => Some(Action::Audit),
    };
    let list = app.context() == Context::List;
    let ended = !replay
        && app
            .connections
            .iter()
            .any(|connection| matches!(connection.link, Link::Closed(_)));
    let back = app.screens.back.is_some();
    hints.filter(move |binding| match binding.action {
        Action::Record => !replay,
        Action::Reconnect if list => ended,
        Action::Close if list => back,
        action => Some(action) != shown,
    })
}

/// What is recorded to where, if anything is.
fn draw_recording(pen: &mut Pen<'_>, app: &App, theme: &Theme) {
    let Some(recording) = &app.screens.recording else {
        return;
    };
    let bytes = format::bytes(recording.bytes as f64);
    let name = Path::new(&recording.path).file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let width = name.width().min(pen.room() / 3);
    pen.text("● REC ", theme.bad)
        .column(&name, width, theme.bad)
        .text(&format!("{bytes}  "), theme.bad);
}

/// The prompt or the notice, if there is one.
pub(super) fn draw_words(pen: &mut Pen<'_>, app: &App, theme: &Theme) -> bool {
    if let Some(prompt) = &app.prompt {
        draw_prompt(pen, prompt, app, theme);
    } else if let Some(notice) = app.notice() {
        let style = match notice.tone {
            Tone::Done => theme.good,
            Tone::Refused => theme.warn,
        };
        pen.text(" ", style).foreign(&notice.text, style);
    } else {
        return false;
    }
    true
}

/// The line being typed with its cursor; at the right how much matches.
fn draw_prompt(pen: &mut Pen<'_>, prompt: &Prompt, app: &App, theme: &Theme) {
    let sign = match prompt.kind {
        PromptKind::Filter => "&",
        PromptKind::Find => "/",
        PromptKind::Open => "open",
        PromptKind::Export => "export to",
    };
    let (before, after) = prompt.parts();
    let words = match prompt.kind {
        _ if prompt.problem.is_some() => String::new(),
        PromptKind::Filter if prompt.text().is_empty() => {
            "type:tick .price>100 gap:>1s word /regex/".to_owned()
        }
        PromptKind::Find if prompt.text().is_empty() => "word or /regex/".to_owned(),
        PromptKind::Filter => app.match_text(),
        PromptKind::Open if prompt.text().is_empty() => "http://host:port/path".to_owned(),
        PromptKind::Export => ".ndjson, .csv or .raw".to_owned(),
        PromptKind::Find | PromptKind::Open => String::new(),
    };
    let words = cut(&words, pen.room().saturating_sub(6) / 2);
    pen.right(" ", theme.dim)
        .right(&words, theme.dim)
        .right("  ", theme.dim);
    pen.text(" ", theme.accent)
        .text(sign, theme.accent)
        .text(" ", theme.accent);
    // The end of what stands before the cursor is always in sight.
    let room = pen.room().saturating_sub(2);
    let mut shown = before;
    while shown.width() > room {
        let first = shown.graphemes(true).next().map_or(1, str::len);
        shown = &shown[first..];
    }
    let (problem, fine) = match &prompt.problem {
        Some(problem) => {
            let skipped = before.len() - shown.len();
            let at = problem.at.saturating_sub(skipped).min(shown.len());
            let at = (0..=at).rev().find(|at| shown.is_char_boundary(*at));
            (theme.bad, at.unwrap_or(0))
        }
        None => (theme.strong, shown.len()),
    };
    pen.foreign(&shown[..fine], theme.strong);
    pen.foreign(&shown[fine..], problem);
    let cursor = after.graphemes(true).next().unwrap_or(" ");
    pen.foreign(cursor, theme.strong.add_modifier(Modifier::REVERSED));
    pen.foreign(after.get(cursor.len()..).unwrap_or_default(), theme.strong);
}

/// What is wrong with what is being typed, in red on the line above it.
pub(super) fn draw_problem(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let problem = app
        .prompt
        .as_ref()
        .and_then(|prompt| prompt.problem.as_ref());
    let Some(problem) = problem.filter(|_| area.y > buffer.area.y) else {
        return;
    };
    let line = Rect {
        y: area.y - 1,
        height: 1,
        ..area
    };
    let words = format!(" ✕ {} ", problem.reason);
    let width = (words.width() as u16).min(line.width);
    Clear.render(Rect { width, ..line }, buffer);
    Pen::line(buffer, line, 0)
        .marks(theme)
        .foreign(&words, theme.bad);
}

/// At most so many columns.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |grapheme: &&str| {
        used += grapheme.width();
        used <= room
    };
    let mut text: String = text.graphemes(true).take_while(fits).collect();
    text.push('…');
    text
}
