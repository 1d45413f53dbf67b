//! The upstream's side: one connection for each request.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Position, Url};

use super::client::{Request, next_piece};
use crate::connect::{Tls, resolve, secure};
use crate::failure::{Failure, Kind};
use crate::http::{Body, HeadReader, ResponseHead};
use crate::stream::{Socket, Stream};

/// Room for the head of a response and what comes with it, in bytes.
const READ: usize = 16 << 10;

/// Fields that are between two peers only (RFC 9110 §7.6.1), and what is
/// written anew.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a field ends at this hop, by its name or because `Connection` names it.
pub(super) fn is_hop_by_hop(name: &str, connection: &[u8]) -> bool {
    let known = HOP_BY_HOP
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    known
        || String::from_utf8_lossy(connection)
            .split(',')
            .any(|token| token.trim().eq_ignore_ascii_case(name))
}

/// Connects to the host of a URL, each of its addresses in turn.
pub(super) async fn connect(url: &Url, tls: &Tls, patience: Duration) -> Result<Stream, Failure> {
    let connecting = async {
        let mut failure = None;
        for address in resolve(url).await? {
            match TcpStream::connect(address).await {
                Ok(socket) => return secure(tls, url, Socket::Tcp(socket)).await,
                Err(error) => failure = Some(Failure::connecting(&error, address)),
            }
        }
        Err(failure.unwrap_or_else(|| Failure::new(Kind::Dns, "the host has no address")))
    };
    timeout(patience, connecting).await.unwrap_or_else(|_| {
        let patience = humantime::format_duration(patience);
        Err(Failure::new(
            Kind::Timeout,
            format_args!("no connection within {patience}"),
        ))
    })
}

/// What is changed about a request on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes {
    pub(super) preserve_host: bool,
    /// The stream must not be compressed, so that its events can be read.
    pub(super) identity: bool,
    pub(super) without_last_event_id: bool,
}

/// The head of the request as the upstream gets it.
pub(super) fn encode(request: &Request, url: &Url, changes: Changes) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let prefix = url.path().trim_end_matches('/');
    let target = match request.target.as_str() {
        "*" => "*".to_owned(),
        target => format!("{prefix}{target}"),
    };
    out.extend_from_slice(format!("{} {target} HTTP/1.1\r\n", request.method).as_bytes());
    let connection = request.header("connection").unwrap_or_default();
    let host = request.header("host").filter(|_| changes.preserve_host);
    let own_host = &url[Position::BeforeHost..Position::AfterPort];
    put(&mut out, "Host", host.unwrap_or(own_host.as_bytes()));
    for (name, value) in &request.headers {
        let dropped = is_hop_by_hop(name, connection)
            || name.eq_ignore_ascii_case("host")
            || (changes.identity && name.eq_ignore_ascii_case("accept-encoding"))
            || (changes.without_last_event_id && name.eq_ignore_ascii_case("last-event-id"));
        if !dropped {
            put(&mut out, name, value);
        }
    }
    if changes.identity {
        put(&mut out, "Accept-Encoding", b"identity");
    }
    if request.is_chunked {
        put(&mut out, "Transfer-Encoding", b"chunked");
    }
    put(&mut out, "Connection", b"close");
    out.extend_from_slice(b"\r\n");
    out
}

pub(super) fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The answer of the upstream.
#[derive(Debug)]
pub(super) struct Answer {
    reader: ReadHalf<Stream>,
    inbox: BytesMut,
    body: Body,
}

impl Answer {
    /// Reads the head; interim answers are skipped.
    pub(super) async fn read(
        mut reader: ReadHalf<Stream>,
        is_head: bool,
    ) -> Result<(ResponseHead, Self), Failure> {
        let mut head = HeadReader::default();
        let mut inbox = BytesMut::with_capacity(READ);
        loop {
            match reader.read_buf(&mut inbox).await {
                Ok(0) => {
                    let problem = "the connection closed before a response";
                    return Err(Failure::new(Kind::NoResponse, problem));
                }
                Ok(_) => {}
                Err(error) => return Err(Failure::transfer(&error)),
            }
            let read = head.feed(&inbox);
            let Some((head, used)) = read.map_err(|error| Failure::new(Kind::Http, error))? else {
                inbox.clear();
                continue;
            };
            let rest = inbox.split_off(used);
            let empty = is_head || head.status == StatusCode::NOT_MODIFIED;
            let body = if empty {
                Body::length(0)
            } else {
                head.body.clone()
            };
            let answer = Self {
                reader,
                inbox: rest,
                body,
            };
            return Ok((head, answer));
        }
    }

    /// The next bytes of the body, `None` at its end. May be broken off at its
    /// await and called again.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        next_piece(&mut self.inbox, &mut self.body, &mut self.reader).await
    }
}

/// Sends a piece of the request's body, and its end where there is none.
pub(super) async fn send_body(
    writer: &mut WriteHalf<Stream>,
    piece: Option<&[u8]>,
    is_chunked: bool,
) -> io::Result<()> {
    match (piece, is_chunked) {
        (Some(bytes), true) => {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(b"\r\n");
            writer.write_all(&chunk).await?;
        }
        (Some(bytes), false) => writer.write_all(bytes).await?,
        (None, true) => writer.write_all(b"0\r\n\r\n").await?,
        (None, false) => {}
    }
    writer.flush().await
}

/// The TLS settings of a URL: only `https` needs any.
pub(super) fn tls_for(
    url: &Url,
    cacert: Option<&std::path::Path>,
    insecure: bool,
) -> anyhow::Result<Tls> {
    if url.scheme() == "https" {
        crate::tls::config(cacert, insecure, false).map(Ok)
    } else {
        Ok(Err("the upstream is not https".to_owned()))
    }
}

/// Where a redirect leads through the proxy: within the upstream, its path.
pub(super) fn relocate(location: &str, upstream: &Url) -> Option<String> {
    let target = Url::parse(location).ok()?;
    let prefix = upstream.path().trim_end_matches('/');
    (target.origin() == upstream.origin()).then_some(())?;
    let rest = target[Position::BeforePath..].strip_prefix(prefix)?;
    Some(rest.to_owned()).filter(|rest| rest.starts_with('/'))
}
