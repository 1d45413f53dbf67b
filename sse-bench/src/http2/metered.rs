//! The socket of a connection, with the time of its last read.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::exchange::Received;
use crate::live::Live;
use crate::stream::Stream;

/// What was read from a socket.
#[derive(Debug)]
pub(super) struct Meter {
    received: Cell<Received>,
    reads: Cell<u64>,
    bytes: Cell<u64>,
    speaks_http1: Cell<bool>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            received: Cell::new(Received::now()),
            reads: Cell::new(0),
            bytes: Cell::new(0),
            speaks_http1: Cell::new(false),
        }
    }

    /// When the last read returned: what a stream finds came with it or before.
    pub(super) fn received(&self) -> Received {
        self.received.get()
    }

    /// Whether the first bytes were those of an HTTP/1 response.
    pub(super) fn speaks_http1(&self) -> bool {
        self.speaks_http1.get()
    }

    /// Counts what was not counted before.
    pub(super) fn count(&self, live: &Live) {
        if self.reads.get() > 0 {
            live.reads.add(self.reads.take());
            live.bytes.add(self.bytes.take());
        }
    }
}

/// A stream that is metered.
#[derive(Debug)]
pub(super) struct Metered {
    pub(super) stream: Stream,
    pub(super) meter: Rc<Meter>,
}

impl AsyncRead for Metered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, meter } = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buffer))?;
        meter.received.set(Received::now());
        let read = &buffer.filled()[before..];
        if meter.bytes.get() == 0 && read.starts_with(b"HTTP/1.") {
            meter.speaks_http1.set(true);
        }
        meter.reads.set(meter.reads.get() + 1);
        meter.bytes.set(meter.bytes.get() + read.len() as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
