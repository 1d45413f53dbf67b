//! The text of a stream, and its figures.

mod figures;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use serde::de::IgnoredAny;
use unicode_segmentation::UnicodeSegmentation;

use self::figures::{draw_above, draw_side, short_time};
use super::pane::{Edge, Pane};
use super::pen::Pen;
use crate::app::App;
use crate::format;
use crate::llm::{Kind, State};
use crate::theme::Theme;
use crate::transcript::{Line, Transcript};
use crate::wrap::stall_mark;

/// From this width on the figures stand beside the text.
const WIDE: u16 = 110;
/// Their width there.
const SIDE: u16 = 40;
/// Their lines above the text.
const ABOVE: u16 = 2;
/// What says which event the cursor stands on.
const BELOW: u16 = 1;

/// Where the parts of the screen stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pane: Rect,
    text: Rect,
    figures: Rect,
    cursor: Rect,
    edge: Edge,
    wide: bool,
}

impl Places {
    pub(super) fn of(area: Rect, edge: Edge) -> Self {
        let wide = area.width >= WIDE && edge != Edge::Bare;
        let side = if wide { SIDE } else { 0 };
        let edge = if wide { Edge::Border } else { edge };
        let pane = Rect {
            width: area.width - side,
            ..area
        };
        let inside = edge.inside(pane);
        let above = if wide || inside.height < 6 { 0 } else { ABOVE };
        let below = if inside.height < 4 { 0 } else { BELOW };
        let figures = if wide {
            Rect {
                x: pane.right(),
                width: side,
                ..area
            }
        } else {
            Rect {
                height: above,
                ..inside
            }
        };
        Self {
            pane,
            figures,
            text: Rect {
                x: inside.x.saturating_add(1).min(inside.right()),
                y: inside.y + above,
                width: inside.width.saturating_sub(2),
                height: inside.height.saturating_sub(above + below),
            },
            cursor: Rect {
                y: inside.bottom().saturating_sub(below),
                height: below,
                ..inside
            },
            edge,
            wide,
        }
    }

    /// The room for the text.
    pub(super) fn text(&self) -> (usize, usize) {
        (usize::from(self.text.width), usize::from(self.text.height))
    }
}

/// The text with its cursor, the figures, the event that the cursor stands on.
pub(super) fn draw(buffer: &mut Buffer, places: &Places, app: &App, theme: &Theme) {
    let Some(transcript) = &app.screens.transcript else {
        return;
    };
    Pane::new(title(app, transcript))
        .note(note(transcript))
        .focused(true)
        .edge(places.edge)
        .draw(buffer, places.pane, theme);
    if places.wide {
        draw_side(buffer, places.figures, app, transcript, theme);
    } else {
        draw_above(buffer, places.figures, app, transcript, theme);
    }
    if transcript.document.parts.is_empty() {
        draw_nothing(buffer, places.text, app, transcript, theme);
        return;
    }
    for (number, line) in transcript.visible().enumerate() {
        let line_number = number as u16;
        match line {
            Line::Blank => {}
            Line::Head(part) => {
                let pen = Pen::line(buffer, places.text, line_number).marks(theme);
                draw_head(pen, transcript, part, theme);
            }
            Line::Text { part, start, end } => {
                let width = places.text.width;
                // What ends a full line, a space or the cursor, stands in the margin.
                let room = Rect {
                    width: width.saturating_add(1),
                    ..places.text
                };
                let pen = Pen::line(buffer, room, line_number).marks(theme);
                draw_text(pen, usize::from(width), transcript, part, start..end, theme);
            }
        }
    }
    draw_cursor_line(buffer, places.cursor, app, transcript, theme);
}

fn title(app: &App, transcript: &Transcript) -> String {
    let name = app.connections.get(transcript.source);
    let which = match (app.connections.len(), name) {
        (2.., Some(name)) => format!(" · {}", name.name),
        _ => String::new(),
    };
    format!("text · connection {}{which}", transcript.leg)
}

fn note(transcript: &Transcript) -> String {
    match transcript.position() {
        _ if transcript.behind() => "reading…".to_owned(),
        Some((top, all)) if !transcript.following() => {
            format!("line {} of {}", top + 1, format::count(all as u64))
        }
        _ => String::new(),
    }
}

fn draw_nothing(buffer: &mut Buffer, area: Rect, app: &App, text: &Transcript, theme: &Theme) {
    let (events, unread) = text.document.events;
    let lines = if events == 0 {
        vec!["no event on this connection yet".to_owned()]
    } else if unread < events {
        vec!["the answer has begun, its text has not".to_owned()]
    } else {
        let unit = if events == 1 { "event" } else { "events" };
        let (found, mend) = match &app.screens.text_pointer {
            None => (
                "no text of a known format (OpenAI, Anthropic)".to_owned(),
                "--text-pointer /path names the member that holds the text",
            ),
            Some(pointer) => (
                format!("no text at {pointer}"),
                "--text-pointer names another place",
            ),
        };
        vec![
            format!("{} {unit}: {found}", format::count(events)),
            mend.to_owned(),
        ]
    };
    for (number, line) in lines.iter().enumerate() {
        Pen::line(buffer, area, number as u16)
            .marks(theme)
            .foreign(line, theme.dim);
    }
}

