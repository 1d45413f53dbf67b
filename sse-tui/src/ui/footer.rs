//! One line of keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::keymap::Action;
use crate::theme::Theme;

/// The keys that the keymap gives a hint for where the keys go now, and how
/// much of the byte budget is used.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let mut pen = Pen::line(buffer, area, 0);
    let kept = format!(
        "kept {} of {} ",
        format::bytes(app.store.used() as f64),
        format::bytes(app.store.budget() as f64).replace(".0 ", " ")
    );
    pen.text(" ", theme.dim);
    if let Some(notice) = &app.screens.notice {
        pen.marks(theme).foreign(notice, theme.warn);
        return;
    }
    if let Some(recording) = &app.screens.recording {
        let bytes = format::bytes(recording.bytes as f64);
        pen.text(&format!("● REC {bytes}"), theme.bad)
            .text("   ", theme.dim);
    }
    for binding in app.keymap.hints(app.context()) {
        let Some(key) = binding.keys.first() else {
            continue;
        };
        let (key, hint) = match binding.action {
            Action::Up => ("↑↓".to_owned(), binding.hint),
            Action::Pause if app.view.paused() => (key.label(), "resume"),
            _ => (key.label(), binding.hint),
        };
        pen.text(&key, theme.accent)
            .text(" ", theme.dim)
            .text(hint, theme.dim);
        pen.text("   ", theme.dim);
    }
    if pen.room() > kept.len() {
        pen.right(&kept, theme.dim);
    }
}
