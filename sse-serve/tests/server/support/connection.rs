//! One raw HTTP connection.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;

use super::{PATIENCE, Stream};

pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    received: Vec<u8>,
}

/// A head, and a body of known length.
pub(crate) struct Response {
    pub(crate) version: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            received: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request without a body and reads the whole answer.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &str) -> Response {
        let host = self.socket.peer_addr().unwrap();
        self.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n"
        ));
        self.response(method != "HEAD")
    }

    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Response {
        let host = self.socket.peer_addr().unwrap();
        let length = body.len();
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n"
        ));
        self.send(body);
        self.response(true)
    }

    pub(crate) fn response(&mut self, with_body: bool) -> Response {
        let mut response = self.head();
        if !with_body {
            return response;
        }
        if let Some(length) = response.header("content-length") {
            let length = length.parse().unwrap();
            while self.received.len() < length {
                assert!(self.fill() > 0, "the body broke off");
            }
            response.body = self.received.drain(..length).collect();
        } else {
            let deadline = Instant::now() + PATIENCE;
            while self.fill() > 0 {
                assert!(Instant::now() < deadline, "the body does not end");
            }
            response.body = std::mem::take(&mut self.received);
        }
        response
    }

    pub(crate) fn head(&mut self) -> Response {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end;
            }
            assert!(self.fill() > 0, "closed before the end of the head");
        };
        let head: Vec<u8> = self.received.drain(..end + 4).collect();
        Response::parse(std::str::from_utf8(&head[..end]).unwrap())
    }

    /// Reads the head of an event stream; the rest is the stream.
    pub(crate) fn into_stream(mut self) -> Stream {
        let head = self.head();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        let chunked = head.header("transfer-encoding") == Some("chunked");
        Stream::new(self.socket, head, self.received, chunked)
    }

    /// Whether the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.fill() == 0
    }

    /// Reads what comes; 0 at the end.
    fn fill(&mut self) -> usize {
        let mut buffer = [0; 16384];
        let length = testing::read(&self.socket, &mut buffer).unwrap();
        self.received.extend_from_slice(&buffer[..length]);
        length
    }
}

impl Response {
    fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ');
        let version = status.next().unwrap().to_owned();
        let status = status.next().unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self {
            version,
            status,
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name);
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "two {name} headers");
        Some(value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let ids = &self.json()["ids"];
        serde_json::from_value(ids.clone()).unwrap()
    }

    /// Checks that this is a problem of RFC 9457, and returns its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].is_string() && problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