fn draw_head(mut pen: Pen<'_>, transcript: &Transcript, number: usize, theme: &Theme) {
    let document = &transcript.document;
    let Some(part) = document.parts.get(number) else {
        return;
    };
    let folded = transcript.folded(number);
    let style = match part.kind {
        Kind::Text => theme.strong,
        Kind::Thinking => theme.dim,
        Kind::Refusal => theme.bad,
        Kind::ToolCall => theme.accent,
    };
    let here = folded && transcript.cursor().0 == number;
    let style = if here {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    };
    pen.text(if folded { "▸ " } else { "▾ " }, style);
    let words = match part.kind {
        Kind::Text => "answer",
        Kind::Thinking => "thinking",
        Kind::Refusal => "refusal",
        Kind::ToolCall => "tool call",
    };
    pen.text(words, style);
    if let Some(name) = &part.name {
        pen.text(" ", style).foreign(name, style);
    }
    let last_turn = document.parts.last().map_or(0, |part| part.turn);
    if last_turn > 0 {
        pen.text(&format!(" · answer {}", part.turn + 1), theme.dim);
    }
    if document.parts.iter().any(|part| part.choice > 0) {
        pen.text(&format!(" · choice {}", part.choice), theme.dim);
    }
    if folded {
        let characters = part.text.chars().count() as u64;
        let text = format!(" · {} characters · folded", format::count(characters));
        pen.text(&text, theme.dim);
    }
    if part.kind == Kind::ToolCall {
        // Arguments grow: only at the end they must be whole.
        let whole = serde_json::from_str::<IgnoredAny>(&part.text).is_ok();
        match (whole, document.state()) {
            (true, _) => pen.text(" · valid JSON", theme.good),
            (false, State::Open) => pen.text(" · incomplete JSON", theme.dim),
            (false, _) if part.text.is_empty() => pen.text(" · no arguments", theme.dim),
            (false, _) => pen.text(" · invalid JSON", theme.bad),
        };
    }
}

fn draw_text(
    mut pen: Pen<'_>,
    width: usize,
    transcript: &Transcript,
    number: usize,
    range: std::ops::Range<usize>,
    theme: &Theme,
) {
    let Some(part) = transcript.document.parts.get(number) else {
        return;
    };
    let (cursor_part, cursor) = transcript.cursor();
    let here = cursor_part == number;
    let of_delta = match part.delta(cursor) {
        Some(delta) if here && !transcript.following() => part.start(delta)..delta.end,
        _ => 0..0,
    };
    let base = match part.kind {
        Kind::Thinking => theme.dim,
        Kind::Refusal => theme.bad,
        _ => theme.text,
    };
    let text = &part.text[range.clone()];
    let first = part
        .stalls
        .partition_point(|(offset, _)| *offset < range.start);
    let mut stalls = part.stalls[first..].iter().peekable();
    for (offset, grapheme) in text.grapheme_indices(true) {
        let offset = range.start + offset;
        if let Some((_, gap)) = stalls.next_if(|(stall, _)| *stall <= offset)
            && let Some(mark) = stall_mark(*gap, width)
        {
            pen.text(&mark, theme.warn);
        }
        let mut style: Style = base;
        if of_delta.contains(&offset) {
            style = style.patch(theme.selected);
        }
        if here && offset == cursor {
            style = style.add_modifier(Modifier::REVERSED);
        }
        if pen.room() > 0 || !grapheme.trim().is_empty() {
            pen.foreign(grapheme, style);
        }
    }
    if here && cursor == range.end && (cursor == part.text.len() || text.is_empty()) {
        pen.text("█", theme.accent);
    }
}

fn draw_cursor_line(buffer: &mut Buffer, area: Rect, app: &App, text: &Transcript, theme: &Theme) {
    let mut pen = Pen::line(buffer, area, 0).marks(theme);
    let part = text.document.parts.get(text.cursor().0);
    let (Some(delta), Some(part)) = (text.delta(), part) else {
        return;
    };
    let time = delta.at.to_zoned(app.time_zone.clone());
    let time = time.strftime("%H:%M:%S.%3f").to_string();
    pen.skip(1)
        .text("event ", theme.dim)
        .text(&format::count(delta.row), theme.strong)
        .text("  ", theme.dim)
        .text(&time, theme.text);
    if let Some(first) = text.document.timing.first() {
        let since = delta.at.duration_since(first).as_secs_f64();
        pen.text(&format!("  +{since:.3}s"), theme.dim);
    }
    if let Some(gap) = delta.gap {
        let style = if delta.stalled { theme.warn } else { theme.dim };
        pen.text(
            &format!("  gap {}", short_time(gap.unsigned_abs() / 1000)),
            style,
        );
    }
    if app.store.get(delta.row).is_none() {
        pen.text("  evicted", theme.warn);
    }
    let start = part.start(delta);
    pen.text("  ", theme.dim)
        .foreign(&format!("{:?}", &part.text[start..delta.end]), theme.text);
}
