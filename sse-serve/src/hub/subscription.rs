//! A cursor that waits: for events, for its heartbeat, for the drain.

use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use tokio::time::Sleep;

use crate::hub::cursor::{Cursor, Due};

/// One open stream, as the bytes to write.
#[derive(Debug)]
pub(crate) struct Subscription {
    cursor: Cursor,
    /// `None` before the first bytes.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Subscription {
    pub(super) fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            timer: None,
        }
    }

    /// The id of its connection.
    pub(crate) fn connection(&self) -> &str {
        self.cursor.connection.id()
    }

    /// For somebody who waits in another way. To be called before
    /// [`Subscription::next`].
    pub(crate) fn into_cursor(self) -> Cursor {
        self.cursor
    }

    /// The next bytes to write, whole blocks; `None` ends the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if self.timer.is_none() {
            self.cursor.follow();
        }
        loop {
            let now = Instant::now();
            match self.cursor.due(now, None) {
                Due::Write(delivery) => {
                    if let Some(portion) = &delivery.portion {
                        self.cursor.observe(portion, now);
                    }
                    arm(&mut self.timer, self.cursor.deadline());
                    return Some(delivery.into_bytes());
                }
                Due::End => return None,
                Due::Blocks(seqs) => match self.cursor.fetch(seqs).await {
                    Ok(Ok(blocks)) => self.cursor.supply(blocks),
                    // Cut off without a word, the client comes back for it.
                    Ok(Err(_)) | Err(_) => self.cursor.give_up(),
                },
                Due::Nothing => {
                    let timer = arm(&mut self.timer, self.cursor.deadline());
                    tokio::select! {
                        () = self.cursor.tail().wait() => {}
                        () = timer => {}
                    }
                }
            }
        }
    }
}

/// Readies the timer. One that only fires too early is left alone: moving it on
/// every write would cost more.
fn arm(timer: &mut Option<Pin<Box<Sleep>>>, deadline: Instant) -> Pin<&mut Sleep> {
    let deadline = deadline.into();
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
    if timer.is_elapsed() || timer.deadline() > deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut()
}
