//! What a line other than `data`, `id` and `event` led to.

use std::time::Duration;

use super::{Ignored, Item};
use crate::field::{Field, reconnection_time};

/// An item before it borrows from the parser.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'c> {
    Comment(Text<'c>),
    Retry(Duration),
    UnknownField(Text<'c>),
    InvalidRetry(Text<'c>),
    NulInId,
}

/// Text of the chunk, or a part of the line that the parser decoded last, by
/// its offset and length.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text<'c> {
    Chunk(&'c str),
    Decoded(usize, usize),
}

impl<'c> Step<'c> {
    /// `text` makes a text of a part of the line.
    #[inline(never)]
    pub(super) fn other<'l>(
        field: Field,
        line: &'l str,
        text: impl Fn(&'l str) -> Text<'c>,
    ) -> Self {
        match field {
            Field::Retry(start) => match reconnection_time(&line[start..]) {
                Some(time) => Self::Retry(time),
                None => Self::InvalidRetry(text(&line[start..])),
            },
            Field::Unknown(length) => Self::UnknownField(text(&line[..length])),
            _ => Self::Comment(text(&line[1..])),
        }
    }

    #[inline]
    pub(super) fn item<'a>(self, decoded: &'a str) -> Item<'a>
    where
        'c: 'a,
    {
        let text = |text| match text {
            Text::Chunk(text) => text,
            Text::Decoded(start, length) => &decoded[start..start + length],
        };
        match self {
            Self::Comment(comment) => Item::Comment(text(comment)),
            Self::Retry(time) => Item::Retry(time),
            Self::UnknownField(name) => Item::Ignored(Ignored::UnknownField { name: text(name) }),
            Self::InvalidRetry(value) => {
                Item::Ignored(Ignored::InvalidRetry { value: text(value) })
            }
            Self::NulInId => Item::Ignored(Ignored::NulInId),
        }
    }
}
