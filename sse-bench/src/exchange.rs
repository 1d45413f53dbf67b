//! One request and the head of its response, and reads that know their time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use url::Url;

use crate::connect::{Connector, Link};
use crate::failure::{Failure, Kind};
use crate::http::{HeadReader, encode_request};
use crate::http2;
use crate::leg::Leg;
use crate::live::Live;
use crate::report::invocation::shown_url;
use crate::stats::wall_clock;
use crate::stream::Stream;

/// Sockets read before it is looked for more that are ready: asking the system
/// costs as much as some reads.
pub const EVENT_INTERVAL: u32 = 512;
/// The most that one read takes, in bytes.
pub const READ_BUFFER: usize = 64 << 10;

/// When a read returned, before anything was made of it.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// On the monotonic clock.
    pub at: Instant,
    /// Nanoseconds since the Unix epoch; 0 where no event is asked for its time.
    pub wall: u64,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// How.
    pub method: &'a Method,
    /// Where.
    pub url: &'a Url,
    /// Header fields beside those that every request has.
    pub headers: &'a HeaderMap,
    /// The content.
    pub body: Option<&'a [u8]>,
    /// Whose request it is: each slot keeps its local address.
    pub slot: u32,
}

/// The answer to a request, before it is judged.
#[derive(Debug)]
pub struct Answer {
    /// The final status.
    pub status: StatusCode,
    /// The fields of the head.
    pub headers: HeaderMap,
    /// The body, to be read.
    pub leg: Leg,
}

/// What the reads of one thread have in common.
#[derive(Debug, Clone, Copy)]
pub struct Wire<'a> {
    /// Where they count.
    pub live: &'a Live,
    /// Never held across a read: one for all connections.
    pub buffer: &'a RefCell<Box<[u8]>>,
    /// Whether the wall clock is wanted.
    pub wall_clock: bool,
}

/// Counted as connecting until it is dropped.
struct Connecting<'a>(&'a Live);

impl<'a> Connecting<'a> {
    fn new(live: &'a Live) -> Self {
        live.connecting.add(1);
        Self(live)
    }
}

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.0.connecting.decrement();
    }
}

impl Received {
    /// Now.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            wall: wall_clock(),
        }
    }
}

impl Wire<'_> {
    /// Connects, asks, and reads the head of the response, all within `limit`.
    /// `on_connected` is called once there is a connection to ask on.
    pub async fn open(
        self,
        connector: &Connector,
        request: &Request<'_>,
        limit: Duration,
        on_connected: impl FnOnce(),
    ) -> Result<Answer, Failure> {
        let _connecting = Connecting::new(self.live);
        let answer = async {
            let link = connector
                .connect(request.url, request.slot, self.live)
                .await?;
            on_connected();
            self.ask(link, request).await
        };
        let answer = tokio::time::timeout(limit, answer).await;
        answer.unwrap_or_else(|_| {
            let detail = format_args!("{}: no response within {limit:?}", shown_url(request.url));
            Err(Failure::new(Kind::Timeout, detail))
        })
    }

    /// Sends the request and reads the head of the response.
    pub async fn ask(self, link: Link, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut stream = match link {
            Link::Http1(stream) => stream,
            Link::Http2(lease) => return http2::ask(lease, self, request).await,
        };
        let sent = stream.write_all(&encode_request(request)).await;
        let sent = match sent {
            Ok(()) => stream.flush().await,
            failed => failed,
        };
        // A server may answer and close without reading all: look for the answer first.
        let answer = self.read_head(stream).await;
        match (answer, sent) {
            (Err(_), Err(error)) => Err(Failure::transfer(&error)),
            (answer, _) => answer,
        }
    }

    async fn read_head(self, mut stream: Stream) -> Result<Answer, Failure> {
        let mut reader = HeadReader::default();
        let mut poll = |cx: &mut Context<'_>| {
            let mut buffer = self.buffer.borrow_mut();
            loop {
                let read = ready!(self.poll_read(cx, &mut stream, &mut buffer));
                let (length, received) = read.map_err(|error| Failure::transfer(&error))?;
                let bytes = &buffer[..length];
                if bytes.is_empty() {
                    let detail = if reader.is_empty() {
                        "the server closed the connection without an answer"
                    } else {
                        "the server closed the connection in the head of its answer"
                    };
                    return Poll::Ready(Err(Failure::new(Kind::NoResponse, detail)));
                }
                let head = reader
                    .feed(bytes)
                    .map_err(|error| Failure::new(Kind::Http, error))?;
                if let Some((head, length)) = head {
                    let early: Box<[u8]> = bytes[length..].into();
                    return Poll::Ready(Ok((head, early, received)));
                }
            }
        };
        let (head, early, received) = poll_fn(&mut poll).await?;
        Ok(Answer {
            leg: Leg::http1(stream, &head, early, received),
            status: head.status,
            headers: head.headers,
        })
    }

    /// One read: how many bytes, 0 at the end of the stream.
    pub fn poll_read(
        self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<(usize, Received)>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
        let received = Received {
            at: Instant::now(),
            wall: if self.wall_clock { wall_clock() } else { 0 },
        };
        let length = buffer.filled().len();
        self.live.reads.add(1);
        self.live.bytes.add(length as u64);
        Poll::Ready(Ok((length, received)))
    }
}
