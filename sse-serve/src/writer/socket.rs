//! One socket: what it is due, and what of it the system did not take yet.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use mio::net::TcpStream;
use tokio::sync::oneshot::error::TryRecvError;

use crate::hub::{Cursor, Due, Fetching, Portion, Portions};
use crate::metrics::OpenSocket;
use crate::writer::Framing;

/// Writes to one socket before others have their turn.
const ROUNDS: usize = 4;

/// Reads of what a client sends, which is discarded, before others have theirs.
const READS: usize = 16;

/// Pieces of one write.
const SLICES: usize = 8;

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) cursor: Cursor,
    framing: Framing,
    /// Bounded: nothing is added while there is any of it.
    unsent: Vec<Bytes>,
    /// Since when the system takes no more.
    pub(super) stalled: Option<Instant>,
    fetching: Option<Fetching>,
    /// What `unsent` holds of a portion, to be timed when all of it is gone.
    untimed: Option<Arc<Portion>>,
    /// The end of the body was given out.
    is_ending: bool,
    /// Its turn comes again without an event.
    pub(super) is_queued: bool,
    pub(super) group: u32,
    /// Where it stands in the group.
    pub(super) place: u32,
    _open: OpenSocket,
}

/// What became of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits for an event.
    Waits,
    /// There is more to do at once.
    Again,
    /// All was written.
    Ended,
    /// The client is gone, or was given up; with a cause if that is worth a word.
    Gone(Option<io::ErrorKind>),
}

impl Socket {
    /// The head is the first thing it writes.
    pub(super) fn new(
        stream: TcpStream,
        cursor: Cursor,
        framing: Framing,
        head: Bytes,
        open: OpenSocket,
    ) -> Self {
        Self {
            stream,
            cursor,
            framing,
            unsent: vec![head],
            stalled: None,
            fetching: None,
            untimed: None,
            is_ending: false,
            is_queued: false,
            group: 0,
            place: 0,
            _open: open,
        }
    }

    /// Whether it waits for nothing but what is published.
    pub(super) fn is_clear(&self) -> bool {
        self.unsent.is_empty() && self.fetching.is_none() && !self.is_ending
    }

    /// Writes what it is due, up to a bound.
    pub(super) fn advance(&mut self, now: Instant, portions: &mut Portions) -> Outcome {
        for _ in 0..ROUNDS {
            match self.flush() {
                Ok(true) => {}
                Ok(false) if self.cursor.cut(now) => return Outcome::Gone(None),
                Ok(false) => return Outcome::Waits,
                Err(error) => return gone(&error),
            }
            if self.is_ending {
                return Outcome::Ended;
            }
            if let Some(fetching) = &mut self.fetching {
                match fetching.try_recv() {
                    Ok(Ok(blocks)) => self.cursor.supply(blocks),
                    Err(TryRecvError::Empty) if !self.cursor.cut(now) => return Outcome::Waits,
                    // Cut off without a word, the client comes back for it.
                    Ok(Err(_)) | Err(TryRecvError::Closed) => self.cursor.give_up(),
                    Err(TryRecvError::Empty) => {}
                }
                self.fetching = None;
            }
            match self.cursor.due(now, Some(portions)) {
                Due::Write(delivery) => {
                    // In one write with the head, where that is still to go.
                    self.framing.put(&delivery, &mut self.unsent);
                    self.untimed = delivery.portion;
                }
                Due::Blocks(seqs) => self.fetching = Some(self.cursor.fetch(seqs)),
                Due::Nothing => return Outcome::Waits,
                Due::End => {
                    self.cursor.leave();
                    let end = self.framing.end();
                    self.unsent.extend(Some(end).filter(|end| !end.is_empty()));
                    self.is_ending = true;
                }
            }
        }
        Outcome::Again
    }

    /// Adds what is due first to the head, so that they go together.
    pub(super) fn begin(&mut self, now: Instant, portions: &mut Portions) -> Outcome {
        if let Due::Write(delivery) = self.cursor.due(now, Some(portions)) {
            self.framing.put(&delivery, &mut self.unsent);
            self.untimed = delivery.portion;
        }
        self.advance(now, portions)
    }

    /// Writes a portion that others write too; whether the system took it at once,
    /// and nobody told the metrics of it. To be called while it is clear.
    pub(super) fn share(&mut self, portion: &Arc<Portion>) -> io::Result<bool> {
        let wire = self.framing.of_portion(portion);
        let mut written = 0;
        if wire[1].is_empty() {
            written = match self.stream.write(&wire[0]) {
                Ok(written) if written == wire[0].len() && self.cursor.is_live(portion) => {
                    return Ok(true);
                }
                Ok(written) => written,
                // The flush will see for itself.
                Err(_) => 0,
            };
        }
        self.unsent
            .extend(wire.into_iter().filter(|piece| !piece.is_empty()));
        consume(&mut self.unsent, written);
        self.untimed = Some(Arc::clone(portion));
        self.flush()?;
        Ok(false)
    }

    /// Reads what the client sends, which is no request any more, to see it go.
    pub(super) fn discard_input(&mut self) -> Outcome {
        let mut buffer = [0; 4096];
        for _ in 0..READS {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Outcome::Gone(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Outcome::Waits,
                Err(error) => return gone(&error),
            }
        }
        Outcome::Again
    }

    /// Closes it so that the client gets all that was written: input that was not
    /// read would turn the close into a reset.
    pub(super) fn end(mut self) {
        self.discard_input();
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Whether the system took everything.
    fn flush(&mut self) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            let written = if let [only] = self.unsent.as_slice() {
                self.stream.write(only)
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = self.unsent.len().min(SLICES);
                for (slice, piece) in slices.iter_mut().zip(&self.unsent) {
                    *slice = IoSlice::new(piece);
                }
                self.stream.write_vectored(&slices[..count])
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    consume(&mut self.unsent, written);
                    self.stalled = None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert_with(Instant::now);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        self.stalled = None;
        if self.unsent.capacity() > 0 {
            self.unsent = Vec::new();
        }
        if let Some(portion) = self.untimed.take() {
            self.cursor.observe(&portion, Instant::now());
        }
        Ok(true)
    }
}

/// Takes so many bytes off the front.
fn consume(pieces: &mut Vec<Bytes>, mut written: usize) {
    let mut done = 0;
    for piece in pieces.iter_mut() {
        if piece.len() > written {
            piece.advance(written);
            break;
        }
        written -= piece.len();
        done += 1;
    }
    pieces.drain(..done);
}

pub(super) fn gone(error: &io::Error) -> Outcome {
    Outcome::Gone(Some(error.kind()))
}
