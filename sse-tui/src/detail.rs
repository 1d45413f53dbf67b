//! One event laid out for reading: formatted, folded, wrapped, scrolled.

mod layout;
mod wire;

use crate::filter::{self, Path};
use crate::json::{self, Kind, Token};
use crate::store::{Row, Store};
use crate::wire::is_whole;

use layout::{cut, gone, lines, note, wrap};

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

#[cfg(test)]
mod tests;
