//! One line of keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use crate::app::App;
use crate::format;
use crate::keymap::{Action, Context};
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
) {
    let mut pen = Pen::line(buffer, area, 0);
    let kept = format!(
        "kept {} of {} ",
        format::bytes(app.store.used() as f64),
        format::bytes(app.store.budget() as f64).replace(".0 ", " ")
    );
    let note = match app.screens.current {
        Screen::Charts => super::charts::note(app, charts),
        _ => String::new(),
    };
    if !note.is_empty() {
        pen.right(&format!(" {note} "), theme.warn);
    }
    pen.text(" ", theme.dim);
    if let Some(notice) = &app.screens.notice {
        pen.marks(theme).foreign(notice, theme.warn);
        return;
    }
    if let Some(recording) = &app.screens.recording {
        let bytes = format::bytes(recording.bytes as f64);
        let path = Path::new(&recording.path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let width = name.width().min(pen.room() / 3);
        pen.text("● REC ", theme.bad)
            .column(&name, width, theme.bad)
            .text(&format!("{bytes}   "), theme.bad);
    }
    let replay = app.screens.replay.is_some() && !app.help;
    let of_replay = app.keymap.of(Context::Replay).filter(move |_| replay);
    let of_replay = of_replay.filter(|binding| !binding.hint.is_empty());
    let others = app.keymap.hints(app.context());
    let others = others.filter(move |binding| {
        !replay || !matches!(binding.action, Action::Pause | Action::Record)
    });
    for binding in of_replay.chain(others) {
        let Some(key) = binding.keys.first() else {
            continue;
        };
        let (key, hint) = match binding.action {
            Action::Up => ("↑↓".to_owned(), binding.hint),
            Action::PlaySlower => ("{}".to_owned(), binding.hint),
            Action::PlayBack => ("()".to_owned(), binding.hint),
            Action::Pause if app.view.paused() => (key.label(), "resume"),
            _ => (key.label(), binding.hint),
        };
        let hint = match binding.action {
            Action::Record if app.screens.recording.is_some() => "end recording",
            _ => hint,
        };
        if pen.room() < key.width() + 1 + hint.width() {
            break;
        }
        pen.text(&key, theme.accent)
            .text(" ", theme.dim)
            .text(hint, theme.dim);
        pen.text("   ", theme.dim);
    }
    if pen.room() > kept.len() {
        pen.right(&kept, theme.dim);
    }
}
