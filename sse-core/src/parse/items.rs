//! The items of one chunk.
//!
//! Whole lines are read in regions: as much of the chunk as ends with a line
//! end, checked to be UTF-8 in one go, and its fields borrowed. What does not
//! lie in the chunk whole, or is not UTF-8, goes line by line through the
//! parser's own buffers.

use std::time::Duration;

use memchr::{memchr2, memrchr2};

use super::{Ignored, Item, Parser};
use crate::error::LimitExceeded;
use crate::event::EventRef;
use crate::field::{Field, reconnection_time};
use crate::line::{Line, LineEnds, after_last_line_end};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The most that is checked and then read at a time, so that it is still in
/// the cache when it is read.
const WINDOW: usize = 128 << 10;

/// The items of one chunk, in order. See [`Parser::feed`].
#[derive(Debug)]
pub struct Items<'p, 'c> {
    parser: &'p mut Parser,
    chunk: &'c [u8],
    /// The region being read, its offset in the chunk, and the one after it.
    region: &'c str,
    region_start: usize,
    region_end: usize,
    lines: LineEnds,
    /// Up to here the chunk consists of whole lines.
    window_end: usize,
    /// The rest of the window holds a byte that is not UTF-8, or may do.
    suspect: bool,
    /// The block so far, where it is newer than the parser's own.
    data: Option<&'c str>,
    event_type: Option<&'c str>,
    id: Option<&'c str>,
    /// The last event ID, where it is newer than the parser's own.
    last_event_id: Option<&'c str>,
    /// The last item borrowed the parser's block: clear it before going on.
    block_ended: bool,
}

