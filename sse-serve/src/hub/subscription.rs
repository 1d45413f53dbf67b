//! A cursor that waits: for events, for its heartbeat, for the drain.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::hub::cursor::{Cursor, Due};
use crate::hub::{Refused, Shared, Subscribe};

/// One open stream, as the bytes to write.
#[derive(Debug)]
pub(crate) struct Subscription {
    cursor: Cursor,
    timer: Pin<Box<Sleep>>,
}

impl Subscription {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        let cursor = Cursor::open(shared, request)?;
        let timer = Box::pin(tokio::time::sleep_until(cursor.deadline().into()));
        Ok(Self { cursor, timer })
    }

    /// The id of its connection.
    pub(crate) fn connection(&self) -> &str {
        self.cursor.tail().selection().connection()
    }

    /// The next bytes to write, whole blocks; `None` ends the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.cursor.due(Instant::now()) {
                Due::Bytes(bytes) => return Some(bytes),
                Due::End => return None,
                Due::Blocks(seqs) => {
                    let (reply, blocks) = oneshot::channel();
                    self.cursor.log().fetch(seqs, reply);
                    match blocks.await {
                        Ok(Ok(blocks)) => self.cursor.supply(blocks),
                        // Cut off without a word, the client comes back for it.
                        Ok(Err(_)) | Err(_) => self.cursor.give_up(),
                    }
                }
                Due::Nothing => {
                    self.arm();
                    tokio::select! {
                        () = self.cursor.tail().wait() => {}
                        () = self.timer.as_mut() => {}
                    }
                }
            }
        }
    }

    /// Readies the timer. One that only fires too early is left alone: moving
    /// it on every write would cost more.
    fn arm(&mut self) {
        let deadline = self.cursor.deadline().into();
        if self.timer.is_elapsed() || self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
    }
}
