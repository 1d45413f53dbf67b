//! Bytes -> items, incrementally (HTML Living Standard §9.2.6).

use std::time::Duration;

use memchr::{memchr, memchr2};

use crate::error::LimitExceeded;
use crate::event::{EventId, EventRef};
use crate::limits::Limits;

/// What a stream says, in the order it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A block with data ended: dispatch it.
    Event(EventRef<'a>),
    /// A line that starts with a colon, without the colon.
    Comment(&'a str),
    /// A valid `retry` field: the reconnection time from now on. Digits beyond
    /// `u64` saturate.
    Retry(Duration),
    /// Something that has no effect, or not the effect its author may expect.
    Ignored(Ignored<'a>),
}

/// What the standard has a parser ignore, for those who debug a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored<'a> {
    /// A field of a name that the standard does not know.
    UnknownField {
        /// The name as it stands on the line.
        name: &'a str,
    },
    /// A `retry` field whose value is not ASCII digits alone.
    InvalidRetry {
        /// The value.
        value: &'a str,
    },
    /// An `id` field whose value contains a NUL.
    NulInId,
    /// A block with an id or a type ended without data: nothing is dispatched,
    /// the type is forgotten, and the id is the last event ID from now on.
    NoData {
        /// The type that the block named; empty if none.
        event_type: &'a str,
        /// Whether the block set the id.
        has_id: bool,
        /// The last event ID after the block.
        last_event_id: &'a str,
    },
}

/// What the end of a stream cut off. None of it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Bytes of a line that had no end.
    pub line: usize,
    /// Bytes of data in a block that had no blank line, joined with LF.
    pub data: usize,
    /// Whether the block had at least one data field.
    pub has_data: bool,
}

/// An incremental parser of an event stream.
///
/// ```
/// use sse_core::{Item, Parser};
/// # fn main() -> Result<(), sse_core::LimitExceeded> {
/// let mut parser = Parser::new();
/// for chunk in ["id: 1\ndata: hel", "lo\n\n: bye\n"] {
///     let mut items = parser.feed(chunk.as_bytes());
///     while let Some(item) = items.next()? {
///         match item {
///             Item::Event(event) => assert_eq!((event.event_type, event.data), ("message", "hello")),
///             Item::Comment(text) => assert_eq!(text, " bye"),
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(parser.last_event_id(), "1");
/// assert_eq!(parser.finish(), None);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    /// A line whose end has not arrived.
    line: Vec<u8>,
    /// Decoded text that the last item borrows.
    text: String,
    first_line: bool,
    /// The last byte was a CR that ended a line: an LF next belongs to it.
    after_cr: bool,
    data: String,
    has_data: bool,
    event_type: String,
    id: String,
    has_id: bool,
    last_event_id: String,
    /// The last item borrowed the block: clear it before going on.
    block_ended: bool,
    failed: Option<LimitExceeded>,
}

