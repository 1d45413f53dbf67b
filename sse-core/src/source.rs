//! The reconnecting `EventSource` (HTML Living Standard §9.2), without I/O and
//! without a clock.

mod cause;
mod machine;
mod options;
mod request;
mod response;

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, StatusCode};
use url::Url;

pub use cause::{Cause, NetworkError, NetworkErrorKind};
pub use options::SourceOptions;
pub use request::{Connect, LAST_EVENT_ID};

use crate::parse::{Item, Items, Parser, Unfinished};
use machine::Machine;
#[cfg(feature = "client")]
pub(crate) use request::is_http;
#[cfg(any(feature = "capture", feature = "client"))]
pub(crate) use request::without_credentials;

/// §9.2.2, `readyState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// A request is under way, or will be after a delay.
    Connecting,
    /// A response of the right kind is being read.
    Open,
    /// For good.
    Closed,
}

/// What a driver is to do, and to tell its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Send this request. It follows a redirect if `redirects` is not 0.
    Connect(Box<Connect>),
    /// The response is an event stream: read its body.
    Opened {
        /// The connection's number.
        leg: u64,
    },
    /// Drop the connection. The next [`Connect`] follows after a while.
    Disconnected {
        /// The connection's number, or the one that it would have got.
        leg: u64,
        /// Why.
        cause: Cause,
        /// How long until the next attempt.
        retry_in: Duration,
        /// When the next attempt is due.
        retry_at: Instant,
        /// What the end cut off; it is not dispatched.
        unfinished: Option<Unfinished>,
    },
    /// Drop the connection. Nothing follows.
    Closed {
        /// The connection's number, or the one that it would have got.
        leg: u64,
        /// Why.
        cause: Cause,
        /// What the end cut off; it is not dispatched.
        unfinished: Option<Unfinished>,
    },
}

/// The reconnecting `EventSource` as a state machine.
///
/// The driver tells it what happened with `handle_*`, each with the time; takes
/// [`Transition`]s from [`poll`](Self::poll) until there are none, doing what
/// they say; and calls [`handle_deadline`](Self::handle_deadline) when
/// [`deadline`](Self::deadline) is reached. What does not fit the state (a
/// chunk after the end) is ignored.
///
/// Memory is bounded by [`Limits`](crate::Limits) and the last event ID,
/// whatever the number of connections.
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
/// use sse_core::{EventSource, Item, SourceOptions, Transition};
///
/// let now = Instant::now();
/// let url = "http://example.com/events".parse().unwrap();
/// let mut source = EventSource::new(now, url, SourceOptions::default(), || 0.5);
/// assert!(matches!(source.poll(), Some(Transition::Connect(connect)) if connect.leg == 1));
///
/// let mut headers = HeaderMap::new();
/// headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
/// source.handle_response(now, SystemTime::now(), StatusCode::OK, &headers);
/// assert_eq!(source.poll(), Some(Transition::Opened { leg: 1 }));
///
/// let mut items = source.handle_chunk(now, b"retry: 1000\nid: 7\ndata: hello\n\n");
/// while let Some(item) = items.next() {
///     if let Item::Event(event) = item {
///         assert_eq!(event.data, "hello");
///     }
/// }
/// drop(items);
///
/// source.handle_end(now);
/// assert!(matches!(source.poll(), Some(Transition::Disconnected { .. })));
/// assert_eq!(source.deadline(), Some(now + Duration::from_millis(1125)));
/// source.handle_deadline(now + Duration::from_millis(1125));
/// assert!(matches!(source.poll(), Some(Transition::Connect(connect)) if connect.last_event_id == "7"));
/// ```
pub struct EventSource {
    parser: Parser,
    machine: Machine,
}

impl EventSource {
    /// A source that connects at once. `random` gives a number between 0 and 1
    /// for each delay.
    pub fn new(
        now: Instant,
        url: Url,
        options: SourceOptions,
        random: impl FnMut() -> f64 + Send + 'static,
    ) -> Self {
        let mut parser = Parser::with_limits(options.limits);
        parser.set_last_event_id(options.last_event_id.clone());
        let machine = Machine::new(now, url, options, Box::new(random));
        Self { parser, machine }
    }

