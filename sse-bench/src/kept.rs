//! HTTP/1.1 connections that are kept for a next request (RFC 9112 §9.3).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, ReadBuf};

use crate::exchange::{READ_BUFFER, Wire};
use crate::leg::{Leg, Step};
use crate::stream::Stream;

/// How long the rest of a response may take, for the sake of its connection.
pub const LINGER: Duration = Duration::from_millis(100);
/// Servers close idle connections, and a request that meets the close is lost: it must not be
/// sent again unless it is known to be idempotent (RFC 9112 §9.3.1).
const MOST_IDLE: Duration = Duration::from_secs(1);

/// A bounded number of idle connections to one server.
#[derive(Debug)]
pub struct Kept {
    streams: RefCell<Vec<(Stream, Instant)>>,
    /// Those whose last response is not yet read to its end.
    lingering: Cell<usize>,
    most: usize,
}

impl Kept {
    /// At most so many; of more the connection is closed.
    pub fn new(most: usize) -> Self {
        Self {
            streams: RefCell::default(),
            lingering: Cell::new(0),
            most,
        }
    }

    /// The one that was used last, if one can be used.
    pub fn take(&self) -> Option<Stream> {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|(_, since)| since.elapsed() < MOST_IDLE);
        std::iter::from_fn(|| streams.pop()).find_map(|(stream, _)| quiet(stream))
    }

    /// Reads a response to its end, and keeps its connection where that can be.
    pub async fn keep(&self, wire: Wire<'_>, mut leg: Leg) {
        if self.streams.borrow().len() + self.lingering.get() >= self.most {
            return;
        }
        self.lingering.set(self.lingering.get() + 1);
        let is_read = read_rest(wire, &mut leg, LINGER).await;
        self.lingering.set(self.lingering.get() - 1);
        if let Some(stream) = leg.into_idle().filter(|_| is_read) {
            self.streams.borrow_mut().push((stream, Instant::now()));
        }
    }
}

/// Reads a body that nobody wants; whether it ended within `limit`.
pub async fn read_rest(wire: Wire<'_>, leg: &mut Leg, limit: Duration) -> bool {
    let poll = |cx: &mut Context<'_>| {
        loop {
            match ready!(leg.poll(cx, wire, READ_BUFFER, |_, _| ControlFlow::Continue(()))) {
                Ok(Step::Read) => {}
                Ok(Step::End(_)) => return Poll::Ready(true),
                Err(_) => return Poll::Ready(false),
            }
        }
    };
    let rest = tokio::time::timeout(limit, poll_fn(poll)).await;
    rest.unwrap_or(false)
}

/// An idle connection on which nothing came: a server that has closed it, or
/// says what nobody asked for, is not asked again on it.
pub fn quiet(mut stream: Stream) -> Option<Stream> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut byte = [0];
    let read = Pin::new(&mut stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
    read.is_pending().then_some(stream)
}
