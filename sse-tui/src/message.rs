//! What can happen to the program, as one queue of values.

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use sse_core::client::Batch;

use crate::{record, replay};

/// Everything that changes the state.
#[derive(Debug)]
pub enum Message {
    /// A stream did something.
    Stream {
        /// Index of the stream in the order of the command line.
        source: usize,
        /// What it did.
        change: Change,
    },
    /// A key was pressed.
    Key(KeyEvent),
    /// The time went on, or was set.
    Clock(Timestamp),
    /// A stream sent a request.
    Requested {
        /// Index of the stream.
        source: usize,
        /// When.
        at: Timestamp,
        /// The number of the connection, once it is open.
        leg: u64,
    },
    /// How the recording that is made is going; `None` if none is.
    Recording(Option<record::Status>),
    /// How the recording that is shown is played.
    Replay(Box<replay::Status>),
    /// Something to be told on the screen until the next key.
    Notice(String),
}

/// What a stream can do.
#[derive(Debug)]
pub enum Change {
    /// It asks for a connection.
    Connecting {
        /// Connections asked for so far, this one included.
        leg: u64,
        /// The `Last-Event-ID` sent, empty if none.
        last_event_id: String,
    },
    /// A response of the right kind began.
    Open {
        /// When.
        at: Timestamp,
        /// Which connection.
        leg: u64,
        /// How, in a few words: status and protocol version.
        how: String,
    },
    /// Bytes arrived.
    Batch {
        /// When.
        at: Timestamp,
        /// The bytes and what they say.
        batch: Batch,
    },
    /// The connection was lost or not made; another will be tried.
    Lost {
        /// When.
        at: Timestamp,
        /// Which connection.
        leg: u64,
        /// Why.
        cause: String,
        /// When the next one is tried.
        retry_at: Timestamp,
    },
    /// The stream ended for good.
    Closed {
        /// When.
        at: Timestamp,
        /// How.
        ending: Ending,
    },
}

/// How a stream ended for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As it should: end of input, 204, as many events as asked for.
    Complete(String),
    /// Not as it should, and why.
    Failed(String),
}

impl Ending {
    /// The words.
    pub fn text(&self) -> &str {
        match self {
            Self::Complete(text) | Self::Failed(text) => text,
        }
    }
}
