//! A server that keeps to the rules, whose parts wrong ones use.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{Request, chunk, send};

/// The head of its streams, but for the framing.
pub(super) const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
    X-Accel-Buffering: no\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\n";
pub(super) const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
/// One event each.
const TICK: Duration = Duration::from_millis(20);

/// What its connections share.
pub(super) struct World {
    began: Instant,
    published: Mutex<Vec<(String, String)>>,
    /// It answers no more.
    pub(super) dead: AtomicBool,
    pub(super) visitors: AtomicUsize,
}

impl Default for World {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            published: Mutex::default(),
            dead: AtomicBool::new(false),
            visitors: AtomicUsize::new(0),
        }
    }
}

impl World {
    /// How many events there are: each has its number as id and data.
    pub(super) fn head(&self) -> usize {
        (self.began.elapsed().as_millis() / TICK.as_millis()) as usize + 10
    }

    fn published(&self) -> Vec<(String, String)> {
        let published = self.published.lock();
        published.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn publish(&self, body: &[u8]) {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let mut published = self.published.lock().unwrap();
        published.push((text("event"), text("data")));
    }
}

pub(super) fn method(request: &Request) -> &str {
    request.line.split(' ').next().unwrap()
}

pub(super) fn id(request: &Request) -> Option<&str> {
    request.header("last-event-id")
}

pub(super) fn honest(world: &World, request: &Request, stream: &mut TcpStream) {
    let ids = request
        .headers
        .iter()
        .filter(|(name, _)| name == "last-event-id");
    let ids = ids.count();
    let accepts = request.header("accept").unwrap_or("*/*");
    if ids > 1 || id(request).is_some_and(|id| id.contains('\0')) {
        refuse(stream, "400 Bad Request", "");
    } else if request.headers.len() > 50 || id(request).is_some_and(|id| id.len() > 4096) {
        refuse(stream, "431 Request Header Fields Too Large", "");
    } else if method(request) == "POST" {
        world.publish(&request.body);
        refuse(stream, "200 OK", "");
    } else if method(request) == "HEAD" {
        send(stream, format!("{HEAD}{CHUNKED}\r\n"));
    } else if method(request) != "GET" {
        refuse(stream, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    } else if accepts == "text/html" {
        refuse(stream, "406 Not Acceptable", "");
    } else {
        flow(world, request, stream, HEAD, numbered);
    }
}

/// A response without content.
pub(super) fn refuse(stream: &mut TcpStream, status: &str, fields: &str) {
    let date = "Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n";
    send(
        stream,
        format!("HTTP/1.1 {status}\r\n{date}{fields}Content-Length: 0\r\n\r\n"),
    );
}

pub(super) fn numbered(number: usize) -> String {
    format!("id: {number}\ndata: {number}\n\n")
}

/// Events from the last event ID on, or from now, until the client is gone.
pub(super) fn flow(
    world: &World,
    request: &Request,
    stream: &mut TcpStream,
    head: &str,
    encode: impl Fn(usize) -> String,
) {
    let honest = |(event, data): &(String, String)| {
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        let data = data.replace('\n', "\ndata: ");
        let event = event.replace(['\n', '\r'], " ");
        format!("event: {event}\ndata: {data}\n\n")
    };
    flow_with(world, request, stream, head, encode, honest);
}

pub(super) fn flow_with(
    world: &World,
    request: &Request,
    stream: &mut TcpStream,
    head: &str,
    encode: impl Fn(usize) -> String,
    encode_published: impl Fn(&(String, String)) -> String,
) {
    let chunks = request.line.ends_with("1.1") && !head.contains("Content-Length");
    let framing = if chunks { CHUNKED } else { "" };
    send(stream, format!("{head}{framing}\r\n"));
    let known = world.head();
    let mut next = known;
    let mut text = "retry: 1000\n\n".to_owned();
    match id(request)
        .filter(|id| !id.is_empty())
        .map(str::parse::<usize>)
    {
        Some(Ok(id)) => next = id + 1,
        Some(Err(_)) => text.push_str("event: gap\ndata: unknown\n\n"),
        None => {}
    }
    let mut told = world.published().len();
    loop {
        while next < world.head() {
            text.push_str(&encode(next));
            next += 1;
        }
        for published in world.published().iter().skip(told) {
            text.push_str(&encode_published(published));
            told += 1;
        }
        let piece = if chunks && !text.is_empty() {
            chunk(&text)
        } else {
            std::mem::take(&mut text)
        };
        if stream.write_all(piece.as_bytes()).is_err() {
            return;
        }
        text.clear();
        sleep(TICK);
    }
}

/// Once, what somebody sent has killed it.
pub(super) fn dies(world: &World) {
    world.dead.store(true, Ordering::SeqCst);
}
