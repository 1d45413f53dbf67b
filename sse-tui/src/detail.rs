//! One event laid out for reading: formatted, folded, wrapped, scrolled.

mod wire;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::filter::{self, Path};
use crate::format;
use crate::json::{self, Kind, Token};
use crate::sanitize::{Piece, pieces, prefix};
use crate::store::{Row, Store};
use crate::wire::{LONGEST, is_whole};

/// Of larger data only this much is laid out.
const MAX_BYTES: usize = 1 << 20;

/// The lines of one row, and where the reader is in them.
#[derive(Debug)]
pub struct Detail {
    row: u64,
    data: String,
    /// Text only, without places, where the data is no JSON.
    lines: Vec<json::Line>,
    folded: Vec<bool>,
    /// The bytes as they came, instead of the data.
    wire: bool,
    /// Lines of the screen: the line each belongs to, and its text.
    rows: Vec<(usize, Vec<Token>)>,
    width: usize,
    height: usize,
    scroll: usize,
    cursor: usize,
}

impl Detail {
    /// Lays out a row, or says that it is gone.
    pub fn new(row: u64, content: Option<&Row<'_>>) -> Self {
        let mut detail = Self {
            row,
            data: content.map_or("", |row| row.data).to_owned(),
            lines: Vec::new(),
            folded: Vec::new(),
            wire: false,
            rows: Vec::new(),
            width: 0,
            height: 1,
            scroll: 0,
            cursor: 0,
        };
        detail.show(content.map_or_else(gone, lines));
        detail
    }

    /// Fits the text to a pane.
    pub fn fit(&mut self, width: usize, height: usize) {
        if self.width != width {
            self.width = width;
            self.wrap();
        }
        self.height = height;
        self.move_by(0);
    }

