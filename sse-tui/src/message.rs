//! What can happen to the program, as one queue of values.

use std::time::Instant;

use crossterm::event::{KeyEvent, MouseEvent};
use http::HeaderMap;
use jiff::Timestamp;
use sse_core::client::Batch;
use sse_core::{Cause, Unfinished};

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
    /// Text was pasted at once, not typed.
    Paste(String),
    /// The mouse was moved, clicked or scrolled.
    Mouse {
        /// Where and how.
        event: MouseEvent,
        /// When.
        at: Instant,
    },
    /// The time went on, or was set.
    Clock(Timestamp),
    /// This program did not run for a while, and read nothing.
    Away(Away),
    /// How the recording that is made is going; `None` if none is.
    Recording(Option<record::Status>),
    /// How the recording that is shown is played.
    Replay(Box<replay::Status>),
    /// Something to be told on the screen until the next key.
    Notice(String),
    /// The same, of something that was done.
    Done(String),
}

/// A time in which this program did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    /// When it last ran.
    pub since: Timestamp,
    /// When it went on.
    pub until: Timestamp,
    /// It was stopped by job control; else nobody said why.
    pub suspended: bool,
}

/// What a stream can do.
#[derive(Debug)]
pub enum Change {
    /// It asks for a connection.
    Connecting {
        /// When.
        at: Timestamp,
        /// Connections asked for so far, this one included.
        leg: u64,
        /// The last event ID, which is sent as `Last-Event-ID` unless it is empty.
        last_event_id: String,
        /// It holds a control character, so no header can carry it.
        unsendable: bool,
    },
    /// A response of the right kind began.
    Open {
        /// When.
        at: Timestamp,
        /// Which connection.
        leg: u64,
        /// How, in a few words: status and protocol version.
        how: String,
        /// The headers; none of an input that has none.
        head: Option<HeaderMap>,
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
        /// The same in terms of the protocol.
        end: End,
    },
    /// The stream ended for good.
    Closed {
        /// When.
        at: Timestamp,
        /// How.
        ending: Ending,
        /// The same in terms of the protocol.
        end: End,
    },
}

/// How a connection ended, in terms of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// What that cut off.
    pub unfinished: Option<Unfinished>,
}

impl Default for End {
    /// By this program's will.
    fn default() -> Self {
        Self {
            cause: Cause::Closed,
            unfinished: None,
        }
    }
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
