//! The sockets of one audience.

use crate::hub::Audience;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) audience: Audience,
    /// Tells its selection from others.
    pub(super) selection: usize,
    /// Keys of sockets, in no order.
    pub(super) members: Vec<u32>,
}

/// What a token of the inbox stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    Socket(usize),
    Group(usize),
}

impl Woken {
    pub(super) fn token(self) -> usize {
        match self {
            Self::Socket(key) => key << 1,
            Self::Group(key) => key << 1 | 1,
        }
    }

    pub(super) fn of(token: usize) -> Self {
        if token & 1 == 0 {
            Self::Socket(token >> 1)
        } else {
            Self::Group(token >> 1)
        }
    }
}
