//! The items of one chunk.
//!
//! Whole lines are read in regions: as much of the chunk as ends with a line
//! end, checked to be UTF-8 in one go, its fields borrowed. What does not lie
//! in the chunk whole, or is not UTF-8, goes line by line through the parser's
//! own buffers ([`super::refill`]).

use memchr::memchr;

use super::step::{Step, Text};
use super::{Ignored, Item, Parser};
use crate::error::LimitExceeded;
use crate::event::{EventRef, IdOrigin};
use crate::field::Field;
use crate::line::{Line, LineEnds};

/// The items of one chunk, in order. See [`Parser::feed`].
#[derive(Debug)]
pub struct Items<'p, 'c> {
    pub(super) parser: &'p mut Parser,
    pub(super) chunk: &'c [u8],
    /// The region being read, its offset in the chunk, and the one after it.
    pub(super) region: &'c str,
    pub(super) region_start: usize,
    pub(super) region_end: usize,
    pub(super) lines: LineEnds,
    /// Whether the region holds a NUL, once that matters.
    pub(super) nul: Option<bool>,
    /// Up to here the chunk consists of whole lines.
    pub(super) window_end: usize,
    /// The rest of the window holds a byte that is not UTF-8, or may do.
    pub(super) suspect: bool,
    /// The block so far, where it is newer than the parser's own.
    pub(super) data: Option<&'c str>,
    pub(super) event_type: Option<&'c str>,
    pub(super) id: Option<&'c str>,
    /// The last event ID, where it is newer than the parser's own.
    last_event_id: Option<&'c str>,
    /// The last item borrowed the block: forget it before going on.
    block_ended: bool,
}

/// What the end of a block led to.
enum Dispatch {
    Event(IdOrigin),
    NoData(IdOrigin),
    Nothing,
}

/// What comes after a region.
pub(super) enum Refill<'c> {
    Region,
    Line(Option<Step<'c>>),
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
            nul: None,
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
    #[expect(
        clippy::should_implement_trait,
        reason = "items borrow from this, which Iterator cannot say"
    )]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, LimitExceeded> {
        self.forget_block();
        loop {
            while let Some(Line { start, end }) = self.lines.next(self.region.as_bytes()) {
                if start == end {
                    match self.blank_line() {
                        Dispatch::Event(origin) => {
                            return Ok(Some(Item::Event(self.event(origin))));
                        }
                        Dispatch::NoData(origin) => {
                            return Ok(Some(Item::Ignored(Ignored::NoData(self.event(origin)))));
                        }
                        Dispatch::Nothing => continue,
                    }
                }
                match self.line(start, end) {
                    Ok(None) => {}
                    Ok(Some(step)) => return Ok(Some(self.item(step))),
                    Err(error) => return Err(self.fail(error)),
                }
            }
            match self.refill() {
                Ok(Refill::Region | Refill::Line(None)) => {}
                Ok(Refill::Line(Some(step))) => return Ok(Some(self.item(step))),
                Ok(Refill::End) => return Ok(None),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Bytes of the chunk read so far: where the last item ended.
    pub fn position(&self) -> usize {
        if self.region.is_empty() {
            self.region_end
        } else {
            self.region_start + self.lines.position()
        }
    }

    #[cold]
    fn fail(&mut self, error: LimitExceeded) -> LimitExceeded {
        self.parser.failed = Some(error);
        self.region_end = self.position();
        self.region = "";
        error
    }

    /// A line of the region that is not empty.
    #[inline]
    fn line(&mut self, start: usize, end: usize) -> Result<Option<Step<'c>>, LimitExceeded> {
        let limits = &self.parser.limits;
        limits.check_line(end - start)?;
        let region = self.region;
        match Field::of(&region.as_bytes()[start..end]) {
            Field::Data(value) => {
                let value = &region[start + value..end];
                if self.data.is_some() || !self.parser.block.data.is_empty() {
                    return self.more_data(value).map(|()| None);
                }
                limits.check_event(value.len())?;
                self.data = Some(value);
            }
            Field::Id(value) => {
                let value = &region[start + value..end];
                limits.check_field(value.len())?;
                if self.region_has_nul() && value.as_bytes().contains(&0) {
                    return Ok(Some(Step::NulInId));
                }
                self.id = Some(value);
            }
            Field::Event(value) => {
                let value = &region[start + value..end];
                limits.check_field(value.len())?;
                self.event_type = Some(value);
            }
            field => return Ok(Some(Step::other(field, &region[start..end], Text::Chunk))),
        }
        Ok(None)
    }

    /// Looked for once, where there is an id that it matters to.
    #[inline]
    fn region_has_nul(&mut self) -> bool {
        *self
            .nul
            .get_or_insert_with(|| memchr(0, self.region.as_bytes()).is_some())
    }

    /// A data line of a block whose data cannot be borrowed.
    #[inline]
    pub(super) fn more_data(&mut self, value: &str) -> Result<(), LimitExceeded> {
        let block = &mut self.parser.block;
        if let Some(first) = self.data.take() {
            block.push_data(first);
        }
        self.parser
            .limits
            .check_event(block.data.len() + value.len())?;
        block.push_data(value);
        Ok(())
    }

    /// Ends the block (§9.2.6, "dispatch the event").
    #[inline]
    fn blank_line(&mut self) -> Dispatch {
        let block = &mut self.parser.block;
        let mut origin = IdOrigin::Earlier;
        if let Some(id) = self.id.take() {
            self.last_event_id = Some(id);
            origin = IdOrigin::Block;
        } else if block.has_id {
            std::mem::swap(&mut self.parser.last_event_id, &mut block.id);
            self.last_event_id = None;
            origin = IdOrigin::Block;
        }
        self.block_ended = true;
        if self.data.is_some() || !block.data.is_empty() {
            Dispatch::Event(origin)
        } else if origin == IdOrigin::Block
            || !self.event_type.unwrap_or(&block.event_type).is_empty()
        {
            Dispatch::NoData(origin)
        } else {
            self.forget_block();
            Dispatch::Nothing
        }
    }

    #[inline]
    fn forget_block(&mut self) {
        if std::mem::take(&mut self.block_ended) {
            (self.data, self.event_type) = (None, None);
            self.parser.block.clear();
        }
    }

    #[inline]
    fn event(&self, origin: IdOrigin) -> EventRef<'_> {
        let block = &self.parser.block;
        let event_type = self.event_type.unwrap_or(&block.event_type);
        EventRef {
            event_type: if event_type.is_empty() {
                "message"
            } else {
                event_type
            },
            data: self.data.unwrap_or_else(|| block.data()),
            last_event_id: self.last_event_id.unwrap_or(&self.parser.last_event_id),
            origin,
        }
    }

    #[inline]
    fn item(&self, step: Step<'c>) -> Item<'_> {
        step.item(&self.parser.decoded)
    }
}

impl Drop for Items<'_, '_> {
    /// Keeps what the next chunk goes on with.
    #[inline]
    fn drop(&mut self) {
        self.forget_block();
        let parser = &mut *self.parser;
        if let Some(data) = self.data {
            parser.block.push_data(data);
        }
        if let Some(event_type) = self.event_type {
            event_type.clone_into(&mut parser.block.event_type);
        }
        if let Some(id) = self.id {
            id.clone_into(&mut parser.block.id);
            parser.block.has_id = true;
        }
        if let Some(id) = self.last_event_id {
            id.clone_into(&mut parser.last_event_id);
        }
        parser.long_lines = self.lines.long();
    }
}
