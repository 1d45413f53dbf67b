//! Writing along one line of the screen.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::sanitize::{Piece, pieces};
use crate::theme::Theme;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Writes from left to right within one line and never beyond it.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    start: u16,
    end: u16,
    /// Where the last character written stands.
    last: u16,
    mark: Style,
}

impl<'a> Pen<'a> {
    /// At the start of the first line of an area.
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        Self {
            x: area.x,
            y: area.y,
            start: area.x,
            last: area.x,
            end: if area.height == 0 {
                area.x
            } else {
                area.right()
            },
            mark: Style::new(),
            buffer,
        }
    }

    /// At the start of some line of an area; writes nothing if it has fewer.
    pub(super) fn line(buffer: &'a mut Buffer, area: Rect, line: u16) -> Self {
        let height = u16::from(line < area.height);
        let y = area.y.saturating_add(line);
        Self::new(buffer, Rect { y, height, ..area })
    }

    /// The style of what stands for characters that cannot be shown.
    pub(super) fn marks(mut self, theme: &Theme) -> Self {
        self.mark = theme.mark;
        self
    }

    /// The column that is written next.
    pub(super) fn place(&self) -> u16 {
        self.x
    }

    /// What was written from this column on.
    pub(super) fn since(&self, start: u16) -> Rect {
        Rect::new(start, self.y, self.x.saturating_sub(start), 1)
    }

    /// Columns left.
    pub(super) fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Text of this program, cut at the end of the line.
    pub(super) fn text(&mut self, text: &str, style: Style) -> &mut Self {
        if self.room() > 0 {
            let (x, _) = self
                .buffer
                .set_stringn(self.x, self.y, text, self.room(), style);
            self.x = x;
            self.last = x.saturating_sub(1);
        }
        self
    }

    /// Text from the network, made safe; where it is cut stands an ellipsis.
    pub(super) fn foreign(&mut self, text: &str, style: Style) -> &mut Self {
        for piece in pieces(text) {
            let style = match piece {
                Piece::Text(_) => style,
                Piece::Mark(_) => style.patch(self.mark),
            };
            for grapheme in piece.as_str().graphemes(true) {
                let width = grapheme.width();
                if width > self.room() {
                    return self.ellipsis(style);
                }
                let start = self.x;
                self.text(grapheme, style);
                if width > 0 {
                    self.last = start;
                }
            }
        }
        self
    }

    /// As [`foreign`](Self::foreign), with another style at some places.
    pub(super) fn marked(
        &mut self,
        text: &str,
        style: Style,
        places: &[Range<usize>],
        place: Style,
    ) -> &mut Self {
        let mut at = 0;
        for range in places {
            let (start, end) = (range.start.max(at), range.end.min(text.len()));
            if start >= end {
                continue;
            }
            self.foreign(&text[at..start], style);
            self.foreign(&text[start..end], style.patch(place));
            at = end;
        }
        self.foreign(&text[at..], style)
    }

    /// Text from the network in a column of its own width, then one space.
    pub(super) fn column(&mut self, text: &str, width: usize, style: Style) -> &mut Self {
        self.marked_column(text, width, style, &[], style)
    }

    /// As [`column`](Self::column), with another style at some places.
    pub(super) fn marked_column(
        &mut self,
        text: &str,
        width: usize,
        style: Style,
        places: &[Range<usize>],
        place: Style,
    ) -> &mut Self {
        let next = self.x.saturating_add(width as u16).min(self.end);
        let end = std::mem::replace(&mut self.end, next);
        self.marked(text, style, places, place);
        self.end = end;
        self.x = next;
        self.last = next;
        self.text(" ", style)
    }

    /// Text of this program, right-aligned in a column.
    pub(super) fn right_column(&mut self, text: &str, width: usize, style: Style) -> &mut Self {
        self.skip(width.saturating_sub(text.width()));
        self.text(text, style)
    }

    /// Text of this program at the right end, which the line then ends before.
    pub(super) fn right(&mut self, text: &str, style: Style) -> &mut Self {
        let width = text.width() as u16;
        if usize::from(width) <= self.room() {
            let x = self.end - width;
            self.buffer
                .set_stringn(x, self.y, text, usize::from(width), style);
            self.end = x;
        }
        self
    }

    /// Ends the line so many columns from here.
    pub(super) fn narrow(&mut self, columns: usize) -> &mut Self {
        self.end = self.end.min(self.x.saturating_add(columns as u16));
        self
    }

    /// Leaves columns as they are.
    pub(super) fn skip(&mut self, columns: usize) -> &mut Self {
        self.x = self.x.saturating_add(columns as u16).min(self.end);
        self.last = self.x;
        self
    }

    /// Repeats a symbol of one column to the end of the line.
    pub(super) fn fill(&mut self, symbol: &str, style: Style) -> &mut Self {
        while self.room() > 0 {
            self.text(symbol, style);
        }
        self
    }

    /// A bar for each amount; the largest of them fills most of the height.
    pub(super) fn sparkline(&mut self, amounts: &[u64], bar: Style, baseline: Style) -> &mut Self {
        let most = amounts.iter().copied().max().unwrap_or(0).max(1) as f64;
        for amount in amounts {
            if *amount == 0 {
                self.text(LEVELS[0], baseline);
            } else {
                let level = (*amount as f64 / most * 6.0).ceil() as usize;
                self.text(LEVELS[level.clamp(1, 7)], bar);
            }
        }
        self
    }

    /// Says that the text goes on beyond the line, over its last character if
    /// there is no room left.
    pub(super) fn ellipsis(&mut self, style: Style) -> &mut Self {
        if self.room() == 0 && self.last < self.end {
            let width = usize::from(self.end - self.last);
            self.buffer
                .set_stringn(self.last, self.y, " ".repeat(width), width, style);
            self.x = self.last;
        }
        self.text("…", style);
        self.x = self.end;
        self
    }

    /// Gives the whole line a background, but not what has one already.
    pub(super) fn background(&mut self, style: Style) {
        for x in self.start..self.end {
            if let Some(cell) = self.buffer.cell_mut((x, self.y))
                && cell.bg == Color::Reset
            {
                cell.set_style(style);
            }
        }
    }
}
