//! One connection from its response on, with all that came and when; bounded.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use sse_core::{Item, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::http::{Body, HeadReader, Piece};
use crate::stream::Stream;

/// What is read of one connection, in bytes: a server may send without end.
const MOST: usize = 1 << 20;
/// A server that takes nothing for this time is not reading.
const STUCK: Duration = Duration::from_secs(5);
/// What one read takes, in bytes.
const READ: usize = 16 << 10;

/// The response, and what was seen of it so far.
#[derive(Debug)]
pub(super) struct Leg {
    /// `None` once it was hung up.
    stream: Option<Stream>,
    sent: Instant,
    framing: Body,
    parser: Parser,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The head as it came, interim responses before it.
    pub(super) head: Vec<u8>,
    /// From the request to the end of the head.
    pub(super) head_after: Duration,
    /// What followed the head, framed.
    pub(super) wire: Vec<u8>,
    /// What followed the head, without its framing.
    pub(super) body: Vec<u8>,
    /// When reads returned, and how long the body was then.
    pub(super) reads: Vec<(Duration, usize)>,
    pub(super) items: Vec<What>,
    pub(super) end: Option<End>,
    /// How long it was watched, once it was hung up.
    pub(super) watched: Duration,
    /// What the end of the stream discards: whether a block was open that had data.
    pub(super) unfinished: Option<bool>,
}

/// How a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// As its framing says.
    Clean,
    /// The connection closed before.
    Cut,
    /// The socket failed.
    Reset(String),
    /// The framing or a line cannot be read on.
    Broken(String),
    /// As much was read as one check looks at.
    Enough,
}

/// A part of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Event(Event),
    Comment,
    Retry(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) event_type: String,
    pub(super) data: String,
    /// Of its own block.
    pub(super) id: Option<String>,
}

/// Why there is no response.
#[derive(Debug, Clone)]
pub(super) struct NoAnswer {
    pub(super) kind: Missing,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No connection.
    Unreachable,
    /// Nothing in time.
    Timeout,
    /// Closed or reset before the end of a head.
    Closed,
    /// Not HTTP/1.
    Broken,
}

