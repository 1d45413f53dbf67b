//! The client's side: requests as they stand on the wire (RFC 9112 §3, §6).

use std::io;

use bytes::{Buf, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::http::{Body, BodyError, Piece};

/// The most that is read at once, in bytes.
const READ: usize = 16 << 10;
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
/// The most header fields.
const MOST_FIELDS: usize = 128;
/// The most that is read ahead of a request that is being answered, in bytes.
const READ_AHEAD: usize = 64 << 10;

/// A request but for its body. Names and values are as they were sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// HTTP/1.0 knows no chunks and closes by default.
    pub(crate) is_http_1_0: bool,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Body,
    /// Whether the body is in the chunked coding.
    pub(crate) is_chunked: bool,
}

impl Request {
    /// The first value of a field.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_slice())
    }

    /// Whether a list-valued field has this token, in any case.
    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .any(|(_, value)| {
                String::from_utf8_lossy(value).split(',').any(|part| {
                    let essence = part.split(';').next().unwrap_or_default();
                    essence.trim().eq_ignore_ascii_case(token)
                })
            })
    }

    /// Whether the connection may serve another request after this one.
    pub(crate) fn keeps_alive(&self) -> bool {
        if self.is_http_1_0 {
            self.has_token("connection", "keep-alive")
        } else {
            !self.has_token("connection", "close")
        }
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// Why a request cannot be read.
#[derive(Debug)]
pub(crate) enum BadRequest {
    /// The connection is over, in order or not.
    Gone,
    /// What to answer, and why.
    Refused(StatusCode, String),
}

/// Bytes from the client that were not used yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox(BytesMut);

impl Inbox {
    /// Reads the head of the next request.
    pub(crate) async fn request(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<Request, BadRequest> {
        loop {
            let parsed = parse(&self.0)?;
            if let Some((request, length)) = parsed
                && length <= LONGEST_HEAD
            {
                self.0.advance(length);
                return Ok(request);
            }
            if self.0.len() > LONGEST_HEAD {
                let problem =
                    format!("the head of the request is longer than {LONGEST_HEAD} bytes");
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                return Err(BadRequest::Refused(status, problem));
            }
            self.0.reserve(READ);
            match reader.read_buf(&mut self.0).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(BadRequest::Gone),
            }
        }
    }

    /// The next piece of a request's body, `None` at its end.
    pub(crate) async fn body(
        &mut self,
        body: &mut Body,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Vec<u8>>> {
        next_piece(&mut self.0, body, reader).await
    }

    /// Returns when the client has ended its side; what it sends meanwhile waits
    /// for its turn, and beyond a bound in its own socket.
    pub(crate) async fn until_gone(&mut self, reader: &mut (impl AsyncRead + Unpin)) {
        while self.0.len() < READ_AHEAD {
            match reader.read_buf(&mut self.0).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
        std::future::pending::<()>().await;
    }
}

/// The next piece of a body that arrives through `inbox`; `None` at its end. An
/// end that the framing does not allow is an error of kind `UnexpectedEof`.
pub(crate) async fn next_piece(
    inbox: &mut BytesMut,
    body: &mut Body,
    reader: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut input: &[u8] = inbox;
        let before = input.len();
        let piece = match body.next(&mut input).map_err(broken)? {
            Piece::Data(data) => Some(Some(data.to_vec())),
            Piece::End => Some(None),
            Piece::NeedMore => None,
        };
        let used = before - input.len();
        inbox.advance(used);
        if let Some(piece) = piece {
            return Ok(piece);
        }
        inbox.reserve(READ);
        if reader.read_buf(inbox).await? == 0 {
            return if body.may_end_here() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
    }
}

fn broken(error: BodyError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, BadRequest> {
    let refused = |problem: String| BadRequest::Refused(StatusCode::BAD_REQUEST, problem);
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(refused(format!("not an HTTP/1.1 request: {error}"))),
    };
    let headers = parsed
        .headers
        .iter()
        .map(|field| (field.name.to_owned(), field.value.to_vec()))
        .collect();
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: origin_form(parsed.path.unwrap_or_default()),
        is_http_1_0: parsed.version == Some(0),
        headers,
        body: Body::length(0),
        is_chunked: false,
    };
    frame(&mut request).map_err(refused)?;
    Ok(Some((request, length)))
}

/// RFC 9112 §6.3 for requests: both framings at once are refused.
fn frame(request: &mut Request) -> Result<(), String> {
    let coding = request.header("transfer-encoding");
    let length = request.header("content-length");
    (request.body, request.is_chunked) = match (coding, length) {
        (None, None) => (Body::length(0), false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => (Body::chunked(), true),
        (None, Some(length)) => {
            let length = std::str::from_utf8(length).ok();
            let length = length.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = length.and_then(|text| text.parse().ok());
            (Body::length(length.ok_or("invalid Content-Length")?), false)
        }
        _ => return Err("the length of the body cannot be told".to_owned()),
    };
    Ok(())
}

/// A client that takes this for a forward proxy sends the whole URL.
fn origin_form(target: &str) -> String {
    let Some((_, rest)) = target
        .split_once("://")
        .filter(|_| !target.starts_with('/'))
    else {
        return target.to_owned();
    };
    match rest.find(['/', '?']) {
        Some(start) if rest[start..].starts_with('/') => rest[start..].to_owned(),
        Some(start) => format!("/{}", &rest[start..]),
        None => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_keeps_its_names_and_values() {
        let wire = b"POST http://h:1?q HTTP/1.1\r\nX-Odd:  \xff\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET";
        let mut reader = wire.as_slice();
        let mut inbox = Inbox::default();
        let mut request = inbox.request(&mut reader).await.unwrap();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/?q")
        );
        assert_eq!(request.headers[0], ("X-Odd".to_owned(), b"\xff".to_vec()));
        let piece = inbox.body(&mut request.body, &mut reader).await.unwrap();
        assert_eq!(piece.as_deref(), Some(b"ab".as_slice()));
        assert!(
            inbox
                .body(&mut request.body, &mut reader)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(inbox.0, b"GET".as_slice(), "the next request stays");
    }

    #[tokio::test]
    async fn a_length_that_cannot_be_told_is_refused() {
        for fields in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: -1\r\n",
            "Transfer-Encoding: gzip\r\n",
        ] {
            let wire = format!("POST / HTTP/1.1\r\n{fields}\r\n");
            let read = Inbox::default().request(&mut wire.as_bytes()).await;
            assert!(matches!(
                read,
                Err(BadRequest::Refused(StatusCode::BAD_REQUEST, _))
            ));
        }
    }
}
