//! What the items of a chunk are read from: regions of whole lines that are
//! UTF-8, and single lines that need a buffer.

use memchr::{memchr2, memrchr2};

use super::items::{Items, Refill};
use super::step::{Step, Text};
use crate::error::LimitExceeded;
use crate::field::Field;
use crate::line::after_last_line_end;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The most that is checked and then read at a time, so that it is still in
/// the cache when it is read.
const WINDOW: usize = 128 << 10;

impl<'c> Items<'_, 'c> {
    /// Opens the next region, or reads a line that none can hold.
    #[inline(never)]
    pub(super) fn refill(&mut self) -> Result<Refill<'c>, LimitExceeded> {
        if let Some(error) = self.parser.failed {
            return Err(error);
        }
        self.region = "";
        if self.region_end < self.window_end {
            return self.open_region();
        }
        if self.parser.at_start {
            self.skip_bom();
        }
        let Some(&first) = self.chunk.get(self.region_end) else {
            return Ok(Refill::End);
        };
        if std::mem::take(&mut self.parser.after_cr) && first == b'\n' {
            self.region_end += 1;
        }
        if !self.parser.line.is_empty() {
            return self.finish_line();
        }
        let rest = &self.chunk[self.region_end..];
        let Some(whole) = whole_lines(rest) else {
            self.region_end = self.chunk.len();
            return self.keep_line(rest);
        };
        self.window_end = self.region_end + whole;
        self.parser.after_cr = self.window_end == self.chunk.len() && rest[whole - 1] == b'\r';
        self.suspect = false;
        self.open_region()
    }

    /// Strips the byte order mark, also one that comes in pieces (§9.2.5).
    fn skip_bom(&mut self) {
        while let Some(byte) = self.chunk.get(self.region_end) {
            let read = self.parser.line.len();
            if *byte != BOM[read] {
                self.parser.at_start = false;
                return;
            }
            self.region_end += 1;
            self.parser.line.push(*byte);
            if self.parser.line == BOM {
                self.parser.line.clear();
                self.parser.at_start = false;
                return;
            }
        }
    }

    /// Starts or goes on with a line whose end is not in this chunk.
    fn keep_line(&mut self, part: &[u8]) -> Result<Refill<'c>, LimitExceeded> {
        self.parser
            .limits
            .check_line(self.parser.line.len() + part.len())?;
        self.parser.line.extend_from_slice(part);
        Ok(Refill::End)
    }

    /// Ends the line that an earlier chunk began.
    fn finish_line(&mut self) -> Result<Refill<'c>, LimitExceeded> {
        let rest = &self.chunk[self.region_end..];
        let Some(end) = memchr2(b'\r', b'\n', rest) else {
            self.region_end = self.chunk.len();
            return self.keep_line(rest);
        };
        self.keep_line(&rest[..end])?;
        self.region_end += end + 1;
        self.parser.after_cr = rest[end] == b'\r';
        let mut line = std::mem::take(&mut self.parser.line);
        let step = self.own_line(&line);
        line.clear();
        self.parser.line = line;
        step.map(Refill::Line)
    }

    /// Checks the rest of the window and opens as much of it as is UTF-8.
    fn open_region(&mut self) -> Result<Refill<'c>, LimitExceeded> {
        let rest = &self.chunk[self.region_end..self.window_end];
        // The quick check does not say where the first bad byte is, and reads
        // on to the end; the other stops there, so that all checks of a window
        // together read it once.
        let valid = if self.suspect {
            None
        } else {
            simdutf8::basic::from_utf8(rest).ok()
        };
        let region = valid.unwrap_or_else(|| {
            self.suspect = true;
            valid_lines(rest)
        });
        if region.is_empty() {
            return self.lossy_line(rest);
        }
        self.region = region;
        self.region_start = self.region_end;
        self.region_end += region.len();
        self.nul = None;
        self.lines.restart(region.as_bytes());
        Ok(Refill::Region)
    }

    /// A line with a byte that is not UTF-8, at the start of `rest`.
    fn lossy_line(&mut self, rest: &'c [u8]) -> Result<Refill<'c>, LimitExceeded> {
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let crlf = rest.get(end..end + 2) == Some(b"\r\n");
        self.region_end += (end + 1 + usize::from(crlf)).min(rest.len());
        self.own_line(&rest[..end]).map(Refill::Line)
    }

    /// A line that cannot be borrowed.
    fn own_line(&mut self, line: &[u8]) -> Result<Option<Step<'c>>, LimitExceeded> {
        self.parser.limits.check_line(line.len())?;
        if let Ok(line) = simdutf8::basic::from_utf8(line) {
            let step = self.own_text(line)?;
            if step.is_some() {
                line.clone_into(&mut self.parser.decoded);
            }
            return Ok(step);
        }
        let mut decoded = std::mem::take(&mut self.parser.decoded);
        decode(line, &mut decoded);
        let step = self.own_text(&decoded);
        self.parser.decoded = decoded;
        step
    }

    /// The step, if any, expects the line to be in `Parser::decoded`.
    fn own_text(&mut self, line: &str) -> Result<Option<Step<'c>>, LimitExceeded> {
        let limits = self.parser.limits;
        let block = &mut self.parser.block;
        match Field::of(line.as_bytes()) {
            Field::Data(value) => self.more_data(&line[value..])?,
            Field::Id(value) => {
                let value = &line[value..];
                limits.check_field(value.len())?;
                if value.as_bytes().contains(&0) {
                    return Ok(Some(Step::NulInId));
                }
                self.id = None;
                value.clone_into(&mut block.id);
                block.has_id = true;
            }
            Field::Event(value) => {
                let value = &line[value..];
                limits.check_field(value.len())?;
                self.event_type = None;
                value.clone_into(&mut block.event_type);
            }
            field => {
                let offset = |part: &str| part.as_ptr().addr() - line.as_ptr().addr();
                return Ok(Some(Step::other(field, line, |part| {
                    Text::Decoded(offset(part), part.len())
                })));
            }
        }
        Ok(None)
    }
}

/// How much of `rest` ends with a line end, about a window at most; `None` if
/// nothing does.
fn whole_lines(rest: &[u8]) -> Option<usize> {
    let (window, beyond) = rest.split_at(rest.len().min(WINDOW));
    after_last_line_end(window, beyond.first().copied()).or_else(|| {
        let end = window.len() + memchr2(b'\r', b'\n', beyond)?;
        after_last_line_end(&rest[..=end], rest.get(end + 1).copied())
    })
}

/// The whole lines before the first bad byte.
fn valid_lines(bytes: &[u8]) -> &str {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = &bytes[..error.valid_up_to()];
            let end = memrchr2(b'\r', b'\n', valid).map_or(0, |end| end + 1);
            simdutf8::basic::from_utf8(&valid[..end]).unwrap_or_default()
        }
    }
}

/// Replaces invalid bytes with U+FFFD by maximal subparts (Encoding Standard,
/// UTF-8 decode).
fn decode(bytes: &[u8], text: &mut String) {
    text.clear();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
