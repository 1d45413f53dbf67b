//! The text of one connection, laid out for reading: wrapped, folded, scrolled,
//! with a cursor that knows the event of every character.

mod layout;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;

use crate::llm::{Delta, Document, Kind};
use crate::store::{RowKind, Store};
use crate::wrap::Lines;

/// How long one look for new events may take.
const SLICE: Duration = Duration::from_millis(4);
/// Events between two looks at the clock.
const STRIDE: u32 = 64;

/// A line on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The heading of a part.
    Head(usize),
    /// Bytes of a part's text.
    Text {
        /// The part.
        part: usize,
        /// Its first byte.
        start: usize,
        /// After its last.
        end: usize,
    },
    /// Between two parts.
    Blank,
}

/// See the module.
#[derive(Debug)]
pub struct Transcript {
    /// The text.
    pub document: Document,
    /// Index of the stream.
    pub source: usize,
    /// The connection.
    pub leg: u64,
    /// Rows of the store looked at.
    next: u64,
    behind: bool,
    /// Events of the beginning may be gone.
    evicted: bool,
    /// Parts that are not as they are by default.
    toggled: HashSet<usize>,
    lines: Vec<Lines>,
    width: usize,
    height: usize,
    top: usize,
    part: usize,
    offset: usize,
    following: bool,
    /// An event to go to once it was read.
    wanted: Option<u64>,
}

impl Transcript {
    /// The text of one connection, to be filled by [`read`](Self::read).
    pub fn new(
        source: usize,
        leg: u64,
        pointer: Option<&str>,
        requested: Option<Timestamp>,
    ) -> Self {
        let mut document = Document::new(pointer);
        if let Some(at) = requested {
            document.timing.request(at);
        }
        Self {
            document,
            source,
            leg,
            next: 0,
            behind: false,
            evicted: false,
            toggled: HashSet::new(),
            lines: Vec::new(),
            width: 0,
            height: 1,
            top: 0,
            part: 0,
            offset: 0,
            following: true,
            wanted: None,
        }
    }

    /// Whether the store has rows up to a number that were not looked at.
    pub fn lags(&self, store: &Store, until: u64) -> bool {
        self.next < store.range().end.min(until)
    }

    /// Notes that before it is drawn.
    pub fn look(&mut self, store: &Store, until: u64) {
        self.behind = self.lags(store, until);
    }

    /// Takes in what the store got since, as far as time allows.
    pub fn read(&mut self, store: &Store, until: u64) {
        let rows = store.range();
        if rows.start > self.next {
            self.evicted = true;
            self.next = rows.start;
        }
        let end = rows.end.min(until);
        let started = Instant::now();
        let mut looked = 0_u32;
        while self.next < end {
            looked += 1;
            if looked.is_multiple_of(STRIDE) && started.elapsed() > SLICE {
                break;
            }
            if let Some(row) = store.get(self.next)
                && usize::from(row.source) == self.source
                && row.leg == self.leg
            {
                match row.kind {
                    RowKind::Event | RowKind::Gap => {
                        self.document.event(self.next, row.at, row.data);
                    }
                    // The text before it belongs to no connection that is known.
                    RowKind::Opened => self.evicted = false,
                    RowKind::Lost | RowKind::Closed => self.document.close(row.data),
                    RowKind::Missing | RowKind::Away => {}
                }
            }
            self.next += 1;
        }
        self.behind = self.next < end;
        if self.following {
            self.go_to_end();
        }
        if let Some(row) = self.wanted.filter(|row| *row < self.next) {
            self.wanted = None;
            self.find_row(row);
        }
    }

