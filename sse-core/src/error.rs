//! What can go wrong, as types.

use thiserror::Error;

/// Text that a field of an event stream cannot carry.
///
/// A line end inside a field would end the field and inject another one
/// (HTML Living Standard §9.2.5, the grammar of an event stream), and a client
/// ignores an `id` that holds a NUL (§9.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidField {
    /// An id may not contain CR, LF or NUL.
    #[error("an event id may not contain {character} (byte {position})")]
    Id {
        /// The character found, by its name.
        character: &'static str,
        /// Its byte offset.
        position: usize,
    },
    /// An event type may not contain CR or LF.
    #[error("an event type may not contain {character} (byte {position})")]
    EventType {
        /// The character found, by its name.
        character: &'static str,
        /// Its byte offset.
        position: usize,
    },
}

/// The cap that an event stream exceeded. See [`Limits`](crate::Limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::line`](crate::Limits::line)
    Line,
    /// [`Limits::field`](crate::Limits::field)
    Field,
    /// [`Limits::event`](crate::Limits::event)
    Event,
}

/// An event stream exceeded a cap. The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} exceeds the limit of {max} bytes", what = match self.limit {
    Limit::Line => "a line",
    Limit::Field => "an id or event type",
    Limit::Event => "the data of one event",
})]
#[non_exhaustive]
pub struct LimitExceeded {
    /// Which cap.
    pub limit: Limit,
    /// Its value in bytes.
    pub max: usize,
}
