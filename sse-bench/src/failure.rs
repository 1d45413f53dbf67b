//! What goes wrong with a connection: kinds to count, and one example of each.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use http::StatusCode;
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};
use sse_core::{Cause, NetworkError, NetworkErrorKind};

use crate::report::invocation::shown_url;

/// The longest example kept, in bytes.
const LONGEST_EXAMPLE: usize = 300;

/// A kind of failure: the key by which a report counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The name of the host could not be resolved.
    Dns,
    /// The port refused the connection.
    Refused,
    /// This machine has no local port left for the address.
    NoLocalPort,
    /// No connection, for another reason of the network.
    Connect,
    /// The certificate was not accepted.
    Certificate,
    /// TLS failed otherwise.
    Tls,
    /// No response head within the connect timeout.
    Timeout,
    /// The peer reset the connection.
    Reset,
    /// The peer closed the connection before a response head.
    NoResponse,
    /// The answer is not HTTP/1.1, or its framing is broken.
    Http,
    /// The server speaks no HTTP/2, or not as it should.
    Http2,
    /// The server ended the HTTP/2 connection before the stream was done with.
    GoAway,
    /// The server refused an HTTP/2 stream before it looked at its request.
    StreamRefused,
    /// The server reset an HTTP/2 stream.
    StreamReset,
    /// A redirect that cannot be followed.
    Redirect,
    /// A status that is not 200.
    Status(StatusCode),
    /// A content type that is not `text/event-stream`.
    ContentType,
    /// A content coding that was not asked for.
    ContentCoding,
    /// The connection closed before the framing said that the body ends.
    CutShort,
    /// A finite stream ended without its end marker.
    NoMarker,
    /// A finite stream told of an error.
    StreamError,
    /// A line or event beyond the limit.
    TooLong,
    /// A command of the user's failed.
    Command,
    /// Another error of the socket.
    Io,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::NoLocalPort => "no_local_port",
            Self::Connect => "connect",
            Self::Certificate => "certificate",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::NoResponse => "no_response",
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::GoAway => "go_away",
            Self::StreamRefused => "stream_refused",
            Self::StreamReset => "stream_reset",
            Self::Redirect => "redirect",
            Self::Status(status) => return write!(f, "status_{}", status.as_u16()),
            Self::ContentType => "content_type",
            Self::ContentCoding => "content_coding",
            Self::CutShort => "cut_short",
            Self::NoMarker => "no_end_marker",
            Self::StreamError => "error_in_stream",
            Self::TooLong => "too_long",
            Self::Command => "command",
            Self::Io => "io",
        })
    }
}

/// One failure.
#[derive(Debug)]
pub struct Failure {
    /// What it counts as.
    pub kind: Kind,
    /// What a person needs to know, on one line.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: Kind, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        Self { kind, detail }
    }

    /// An error while connecting to `peer`.
    pub fn connecting(error: &io::Error, peer: impl fmt::Display) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => Kind::Refused,
            io::ErrorKind::AddrNotAvailable => Kind::NoLocalPort,
            io::ErrorKind::ConnectionReset => Kind::Reset,
            _ => Kind::Connect,
        };
        Self::new(kind, format_args!("{peer}: {error}"))
    }

    /// An error of a TLS handshake.
    pub fn handshake(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(TlsError::InvalidCertificate(why)) => {
                Self::new(Kind::Certificate, refused_certificate(why))
            }
            Some(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                let detail = "what answers there is no TLS: is it an http:// address?";
                Self::new(Kind::Tls, detail)
            }
            Some(TlsError::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                let detail =
                    "the server does not speak the version of HTTP that was offered (ALPN)";
                Self::new(Kind::Tls, detail)
            }
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::new(
                Kind::Tls,
                "the connection was closed within the TLS handshake",
            ),
            _ => Self::new(Kind::Tls, error),
        }
    }

    /// Why an event source ended a connection by its rules. `None` where that
    /// is no failure, or one of the network, which is counted where it is seen.
    pub fn refusal(cause: &Cause, url: &url::Url) -> Option<Self> {
        let kind = match cause {
            Cause::Status(status) => Kind::Status(*status),
            Cause::ContentType(_) => Kind::ContentType,
            Cause::ContentEncoding(_) => Kind::ContentCoding,
            Cause::BadRedirect { .. } | Cause::TooManyRedirects(_) => Kind::Redirect,
            Cause::ResponseTimeout(_) | Cause::ReadTimeout(_) => Kind::Timeout,
            Cause::Limit(_) => Kind::TooLong,
            _ => return None,
        };
        let url = shown_url(url);
        Some(Self::new(kind, format_args!("{url}: {cause}")))
    }

    /// The same, as the event source is to hear it.
    pub fn to_network_error(&self) -> NetworkError {
        let kind = match self.kind {
            Kind::Dns => NetworkErrorKind::Unresolved,
            Kind::Refused => NetworkErrorKind::Refused,
            Kind::NoLocalPort | Kind::Connect => NetworkErrorKind::Unreachable,
            Kind::Certificate => NetworkErrorKind::Certificate,
            Kind::Tls => NetworkErrorKind::Tls,
            Kind::Timeout => NetworkErrorKind::TimedOut,
            Kind::Reset | Kind::StreamReset | Kind::StreamRefused => NetworkErrorKind::Reset,
            Kind::GoAway | Kind::NoResponse | Kind::CutShort => NetworkErrorKind::Truncated,
            Kind::Http | Kind::Http2 => NetworkErrorKind::Protocol,
            _ => NetworkErrorKind::Other,
        };
        NetworkError::new(kind, self.detail.clone())
    }

    /// An error of an open connection.
    pub fn transfer(error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Kind::Reset,
            io::ErrorKind::UnexpectedEof => Kind::CutShort,
            io::ErrorKind::InvalidData => Kind::Tls,
            _ => Kind::Io,
        };
        Self::new(kind, error)
    }
}