    /// The next thing to do, `None` when there is nothing until the next
    /// `handle_*` call.
    pub fn poll(&mut self) -> Option<Transition> {
        self.machine.poll(&mut self.parser)
    }

    /// When to call [`handle_deadline`](Self::handle_deadline).
    pub fn deadline(&self) -> Option<Instant> {
        self.machine.deadline()
    }

    /// The time has come: connects again, or gives up waiting. Does nothing
    /// before the deadline.
    pub fn handle_deadline(&mut self, now: Instant) {
        self.machine.handle_deadline(now);
    }

    /// The head of the response has arrived. `wall_clock` is for the dates of
    /// `Retry-After`.
    pub fn handle_response(
        &mut self,
        now: Instant,
        wall_clock: SystemTime,
        status: StatusCode,
        headers: &HeaderMap,
    ) {
        self.machine
            .handle_response(now, wall_clock, status, headers);
    }

    /// A part of the body has arrived. Take all items, or
    /// [`close`](SourceItems::close): those left when [`SourceItems`] is dropped
    /// are lost, and with them maybe a part of the next event.
    pub fn handle_chunk<'s, 'c>(
        &'s mut self,
        now: Instant,
        chunk: &'c [u8],
    ) -> SourceItems<'s, 'c> {
        self.machine.handle_bytes(now);
        let chunk = if self.machine.is_open() { chunk } else { &[] };
        SourceItems {
            items: self.parser.feed(chunk),
            machine: &mut self.machine,
        }
    }

    /// The body ended as it should. An end before the head of a response is a
    /// [failure](Self::handle_failure).
    pub fn handle_end(&mut self, now: Instant) {
        self.machine.handle_end(now);
    }

    /// The connection could not be made, or broke.
    pub fn handle_failure(&mut self, now: Instant, error: NetworkError) {
        self.machine.handle_failure(now, error);
    }

    /// Connects now rather than when the delay is over; an open connection is
    /// dropped for it. Does nothing once closed, or while a request is under way.
    pub fn reconnect_now(&mut self, now: Instant) {
        self.machine.reconnect_now(now);
    }

    /// Closes for good (§9.2.2, `close()`).
    pub fn close(&mut self) {
        self.machine.close(Cause::Closed);
    }

    /// See [`ReadyState`].
    pub fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// The last event ID; empty if none. Committed when an item is taken, so
    /// right within a chunk too.
    pub fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    /// What the server asked for, within floor and ceiling, without back-off.
    pub fn reconnection_time(&self) -> Duration {
        self.machine.reconnection_time()
    }

    /// The number of the open connection, or of the next one.
    pub fn leg(&self) -> u64 {
        self.machine.leg()
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

/// The items of one chunk, in order. See [`EventSource::handle_chunk`].
#[derive(Debug)]
pub struct SourceItems<'s, 'c> {
    items: Items<'s, 'c>,
    machine: &'s mut Machine,
}

impl SourceItems<'_, '_> {
    /// The next item. `None` when the chunk is used up, the source is closed, or
    /// a cap was exceeded, which [`EventSource::poll`] then says.
    #[expect(
        clippy::should_implement_trait,
        reason = "the items borrow from this, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Option<Item<'_>> {
        if !self.machine.is_open() {
            return None;
        }
        match self.items.next() {
            Ok(item) => {
                if let Some(Item::Retry(time)) = item {
                    self.machine.set_reconnection_time(time);
                }
                item
            }
            Err(error) => {
                self.machine.close(Cause::Limit(error));
                None
            }
        }
    }

    /// Closes the source: there is no next item, whatever the chunk holds.
    pub fn close(&mut self) {
        self.machine.close(Cause::Closed);
    }

    /// Bytes of the chunk read so far: where the last item ended.
    pub fn position(&self) -> usize {
        self.items.position()
    }
}
