//! An event stream, read with the toolkit's own parser.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use sse_core::{Ignored, Item, Parser};

use super::{PATIENCE, Response};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) event_type: String,
    pub(crate) data: String,
    pub(crate) id: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Event(Event),
    Comment(String),
    Retry(Duration),
    /// A block that only moves the last event ID.
    Id(String),
    Other(String),
    End,
}

pub(crate) struct Stream {
    pub(crate) socket: TcpStream,
    pub(crate) head: Response,
    framed: Vec<u8>,
    chunked: bool,
    parser: Parser,
    blocks: VecDeque<Block>,
    /// Every byte of the body so far.
    pub(crate) body: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, head: Response, received: Vec<u8>, chunked: bool) -> Self {
        let mut stream = Self {
            socket,
            head,
            framed: received,
            chunked,
            parser: Parser::new(),
            blocks: VecDeque::new(),
            body: Vec::new(),
            ended: false,
        };
        stream.unframe();
        stream
    }

    /// The next block, whatever it is.
    pub(crate) fn block(&mut self) -> Block {
        loop {
            if let Some(block) = self.blocks.pop_front() {
                return block;
            }
            if self.ended {
                return Block::End;
            }
            let mut buffer = [0; 16384];
            let length = testing::read(&self.socket, &mut buffer).unwrap();
            self.framed.extend_from_slice(&buffer[..length]);
            if length == 0 {
                assert!(!self.chunked, "closed without a last chunk");
                self.ended = true;
            }
            self.unframe();
        }
    }

    /// The next dispatched event, past comments, retries and ids.
    pub(crate) fn event(&mut self) -> Event {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.block() {
                Block::Event(event) => return event,
                Block::End => panic!("the stream ended"),
                _ => {}
            }
        }
        panic!("no event, only heartbeats");
    }

    pub(crate) fn events(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.event()).collect()
    }

    pub(crate) fn event_of_type(&mut self, event_type: &str) -> Event {
        loop {
            let event = self.event();
            if event.event_type == event_type {
                return event;
            }
        }
    }

    /// All blocks up to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<Block> {
        std::iter::from_fn(|| Some(self.block()).filter(|block| *block != Block::End)).collect()
    }

    /// The events up to a connection that broke off in the midst of anything.
    pub(crate) fn cut(&mut self) -> Vec<Event> {
        let mut buffer = [0; 16384];
        while let Ok(length @ 1..) = testing::read(&self.socket, &mut buffer) {
            self.framed.extend_from_slice(&buffer[..length]);
            self.unframe();
        }
        let blocks = std::mem::take(&mut self.blocks).into_iter();
        blocks
            .filter_map(|block| match block {
                Block::Event(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.socket);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub(crate) fn half_close(&self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    fn unframe(&mut self) {
        if !self.chunked {
            let bytes = std::mem::take(&mut self.framed);
            self.feed(&bytes);
            return;
        }
        while let Some((start, length)) = chunk(&self.framed) {
            if self.framed.len() < start + length + 2 {
                return;
            }
            let rest = self.framed.split_off(start + length + 2);
            let chunk = std::mem::replace(&mut self.framed, rest);
            assert!(chunk.ends_with(b"\r\n"), "a chunk without its end");
            self.ended = length == 0;
            self.feed(&chunk[start..start + length]);
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        let mut items = self.parser.feed(bytes);
        while let Some(item) = items.next().unwrap() {
            self.blocks.push_back(match item {
                Item::Event(event) => Block::Event(Event {
                    event_type: event.event_type.to_owned(),
                    data: event.data.to_owned(),
                    id: event.last_event_id.to_owned(),
                }),
                Item::Comment(text) => Block::Comment(text.to_owned()),
                Item::Retry(time) => Block::Retry(time),
                Item::Ignored(Ignored::NoData(event)) if event.has_id() => {
                    Block::Id(event.last_event_id.to_owned())
                }
                other => Block::Other(format!("{other:?}")),
            });
        }
    }
}

/// Where the data of the first chunk starts, and its length (RFC 9112 §7.1).
fn chunk(framed: &[u8]) -> Option<(usize, usize)> {
    let line = framed.windows(2).position(|pair| pair == b"\r\n")?;
    let digits = std::str::from_utf8(&framed[..line]).unwrap();
    Some((line + 2, usize::from_str_radix(digits, 16).unwrap()))
}
