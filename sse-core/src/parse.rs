//! Bytes -> items, incrementally (HTML Living Standard §9.2.6).

mod items;
mod refill;
mod step;

use std::fmt;
use std::time::Duration;

pub use self::items::Items;
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
    /// the type is forgotten, and the id, if [`EventRef::has_id`], is the last
    /// event ID from now on. Here is what would have been dispatched; its data
    /// is empty. [`EventRef::to_event`] would turn it into an event that is
    /// dispatched.
    NoData(EventRef<'a>),
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

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.data + self.line {
            0 if self.has_data => f.write_str("an unfinished event was discarded"),
            0 => f.write_str("an unfinished block without data was discarded"),
            1 => f.write_str("an unfinished event was discarded (1 byte of it)"),
            bytes => write!(f, "an unfinished event was discarded ({bytes} bytes of it)"),
        }
    }
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
    /// A line whose end has not arrived, as it came.
    line: Vec<u8>,
    /// A line that could not be borrowed, decoded.
    decoded: String,
    /// Nothing of the response but a part of a byte order mark was read.
    at_start: bool,
    /// The last byte was a CR that ended a line: an LF next belongs to it.
    after_cr: bool,
    block: Block,
    last_event_id: String,
    /// Lines were long lately: see [`LineEnds`](crate::line::LineEnds).
    long_lines: bool,
    failed: Option<LimitExceeded>,
}

/// The fields of a block, as far as they could not be borrowed: the buffers of
/// §9.2.6.
#[derive(Debug, Default)]
struct Block {
    /// Each data line and an LF.
    data: String,
    event_type: String,
    id: String,
    has_id: bool,
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
            decoded: String::new(),
            at_start: true,
            after_cr: false,
            block: Block::default(),
            last_event_id: String::new(),
            long_lines: false,
            failed: None,
        }
    }

    /// Reads a chunk. Exhaust the items: those not taken when [`Items`] is
    /// dropped are lost, which is what `EventSource.close()` asks for. A block
    /// may be lost in part, so go on with [`finish`](Self::finish) then, not
    /// with the next chunk.
    #[inline]
    pub fn feed<'p, 'c>(&'p mut self, chunk: &'c [u8]) -> Items<'p, 'c> {
        Items::new(self, chunk)
    }

    /// Ends the response: discards the pending line and block, and readies the
    /// parser for the next response. The last event ID stays.
    ///
    /// Returns what was discarded, `None` if nothing was.
    pub fn finish(&mut self) -> Option<Unfinished> {
        let block = &self.block;
        let unfinished = Unfinished {
            line: self.line.len(),
            data: block.data.len().saturating_sub(1),
            has_data: !block.data.is_empty(),
        };
        let pending = unfinished.line > 0
            || unfinished.has_data
            || block.has_id
            || !block.event_type.is_empty();
        self.line.clear();
        self.at_start = true;
        self.after_cr = false;
        self.block.clear();
        self.failed = None;
        pending.then_some(unfinished)
    }

    /// Sets the last event ID, as a caller that resumes a stream does.
    pub fn set_last_event_id(&mut self, id: EventId) {
        self.last_event_id = id.into();
    }

    /// The last event ID: committed by the last block that ended; empty if none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }
}

impl Block {
    fn clear(&mut self) {
        self.data.clear();
        self.event_type.clear();
        self.id.clear();
        self.has_id = false;
    }

    /// The data buffer without its last LF.
    fn data(&self) -> &str {
        self.data.strip_suffix('\n').unwrap_or_default()
    }

    fn push_data(&mut self, value: &str) {
        self.data.push_str(value);
        self.data.push('\n');
    }
}
