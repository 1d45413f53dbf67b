//! Which line stands where, and which of them has the cursor.

use unicode_segmentation::UnicodeSegmentation;

use super::{Line, Transcript};
use crate::llm::Kind;

impl Transcript {
    pub(super) fn last_character(&self, part: usize) -> usize {
        let Some(part) = self.document.parts.get(part) else {
            return 0;
        };
        let last = part.text.grapheme_indices(true).next_back();
        last.map_or(0, |(offset, _)| offset)
    }

    /// Whether a part has a heading: not where there is one answer alone.
    pub(super) fn has_head(&self, part: usize) -> bool {
        let parts = &self.document.parts;
        parts.len() > 1 || parts.get(part).is_some_and(|part| part.kind != Kind::Text)
    }

    /// Lines of a part: its heading, its text.
    pub(super) fn height_of(&self, part: usize) -> (usize, usize) {
        let text = match self.lines.get(part) {
            Some(lines) if !self.folded(part) => lines.len(),
            _ => 0,
        };
        (usize::from(self.has_head(part)), text)
    }

    pub(super) fn line_count(&self) -> usize {
        let heights = (0..self.lines.len()).map(|part| {
            let (head, text) = self.height_of(part);
            head + text
        });
        heights.sum::<usize>() + self.lines.len().saturating_sub(1)
    }

    pub(super) fn line(&self, index: usize) -> Line {
        let mut left = index;
        for part in 0..self.lines.len() {
            let (head, text) = self.height_of(part);
            if left < head {
                return Line::Head(part);
            }
            left -= head;
            if left < text {
                let (start, end) = self.lines[part].get(left);
                return Line::Text { part, start, end };
            }
            left -= text;
            if left == 0 {
                return Line::Blank;
            }
            left -= 1;
        }
        Line::Blank
    }

    pub(super) fn cursor_line(&self) -> usize {
        let mut before = 0;
        for part in 0..self.lines.len() {
            let (head, text) = self.height_of(part);
            if part == self.part {
                let within = match text {
                    0 => 0,
                    _ => head + self.lines[part].line_of(self.offset),
                };
                return before + within;
            }
            before += head + text + 1;
        }
        0
    }

    /// Characters between the start of the line and the cursor.
    pub(super) fn column(&self) -> usize {
        match (
            self.lines.get(self.part),
            self.document.parts.get(self.part),
        ) {
            (Some(lines), Some(part)) if lines.len() > 0 => {
                let (start, _) = lines.get(lines.line_of(self.offset));
                let text = part.text.get(start..self.offset).unwrap_or_default();
                text.graphemes(true).count()
            }
            _ => 0,
        }
    }

    pub(super) fn put_on(&mut self, line: Line, column: usize) {
        match line {
            Line::Blank => {}
            Line::Head(part) => (self.part, self.offset) = (part, 0),
            Line::Text { part, start, end } => {
                let text = &self.document.parts[part].text[start..end];
                let place = text.grapheme_indices(true).nth(column);
                let last = text.grapheme_indices(true).next_back();
                let within = place.or(last).map_or(0, |(offset, _)| offset);
                (self.part, self.offset) = (part, start + within);
            }
        }
    }
}