    /// Fits the text to a pane.
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height.max(1);
        if self.width != width {
            self.width = width;
            self.lines.clear();
        }
        self.lines
            .resize_with(self.document.parts.len(), Lines::default);
        for (part, lines) in self.document.parts.iter().zip(&mut self.lines) {
            lines.extend(&part.text, &part.stalls, width);
        }
        let cursor = self.cursor_line();
        let last_top = self.line_count().saturating_sub(self.height);
        if self.following {
            self.top = last_top;
        }
        self.top = self
            .top
            .min(last_top)
            .min(cursor)
            .max((cursor + 1).saturating_sub(self.height));
    }

    /// Whether there are events left to look at.
    pub fn behind(&self) -> bool {
        self.behind
    }

    /// Whether the beginning was evicted before it could be read.
    pub fn evicted(&self) -> bool {
        self.evicted
    }

    /// Whether the cursor stays at the end.
    pub fn following(&self) -> bool {
        self.following
    }

    /// The lines in sight.
    pub fn visible(&self) -> impl Iterator<Item = Line> + '_ {
        let end = (self.top + self.height).min(self.line_count());
        (self.top..end).map(|index| self.line(index))
    }

    /// The first line in sight, and all lines; `None` if all are in sight.
    pub fn position(&self) -> Option<(usize, usize)> {
        let all = self.line_count();
        (all > self.height).then_some((self.top, all))
    }

    /// The part and the byte that the cursor stands on; the byte after the last
    /// at the end of a part.
    pub fn cursor(&self) -> (usize, usize) {
        (self.part, self.offset)
    }

    /// The delta that the cursor stands on.
    pub fn delta(&self) -> Option<&Delta> {
        self.document.parts.get(self.part)?.delta(self.offset)
    }

    /// Whether only the heading of a part is shown. Thinking is folded from the
    /// start.
    pub fn folded(&self, part: usize) -> bool {
        let kind = self.document.parts.get(part).map(|part| part.kind);
        (kind == Some(Kind::Thinking)) != self.toggled.contains(&part)
    }

    /// Folds or unfolds the part that the cursor is in.
    pub fn fold(&mut self) {
        self.following = false;
        if !self.toggled.remove(&self.part) {
            self.toggled.insert(self.part);
        }
        self.offset = 0;
    }

    /// Moves by characters.
    pub fn step(&mut self, forward: bool) {
        self.following = false;
        let Some(part) = self.document.parts.get(self.part) else {
            return;
        };
        if !self.folded(self.part) {
            let (before, after) = part.text.split_at(self.offset);
            let moved = if forward {
                after.graphemes(true).next().map(str::len)
            } else {
                before.graphemes(true).next_back().map(str::len)
            };
            match moved {
                Some(length) if forward && self.offset + length < part.text.len() => {
                    self.offset += length;
                    return;
                }
                Some(length) if !forward => {
                    self.offset -= length;
                    return;
                }
                _ => {}
            }
        }
        if forward && self.part + 1 < self.document.parts.len() {
            self.part += 1;
            self.offset = 0;
        } else if !forward && self.part > 0 {
            self.part -= 1;
            self.offset = self.last_character(self.part);
        }
    }

    /// Moves by lines.
    pub fn move_by(&mut self, lines: isize) {
        self.following = false;
        let column = self.column();
        let target = self.cursor_line().saturating_add_signed(lines);
        let mut index = target.min(self.line_count().saturating_sub(1));
        // Over what the cursor cannot stand on.
        while index < self.line_count() {
            match self.line(index) {
                Line::Blank => {}
                Line::Head(part) if self.height_of(part).1 > 0 => {}
                line => return self.put_on(line, column),
            }
            match index.checked_add_signed(lines.signum()) {
                Some(next) if next != index => index = next,
                _ => return,
            }
        }
    }

    /// Moves by pages.
    pub fn page(&mut self, pages: isize) {
        let height = self.height.saturating_sub(1).max(1).cast_signed();
        self.top = self.top.saturating_add_signed(pages * height);
        self.move_by(pages * height);
    }

    /// Moves to the first character.
    pub fn first(&mut self) {
        self.following = false;
        (self.part, self.offset) = (0, 0);
    }

    /// Moves to the end, and stays there.
    pub fn follow(&mut self) {
        self.following = true;
        self.go_to_end();
    }

    /// Moves to the text after the next or the previous stall, if there is any.
    pub fn stall(&mut self, forward: bool) {
        let parts = self.document.parts.iter().enumerate();
        let all = parts.flat_map(|(number, part)| {
            part.stalls.iter().map(move |(offset, _)| (number, *offset))
        });
        let here = (self.part, self.offset);
        // After the last comes the first again.
        let found = if forward {
            let next = all.clone().filter(|place| *place > here).min();
            next.or_else(|| all.min())
        } else {
            let before = all.clone().filter(|place| *place < here).max();
            before.or_else(|| all.max())
        };
        if let Some((part, offset)) = found {
            self.following = false;
            if self.folded(part) {
                self.part = part;
                self.fold();
            }
            (self.part, self.offset) = (part, offset);
        }
    }

    /// Moves to the text that an event brought, if it did, once it was read.
    pub fn go_to_row(&mut self, row: u64) {
        self.wanted = Some(row);
        self.following = false;
    }

    fn find_row(&mut self, row: u64) {
        for (number, part) in self.document.parts.iter().enumerate() {
            let index = part.deltas.partition_point(|delta| delta.row < row);
            if let Some(delta) = part.deltas.get(index).filter(|delta| delta.row == row) {
                let start = part.start(delta);
                (self.part, self.offset) = (number, start);
                if self.folded(number) {
                    self.fold();
                    self.offset = start;
                }
                return;
            }
        }
    }

    fn go_to_end(&mut self) {
        let newest = |(_, part): &(usize, &crate::llm::Part)| part.deltas.last().map(|d| d.row);
        let parts = self.document.parts.iter().enumerate();
        let Some((number, part)) = parts.max_by_key(newest) else {
            return;
        };
        (self.part, self.offset) = (number, part.text.len());
    }
}
