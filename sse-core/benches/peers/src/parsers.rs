//! The parsers compared. Each reads all chunks and says how many events it
//! dispatched and how many bytes of data they held, so that none can win by
//! doing less.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::stream::{self, Stream};

/// Events dispatched, bytes of data in them.
pub type Tally = (usize, usize);

pub struct Parser {
    pub name: &'static str,
    pub run: fn(&[Bytes]) -> Tally,
    /// Quadratic on large chunks: not to be fed a corpus whole.
    pub quadratic: bool,
}

pub const OURS: Parser = Parser { name: "sse-core", run: ours, quadratic: false };
pub const LINE_SCAN: Parser = Parser { name: "memchr2 line scan", run: line_scan, quadratic: false };

pub const PEERS: [Parser; 5] = [
    Parser { name: "sse-stream 0.3", run: sse_stream, quadratic: false },
    Parser { name: "crates.io sse-core 0.2", run: peer_sse_core, quadratic: false },
    Parser { name: "sse-parse 0.1", run: sse_parse, quadratic: false },
    Parser { name: "sseer 0.3", run: sseer, quadratic: false },
    Parser { name: "eventsource-stream 0.2", run: eventsource_stream, quadratic: true },
];

fn ours(chunks: &[Bytes]) -> Tally {
    ours_with(&mut sse_core::Parser::new(), chunks)
}

/// Our parser, kept: what a second pass needs.
pub fn ours_with(parser: &mut sse_core::Parser, chunks: &[Bytes]) -> Tally {
    let mut tally = (0, 0);
    for chunk in chunks {
        let mut items = parser.feed(chunk);
        while let Some(item) = items.next().expect("within limits") {
            if let sse_core::Item::Event(event) = item {
                std::hint::black_box(event);
                tally = (tally.0 + 1, tally.1 + event.data.len());
            }
        }
    }
    tally
}

/// The physical limit: find every line end, do nothing else. Its tally is not
/// of events.
fn line_scan(chunks: &[Bytes]) -> Tally {
    let mut tally = (0, 0);
    for chunk in chunks {
        let mut rest = &chunk[..];
        while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
            tally = (tally.0 + 1, tally.1 + end);
            rest = &rest[end + 1..];
        }
    }
    tally
}

fn peer_sse_core(chunks: &[Bytes]) -> Tally {
    let mut parser = peer_sse_core::SseDecoder::with_limit(NonZeroUsize::new(16 << 20).expect("not zero"));
    let mut tally = (0, 0);
    for chunk in chunks {
        let mut buffer = &chunk[..];
        while let Some(item) = parser.next(&mut buffer) {
            if let Ok(peer_sse_core::SseEvent::Message(event)) = item {
                tally = (tally.0 + 1, tally.1 + event.data.len());
                std::hint::black_box(event);
            }
        }
    }
    tally
}

fn sse_parse(chunks: &[Bytes]) -> Tally {
    let mut parser = sse_parse::SseParser::new();
    let mut tally = (0, 0);
    for chunk in chunks {
        parser.feed(chunk);
        while let Some(event) = parser.next_event() {
            tally = (tally.0 + 1, tally.1 + event.data.len());
            std::hint::black_box(event);
        }
    }
    tally
}

fn sse_stream(chunks: &[Bytes]) -> Tally {
    drain(sse_stream::SseByteStream::new(source(chunks)), |event| {
        std::hint::black_box(&event).as_ref().ok().and_then(|event| event.data.as_ref()).map_or(0, String::len)
    })
}

fn sseer(chunks: &[Bytes]) -> Tally {
    drain(sseer::EventStream::new(source(chunks)), |event| {
        std::hint::black_box(&event).as_ref().map_or(0, |event| event.data.len())
    })
}

fn eventsource_stream(chunks: &[Bytes]) -> Tally {
    drain(eventsource_stream::EventStream::new(source(chunks)), |event| {
        std::hint::black_box(&event).as_ref().map_or(0, |event| event.data.len())
    })
}

fn source(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks.iter().cloned().map(Ok))
}

fn drain<T>(stream: impl Stream<Item = T>, length: impl Fn(T) -> usize) -> Tally {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    let mut tally = (0, 0);
    while let Poll::Ready(Some(event)) = stream.as_mut().poll_next(&mut context) {
        tally = (tally.0 + 1, tally.1 + length(event));
    }
    tally
}
