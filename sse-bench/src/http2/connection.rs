//! One connection: the handshake, and the task that drives it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::sync::Notify;

use super::metered::{Meter, Metered};
use super::{Sharing, failure};
use crate::failure::{Failure, Kind};
use crate::stream::Stream;

/// What a server may send on one stream before it is read, in bytes: the default
/// of RFC 9113 §6.9.2.
const STREAM_WINDOW: u32 = 65_535;
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// A connection that requests can be sent on.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) meter: Rc<Meter>,
    pub(super) send: SendRequest<Bytes>,
    state: Rc<State>,
}

#[derive(Debug)]
struct State {
    /// The server's limit of streams; 0 until it has said so.
    limit: Cell<u32>,
    ended: Cell<bool>,
    failure: RefCell<Option<Failure>>,
    saw_go_away: Cell<bool>,
    changed: Notify,
    sharing: Rc<Cell<Sharing>>,
}

impl Connection {
    /// Connects as HTTP/2 over `stream`, and waits for the server's settings, so
    /// that its limit of streams is kept from the first.
    pub(super) async fn open(
        stream: Stream,
        streams: u32,
        sharing: Rc<Cell<Sharing>>,
    ) -> Result<Self, Failure> {
        if let Some(protocol) = stream.protocol().filter(|protocol| *protocol != b"h2") {
            let protocol = String::from_utf8_lossy(protocol);
            let detail = match &*protocol {
                "" => "the server negotiates no HTTP/2 (it left ALPN unanswered)".to_owned(),
                other => format!("the server negotiates {other:?} instead of HTTP/2"),
            };
            return Err(Failure::new(Kind::Http2, detail));
        }
        let meter = Rc::new(Meter::new());
        let metered = Metered {
            stream,
            meter: Rc::clone(&meter),
        };
        // A stream that is left unread must not take the window of the others.
        let window = STREAM_WINDOW.saturating_mul(streams.saturating_add(1));
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(window.min(LARGEST_WINDOW))
            .initial_max_send_streams(0)
            .max_concurrent_reset_streams(streams.max(100) as usize)
            .max_local_error_reset_streams(None)
            // Event streams are small frames.
            .data_frame_budget(window as usize);
        let (send, mut driven) = builder
            .handshake(metered)
            .await
            .map_err(|error| failure(&error))?;
        let state = Rc::new(State {
            limit: Cell::new(0),
            ended: Cell::new(false),
            failure: RefCell::default(),
            saw_go_away: Cell::new(false),
            changed: Notify::new(),
            sharing,
        });
        let driver = Rc::downgrade(&state);
        tokio::task::spawn_local(async move {
            poll_fn(|cx| {
                let polled = Pin::new(&mut driven).poll(cx);
                if let Some(state) = Weak::upgrade(&driver) {
                    state.set_limit(driven.max_concurrent_send_streams());
                    if let Poll::Ready(result) = &polled {
                        state.end(result.as_ref().err());
                    }
                }
                polled.map(|_| ())
            })
            .await;
        });
        state.settled(&meter).await?;
        Ok(Self { meter, send, state })
    }

    /// The streams that the server allows at once.
    pub(super) fn limit(&self) -> u32 {
        self.state.limit.get()
    }

    /// Whether no further stream can be opened on it; else it is ready for one.
    pub(super) async fn is_over(&self) -> bool {
        if self.state.ended.get() {
            return true;
        }
        match self.send.clone().ready().await {
            Ok(_) => false,
            Err(error) => {
                self.note(&error);
                true
            }
        }
    }

    /// An error of one of its streams.
    pub(super) fn note(&self, error: &h2::Error) -> Failure {
        self.state.note(error);
        failure(error)
    }
}

impl State {
    fn set_limit(&self, limit: usize) {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        if self.limit.replace(limit) == limit {
            return;
        }
        let mut sharing = self.sharing.get();
        let fewest = sharing.fewest_streams.into_iter();
        sharing.fewest_streams = fewest.chain([limit]).min();
        self.sharing.set(sharing);
        self.changed.notify_waiters();
    }

    fn note(&self, error: &h2::Error) {
        if error.is_go_away() && error.is_remote() && !self.saw_go_away.replace(true) {
            let mut sharing = self.sharing.get();
            sharing.go_aways += 1;
            self.sharing.set(sharing);
        }
    }

    fn end(&self, error: Option<&h2::Error>) {
        if let Some(error) = error {
            self.note(error);
            self.failure.replace(Some(failure(error)));
        }
        self.ended.set(true);
        self.changed.notify_waiters();
    }

    /// Waits for the server's first settings.
    async fn settled(&self, meter: &Meter) -> Result<(), Failure> {
        while self.limit.get() == 0 {
            if meter.speaks_http1() {
                let detail = "the server answers in HTTP/1: it speaks no HTTP/2 with prior \
                              knowledge";
                return Err(Failure::new(Kind::Http2, detail));
            }
            if self.ended.get() {
                let failure = self.failure.take();
                return Err(failure.unwrap_or_else(|| {
                    let detail = "the connection closed before the server spoke HTTP/2";
                    Failure::new(Kind::Http2, detail)
                }));
            }
            self.changed.notified().await;
        }
        let mut sharing = self.sharing.get();
        sharing.connections += 1;
        self.sharing.set(sharing);
        Ok(())
    }
}
