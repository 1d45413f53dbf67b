//! A server that says on the wire exactly what a test tells it to.

use std::net::SocketAddr;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use url::Url;

use crate::client::in_time;

/// The head of a stream that ends with its connection.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

pub(crate) struct Mock {
    listener: TcpListener,
}

impl Mock {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address()).parse().unwrap()
    }

    /// The next connection and the request on it.
    pub(crate) async fn accept(&self) -> Peer {
        let (mut stream, _) = in_time("a request", self.listener.accept()).await.unwrap();
        let request = in_time("the head of a request", read_request(&mut stream)).await;
        Peer { stream, request }
    }

    /// The next connection, before anything is read from it.
    pub(crate) async fn accept_unread(&self) -> TcpStream {
        in_time("a connection", self.listener.accept())
            .await
            .unwrap()
            .0
    }

    /// Answers one request with `response` and ends the connection.
    pub(crate) async fn answer(&self, response: impl AsRef<[u8]>) -> Request {
        let mut peer = self.accept().await;
        peer.send(response).await;
        peer.end().await
    }

    /// Whether somebody has connected and was not accepted: only meaningful
    /// once the client has ended, and cannot connect any more.
    pub(crate) fn has_visitor(self) -> bool {
        let listener = self.listener.into_std().unwrap();
        listener.accept().is_ok()
    }
}

/// A port that refuses connections until [`listen`](Self::listen).
pub(crate) struct Reserved(TcpSocket);

impl Reserved {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}/", self.0.local_addr().unwrap())
            .parse()
            .unwrap()
    }

    pub(crate) fn listen(self) -> Mock {
        Mock {
            listener: self.0.listen(16).unwrap(),
        }
    }
}

/// One accepted connection.
pub(crate) struct Peer {
    stream: TcpStream,
    pub(crate) request: Request,
}

impl Peer {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends, whether or not anybody still reads.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Ends the connection as HTTP/1.0 ends a body.
    pub(crate) async fn end(mut self) -> Request {
        // The client may have hung up already.
        let _ = self.stream.shutdown().await;
        self.request
    }

    pub(crate) fn reset(self) {
        reset(self.stream);
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn gone(mut self) {
        let mut rest = Vec::new();
        let _ = in_time("the client to hang up", self.stream.read_to_end(&mut rest)).await;
    }
}

/// Ends the connection with a RST.
#[expect(
    clippy::needless_pass_by_value,
    reason = "dropping it is what sends the RST"
)]
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
}

/// A request as it stood on the wire.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header that occurs at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut values = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_slice());
        assert!(values.next().is_none(), "{name} occurs twice in {self:?}");
        value
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.header(name)
            .map(|value| std::str::from_utf8(value).unwrap())
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.text("last-event-id")
    }
}

pub(crate) async fn read_request<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Request {
    let mut received = Vec::new();
    let head_end = loop {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            break end;
        }
        let read = stream.read_buf(&mut received).await.unwrap();
        assert!(
            read > 0,
            "the connection ended within the request {received:?}"
        );
    };
    let mut body = received.split_off(head_end + 4);
    let mut lines = received[..head_end].split(|byte| *byte == b'\n');
    let start = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
    let mut words = start.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let headers: Vec<(String, Vec<u8>)> = lines
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_vec()).unwrap();
            (name, line[colon + 1..].trim_ascii().to_vec())
        })
        .collect();
    let mut request = Request {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    let length = request
        .text("content-length")
        .map_or(0, |text| text.parse().unwrap());
    while body.len() < length {
        assert!(stream.read_buf(&mut body).await.unwrap() > 0);
    }
    request.body = body;
    request
}

/// A response with this status line and these header lines, without a body.
pub(crate) fn head(status: &str, headers: &[&str]) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}
