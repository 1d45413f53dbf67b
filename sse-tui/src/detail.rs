//! One event laid out for reading: formatted, wrapped, scrolled.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::format;
use crate::json::{self, Kind, Token};
use crate::sanitize::{Piece, pieces, prefix};
use crate::store::{Row, RowKind};

/// Of larger data only this much is laid out.
const MAX_BYTES: usize = 1 << 20;

/// The lines of one row, and where the reader is in them.
#[derive(Debug)]
pub struct Detail {
    row: u64,
    lines: Vec<Vec<Token>>,
    wrapped: Vec<Vec<Token>>,
    width: usize,
    height: usize,
    scroll: usize,
}

impl Detail {
    /// Lays out a row, or says that it is gone.
    pub fn new(row: u64, content: Option<&Row<'_>>) -> Self {
        Self {
            row,
            lines: content.map_or_else(gone, lines),
            wrapped: Vec::new(),
            width: 0,
            height: 1,
            scroll: 0,
        }
    }

    /// Fits the text to a pane.
    pub fn fit(&mut self, width: usize, height: usize) {
        if self.width != width {
            self.width = width;
            self.wrapped = self
                .lines
                .iter()
                .flat_map(|line| wrap(line, width))
                .collect();
        }
        self.height = height;
        self.scroll_by(0);
    }

    /// Scrolls by lines; the last page stays in sight.
    pub fn scroll_by(&mut self, lines: isize) {
        let last = self.wrapped.len().saturating_sub(self.height);
        self.scroll = self.scroll.saturating_add_signed(lines).min(last);
    }

    /// Scrolls by pages.
    pub fn page(&mut self, pages: isize) {
        self.scroll_by(pages * self.height.saturating_sub(1).max(1).cast_signed());
    }

    /// The number of the row shown.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The lines in sight.
    pub fn visible(&self) -> &[Vec<Token>] {
        let end = (self.scroll + self.height).min(self.wrapped.len());
        &self.wrapped[self.scroll.min(end)..end]
    }

    /// The first line in sight, the lines in sight, all lines.
    pub fn position(&self) -> (usize, usize, usize) {
        (self.scroll, self.height, self.wrapped.len())
    }
}

fn gone() -> Vec<Vec<Token>> {
    let text = "This event is no longer kept: newer ones took its memory (see --buffer).";
    vec![vec![(Kind::Note, text.to_owned())]]
}

/// Formatted if it is JSON, else line by line as it came.
fn lines(row: &Row<'_>) -> Vec<Vec<Token>> {
    if row.kind == RowKind::Event
        && row.data.len() <= MAX_BYTES
        && let Some(lines) = json::pretty(row.data)
    {
        return lines.iter().map(|line| safe(line)).collect();
    }
    let shown = prefix(row.data, MAX_BYTES);
    let mut lines: Vec<_> = shown
        .split('\n')
        .map(|line| safe(&[(Kind::Text, line.to_owned())]))
        .collect();
    if shown.len() < row.data.len() {
        let all = format::bytes(row.data.len() as f64);
        lines.push(vec![(Kind::Note, format!("… the first 1.0 MiB of {all}"))]);
    }
    lines
}

/// Sanitises each token; what stands for something else becomes a mark.
fn safe(line: &[Token]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(line.len());
    for (kind, text) in line {
        for piece in pieces(text) {
            tokens.push(match piece {
                Piece::Text(text) => (*kind, text.to_owned()),
                Piece::Mark(mark) => (Kind::Mark, mark.into_owned()),
            });
        }
    }
    tokens
}

/// Cuts a line into rows of at most `width` columns, between grapheme clusters.
fn wrap(line: &[Token], width: usize) -> Vec<Vec<Token>> {
    let width = width.max(1);
    let mut rows = vec![Vec::new()];
    let mut used = 0;
    for (kind, text) in line {
        let mut start = 0;
        for (position, grapheme) in text.grapheme_indices(true) {
            let columns = grapheme.width();
            if used + columns > width && used > 0 {
                if let Some(row) = rows.last_mut() {
                    row.push((*kind, text[start..position].to_owned()));
                }
                rows.push(Vec::new());
                start = position;
                used = 0;
            }
            used += columns;
        }
        if let Some(row) = rows.last_mut() {
            row.push((*kind, text[start..].to_owned()));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn detail(data: &str, width: usize, height: usize) -> Detail {
        let row = Row {
            kind: RowKind::Event,
            at: Timestamp::UNIX_EPOCH,
            source: 0,
            lane: 0,
            leg: 1,
            event_type: "tick",
            id: "",
            data,
        };
        let mut detail = Detail::new(0, Some(&row));
        detail.fit(width, height);
        detail
    }

    fn text(detail: &Detail) -> Vec<String> {
        let line = |line: &Vec<Token>| line.iter().map(|(_, text)| text.as_str()).collect();
        detail.visible().iter().map(line).collect()
    }

    #[test]
    fn long_lines_wrap_without_splitting_wide_characters() {
        assert_eq!(text(&detail("日本語x🎉y", 4, 9)), ["日本", "語x", "🎉y"]);
        assert_eq!(text(&detail("日", 1, 9)), ["日"]);
    }

    #[test]
    fn data_keeps_its_lines_and_shows_its_controls() {
        assert_eq!(
            text(&detail("a\tb\n\n\x1b[2J", 20, 9)),
            ["a   b", "", "␛[2J"]
        );
    }

    #[test]
    fn json_is_formatted_and_wrapping_loses_nothing() {
        let json = r#"{"message":"a long text that needs several lines","n":[1,2]}"#;
        let narrow = text(&detail(json, 10, 99));
        assert!(narrow.iter().all(|line| line.width() <= 10), "{narrow:?}");
        let joined: String = narrow.concat().split_whitespace().collect();
        assert_eq!(joined, json.split_whitespace().collect::<String>());
    }

    #[test]
    fn scrolling_stops_at_the_last_page() {
        let mut detail = detail("1\n2\n3\n4\n5", 10, 2);
        detail.scroll_by(100);
        assert_eq!(text(&detail), ["4", "5"]);
        detail.page(-1);
        assert_eq!(text(&detail), ["3", "4"]);
        detail.fit(10, 5);
        assert_eq!(text(&detail), ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn huge_data_is_cut_and_says_so() {
        let data = "é".repeat(MAX_BYTES);
        let mut detail = detail(&data, 100_000, 3);
        detail.scroll_by(isize::MAX);
        assert_eq!(
            text(&detail).last().unwrap(),
            "… the first 1.0 MiB of 2.0 MiB"
        );
    }
}