impl NoAnswer {
    pub(super) fn new(kind: Missing, text: impl fmt::Display) -> Self {
        let text = text.to_string();
        Self { kind, text }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Leg {
    /// Sends bytes and reads the head of what is answered.
    pub(super) async fn open(
        mut stream: Stream,
        bytes: &[u8],
        is_head: bool,
        patience: Duration,
    ) -> Result<Self, NoAnswer> {
        let sent = Instant::now();
        let asked = async {
            // A server may refuse and close before it has read all.
            let written = stream.write_all(bytes).await;
            if written.is_ok() {
                let _ = stream.flush().await;
            }
            read_head(&mut stream).await
        };
        let answered = timeout(patience, asked).await.map_err(|_| {
            let patience = humantime::format_duration(patience);
            NoAnswer::new(
                Missing::Timeout,
                format_args!("no response head within {patience}"),
            )
        })?;
        let (head, bytes, length) = answered?;
        let rest = bytes.get(length..).unwrap_or_default().to_owned();
        let mut leg = Self {
            stream: Some(stream),
            sent,
            framing: if is_head { Body::length(0) } else { head.body },
            parser: Parser::new(),
            status: head.status,
            headers: head.headers,
            head: bytes.get(..length).unwrap_or_default().to_owned(),
            head_after: sent.elapsed(),
            wire: Vec::new(),
            body: Vec::new(),
            reads: Vec::new(),
            items: Vec::new(),
            end: None,
            watched: Duration::ZERO,
            unfinished: None,
        };
        leg.take_in(&rest);
        Ok(leg)
    }

    /// Reads until `done`, the end, or a time.
    pub(super) async fn watch(&mut self, until: Instant, mut done: impl FnMut(&Self) -> bool) {
        while self.end.is_none() && !done(self) {
            let Some(stream) = &mut self.stream else {
                return;
            };
            let mut buffer = vec![0; READ];
            match timeout_at(until, stream.read(&mut buffer)).await {
                Err(_) => return,
                Ok(Ok(0)) => self.close(if self.framing.may_end_here() {
                    End::Clean
                } else {
                    End::Cut
                }),
                Ok(Ok(length)) => self.take_in(&buffer[..length]),
                Ok(Err(error)) => self.close(End::Reset(error.to_string())),
            }
        }
    }

    /// Reads for so long, or to the end.
    pub(super) async fn watch_for(&mut self, time: Duration) {
        self.watch(Instant::now() + time, |_| false).await;
    }

    /// Sends more on the same connection; `false` if it is gone.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let sent = timeout(STUCK, stream.write_all(bytes)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Ends the sending half.
    pub(super) async fn half_close(&mut self) {
        if let Some(stream) = &mut self.stream {
            let _ = timeout(STUCK, stream.shutdown()).await;
        }
    }

    /// Resets the connection.
    pub(super) fn reset(self) {
        if let Some(stream) = &self.stream {
            let _ = stream.socket().set_zero_linger();
        }
    }

    /// Closes the connection; what was seen stays.
    pub(super) fn hang_up(&mut self) {
        self.watched = self.sent.elapsed();
        self.stream = None;
    }

    pub(super) fn is_stream(&self) -> bool {
        self.status == StatusCode::OK && self.essence() == "text/event-stream"
    }

    /// Type and subtype of the content, in lower case.
    pub(super) fn essence(&self) -> String {
        let text = self.text("content-type").unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// A field of the head; several of one name joined by commas.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let values = self.headers.get_all(name);
        let texts: Vec<_> = values
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    /// Whether a field that is a list of tokens has this one.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        let text = self.text(name).unwrap_or_default();
        text.split(',').any(|part| {
            let part = part.split([';', '=']).next().unwrap_or_default();
            part.trim().eq_ignore_ascii_case(token)
        })
    }

    /// Status and type, for people.
    pub(super) fn summary(&self) -> String {
        let content_type = self.text("content-type");
        let content_type = content_type.unwrap_or_else(|| "no Content-Type".to_owned());
        format!("{} with {content_type}", self.status)
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.items.iter().filter_map(|what| match what {
            What::Event(event) => Some(event),
            _ => None,
        })
    }

    /// Events with an id of their own.
    pub(super) fn keyed(&self) -> impl Iterator<Item = (&str, &Event)> {
        self.events()
            .filter_map(|event| Some((event.id.as_deref()?, event)))
    }

    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.sent.elapsed()
    }

    fn take_in(&mut self, bytes: &[u8]) {
        let at = self.sent.elapsed();
        if bytes.is_empty() {
            return;
        }
        self.wire.extend_from_slice(bytes);
        let mut input = bytes;
        loop {
            match self.framing.next(&mut input) {
                Ok(Piece::Data(data)) => {
                    if let Err(error) = parse(&mut self.parser, data, &mut self.items) {
                        return self.close(End::Broken(error));
                    }
                    self.body.extend_from_slice(data);
                }
                Ok(Piece::NeedMore) => break,
                Ok(Piece::End) => {
                    self.reads.push((at, self.body.len()));
                    return self.close(End::Clean);
                }
                Err(error) => return self.close(End::Broken(error.to_string())),
            }
        }
        self.reads.push((at, self.body.len()));
        if self.wire.len() >= MOST {
            self.end = Some(End::Enough);
        }
    }

    fn close(&mut self, end: End) {
        self.unfinished = self.parser.finish().map(|rest| rest.has_data);
        // A line that was cut is data too, if it says so.
        if self.unfinished == Some(false) && self.last_line().starts_with(b"data") {
            self.unfinished = Some(true);
        }
        self.end = Some(end);
    }

    fn last_line(&self) -> &[u8] {
        let lines = self.body.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
        lines.into_iter().next().unwrap_or_default()
    }
}

async fn read_head(
    stream: &mut Stream,
) -> Result<(crate::http::ResponseHead, Vec<u8>, usize), NoAnswer> {
    let mut reader = HeadReader::default();
    let mut all = Vec::new();
    loop {
        let mut buffer = vec![0; READ];
        let read = stream.read(&mut buffer).await;
        let length = read
            .map_err(|error| NoAnswer::new(Missing::Closed, format_args!("no answer: {error}")))?;
        if length == 0 {
            return Err(NoAnswer::new(
                Missing::Closed,
                "the connection was closed without an answer",
            ));
        }
        let before = all.len();
        all.extend_from_slice(&buffer[..length]);
        match reader.feed(&buffer[..length]) {
            Ok(Some((head, used))) => return Ok((head, all, before + used)),
            Ok(None) => {}
            Err(error) => return Err(NoAnswer::new(Missing::Broken, error)),
        }
    }
}

fn parse(parser: &mut Parser, bytes: &[u8], seen: &mut Vec<What>) -> Result<(), String> {
    let mut items = parser.feed(bytes);
    while let Some(item) = items.next().map_err(|error| error.to_string())? {
        let what = match item {
            Item::Event(event) => What::Event(Event {
                event_type: event.event_type.to_owned(),
                data: event.data.to_owned(),
                id: event.has_id().then(|| event.last_event_id.to_owned()),
            }),
            Item::Comment(_) => What::Comment,
            Item::Retry(time) => What::Retry(time),
            _ => continue,
        };
        seen.push(what);
    }
    Ok(())
}

/// What a stream says, at once.
pub(super) fn parse_all(bytes: &[u8]) -> Vec<What> {
    let mut seen = Vec::new();
    // What came before a line that is too long counts.
    let _ = parse(&mut Parser::new(), bytes, &mut seen);
    seen
}
