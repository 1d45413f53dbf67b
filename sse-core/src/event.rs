//! Events: owned, to be encoded, and borrowed, as a parser dispatches them.

use std::fmt;
use std::time::Duration;

use crate::error::InvalidField;

/// The value of an `id` field: no CR, LF or NUL, by construction.
///
/// An empty id is a value of its own: it resets the last event ID of the
/// client, which then sends no `Last-Event-ID` when it reconnects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventId(String);

impl EventId {
    /// # Errors
    /// [`InvalidField::Id`] names the first character that an id cannot hold.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidField> {
        let id = id.into();
        match id
            .bytes()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0))
        {
            None => Ok(Self(id)),
            Some(position) => Err(InvalidField::Id {
                character: name(id.as_bytes()[position]),
                position,
            }),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of an `event` field: no CR or LF, by construction.
///
/// An empty type is dispatched as `message`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventType(String);

impl EventType {
    /// # Errors
    /// [`InvalidField::EventType`] names the first character that a type cannot hold.
    pub fn new(event_type: impl Into<String>) -> Result<Self, InvalidField> {
        let event_type = event_type.into();
        match event_type
            .bytes()
            .position(|byte| matches!(byte, b'\r' | b'\n'))
        {
            None => Ok(Self(event_type)),
            Some(position) => {
                let character = name(event_type.as_bytes()[position]);
                Err(InvalidField::EventType {
                    character,
                    position,
                })
            }
        }
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn name(byte: u8) -> &'static str {
    match byte {
        b'\r' => "a carriage return",
        b'\n' => "a line feed",
        _ => "a NUL",
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidField;
            fn try_from(value: &str) -> Result<Self, InvalidField> {
                Self::new(value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidField;
            fn try_from(value: String) -> Result<Self, InvalidField> {
                Self::new(value)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidField;
            fn from_str(value: &str) -> Result<Self, InvalidField> {
                Self::new(value)
            }
        }
    };
}

text_newtype!(EventId);
text_newtype!(EventType);

/// One block of an event stream, to be encoded.
///
/// Every part is optional. A block without data dispatches nothing: with an id
/// it moves the last event ID, with a comment it keeps a connection alive.
///
/// ```
/// use sse_core::{Event, EventId, EventType};
/// # fn main() -> Result<(), sse_core::InvalidField> {
/// let event = Event::new("two\nlines")
///     .with_id(EventId::new("7")?)
///     .with_type(EventType::new("note")?);
/// let mut out = Vec::new();
/// event.encode(&mut out);
/// assert_eq!(out, b"id: 7\nevent: note\ndata: two\ndata: lines\n\n");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    pub(crate) comment: Option<String>,
    pub(crate) id: Option<EventId>,
    pub(crate) event_type: Option<EventType>,
    pub(crate) data: Option<String>,
    pub(crate) retry: Option<Duration>,
}

impl Event {
    /// An event of type `message` with this data. CR, LF and CRLF in the data
    /// are line ends: a client receives each of them as LF.
    pub fn new(data: impl Into<String>) -> Self {
        Self {
            data: Some(data.into()),
            ..Self::default()
        }
    }

    /// A block that only comments; a client ignores it. Each line of the text
    /// becomes a comment line.
    pub fn from_comment(text: impl Into<String>) -> Self {
        Self {
            comment: Some(text.into()),
            ..Self::default()
        }
    }

    /// A block that only sets the last event ID.
    pub fn from_id(id: EventId) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }

    /// A block that only sets the reconnection time, in whole milliseconds.
    pub fn from_retry(reconnection_time: Duration) -> Self {
        Self {
            retry: Some(reconnection_time),
            ..Self::default()
        }
    }

    /// Sets the `data` field.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<String>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Sets the `id` field.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the `event` field.
    #[must_use]
    pub fn with_type(mut self, event_type: EventType) -> Self {
        self.event_type = Some(event_type);
        self
    }

    /// Sets the `retry` field, in whole milliseconds.
    #[must_use]
    pub fn with_retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Adds comment lines in front of the fields.
    #[must_use]
    pub fn with_comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// The comment text, if any.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The id, if the block has one. `Some("")` resets the last event ID.
    pub fn id(&self) -> Option<&EventId> {
        self.id.as_ref()
    }

    /// The event type, if the block names one.
    pub fn event_type(&self) -> Option<&EventType> {
        self.event_type.as_ref()
    }

    /// The data, if any.
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// The reconnection time, if the block sets one.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

/// An event as it is dispatched (§9.2.6), borrowed from the chunk where it lies
/// in it whole and from the parser elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventRef<'a> {
    /// `message` where the block named none.
    pub event_type: &'a str,
    /// The data lines, joined with LF.
    pub data: &'a str,
    /// The last event ID at dispatch: from this block, or an earlier one, or empty.
    pub last_event_id: &'a str,
    pub(crate) origin: IdOrigin,
}

/// Where the last event ID comes from. As wide as a pointer, so that an event
/// has no padding: copying around padding took a third of the parser's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum IdOrigin {
    Earlier,
    Block,
}

impl EventRef<'_> {
    /// Whether the block itself set the id.
    #[inline]
    pub fn has_id(&self) -> bool {
        self.origin == IdOrigin::Block
    }

    /// An owned event that encodes to a block which dispatches the same: with an
    /// id only if the block set it, with a type only if it is not `message`.
    pub fn to_event(&self) -> Event {
        Event {
            comment: None,
            id: self
                .has_id()
                .then(|| EventId(self.last_event_id.to_owned())),
            event_type: (self.event_type != "message")
                .then(|| EventType(self.event_type.to_owned())),
            data: Some(self.data.to_owned()),
            retry: None,
        }
    }
}
