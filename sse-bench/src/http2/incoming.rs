//! The body of a response on one stream.

use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};

use super::Lease;
use super::connection::Connection;
use crate::exchange::{Received, Wire};
use crate::failure::Failure;
use crate::leg::Step;

/// A body that arrives in DATA frames.
#[derive(Debug)]
pub struct Incoming {
    body: RecvStream,
    /// Kept to reset the stream with.
    stream: SendStream<Bytes>,
    /// Of the last frame, what was not asked for yet.
    rest: Bytes,
    lease: Lease,
}

impl Incoming {
    pub(super) fn new(body: RecvStream, stream: SendStream<Bytes>, lease: Lease) -> Self {
        Self {
            body,
            stream,
            rest: Bytes::new(),
            lease,
        }
    }

    /// Hands on at most `most` bytes. The server may send more only for what was
    /// handed on.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: Wire<'_>,
        most: usize,
        mut take: impl FnMut(&[u8], Received) -> ControlFlow<()>,
    ) -> Poll<Result<Step, Failure>> {
        let arrived = if self.rest.is_empty() {
            Some(ready!(self.body.poll_data(cx)))
        } else {
            None
        };
        let connection = self.lease.connection();
        let meter = connection.map(|connection| &*connection.meter);
        if let Some(meter) = meter {
            meter.count(wire.live);
        }
        let received = meter.map_or_else(Received::now, super::metered::Meter::received);
        match arrived {
            None => {}
            Some(None) => return Poll::Ready(Ok(Step::End(received))),
            Some(Some(Ok(data))) => self.rest = data,
            Some(Some(Err(error))) => {
                let noted = connection.map(|connection| Connection::note(connection, &error));
                return Poll::Ready(Err(noted.unwrap_or_else(|| super::failure(&error))));
            }
        }
        let length = self.rest.len().min(most.max(1));
        // Whether the rest is wanted shows in the state of who takes it.
        let _ = take(&self.rest[..length], received);
        self.rest.advance(length);
        // The stream may have been reset meanwhile: then there is no window to open.
        let _ = self.body.flow_control().release_capacity(length);
        Poll::Ready(Ok(Step::Read))
    }

    /// Resets this stream and no other (RFC 9113 §5.4.2).
    pub(crate) fn reset(mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }
}
