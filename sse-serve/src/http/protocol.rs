//! Which protocol a client speaks.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::http::connection::{Bounds, Deadlined};
use crate::http::tls::{Tls, is_http2};

/// The beginning of the HTTP/2 connection preface (RFC 9113 §3.4), as much as no
/// HTTP/1 request begins with: the method is reserved.
const PREFACE: &[u8; 4] = b"PRI ";

/// The content type of a TLS handshake record (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// The pause before another look at the same first one to three bytes.
const PAUSE: Duration = Duration::from_millis(10);

/// A connection ready for its protocol. Nothing of it was read.
#[derive(Debug)]
pub(super) enum Opened {
    Http1(TcpStream),
    Http2(TcpStream),
    Http1OverTls(Box<TlsStream<Deadlined>>),
    Http2OverTls(Box<TlsStream<Deadlined>>),
    /// HTTP where TLS is expected.
    NoTls(TcpStream),
}

/// Why a connection is not served.
#[derive(Debug, Error)]
pub(super) enum NotOpened {
    #[error("closed without a word")]
    Closed,
    #[error("the first bytes did not come in time")]
    Silent,
    #[error("the TLS handshake took too long")]
    SlowHandshake,
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
}

/// Finds out what the client speaks, and has the TLS handshake done where there
/// is `tls`, all within the time for a request head.
pub(super) async fn open(
    stream: TcpStream,
    tls: Option<&Tls>,
    bounds: &Bounds,
) -> Result<Opened, NotOpened> {
    let first = tokio::time::timeout(bounds.header_timeout, detect(&stream));
    let first = first.await.map_err(|_| NotOpened::Silent)?;
    // An error will be there again for whoever reads.
    let first = first.unwrap_or(Some(First::Other));
    let Some(tls) = tls else {
        return match first {
            Some(First::Http2) => Ok(Opened::Http2(stream)),
            Some(First::Tls | First::Other) => Ok(Opened::Http1(stream)),
            None => Err(NotOpened::Closed),
        };
    };
    match first {
        Some(First::Tls) => {}
        Some(First::Http2 | First::Other) => return Ok(Opened::NoTls(stream)),
        None => return Err(NotOpened::Closed),
    }
    let stream = Deadlined::new(stream, bounds.write_timeout);
    // Boxed, or every connection would have the room for it.
    let handshake = Box::pin(tls.accept(stream));
    let stream = tokio::time::timeout(bounds.header_timeout, handshake)
        .await
        .map_err(|_| NotOpened::SlowHandshake)?
        .map_err(NotOpened::Handshake)?;
    let stream = Box::new(stream);
    Ok(if is_http2(&stream) {
        Opened::Http2OverTls(stream)
    } else {
        Opened::Http1OverTls(stream)
    })
}

/// What the first bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Http2,
    Tls,
    Other,
}

/// Looks at the first bytes, which stay to be read; `None` at the end.
async fn detect(stream: &TcpStream) -> io::Result<Option<First>> {
    let mut bytes = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut bytes).await?;
        if length == 0 {
            return Ok(None);
        }
        if let Some(first) = judge(&bytes[..length]) {
            return Ok(Some(first));
        }
        // The socket stays readable: nothing tells when more has come.
        tokio::time::sleep(PAUSE).await;
    }
}

/// `None` while it could still become either.
fn judge(bytes: &[u8]) -> Option<First> {
    if bytes.first() == Some(&HANDSHAKE) {
        Some(First::Tls)
    } else if bytes == PREFACE {
        Some(First::Http2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(First::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide_as_soon_as_they_can() {
        for (bytes, first) in [
            (&b"PRI "[..], Some(First::Http2)),
            (b"PRI", None),
            (b"P", None),
            (b"PUT ", Some(First::Other)),
            (b"PO", Some(First::Other)),
            (b"GET ", Some(First::Other)),
            (b"G", Some(First::Other)),
            (b"\r\n", Some(First::Other)),
            (b"\x16\x03\x01\x02", Some(First::Tls)),
            (b"\x16", Some(First::Tls)),
        ] {
            assert_eq!(judge(bytes), first, "{bytes:?}");
        }
    }
}
