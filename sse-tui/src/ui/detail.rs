//! One event in full.

use std::fmt::Write as _;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::Pen;
use crate::app::{App, Focus};
use crate::detail::Detail;
use crate::format;
use crate::mouse::{Target, Zones};
use crate::sanitize::{prefix, sanitize};
use crate::theme::Theme;
use crate::wire::is_whole;

/// Lines above the text.
const HEAD: u16 = 4;

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
        Some(row) if row.kind.is_event() => {
            let wire = app.detail.as_ref().is_some_and(Detail::shows_wire);
            let what = if wire { " · bytes on the wire" } else { "" };
            format!("{}{what}", row.event_type)
        }
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
pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, zones: &mut Zones) {
    let Some(detail) = &app.detail else {
        return;
    };
    let text = text_area(area);
    if text.y > area.y {
        draw_head(buffer, area, app, theme);
    }
    let focused = app.focus == Focus::Detail;
    for (line, (tokens, selected)) in detail.visible().enumerate() {
        zones.add_lines(text, line as u16, 1, Target::Line(line));
        let mut pen = Pen::line(buffer, text, line as u16);
        for (kind, token) in tokens {
            pen.marked(token, theme.token(*kind), &hits(app, token), theme.hit);
        }
        if selected && focused {
            pen.background(theme.selected);
        }
    }
}

/// When, how long after the one before, which id, how large, from where; and the
/// way to the value that the cursor is on.
fn draw_head(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some(detail) = &app.detail else {
        return;
    };
    let Some(row) = app.store.get(detail.row()) else {
        return;
    };
    let path = detail
        .path()
        .filter(|_| app.focus == Focus::Detail)
        .map(|path| path.to_string());
    let received = row.at.to_zoned(app.time_zone.clone());
    let received = received.strftime("%Y-%m-%d %H:%M:%S.%9f %:z").to_string();
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    if let Some(delta) = row.delta.filter(|delta| !delta.is_zero()) {
        pen.right(&format!("  +{} ", format::delta(delta)), theme.dim);
    }
    pen.skip(1)
        .column("received", 8, theme.dim)
        .skip(1)
        .text(&received, theme.text);

    let mut pen = Pen::line(buffer, area, 1).marks(theme);
    let wire = if area.width < 60 {
        String::new()
    } else {
        detail_wire(app)
    };
    let size = format::bytes(row.data.len() as f64);
    pen.right(" ", theme.dim)
        .right(&format!("  {size}{wire}"), theme.dim);
    pen.skip(1).column("id", 8, theme.dim).skip(1);
    if row.id.is_empty() {
        pen.foreign("none", theme.dim);
    } else {
        pen.marked(row.id, theme.text, &hits(app, row.id), theme.hit);
    }

    let mut pen = Pen::line(buffer, area, 2).marks(theme);
    if let Some(path) = path.filter(|path| path.len() < usize::from(area.width) / 2) {
        pen.right(" ", theme.accent);
        pen.right(&sanitize(&path), theme.accent)
            .right("  ", theme.dim);
    }
    let source = app.connections.get(usize::from(row.source));
    let name = source.map_or("", |source| source.name.as_str());
    pen.skip(1)
        .column("from", 8, theme.dim)
        .skip(1)
        .text(&format!("leg {} · ", row.leg), theme.text)
        .foreign(name, theme.text);

    let mut pen = Pen::line(buffer, area, 3);
    pen.fill("─", theme.faint);
}

/// Where what is looked for stands in a text.
pub(super) fn hits(app: &App, text: &str) -> Vec<Range<usize>> {
    match &app.find {
        Some(find) => find.pattern.places(text).collect(),
        None => Vec::new(),
    }
}

/// Bytes on the wire, reads, and the reconnection time that the block sets.
fn detail_wire(app: &App) -> String {
    let wire = app
        .detail
        .as_ref()
        .and_then(|detail| app.store.wire(detail.row()));
    let Some((bytes, reads)) = wire.filter(|(bytes, _)| !bytes.is_empty()) else {
        return String::new();
    };
    let more = if is_whole(bytes) { "" } else { "more than " };
    let mut text = format!(" · {more}{} on the wire", format::bytes(bytes.len() as f64));
    let inside = reads.iter().filter(|read| **read > 0).count();
    if inside > 0 {
        let _ = write!(text, " in {} reads", inside + 1);
    }
    let retry = bytes
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .find_map(|line| line.strip_prefix(b"retry:"));
    if let Some(retry) = retry {
        let retry = String::from_utf8_lossy(retry);
        let _ = write!(text, " · retry {} ms", sanitize(prefix(retry.trim(), 20)));
    }
    text
}
