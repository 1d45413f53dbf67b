//! The head of a response (RFC 9112 §4, §5).

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use thiserror::Error;

use super::Body;

/// The longest head, with all interim responses, in bytes.
const LONGEST: usize = 64 << 10;
/// The most header fields in one head.
const MOST_FIELDS: usize = 128;

/// Status, fields and the framing of what follows.
#[derive(Debug)]
pub struct ResponseHead {
    /// The final status; interim (1xx) responses are skipped.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// The body that follows.
    pub body: Body,
    /// Whether the server keeps the connection open after it (RFC 9112 §9.3).
    pub persistent: bool,
}

/// Why a head cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeadError {
    /// Not HTTP/1.x.
    #[error("the answer is not HTTP/1.1: {0}")]
    Syntax(httparse::Error),
    /// No end of the head within the limit.
    #[error("the response head is longer than {LONGEST} bytes")]
    TooLong,
    /// A body whose end cannot be told (RFC 9112 §6.3).
    #[error("the response has an invalid {0}")]
    Framing(HeaderName),
}

/// Collects a head that arrives in pieces.
#[derive(Debug, Default)]
pub struct HeadReader {
    pending: Vec<u8>,
}

impl HeadReader {
    /// Reads on; once the head is whole, returns it with the number of bytes of
    /// `input` that belong to it.
    pub fn feed(&mut self, input: &[u8]) -> Result<Option<(ResponseHead, usize)>, HeadError> {
        let before = self.pending.len();
        if before == 0 {
            // The usual case: the whole head in one read, and nothing to copy.
            if let Some(parsed) = parse(input)? {
                return Ok(Some(parsed));
            }
        }
        if before + input.len() > LONGEST {
            return Err(HeadError::TooLong);
        }
        self.pending.extend_from_slice(input);
        if before == 0 {
            return Ok(None);
        }
        let parsed = parse(&self.pending)?;
        Ok(parsed.map(|(head, length)| (head, length.saturating_sub(before))))
    }

    /// Whether no byte has arrived.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, HeadError> {
    let mut start = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(&bytes[start..]) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(HeadError::Syntax(error)),
        };
        start += length;
        let status = response
            .code
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or(HeadError::Syntax(httparse::Error::Status))?;
        if status.is_informational() {
            continue;
        }
        let headers = collect(response.headers)?;
        let body = framing(status, &headers)?;
        let head = ResponseHead {
            persistent: response.version == Some(1) && !closes(&headers),
            status,
            headers,
            body,
        };
        return Ok(Some((head, start)));
    }
}

fn collect(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(HeadError::Syntax(httparse::Error::HeaderValue));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn closes(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        let mut options = value.to_str().unwrap_or_default().split(',');
        options.any(|option| option.trim().eq_ignore_ascii_case("close"))
    })
}

/// RFC 9112 §6.3.
fn framing(status: StatusCode, headers: &HeaderMap) -> Result<Body, HeadError> {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Body::length(0));
    }
    if let Some(coding) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        let coding = coding.to_str().unwrap_or_default();
        let last = coding.rsplit(',').next().unwrap_or_default().trim();
        return Ok(if last.eq_ignore_ascii_case("chunked") {
            Body::chunked()
        } else {
            Body::until_close()
        });
    }
    let mut lengths = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("invalid").split(','))
        .map(|text| parse_length(text.trim()));
    let Some(length) = lengths.next() else {
        return Ok(Body::until_close());
    };
    match length {
        Some(bytes) if lengths.all(|other| other == length) => Ok(Body::length(bytes)),
        _ => Err(HeadError::Framing(CONTENT_LENGTH)),
    }
}

fn parse_length(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &str) -> Result<Option<(ResponseHead, usize)>, HeadError> {
        HeadReader::default().feed(wire.as_bytes())
    }

    fn body(fields: &str) -> Result<Body, HeadError> {
        let read = read(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"))?;
        Ok(read.unwrap().0.body)
    }

    #[test]
    fn a_head_split_at_any_byte_reads_the_same_and_leaves_the_body() {
        let wire = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:hi\n";
        let head = wire.len() - 4;
        for split in 0..=wire.len() {
            let mut reader = HeadReader::default();
            let mut body_starts = None;
            for (offset, piece) in [(0, &wire[..split]), (split, &wire[split..])] {
                if body_starts.is_some() {
                    break;
                }
                if let Some((response, used)) = reader.feed(piece).unwrap() {
                    assert_eq!(response.status, StatusCode::OK);
                    assert_eq!(response.headers["content-type"], "text/event-stream");
                    body_starts = Some(offset + used);
                }
            }
            assert_eq!(body_starts, Some(head), "split at {split}");
        }
    }

    #[test]
    fn the_framing_follows_from_the_fields() {
        let chunked = "Transfer-Encoding: gzip, Chunked\r\nContent-Length: 4\r\n";
        assert_eq!(body(chunked), Ok(Body::chunked()));
        assert_eq!(body("Content-Length: 42\r\n"), Ok(Body::length(42)));
        let repeated = "Content-Length: 42, 42\r\nContent-Length: 42\r\n";
        assert_eq!(body(repeated), Ok(Body::length(42)));
        assert_eq!(body(""), Ok(Body::until_close()));
        for bad in ["4x", "-1", "+4", "4, 5", "", "99999999999999999999"] {
            let refused = body(&format!("Content-Length: {bad}\r\n"));
            assert_eq!(refused, Err(HeadError::Framing(CONTENT_LENGTH)), "{bad}");
        }
        let no_content = read("HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!(no_content.0.body, Body::length(0));
    }

    #[test]
    fn a_connection_persists_unless_the_server_says_otherwise() {
        for (wire, persists) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            (
                "HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\n\r\n",
                false,
            ),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
        ] {
            let (head, _) = read(wire).unwrap().unwrap();
            assert_eq!(head.persistent, persists, "{wire:?}");
        }
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for wire in [
            "SSH-2.0-OpenSSH_9.6\r\n",
            "HTTP/2 200\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(matches!(read(wire), Err(HeadError::Syntax(_))), "{wire:?}");
        }
    }

    #[test]
    fn a_head_without_end_is_an_error() {
        let mut reader = HeadReader::default();
        let line = format!("X-Filler: {}\r\n", "x".repeat(8000));
        reader.feed(b"HTTP/1.1 200 OK\r\n").unwrap();
        let refused = (0..20).find_map(|_| reader.feed(line.as_bytes()).err());
        assert_eq!(refused, Some(HeadError::TooLong));
    }
}