/// What a line led to, before it borrows from the parser.
#[derive(Clone, Copy)]
enum Step<'c> {
    Nothing,
    Event { event_type: Option<&'c str>, data: Option<&'c str>, has_id: bool },
    Comment(Text<'c>),
    Retry(Duration),
    UnknownField(Text<'c>),
    InvalidRetry(Text<'c>),
    NulInId,
    NoData { event_type: Option<&'c str>, has_id: bool },
}

impl Step<'_> {
    fn borrows_decoded(&self) -> bool {
        matches!(self, Self::Comment(_) | Self::UnknownField(_) | Self::InvalidRetry(_))
    }
}

/// Text of the chunk, or a part of the line in `Parser::decoded`.
#[derive(Clone, Copy)]
enum Text<'c> {
    Chunk(&'c str),
    Decoded(usize, usize),
}

/// What comes after a region.
enum Refill<'c> {
    Region,
    Line(Step<'c>),
    End,
}

impl<'p, 'c> Items<'p, 'c> {
    #[inline]
    pub(super) fn new(parser: &'p mut Parser, chunk: &'c [u8]) -> Self {
        Self {
            lines: LineEnds::new(parser.long_lines),
            parser,
            chunk,
            region: "",
            region_start: 0,
            region_end: 0,
            window_end: 0,
            suspect: false,
            data: None,
            event_type: None,
            id: None,
            last_event_id: None,
            block_ended: false,
        }
    }

    /// The next item, `None` when the chunk is used up.
    ///
    /// # Errors
    /// [`LimitExceeded`]: the stream is of no further use, and every later call
    /// says the same until [`Parser::finish`].
    #[expect(clippy::should_implement_trait, reason = "items borrow from this, which Iterator cannot say")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, LimitExceeded> {
        if self.block_ended {
            self.block_ended = false;
            self.parser.block.clear();
        }
        loop {
            let step = match self.lines.next(self.region.as_bytes()) {
                Some(line) => self.line(line),
                None => match self.refill() {
                    Ok(Refill::Region) => continue,
                    Ok(Refill::Line(step)) => Ok(step),
                    Ok(Refill::End) => return Ok(None),
                    Err(error) => Err(error),
                },
            };
            match step {
                Ok(Step::Nothing) => {}
                Ok(step) => return Ok(Some(self.item(step))),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Bytes of the chunk read so far: where the last item ended.
    pub fn position(&self) -> usize {
        if self.region.is_empty() { self.region_end } else { self.region_start + self.lines.position() }
    }

    #[cold]
    fn fail(&mut self, error: LimitExceeded) -> LimitExceeded {
        self.parser.failed = Some(error);
        self.region_end = self.position();
        self.region = "";
        error
    }

    /// A line of the region.
    #[inline]
    fn line(&mut self, line: Line) -> Result<Step<'c>, LimitExceeded> {
        let Line { start, end } = line;
        if start == end {
            return Ok(self.blank_line());
        }
        let limits = self.parser.limits;
        limits.check_line(end - start)?;
        match Field::of(&self.region.as_bytes()[start..end]) {
            Field::Data(value) => {
                let value = &self.region[start + value..end];
                if self.data.is_none() && self.parser.block.data.is_empty() {
                    limits.check_event(value.len())?;
                    self.data = Some(value);
                } else {
                    self.keep_data();
                    limits.check_event(self.parser.block.data.len() + value.len())?;
                    self.parser.block.push_data(value);
                }
            }
            Field::Id(value) => {
                let value = &self.region[start + value..end];
                if value.as_bytes().contains(&0) {
                    return Ok(Step::NulInId);
                }
                limits.check_field(value.len())?;
                self.id = Some(value);
            }
            Field::Event(value) => {
                let value = &self.region[start + value..end];
                limits.check_field(value.len())?;
                self.event_type = Some(value);
            }
            Field::Comment => return Ok(Step::Comment(Text::Chunk(&self.region[start + 1..end]))),
            Field::Retry(value) => {
                let value = &self.region[start + value..end];
                return Ok(reconnection_time(value).map_or(Step::InvalidRetry(Text::Chunk(value)), Step::Retry));
            }
            Field::Unknown(name) => {
                return Ok(Step::UnknownField(Text::Chunk(&self.region[start..start + name])));
            }
        }
        Ok(Step::Nothing)
    }

    /// Dispatches the block (§9.2.6, "dispatch the event").
    #[inline]
    fn blank_line(&mut self) -> Step<'c> {
        let block = &mut self.parser.block;
        let mut has_id = false;
        if let Some(id) = self.id.take() {
            self.last_event_id = Some(id);
            has_id = true;
        } else if block.has_id {
            std::mem::swap(&mut self.parser.last_event_id, &mut block.id);
            self.last_event_id = None;
            has_id = true;
        }
        let event_type = self.event_type.take();
        let data = self.data.take();
        self.block_ended = block.has_id || !block.data.is_empty() || !block.event_type.is_empty();
        if data.is_some() || !block.data.is_empty() {
            Step::Event { event_type, data, has_id }
        } else if has_id || !event_type.unwrap_or(&block.event_type).is_empty() {
            Step::NoData { event_type, has_id }
        } else {
            Step::Nothing
        }
    }

    #[inline]
    fn item(&self, step: Step<'c>) -> Item<'_> {
        let block = &self.parser.block;
        let last_event_id = self.last_event_id.unwrap_or(&self.parser.last_event_id);
        match step {
            Step::Event { event_type, data, has_id } => {
                let event_type = event_type.unwrap_or(&block.event_type);
                Item::Event(EventRef {
                    event_type: if event_type.is_empty() { "message" } else { event_type },
                    data: data.unwrap_or_else(|| block.data()),
                    last_event_id,
                    has_id,
                })
            }
            Step::Comment(text) => Item::Comment(self.text(text)),
            Step::Retry(time) => Item::Retry(time),
            Step::UnknownField(name) => Item::Ignored(Ignored::UnknownField { name: self.text(name) }),
            Step::InvalidRetry(value) => Item::Ignored(Ignored::InvalidRetry { value: self.text(value) }),
            Step::NulInId | Step::Nothing => Item::Ignored(Ignored::NulInId),
            Step::NoData { event_type, has_id } => Item::Ignored(Ignored::NoData {
                event_type: event_type.unwrap_or(&block.event_type),
                has_id,
                last_event_id,
            }),
        }
    }

    fn text(&self, text: Text<'c>) -> &str {
        match text {
            Text::Chunk(text) => text,
            Text::Decoded(start, end) => &self.parser.decoded[start..end],
        }
    }

    /// Moves borrowed data into the parser's buffer, where more is to follow it.
    fn keep_data(&mut self) {
        if let Some(first) = self.data.take() {
            self.parser.block.push_data(first);
        }
    }

    /// Opens the next region, or reads a line that none can hold.
    #[inline(never)]
    fn refill(&mut self) -> Result<Refill<'c>, LimitExceeded> {
        if let Some(error) = self.parser.failed {
            return Err(error);
        }
        self.region = "";
        if self.region_end < self.window_end {
            return self.open_region();
        }
        if self.region_end == 0 {
            self.enter_chunk();
        }
        let Some((&first, _)) = self.chunk[self.region_end..].split_first() else {
            return Ok(Refill::End);
        };
        if std::mem::take(&mut self.parser.after_cr) && first == b'\n' {
            self.region_end += 1;
        }
        if !self.parser.line.is_empty() {
            return self.finish_line();
        }
        let rest = &self.chunk[self.region_end..];
        let (window, beyond) = rest.split_at(rest.len().min(WINDOW));
        let whole = after_last_line_end(window, beyond.first().copied()).or_else(|| {
            let end = window.len() + memchr2(b'\r', b'\n', beyond)?;
            after_last_line_end(&rest[..=end], rest.get(end + 1).copied())
        });
        let Some(whole) = whole else {
            self.region_end = self.chunk.len();
            return self.keep_line(rest);
        };
        self.window_end = self.region_end + whole;
        self.parser.after_cr = self.window_end == self.chunk.len() && rest[whole - 1] == b'\r';
        self.suspect = false;
        self.open_region()
    }

    /// Strips the byte order mark, also one that comes in pieces (§9.2.5).
    fn enter_chunk(&mut self) {
        while self.parser.at_start {
            let Some(byte) = self.chunk.get(self.region_end) else { return };
            let read = self.parser.line.len();
            if *byte == BOM[read] {
                self.region_end += 1;
                self.parser.line.push(*byte);
                if read + 1 == BOM.len() {
                    self.parser.line.clear();
                    self.parser.at_start = false;
                }
            } else {
                self.parser.at_start = false;
            }
        }
    }

    /// Starts or goes on with a line whose end is not in this chunk.
    fn keep_line(&mut self, part: &[u8]) -> Result<Refill<'c>, LimitExceeded> {
        self.parser.limits.check_line(self.parser.line.len() + part.len())?;
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
        let valid = if self.suspect { None } else { simdutf8::basic::from_utf8(rest).ok() };
        let region = match valid {
            Some(region) => region,
            None => {
                self.suspect = true;
                self.valid_lines(rest)
            }
        };
        if region.is_empty() {
            return self.lossy_line(rest);
        }
        self.region = region;
        self.region_start = self.region_end;
        self.region_end += region.len();
        self.lines.restart(region.as_bytes());
        Ok(Refill::Region)
    }

    /// The whole lines before the first bad byte.
    fn valid_lines(&self, bytes: &'c [u8]) -> &'c str {
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = &bytes[..error.valid_up_to()];
                let end = memrchr2(b'\r', b'\n', valid).map_or(0, |end| end + 1);
                simdutf8::basic::from_utf8(&bytes[..end]).unwrap_or_default()
            }
        }
    }

    /// A line with a byte that is not UTF-8, at the start of `rest`.
    fn lossy_line(&mut self, rest: &'c [u8]) -> Result<Refill<'c>, LimitExceeded> {
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let crlf = rest.get(end..end + 2) == Some(b"\r\n");
        self.region_end += (end + 1 + usize::from(crlf)).min(rest.len());
        self.own_line(&rest[..end]).map(Refill::Line)
    }

    /// A line that cannot be borrowed.
    fn own_line(&mut self, line: &[u8]) -> Result<Step<'c>, LimitExceeded> {
        if line.is_empty() {
            return Ok(self.blank_line());
        }
        self.parser.limits.check_line(line.len())?;
        if let Ok(line) = simdutf8::basic::from_utf8(line) {
            let step = self.own_text(line)?;
            if step.borrows_decoded() {
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

    /// Text in the step stands at these offsets of the line.

    fn own_text(&mut self, line: &str) -> Result<Step<'c>, LimitExceeded> {
        let limits = self.parser.limits;
        match Field::of(line.as_bytes()) {
            Field::Data(value) => {
                let value = &line[value..];
                self.keep_data();
                limits.check_event(self.parser.block.data.len() + value.len())?;
                self.parser.block.push_data(value);
            }
            Field::Id(value) => {
                let value = &line[value..];
                if value.as_bytes().contains(&0) {
                    return Ok(Step::NulInId);
                }
                limits.check_field(value.len())?;
                self.id = None;
                value.clone_into(&mut self.parser.block.id);
                self.parser.block.has_id = true;
            }
            Field::Event(value) => {
                let value = &line[value..];
                limits.check_field(value.len())?;
                self.event_type = None;
                value.clone_into(&mut self.parser.block.event_type);
            }
            Field::Comment => return Ok(Step::Comment(Text::Decoded(1, line.len()))),
            Field::Retry(value) => {
                let invalid = Step::InvalidRetry(Text::Decoded(value, line.len()));
                return Ok(reconnection_time(&line[value..]).map_or(invalid, Step::Retry));
            }
            Field::Unknown(name) => return Ok(Step::UnknownField(Text::Decoded(0, name))),
        }
        Ok(Step::Nothing)
    }
}

impl Drop for Items<'_, '_> {
    /// Keeps what the next chunk goes on with.
    #[inline]
    fn drop(&mut self) {
        if self.block_ended {
            self.parser.block.clear();
        }
        self.keep_data();
        if let Some(event_type) = self.event_type {
            event_type.clone_into(&mut self.parser.block.event_type);
        }
        if let Some(id) = self.id {
            id.clone_into(&mut self.parser.block.id);
            self.parser.block.has_id = true;
        }
        if let Some(id) = self.last_event_id {
            id.clone_into(&mut self.parser.last_event_id);
        }
        self.parser.long_lines = self.lines.long();
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
