//! The streams of one HTTP/2 connection.
//!
//! A client may keep the window of a stream closed and read the others (RFC 9113
//! §6.9). What waits for that window is one piece and what is buffered behind it;
//! after the write timeout the stream is reset, and the connection goes on.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Sleep;

/// The most bytes given to a stream at once: progress is seen piece by piece.
pub(super) const PIECE: usize = 16 << 10;

tokio::task_local! {
    static FLOW: Flow;
}

/// How far the body of the stream that is being polled has come.
#[derive(Debug, Default)]
struct Flow {
    pieces: Cell<u64>,
    /// The last piece waits for the window: no other was asked for since.
    waiting: Cell<bool>,
}

/// Runs the streams of a connection.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    shared: Arc<Shared>,
    resets: Counter,
    timeout: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    open: AtomicUsize,
    /// One was opened since somebody looked.
    opened: AtomicBool,
}

impl Streams {
    /// Streams whose bodies may wait for their window no longer than `timeout`;
    /// those that do are counted.
    pub(super) fn new(resets: Counter, timeout: Duration) -> Self {
        Self {
            shared: Arc::default(),
            resets,
            timeout,
        }
    }

    /// Whether none was open at any time since the last call.
    pub(super) fn were_idle(&self) -> bool {
        let opened = self.shared.opened.swap(false, Ordering::Relaxed);
        !opened && self.shared.open.load(Ordering::Relaxed) == 0
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        self.shared.opened.store(true, Ordering::Relaxed);
        let watched = Watched {
            stream: Box::pin(stream),
            streams: self.clone(),
            stalled: None,
        };
        tokio::spawn(FLOW.scope(Flow::default(), watched));
    }
}

/// One stream, from its request to the end of its body. Dropped before that, it
/// is reset.
struct Watched<F> {
    stream: Pin<Box<F>>,
    streams: Streams,
    /// The piece that waits, and how long it may.
    stalled: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let (piece, waiting) = FLOW.with(|flow| (flow.pieces.get(), flow.waiting.get()));
        if !waiting {
            self.stalled = None;
            return Poll::Pending;
        }
        let timeout = self.streams.timeout;
        let (_, timer) = match self.stalled.take() {
            Some(stalled) if stalled.0 == piece => self.stalled.insert(stalled),
            _ => {
                let timer = Box::pin(tokio::time::sleep(timeout));
                self.stalled.insert((piece, timer))
            }
        };
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.streams.resets.inc();
        Poll::Ready(())
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        self.streams.shared.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body in pieces, which tells when each is asked for.
#[derive(Debug)]
pub(super) struct Piecewise<B> {
    body: B,
    rest: Bytes,
}

impl<B> Piecewise<B> {
    pub(super) fn new(body: B) -> Self {
        let rest = Bytes::new();
        Self { body, rest }
    }

    fn piece(&mut self) -> Poll<Option<Frame<Bytes>>> {
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        // Without a task of its own nobody waits.
        let _ = FLOW.try_with(|flow| {
            flow.pieces.set(flow.pieces.get() + 1);
            flow.waiting.set(true);
        });
        Poll::Ready(Some(Frame::data(piece)))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Piecewise<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let _ = FLOW.try_with(|flow| flow.waiting.set(false));
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        self.piece().map(|piece| piece.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
