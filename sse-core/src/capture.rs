//! The timed recording of event streams. Cargo feature `capture`.
//!
//! A recording holds what arrived, byte for byte and with its time, and what
//! became of each connection. It has no I/O and no clock: [`Opening::encode`]
//! and [`Record::encode`] append bytes to a buffer, [`Reader`] takes bytes in
//! pieces of any size.
//!
//! # Format, version 1
//!
//! UTF-8 text, one JSON object a line, each line ended by LF; lines are only
//! ever appended. The first line opens the recording:
//!
//! ```json
//! {"sse_capture":1,"at":"2026-03-14T15:09:26.535000000Z","tool":"sse-tui 0.1.0","streams":[{"name":"http://127.0.0.1:8080/events","method":"GET","headers":[["accept","text/event-stream"],["authorization",null]],"body_bytes":0}]}
//! ```
//!
//! Every other line has `at` (RFC 3339 in UTC with nanoseconds), `stream` (index
//! into `streams`), `kind` and `leg` (number of the connection, from 1):
//!
//! | `kind` | Further members |
//! |---|---|
//! | `connecting` | `attempt` from 1, `url`, `last_event_id` as sent, absent if none |
//! | `open` | `status`, `version` (`HTTP/1.1`), `headers`; `joined`: the last event ID, if the recording began while the connection was open |
//! | `chunk` | the bytes of one read: `text`, before it those of `base64_head`, after it those of `base64_tail`; what is empty is absent |
//! | `disconnected` | `cause`, `retry_in_us`: until the next attempt, in microseconds |
//! | `closed` | `cause`: the stream ended for good |
//!
//! Text stands as text, so that `grep` and `jq` find it; only bytes that are
//! no UTF-8, such as a character cut in two by a read, are base64 (RFC 4648
//! §4). Headers are pairs of name and value, the value `null` where it was a
//! secret: of requests all but a few harmless ones, of responses cookies (see
//! [`secrets`]). A header value that is no UTF-8 is decoded lossily.
//!
//! A chunk of more than [`MAX_CHUNK`] bytes takes several lines. A reader skips
//! lines of unknown kind and ignores unknown members; a change that needs more
//! than that has another version, which [`Reader`] refuses. A recording that was
//! cut (a crash, a full disk) ends in a part of a line: all before it counts.

mod cause;
mod line;
mod reader;
pub mod secrets;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use url::Url;

pub use reader::{Damage, Entry, NotReadable, Reader};

use crate::source::Cause;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// The most bytes in one chunk line, before encoding.
pub const MAX_CHUNK: usize = 1 << 20;

/// The longest line that is read. None that is written comes near it.
pub const MAX_LINE: usize = 16 << 20;

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// When the recording began.
    pub at: SystemTime,
    /// Name and version of the program that made it.
    pub tool: String,
    /// The streams, in the order of their indices.
    pub streams: Vec<StreamFacts>,
}

/// What is known of one stream from the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamFacts {
    /// The URL without secrets, or `stdin`.
    pub name: String,
    /// The method, empty if there was no request.
    pub method: String,
    /// Headers of the request, without secrets.
    pub headers: Headers,
    /// Length of the request's body, which is not recorded.
    pub body_bytes: u64,
}

/// Names in lower case and values, `None` where the value was left out.
pub type Headers = Vec<(String, Option<String>)>;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When, by the clock for people: it may jump, even backwards.
    pub at: SystemTime,
    /// Index of the stream.
    pub stream: u16,
    /// Number of the connection, or the one that it would have got.
    pub leg: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A request was sent.
    Connecting {
        /// Which attempt at this leg: 1, 2, ...
        attempt: u32,
        /// Where to, without secrets.
        url: Url,
        /// As sent; empty: none was.
        last_event_id: String,
    },
    /// A response of the right kind began.
    Open {
        /// Its status.
        status: u16,
        /// Such as `HTTP/1.1`.
        version: String,
        /// Of the response, without secrets.
        headers: Headers,
        /// The last event ID at that time, if the connection was open before
        /// the recording began. The next chunk then begins a block.
        joined: Option<String>,
    },
    /// Bytes of the body arrived.
    Chunk(Bytes),
    /// The connection was lost or not made; another attempt follows.
    Disconnected {
        /// Why.
        cause: Cause,
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// The stream ended for good.
    Closed {
        /// Why.
        cause: Cause,
    },
}

impl Opening {
    /// Appends the line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        line::write(out, &line::OpeningLine::of(self));
    }
}

impl Record {
    /// Appends the line, or the lines if it is a long chunk.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.what {
            What::Chunk(bytes) if bytes.len() > MAX_CHUNK => {
                for part in bytes.chunks(MAX_CHUNK) {
                    line::write(out, &line::RecordLine::of(self, Some(part)));
                }
            }
            What::Chunk(bytes) => line::write(out, &line::RecordLine::of(self, Some(bytes))),
            _ => line::write(out, &line::RecordLine::of(self, None)),
        }
    }
}
