//! One request and the head of its response, and reads that know their time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use sse_core::Connect;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use crate::connect::Stream;
use crate::failure::{Failure, Kind};
use crate::http::{HeadReader, ResponseHead, encode_request};
use crate::live::Live;
use crate::stats::wall_clock;
use crate::target::Target;

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

/// The answer to a request, before it is judged.
#[derive(Debug)]
pub struct Answer {
    /// Where the body is to be read from.
    pub stream: Stream,
    /// The head.
    pub head: ResponseHead,
    /// What came with the head.
    pub early: Vec<u8>,
    /// When.
    pub received: Received,
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

impl Wire<'_> {
    /// Sends the request and reads the head of the response.
    pub async fn ask(
        self,
        stream: Stream,
        target: &Target,
        connect: &Connect,
    ) -> Result<Answer, Failure> {
        let body = target.body.as_deref().filter(|_| connect.send_body);
        let headers = connect.headers(&target.headers);
        let request = encode_request(&connect.method, &connect.url, &headers, body);
        self.send(stream, &request).await
    }

    /// Sends the bytes of a request and reads the head of the response.
    pub async fn send(self, mut stream: Stream, request: &[u8]) -> Result<Answer, Failure> {
        let sent = stream.write_all(request).await;
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
                    return Poll::Ready(Ok((head, bytes[length..].to_vec(), received)));
                }
            }
        };
        let (head, early, received) = poll_fn(&mut poll).await?;
        Ok(Answer {
            stream,
            head,
            early,
            received,
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
