//! An opened leg: the body of one response, piece by piece.

use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWriteExt;

use crate::exchange::{Received, Wire};
use crate::failure::{Failure, Kind};
use crate::http::{Body, BodyError, Piece, ResponseHead};
use crate::http2::Incoming;
use crate::stream::Stream;

/// A response whose body is read.
#[derive(Debug)]
pub struct Leg {
    carrier: Carrier,
    /// What came with the head of the response, until it was read.
    early: Option<Box<[u8]>>,
    received: Received,
}

/// What brings the body.
#[derive(Debug)]
enum Carrier {
    /// HTTP/1.1: a connection of its own, which may outlive the body.
    Http1 {
        stream: Stream,
        body: Body,
        persistent: bool,
    },
    /// HTTP/2: a stream of a connection that others share.
    Http2(Box<Incoming>),
}

/// What came of one read.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Bytes; there may be more.
    Read,
    /// The body has ended as its framing says, after what was read of it.
    End(Received),
}

impl Leg {
    /// Over HTTP/1.1, where `early` came with the head.
    pub(crate) fn http1(
        stream: Stream,
        head: &ResponseHead,
        early: Box<[u8]>,
        received: Received,
    ) -> Self {
        Self {
            carrier: Carrier::Http1 {
                stream,
                body: head.body.clone(),
                persistent: head.persistent,
            },
            early: Some(early).filter(|early| !early.is_empty()),
            received,
        }
    }

    /// Over HTTP/2.
    pub(crate) fn http2(incoming: Incoming, received: Received) -> Self {
        Self {
            carrier: Carrier::Http2(Box::new(incoming)),
            early: None,
            received,
        }
    }

    /// When the head of the response arrived.
    pub fn received(&self) -> Received {
        self.received
    }

    /// One read of at most `most` bytes from the socket, or what one frame brought. What it brings of the
    /// body goes to `take`, until that wants no more: then the rest is gone.
    ///
    /// # Errors
    /// The connection failed, or the body is cut short or not framed as it should be.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: Wire<'_>,
        most: usize,
        take: impl FnMut(&[u8], Received) -> ControlFlow<()>,
    ) -> Poll<Result<Step, Failure>> {
        let (stream, body, persistent) = match &mut self.carrier {
            Carrier::Http1 {
                stream,
                body,
                persistent,
            } => (stream, body, persistent),
            Carrier::Http2(incoming) => return incoming.poll(cx, wire, most, take),
        };
        if let Some(early) = self.early.take() {
            return Poll::Ready(unwrap(body, &early, self.received, persistent, take));
        }
        if body.has_ended() {
            // Nothing follows a head that says so, on a connection that may stay open.
            return Poll::Ready(Ok(Step::End(self.received)));
        }
        let mut buffer = wire.buffer.borrow_mut();
        let most = most.clamp(1, buffer.len());
        let read = ready!(wire.poll_read(cx, stream, &mut buffer[..most]));
        Poll::Ready(match read {
            Ok((0, received)) if body.may_end_here() => Ok(Step::End(received)),
            Ok((0, _)) => {
                let detail = "the connection closed before the end of the response";
                Err(Failure::new(Kind::CutShort, detail))
            }
            Ok((length, received)) => unwrap(body, &buffer[..length], received, persistent, take),
            Err(error) => Err(Failure::transfer(&error)),
        })
    }

    /// The connection, if another request can be sent on it (RFC 9112 §9.3): the
    /// server keeps it open, the body was read to its end, and nothing follows it.
    pub(crate) fn into_idle(self) -> Option<Stream> {
        match self.carrier {
            Carrier::Http1 {
                stream,
                body,
                persistent: true,
            } if body.has_ended() => Some(stream),
            _ => None,
        }
    }

    /// Resets the connection, as a client that died; over HTTP/2 its stream alone.
    pub fn reset(self) {
        match self.carrier {
            Carrier::Http1 { stream, .. } => {
                // Where this fails the socket is closed all the same, by a FIN.
                let _ = stream.socket().set_zero_linger();
            }
            Carrier::Http2(incoming) => incoming.reset(),
        }
    }

    /// Closes this side of the connection, then all of it. Over HTTP/2, where this
    /// side was closed by the end of the request, the stream is reset.
    pub async fn finish(self) {
        match self.carrier {
            Carrier::Http1 { mut stream, .. } => {
                let _ = stream.shutdown().await;
            }
            Carrier::Http2(incoming) => incoming.reset(),
        }
    }
}

/// Hands on what of `bytes` is the body.
fn unwrap(
    body: &mut Body,
    mut bytes: &[u8],
    received: Received,
    persistent: &mut bool,
    mut take: impl FnMut(&[u8], Received) -> ControlFlow<()>,
) -> Result<Step, Failure> {
    let broken = |error: BodyError| Failure::new(Kind::Http, error);
    loop {
        match body.next(&mut bytes).map_err(broken)? {
            Piece::Data(data) => {
                if take(data, received).is_break() {
                    return Ok(Step::Read);
                }
            }
            Piece::NeedMore => return Ok(Step::Read),
            Piece::End => {
                *persistent &= bytes.is_empty();
                return Ok(Step::End(received));
            }
        }
    }
}
