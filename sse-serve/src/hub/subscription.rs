//! A cursor that waits: for events, for its heartbeat, for the drain.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Sleep;

use crate::hub::cursor::Cursor;
use crate::hub::{Refused, Shared, Subscribe};

/// One open stream, as the bytes to write.
#[derive(Debug)]
pub(crate) struct Subscription {
    cursor: Cursor,
    wake: watch::Receiver<u64>,
    timer: Pin<Box<Sleep>>,
}

impl Subscription {
    pub(super) fn open(shared: Arc<Shared>, request: Subscribe) -> Result<Self, Refused> {
        // Before the cursor looks at the log: what comes in between wakes it.
        let wake = shared.head.subscribe();
        let cursor = Cursor::open(shared, request)?;
        let timer = Box::pin(tokio::time::sleep_until(cursor.deadline().into()));
        Ok(Self {
            cursor,
            wake,
            timer,
        })
    }

    /// The next bytes to write, whole blocks; `None` ends the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.cursor.due(Instant::now()) {
                return Some(bytes);
            }
            if self.cursor.is_closed() {
                return None;
            }
            self.arm();
            tokio::select! {
                // The sender lives in the hub that the cursor holds: no error.
                _ = self.wake.changed() => {}
                () = self.timer.as_mut() => {}
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
