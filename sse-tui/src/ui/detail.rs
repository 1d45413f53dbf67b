//! One event in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::store::RowKind;
use crate::theme::Theme;

/// Lines above the text.
const HEAD: u16 = 3;

/// The room for the text inside the pane.
pub(super) fn text_area(area: Rect) -> Rect {
    let head = if area.height > 2 * HEAD { HEAD } else { 0 };
    Rect {
        x: area.x.saturating_add(1).min(area.right()),
        y: area.y + head,
        width: area.width.saturating_sub(2),
        height: area.height - head,
    }
}

/// The event type.
pub(super) fn title(app: &App) -> String {
    let row = app
        .detail
        .as_ref()
        .and_then(|detail| app.store.get(detail.row()));
    match row {
        Some(row) if row.kind == RowKind::Event => row.event_type.to_owned(),
        Some(_) => "connection".to_owned(),
        None => "detail".to_owned(),
    }
}

/// Which lines are in sight, if not all are.
pub(super) fn note(app: &App) -> String {
    let Some((top, height, lines)) = app.detail.as_ref().map(crate::detail::Detail::position)
    else {
        return String::new();
    };
    if lines <= height {
        return String::new();
    }
    format!(
        "{}–{} of {}",
        top + 1,
        (top + height).min(lines),
        format::count(lines as u64)
    )
}

/// When it was received, its id and connection, then its data.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some(detail) = &app.detail else {
        return;
    };
    let text = text_area(area);
    if text.y > area.y {
        draw_head(buffer, area, app, theme);
    }
    for (line, tokens) in detail.visible().iter().enumerate() {
        let mut pen = Pen::line(buffer, text, line as u16);
        for (kind, token) in tokens {
            pen.text(token, theme.token(*kind));
        }
    }
}

fn draw_head(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some(row) = app
        .detail
        .as_ref()
        .and_then(|detail| app.store.get(detail.row()))
    else {
        return;
    };
    let received = row.at.to_zoned(app.time_zone.clone());
    let received = received.strftime("%Y-%m-%d %H:%M:%S.%9f %:z").to_string();
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    pen.skip(1)
        .column("received", 8, theme.dim)
        .skip(1)
        .text(&received, theme.text);

    let mut pen = Pen::line(buffer, area, 1).marks(theme);
    let leg = format!(
        "connection {} · {}",
        row.leg,
        format::bytes(row.data.len() as f64)
    );
    pen.right(" ", theme.dim)
        .right(&leg, theme.dim)
        .right("  ", theme.dim);
    pen.skip(1).column("id", 8, theme.dim).skip(1);
    pen.foreign(if row.id.is_empty() { "none" } else { row.id }, theme.text);

    let mut pen = Pen::line(buffer, area, 2);
    pen.fill("─", theme.faint);
}
