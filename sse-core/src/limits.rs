//! Caps on what one stream may make a reader hold.

use crate::error::{Limit, LimitExceeded};

/// Caps in bytes. The standard knows none, so each fails loudly, with an error
/// that names it, and never cuts or drops in silence.
///
/// A parser holds at most one line (once as it came, once decoded, which may
/// triple it) and one event at a time: `4 * line + event + 3 * field` at most,
/// and twice that in allocations, since buffers grow by doubling. The verdict
/// on a stream is the same however it was cut into chunks.
///
/// ```
/// use sse_core::{Limits, Parser};
/// let mut parser = Parser::with_limits(Limits::default().line(8));
/// let mut items = parser.feed(b"data: too long");
/// let error = items.next().unwrap_err();
/// assert_eq!(error.to_string(), "a line exceeds the limit of 8 bytes");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(crate) line: usize,
    pub(crate) field: usize,
    pub(crate) event: usize,
}

impl Limits {
    /// The longest line, without its line end. Default 16 MiB.
    #[must_use]
    pub const fn line(mut self, bytes: usize) -> Self {
        self.line = bytes;
        self
    }

    /// The longest value of an `id` or `event` field, as UTF-8 after decoding.
    /// Default 64 KiB.
    #[must_use]
    pub const fn field(mut self, bytes: usize) -> Self {
        self.field = bytes;
        self
    }

    /// The most data of one event: the data buffer of §9.2.6 as UTF-8 after
    /// decoding, without its last line feed. Default 16 MiB.
    #[must_use]
    pub const fn event(mut self, bytes: usize) -> Self {
        self.event = bytes;
        self
    }

    pub(crate) const fn check_line(&self, length: usize) -> Result<(), LimitExceeded> {
        check(Limit::Line, length, self.line)
    }

    pub(crate) const fn check_field(&self, length: usize) -> Result<(), LimitExceeded> {
        check(Limit::Field, length, self.field)
    }

    pub(crate) const fn check_event(&self, length: usize) -> Result<(), LimitExceeded> {
        check(Limit::Event, length, self.event)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 16 << 20,
            field: 64 << 10,
            event: 16 << 20,
        }
    }
}

const fn check(limit: Limit, length: usize, max: usize) -> Result<(), LimitExceeded> {
    if length > max {
        Err(LimitExceeded { limit, max })
    } else {
        Ok(())
    }
}