/// Failures by kind.
#[derive(Debug, Clone, Default)]
pub struct Failures(BTreeMap<Kind, Counted>);

/// How often a kind occurred, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Occurrences.
    pub count: u64,
    /// The first, without control characters.
    pub example: String,
}

impl Failures {
    /// Counts one.
    pub fn add(&mut self, failure: &Failure) {
        self.0
            .entry(failure.kind)
            .or_insert_with(|| Counted {
                count: 0,
                example: printable(&failure.detail),
            })
            .count += 1;
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: Self) {
        for (kind, counted) in other.0 {
            self.0
                .entry(kind)
                .and_modify(|mine| mine.count += counted.count)
                .or_insert(counted);
        }
    }

    /// Kinds and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Counted)> {
        self.0.iter().map(|(kind, counted)| (*kind, counted))
    }

    /// The kind that occurred most often.
    pub fn commonest(&self) -> Option<&Counted> {
        self.0.values().max_by_key(|counted| counted.count)
    }

    /// Failures of one kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.0.get(&kind).map_or(0, |counted| counted.count)
    }

    /// All failures.
    pub fn total(&self) -> u64 {
        self.0.values().map(|counted| counted.count).sum()
    }
}

/// What is wrong with a certificate, and what mends it.
fn refused_certificate(why: &CertificateError) -> String {
    let why = match why {
        // One of the last two where an authority merely has the name of the issuer.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "no trusted authority has signed it; name its own with --cacert".to_owned()
        }
        CertificateError::Other(error) if error.to_string() == "CaUsedAsEndEntity" => {
            "it is that of an authority (CA:TRUE), not of a server; make one with CA:FALSE"
                .to_owned()
        }
        other => other.to_string(),
    };
    format!("the server's certificate is not accepted: {why}, or accept any with --insecure")
}

/// A server's text must not steer the terminal that shows the report, nor turn
/// its reading direction.
pub(crate) fn printable(text: &str) -> String {
    let mut clean = String::new();
    for character in text.chars() {
        if clean.len() >= LONGEST_EXAMPLE {
            clean.push_str("...");
            break;
        }
        if character.is_control() || turns_direction(character) {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// Bidi controls, by Unicode's property of this name.
fn turns_direction(character: char) -> bool {
    matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_kind_with_the_first_as_example() {
        let mut failures = Failures::default();
        for number in 0..1000 {
            failures.add(&Failure::new(
                Kind::Refused,
                format_args!("refusal {number}"),
            ));
        }
        let mut other = Failures::default();
        other.add(&Failure::new(Kind::Refused, "later"));
        other.add(&Failure::new(
            Kind::Status(StatusCode::NOT_FOUND),
            "not there",
        ));
        failures.merge(other);
        let seen: Vec<_> = failures
            .iter()
            .map(|(kind, counted)| (kind.to_string(), counted.count, counted.example.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("refused".to_owned(), 1001, "refusal 0"),
                ("status_404".to_owned(), 1, "not there"),
            ]
        );
        assert_eq!(failures.total(), 1002);
    }

    #[test]
    fn examples_are_short_and_carry_no_escape_sequences() {
        let mut failures = Failures::default();
        let hostile = format!("\u{1b}[2J\r\n\u{202e}é{}", "x".repeat(10_000));
        failures.add(&Failure::new(Kind::ContentType, hostile));
        let (_, counted) = failures.iter().next().unwrap();
        assert!(counted.example.starts_with(r"\u{1b}[2J\r\n\u{202e}éx"));
        assert!(counted.example.len() < 320);
    }
}