    /// Moves the cursor by lines of the screen.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
        let highest = self.rows.len().saturating_sub(self.height);
        self.scroll = self
            .scroll
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(self.height))
            .min(highest);
    }

    /// Moves the cursor to a line, counted from the first in sight.
    pub fn move_to_line(&mut self, line: usize) {
        let row = self.scroll + line;
        self.move_by(row.cast_signed() - self.cursor.cast_signed());
    }

    /// Moves by pages.
    pub fn page(&mut self, pages: isize) {
        let rows = pages * self.height.saturating_sub(1).max(1).cast_signed();
        let highest = self.rows.len().saturating_sub(self.height);
        self.scroll = self.scroll.saturating_add_signed(rows).min(highest);
        self.move_by(rows);
    }

    /// Folds or unfolds what the line opens.
    pub fn toggle(&mut self) {
        let line = self.line();
        if self.lines.get(line).is_some_and(|line| line.end.is_some()) {
            self.folded[line] = !self.folded[line];
            self.wrap_at(line);
        }
    }

    /// Folds what the line opens, or else goes to the line that it is in.
    pub fn fold(&mut self) {
        let line = self.line();
        let Some(here) = self.lines.get(line) else {
            return;
        };
        if here.end.is_some() && !self.folded[line] {
            self.toggle();
        } else {
            let opens = |line: &json::Line| line.end == Some(self.line());
            let outer = here.parent.or_else(|| self.lines.iter().position(opens));
            if let Some(outer) = outer {
                self.cursor = self.row_of(outer);
                self.move_by(0);
            }
        }
    }

    /// Unfolds what the line opens.
    pub fn unfold(&mut self) {
        let line = self.line();
        if self.folded.get(line) == Some(&true) {
            self.toggle();
        }
    }

    /// Folds all but the outermost value, or unfolds all.
    pub fn fold_all(&mut self) {
        let any = self.folded.contains(&true);
        let line = self.line();
        for (folded, line) in self.folded.iter_mut().zip(&self.lines) {
            *folded = !any && line.end.is_some() && line.parent.is_some();
        }
        self.wrap_at(line);
    }

    /// Shows the bytes as they came, or the data.
    pub fn toggle_wire(&mut self, store: &Store) {
        self.wire = !self.wire;
        let row = store.get(self.row);
        let lines = match (&row, self.wire) {
            (None, _) => gone(),
            (Some(row), false) => lines(row),
            (Some(_), true) => match store.wire(self.row) {
                Some((bytes, reads)) if !bytes.is_empty() => {
                    let mut lines = wire::lines(bytes, &reads);
                    if !is_whole(bytes) {
                        lines.extend(cut());
                    }
                    lines
                }
                _ => note("No bytes belong to this row: it is no event."),
            },
        };
        (self.cursor, self.scroll) = (0, 0);
        self.show(lines);
    }

    /// Whether it shows the bytes as they came.
    pub fn shows_wire(&self) -> bool {
        self.wire
    }

    /// The value on the line of the cursor: a string without its quotes, anything
    /// else as it is written. `None` where there is none, or it is all the data.
    pub fn value(&self) -> Option<String> {
        let path = self.path()?;
        let value = filter::member(&self.data, &path)?;
        Some(serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()))
    }

    /// The filter that selects events with the value on the line of the cursor.
    pub fn term(&self) -> Option<String> {
        let path = self.path()?;
        let value = filter::member(&self.data, &path)?;
        Some(filter::value_term(&path, value))
    }

    /// The way to the value on the line of the cursor, in JSON data.
    pub fn path(&self) -> Option<Path> {
        let path = json::path(&self.lines, self.line());
        (!path.0.is_empty()).then_some(path)
    }

    /// The number of the row shown.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The lines in sight, and whether each has the cursor.
    pub fn visible(&self) -> impl Iterator<Item = (&[Token], bool)> {
        let rows = self.rows.iter().enumerate();
        rows.skip(self.scroll)
            .take(self.height)
            .map(|(number, (_, tokens))| (tokens.as_slice(), number == self.cursor))
    }

    /// The first line in sight, the lines in sight, all lines.
    pub fn position(&self) -> (usize, usize, usize) {
        (self.scroll, self.height, self.rows.len())
    }

    fn line(&self) -> usize {
        self.rows.get(self.cursor).map_or(0, |(line, _)| *line)
    }

    fn row_of(&self, line: usize) -> usize {
        self.rows.partition_point(|(other, _)| *other < line)
    }

    fn show(&mut self, lines: Vec<json::Line>) {
        self.folded = vec![false; lines.len()];
        self.lines = lines;
        self.wrap();
    }

    fn wrap_at(&mut self, line: usize) {
        self.wrap();
        self.cursor = self.row_of(line);
        self.move_by(0);
    }

    fn wrap(&mut self) {
        self.rows.clear();
        let mut number = 0;
        while let Some(line) = self.lines.get(number) {
            let end = line.end.filter(|_| self.folded[number]);
            let mut tokens = line.tokens.clone();
            if let Some(end) = end {
                let inside = self.lines[number..=end]
                    .iter()
                    .filter(|line| line.parent == Some(number))
                    .count();
                tokens.push((Kind::Note, format!(" … {inside} ")));
                tokens.extend(self.lines[end].tokens.iter().skip(1).cloned());
            }
            if self.width > 0 {
                let rows = wrap(&tokens, self.width).into_iter();
                self.rows.extend(rows.map(|row| (number, row)));
            }
            number = end.unwrap_or(number) + 1;
        }
    }
}

fn gone() -> Vec<json::Line> {
    note("This event is no longer kept: newer ones took its memory (see --buffer).")
}

/// The end of bytes that are not all of the block.
fn cut() -> Vec<json::Line> {
    let most = format::bytes(LONGEST as f64);
    note(&format!(
        "… cut here: of a block that comes in several reads the first {most} are kept as bytes"
    ))
}

fn note(text: &str) -> Vec<json::Line> {
    vec![plain(vec![(Kind::Note, text.to_owned())])]
}

/// A line with no place in a structure.
fn plain(tokens: Vec<Token>) -> json::Line {
    json::Line {
        tokens,
        ..json::Line::default()
    }
}

