//! A stream from a file or a pipe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::batch::{Batch, ReceivedAt};
use super::update::Update;
use crate::limits::Limits;
use crate::parse::Parser;
use crate::source::{Cause, NetworkError};

/// The largest batch. Small ones share an allocation of this size.
const CHUNK: usize = 64 << 10;

/// Less room than this is not worth a read.
const ROOM: usize = 4 << 10;

/// Reads an event stream from anything, such as standard input: one leg that is
/// open from the start, never made again.
pub fn read_stream<R: AsyncRead + Unpin>(reader: R, limits: Limits) -> LocalStream<R> {
    LocalStream {
        reader: Some(reader),
        parser: Parser::with_limits(limits),
        buffer: BytesMut::new(),
        cause: None,
        ended: false,
        closed: Arc::new(AtomicBool::new(false)),
    }
}

/// See [`read_stream`].
#[derive(Debug)]
pub struct LocalStream<R> {
    reader: Option<R>,
    parser: Parser,
    buffer: BytesMut,
    /// Why reading ended, until it is told.
    cause: Option<Cause>,
    ended: bool,
    closed: Arc<AtomicBool>,
}

impl<R: AsyncRead + Unpin> LocalStream<R> {
    /// The next [`Update::Batch`], then [`Update::Closed`], then `None`.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some(cause) = self.cause.take() {
                self.reader = None;
                self.ended = true;
                let unfinished = self.parser.finish();
                return Some(Update::Closed {
                    leg: 1,
                    cause,
                    unfinished,
                });
            }
            let reader = self.reader.as_mut().filter(|_| !self.ended)?;
            if self.buffer.capacity() < ROOM {
                self.buffer.reserve(CHUNK);
            }
            match reader.read_buf(&mut self.buffer).await {
                Ok(0) => self.cause = Some(Cause::EndOfStream),
                Ok(_) => return Some(Update::Batch(self.batch())),
                Err(error) => self.cause = Some(Cause::Network(NetworkError::from_io(&error))),
            }
        }
    }

    /// Stops reading; see [`EventStream::close`](super::EventStream::close).
    pub fn close(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.reader = None;
        if !self.ended {
            self.cause = Some(Cause::Closed);
        }
    }

    /// The last event ID of what was read; empty if none.
    pub fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    fn batch(&mut self) -> Batch {
        let raw = self.buffer.split().freeze();
        let closed = Arc::clone(&self.closed);
        let mut batch = Batch::new(1, ReceivedAt::now(), raw.clone(), closed);
        let mut items = self.parser.feed(&raw);
        loop {
            match items.next() {
                Ok(Some(item)) => {
                    batch.push(item);
                    batch.end_item(items.position());
                }
                Ok(None) => break,
                Err(error) => {
                    self.cause = Some(Cause::Limit(error));
                    break;
                }
            }
        }
        batch
    }
}