/// What a line led to, before its texts are borrowed.
enum Step {
    Nothing,
    Event,
    Comment,
    Retry(Duration),
    UnknownField,
    InvalidRetry,
    NulInId,
    NoData,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A parser with the default [`Limits`].
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// A parser with limits of your own.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            line: Vec::new(),
            text: String::new(),
            first_line: true,
            after_cr: false,
            data: String::new(),
            has_data: false,
            event_type: String::new(),
            id: String::new(),
            has_id: false,
            last_event_id: String::new(),
            block_ended: false,
            failed: None,
        }
    }

    /// Reads a chunk. Exhaust the items: those not taken when [`Items`] is
    /// dropped are lost, which is what `EventSource.close()` asks for.
    pub fn feed<'p, 'c>(&'p mut self, chunk: &'c [u8]) -> Items<'p, 'c> {
        Items {
            parser: self,
            chunk,
            position: 0,
        }
    }

    /// Ends the response: discards the pending line and block, and readies the
    /// parser for the next response. The last event ID stays.
    ///
    /// Returns what was discarded, `None` if nothing was.
    pub fn finish(&mut self) -> Option<Unfinished> {
        self.clear_ended_block();
        let unfinished = Unfinished {
            line: self.line.len(),
            data: self.data.len().saturating_sub(1),
            has_data: self.has_data,
        };
        let pending =
            unfinished.line > 0 || self.has_data || self.has_id || !self.event_type.is_empty();
        self.line.clear();
        self.first_line = true;
        self.after_cr = false;
        self.clear_block();
        self.id.clone_from(&self.last_event_id);
        self.failed = None;
        pending.then_some(unfinished)
    }

    /// Sets the last event ID, as a caller that resumes a stream does.
    pub fn set_last_event_id(&mut self, id: EventId) {
        self.last_event_id = id.into();
        self.id.clone_from(&self.last_event_id);
    }

    /// The last event ID: committed by the last block that ended; empty if none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    fn clear_block(&mut self) {
        self.data.clear();
        self.has_data = false;
        self.event_type.clear();
        self.has_id = false;
    }

    fn clear_ended_block(&mut self) {
        if std::mem::take(&mut self.block_ended) {
            self.clear_block();
        }
    }

    fn process(&mut self, line: &[u8]) -> Result<Step, LimitExceeded> {
        let line = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) if self.first_line => rest,
            _ => line,
        };
        self.first_line = false;
        self.limits.check_line(line.len())?;
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (name, value) = match memchr(b':', line) {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value)
            }
            None => (line, &[][..]),
        };
        if name.is_empty() {
            decode(value, &mut self.text);
            return Ok(Step::Comment);
        }
        let value = value.strip_prefix(b" ").unwrap_or(value);
        self.field(name, value)
    }

    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<Step, LimitExceeded> {
        match name {
            b"data" => {
                decode(value, &mut self.text);
                self.limits.check_event(self.data.len() + self.text.len())?;
                self.data.push_str(&self.text);
                self.data.push('\n');
                self.has_data = true;
                Ok(Step::Nothing)
            }
            b"event" => {
                decode(value, &mut self.text);
                self.limits.check_field(self.text.len())?;
                self.event_type.clone_from(&self.text);
                Ok(Step::Nothing)
            }
            b"id" => {
                if memchr(0, value).is_some() {
                    return Ok(Step::NulInId);
                }
                decode(value, &mut self.text);
                self.limits.check_field(self.text.len())?;
                self.id.clone_from(&self.text);
                self.has_id = true;
                Ok(Step::Nothing)
            }
            b"retry" => {
                if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                    decode(value, &mut self.text);
                    return Ok(Step::InvalidRetry);
                }
                let millis = value.iter().fold(0_u64, |sum, digit| {
                    sum.saturating_mul(10)
                        .saturating_add(u64::from(digit - b'0'))
                });
                Ok(Step::Retry(Duration::from_millis(millis)))
            }
            _ => {
                decode(name, &mut self.text);
                Ok(Step::UnknownField)
            }
        }
    }

    fn dispatch(&mut self) -> Step {
        if self.has_id {
            self.last_event_id.clone_from(&self.id);
        }
        self.block_ended = true;
        if self.has_data {
            self.data.pop();
            Step::Event
        } else if self.has_id || !self.event_type.is_empty() {
            Step::NoData
        } else {
            Step::Nothing
        }
    }

    fn item(&self, step: &Step) -> Option<Item<'_>> {
        Some(match *step {
            Step::Nothing => return None,
            Step::Event => Item::Event(EventRef {
                event_type: if self.event_type.is_empty() {
                    "message"
                } else {
                    &self.event_type
                },
                data: &self.data,
                last_event_id: &self.last_event_id,
                has_id: self.has_id,
            }),
            Step::Comment => Item::Comment(&self.text),
            Step::Retry(time) => Item::Retry(time),
            Step::UnknownField => Item::Ignored(Ignored::UnknownField { name: &self.text }),
            Step::InvalidRetry => Item::Ignored(Ignored::InvalidRetry { value: &self.text }),
            Step::NulInId => Item::Ignored(Ignored::NulInId),
            Step::NoData => Item::Ignored(Ignored::NoData {
                event_type: &self.event_type,
                has_id: self.has_id,
                last_event_id: &self.last_event_id,
            }),
        })
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

/// The items of one chunk, in order. See [`Parser::feed`].
#[derive(Debug)]
pub struct Items<'p, 'c> {
    parser: &'p mut Parser,
    chunk: &'c [u8],
    position: usize,
}

impl Items<'_, '_> {
    /// The next item, `None` when the chunk is used up.
    ///
    /// # Errors
    /// [`LimitExceeded`]: the stream is of no further use, and every later call
    /// says the same until [`Parser::finish`].
    #[expect(
        clippy::should_implement_trait,
        reason = "the items borrow from this, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, LimitExceeded> {
        if let Some(error) = self.parser.failed {
            return Err(error);
        }
        self.parser.clear_ended_block();
        match self.step() {
            Ok(Some(step)) => Ok(self.parser.item(&step)),
            Ok(None) => Ok(None),
            Err(error) => {
                self.parser.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Bytes of the chunk read so far: where the last item ended.
    pub fn position(&self) -> usize {
        self.position
    }

    fn step(&mut self) -> Result<Option<Step>, LimitExceeded> {
        loop {
            let rest = &self.chunk[self.position..];
            if self.parser.after_cr && !rest.is_empty() {
                self.parser.after_cr = false;
                if rest[0] == b'\n' {
                    self.position += 1;
                    continue;
                }
            }
            let Some(end) = memchr2(b'\r', b'\n', rest) else {
                self.position = self.chunk.len();
                let parser = &mut *self.parser;
                parser.line.extend_from_slice(rest);
                let bom = parser.first_line && parser.line.starts_with(b"\xEF\xBB\xBF");
                parser
                    .limits
                    .check_line(parser.line.len() - if bom { 3 } else { 0 })?;
                return Ok(None);
            };
            self.position += end + 1;
            self.parser.after_cr = rest[end] == b'\r';
            let step = if self.parser.line.is_empty() {
                self.parser.process(&rest[..end])?
            } else {
                let mut line = std::mem::take(&mut self.parser.line);
                line.extend_from_slice(&rest[..end]);
                let step = self.parser.process(&line);
                line.clear();
                self.parser.line = line;
                step?
            };
            if !matches!(step, Step::Nothing) {
                return Ok(Some(step));
            }
            self.parser.clear_ended_block();
        }
    }
}
