//! The name of one open stream.

use std::fmt;

use crate::log::random_name;

/// Random characters of `[a-z0-9]`: what guesses it may send to that stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId([u8; Self::LENGTH]);

impl ConnectionId {
    const LENGTH: usize = 16;

    pub(crate) fn random() -> Self {
        let mut id = [0; Self::LENGTH];
        id.copy_from_slice(random_name(Self::LENGTH).as_bytes());
        Self(id)
    }

    /// `None` if it could not be the name of a stream.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let id = text.as_bytes().try_into().ok()?;
        text.is_ascii().then_some(Self(id))
    }

    /// The id that sorts as this text does among ids.
    pub(crate) fn near(text: &str) -> Self {
        let mut id = [0; Self::LENGTH];
        for (place, byte) in id.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Self(id)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