/// Formatted if it is JSON, else line by line as it came.
fn lines(row: &Row<'_>) -> Vec<json::Line> {
    if row.kind.is_event()
        && row.data.len() <= MAX_BYTES
        && let Some(mut lines) = json::pretty(row.data)
    {
        for line in &mut lines {
            line.tokens = safe(&line.tokens);
        }
        return lines;
    }
    let shown = prefix(row.data, MAX_BYTES);
    let mut lines: Vec<_> = shown
        .split('\n')
        .map(|line| plain(safe(&[(Kind::Text, line.to_owned())])))
        .collect();
    if shown.len() < row.data.len() {
        let all = format::bytes(row.data.len() as f64);
        let text = format!("… the first 1.0 MiB of {all}");
        lines.push(plain(vec![(Kind::Note, text)]));
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
    use crate::store::RowKind;
    use crate::wire::Wire;

    fn detail(data: &str, width: usize, height: usize) -> Detail {
        let row = Row {
            kind: RowKind::Event,
            at: Timestamp::UNIX_EPOCH,
            delta: None,
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
        let line = |tokens: &[Token]| tokens.iter().map(|(_, text)| text.as_str()).collect();
        detail.visible().map(|(tokens, _)| line(tokens)).collect()
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
    fn the_cursor_takes_the_text_along_and_stops_at_its_end() {
        let mut detail = detail("1\n2\n3\n4\n5", 10, 2);
        detail.move_by(100);
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
        detail.move_by(isize::MAX);
        assert_eq!(
            text(&detail).last().unwrap(),
            "… the first 1.0 MiB of 2.0 MiB"
        );
    }

    #[test]
    fn values_fold_and_tell_how_many_are_in_them() {
        let mut detail = detail(r#"{"a":[1,{"b":2}],"c":"d e"}"#, 30, 20);
        detail.move_by(1);
        detail.fold();
        assert_eq!(
            text(&detail),
            ["{", "  \"a\": [ … 2 ],", "  \"c\": \"d e\"", "}"]
        );
        detail.unfold();
        detail.move_by(3);
        assert_eq!(detail.term().unwrap(), ".a[1].b=2");
        detail.fold();
        assert_eq!(detail.term().unwrap(), ".a[1]", "it went out to the object");
        assert_eq!(detail.value().unwrap(), r#"{"b":2}"#);
        detail.fold_all();
        assert_eq!(text(&detail)[1], "  \"a\": [ … 2 ],");
        detail.fold_all();
        detail.move_by(isize::MAX);
        detail.move_by(-1);
        assert_eq!(detail.term().unwrap(), ".c=\"d e\"");
        assert_eq!(detail.value().unwrap(), "d e");
    }

    #[test]
    fn bytes_that_were_not_all_kept_say_so() {
        let mut store = Store::new(1 << 20);
        let row = Row {
            kind: RowKind::Event,
            at: Timestamp::UNIX_EPOCH,
            delta: None,
            source: 0,
            lane: 0,
            leg: 1,
            event_type: "t",
            id: "",
            data: "a\nb",
        };
        for (bytes, whole) in [
            (&b"data: a\ndata: b\n\n"[..], true),
            (b"data: a\r\ndata: b\r\n\r\n", true),
            (b"data: a\rdata: b\r\r", true),
            (b"data: a\r\ndata: b\r\n\r", true),
            (b"data: a\ndata: b", false),
            (b"data: a\n", false),
            (b"data: a\r\n", false),
        ] {
            let reads = [0];
            store.push_with_wire(
                &row,
                &Wire {
                    bytes,
                    reads: &reads,
                },
            );
            let mut detail = Detail::new(store.range().end - 1, Some(&row));
            detail.toggle_wire(&store);
            detail.fit(99, 9);
            let said = text(&detail).iter().any(|line| line.contains("… cut here"));
            assert_eq!(said, !whole, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn bytes_show_their_line_ends_reads_and_what_is_no_text() {
        let mut store = Store::new(1 << 20);
        let row = Row {
            kind: RowKind::Event,
            at: Timestamp::UNIX_EPOCH,
            delta: None,
            source: 0,
            lane: 0,
            leg: 1,
            event_type: "t",
            id: "",
            data: "a\u{fffd}\u{1b}",
        };
        let bytes = b"id: 1\r\ndata: a\xff\x1b\r\n\r\n";
        let reads = [0, 4, 17];
        store.push_with_wire(
            &row,
            &Wire {
                bytes,
                reads: &reads,
            },
        );
        let mut detail = Detail::new(0, Some(&row));
        detail.toggle_wire(&store);
        detail.fit(60, 9);
        assert_eq!(text(&detail), ["┊id: ┊1␍␊", "data: a⟨FF⟩␛␍┊␊", "␍␊"]);
        detail.toggle_wire(&store);
        assert_eq!(text(&detail), ["a\u{fffd}␛"]);
    }
}
