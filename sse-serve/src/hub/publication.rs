//! What a publisher hands to the hub.

use std::time::Duration;

use sse_core::{Event, EventType};
use thiserror::Error;

use crate::hub::control::RESERVED_TYPES;
use crate::log::{DEFAULT_TOPIC, Draft, Envelope, Key, NAME_MAX};

/// An event to publish: its data, and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    data: String,
    event_type: EventType,
    topic: Option<String>,
    session: Option<String>,
    connection: Option<String>,
    retry: Option<Duration>,
    time_to_live: Option<Duration>,
    key: Option<String>,
    publisher: Option<String>,
}

/// Why an event cannot be published. Each message names the field and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPublication {
    /// CR, LF or NUL would break the stream.
    #[error("`{field}` may not contain a carriage return, a line feed or a NUL; remove it")]
    ControlCharacter {
        /// The field's name in the publish body.
        field: &'static str,
    },
    /// Longer than 256 bytes.
    #[error("`{field}` is {length} bytes long; shorten it to {NAME_MAX}")]
    TooLong {
        /// The field's name in the publish body.
        field: &'static str,
        /// Bytes given.
        length: usize,
    },
    /// Nothing would ever match it.
    #[error("`{field}` may not be empty; leave it out or name one")]
    Empty {
        /// The field's name in the publish body.
        field: &'static str,
    },
    /// `connected` and `gap` are the hub's own.
    #[error("`event` may not be `{name}`, a type that the server itself sends; choose another")]
    ReservedType {
        /// The type given.
        name: String,
    },
    /// An asterisk is the mark of a pattern.
    #[error("`topic` may not contain `*`, which is for subscriptions; name one topic")]
    Pattern,
}

impl Publication {
    /// An event of type `message` on the topic `default`.
    pub fn new(data: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            event_type: EventType::default(),
            topic: None,
            session: None,
            connection: None,
            retry: None,
            time_to_live: None,
            key: None,
            publisher: None,
        }
    }

    /// Sets the event type: at most 256 bytes, no CR, LF or NUL, not
    /// `connected` or `gap`. An empty one is `message`.
    pub fn with_type(mut self, name: &str) -> Result<Self, InvalidPublication> {
        if RESERVED_TYPES.contains(&name) {
            return Err(InvalidPublication::ReservedType { name: name.into() });
        }
        check_text("event", name)?;
        self.event_type = EventType::new(name)
            .map_err(|_| InvalidPublication::ControlCharacter { field: "event" })?;
        Ok(self)
    }

    /// Sets the topic: 1 to 256 bytes, no CR, LF, NUL or asterisk.
    pub fn with_topic(mut self, topic: &str) -> Result<Self, InvalidPublication> {
        check_name("topic", topic)?;
        if topic.contains('*') {
            return Err(InvalidPublication::Pattern);
        }
        self.topic = Some(topic.to_owned());
        Ok(self)
    }

    /// Targets the subscriptions of one session: 1 to 256 bytes. Without a
    /// topic the event then matches any.
    pub fn with_session(mut self, session: &str) -> Result<Self, InvalidPublication> {
        check_name("session", session)?;
        self.session = Some(session.to_owned());
        Ok(self)
    }

    /// Targets one live connection, by the id in its `connected` event.
    pub fn with_connection(mut self, connection: &str) -> Result<Self, InvalidPublication> {
        check_name("connection", connection)?;
        self.connection = Some(connection.to_owned());
        Ok(self)
    }

    /// Sends a `retry:` with the event, clamped to 100 ms .. 1 h.
    #[must_use]
    pub fn with_retry(mut self, reconnection_time: Duration) -> Self {
        let (low, high) = (Duration::from_millis(100), Duration::from_secs(3600));
        self.retry = Some(reconnection_time.clamp(low, high));
        self
    }

    /// After this time the event is skipped instead of delivered.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Publishes it once: 1 to 256 bytes. While the log holds an event of this
    /// topic, publisher and key, another is answered with the first's id, or
    /// refused if its content is not the same.
    pub fn with_key(mut self, key: &str) -> Result<Self, InvalidPublication> {
        check_name("key", key)?;
        self.key = Some(key.to_owned());
        Ok(self)
    }

    /// The identity that the key counts for: 1 to 256 bytes. Without one, all
    /// publishers share their keys.
    pub fn with_publisher(mut self, identity: &str) -> Result<Self, InvalidPublication> {
        check_name("publisher", identity)?;
        self.publisher = Some(identity.to_owned());
        Ok(self)
    }

    /// The identity that the key counts for, of a name that was checked.
    pub(crate) fn publish_as(&mut self, identity: &str) {
        self.publisher = Some(identity.to_owned());
    }

    /// The data.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The topic that its subscribers must have asked for; `None` if it is
    /// targeted and reaches them whatever they asked for.
    pub(crate) fn reach(&self) -> Option<&str> {
        let is_targeted = self.session.is_some() || self.connection.is_some();
        self.topic
            .as_deref()
            .or((!is_targeted).then_some(DEFAULT_TOPIC))
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(super) fn connection(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    pub(super) fn draft(&self) -> Draft {
        let envelope = self.envelope();
        let key = self.key.as_ref().map(|key| Key {
            topic: envelope.topic.clone(),
            publisher: self.publisher.clone(),
            key: key.clone(),
        });
        let mut event = Event::new(self.data.as_str());
        if !self.event_type.as_str().is_empty() {
            event = event.with_type(self.event_type.clone());
        }
        if let Some(retry) = self.retry {
            event = event.with_retry(retry);
        }
        Draft {
            envelope,
            event,
            time_to_live: self.time_to_live,
            key,
        }
    }

    fn envelope(&self) -> Envelope {
        let targeted = self.session.is_some() || self.connection.is_some();
        let default_topic = (!targeted).then(|| DEFAULT_TOPIC.to_owned());
        Envelope {
            topic: self.topic.clone().or(default_topic),
            event_type: match self.event_type.as_str() {
                "" => "message".to_owned(),
                name => name.to_owned(),
            },
            session: self.session.clone(),
            connection: self.connection.clone(),
        }
    }
}

fn check_name(field: &'static str, text: &str) -> Result<(), InvalidPublication> {
    if text.is_empty() {
        return Err(InvalidPublication::Empty { field });
    }
    check_text(field, text)
}

fn check_text(field: &'static str, text: &str) -> Result<(), InvalidPublication> {
    if text.len() > NAME_MAX {
        let length = text.len();
        return Err(InvalidPublication::TooLong { field, length });
    }
    if text.contains(['\r', '\n', '\0']) {
        return Err(InvalidPublication::ControlCharacter { field });
    }
    Ok(())
}
