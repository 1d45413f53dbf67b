//! Why a connection ended.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::error::LimitExceeded;

/// Why a connection ended, or was never made. Its text is one line for people;
/// of what a server sent it holds at most 200 characters, and those that steer a
/// terminal escaped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Cause {
    /// The network failed, before the response or in the middle of it.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The response ended as it should. Servers do this to shed load.
    #[error("the server ended the stream")]
    EndOfStream,
    /// A status other than 200 (§9.2.3): final, unless
    /// [`SourceOptions::retry_server_errors`](super::SourceOptions) covers it.
    #[error("the server answered {0}, not 200")]
    Status(StatusCode),
    /// 204 No Content tells a client to stop (§9.2.1).
    #[error("the server answered 204 No Content: nothing more will come")]
    NoContent,
    /// The media type is not `text/event-stream` (§9.2.3). Holds the
    /// `Content-Type` as sent, lossily decoded, `None` if absent.
    #[error("the server answered with {}, not text/event-stream", match .0 {
        Some(text) => format!("Content-Type \"{}\"", shown(text)),
        None => "no Content-Type".to_owned(),
    })]
    ContentType(Option<String>),
    /// A content coding that was not asked for (RFC 9110 §8.4).
    #[error("the response is compressed ({}), although no coding was accepted", shown(.0))]
    ContentEncoding(String),
    /// A redirect that cannot be followed. Holds the `Location`, if any.
    #[error("the server answered {status} with {}", match .location {
        Some(text) if !text.is_empty() => {
            format!("a Location that cannot be followed: \"{}\"", shown(text))
        }
        Some(_) => "an empty Location".to_owned(),
        None => "no Location".to_owned(),
    })]
    BadRedirect {
        /// 301, 302, 303, 307 or 308.
        status: StatusCode,
        /// As sent, lossily decoded.
        location: Option<String>,
    },
    /// More redirects in a row than allowed.
    #[error("redirected more than {0} times")]
    TooManyRedirects(u32),
    /// No response within [`SourceOptions::response_timeout`](super::SourceOptions).
    #[error("no response within {0:?}")]
    ResponseTimeout(Duration),
    /// Silence for longer than [`SourceOptions::read_timeout`](super::SourceOptions).
    #[error("nothing received for {0:?}")]
    ReadTimeout(Duration),
    /// The stream exceeded a cap.
    #[error("unreadable stream: {0}")]
    Limit(#[from] LimitExceeded),
    /// The caller asked for a new connection.
    #[error("reconnecting on request")]
    Requested,
    /// The caller closed the source.
    #[error("closed")]
    Closed,
}

/// The most characters of a server's words that are shown.
const MOST_SHOWN: usize = 200;

fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(MOST_SHOWN) {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// What failed in the network, and the words of the layer that noticed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}{separator}{detail}", separator = if self.detail.is_empty() { "" } else { ": " })]
pub struct NetworkError {
    /// What failed.
    pub kind: NetworkErrorKind,
    /// Free text for people; may be empty.
    pub detail: String,
}

impl NetworkError {
    /// An error with some detail.
    pub fn new(kind: NetworkErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// Classifies an error of the operating system, and keeps its words where
    /// the kind does not say it all.
    pub fn from_io(error: &std::io::Error) -> Self {
        let kind = NetworkErrorKind::of_io(error.kind());
        if kind.says_it_all() {
            Self::new(kind, "")
        } else {
            Self::new(kind, error.to_string())
        }
    }
}

/// Kinds of failure that people act on differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkErrorKind {
    /// Nobody listens there.
    Refused,
    /// The name has no address, or the resolver gave none.
    Unresolved,
    /// The peer or the path cannot be reached.
    Unreachable,
    /// The connection was reset or aborted.
    Reset,
    /// The connection ended before the response was complete.
    Truncated,
    /// The connection could not be made in time.
    TimedOut,
    /// The server's certificate was not accepted. Retrying is futile.
    Certificate,
    /// TLS failed otherwise.
    Tls,
    /// What was received is not HTTP.
    Protocol,
    /// Anything else.
    Other,
}

impl NetworkErrorKind {
    /// Whether a retry cannot help (§9.2.3: "known to be futile").
    pub fn is_futile(self) -> bool {
        self == Self::Certificate
    }

    pub(crate) fn says_it_all(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Reset | Self::Truncated | Self::TimedOut
        )
    }

    /// The kind that fits an error of the operating system.
    pub fn of_io(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        match kind {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Self::Reset
            }
            ErrorKind::UnexpectedEof => Self::Truncated,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for NetworkErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unresolved => "the host name could not be resolved",
            Self::Unreachable => "the host cannot be reached",
            Self::Reset => "connection reset",
            Self::Truncated => "the connection ended before the response was complete",
            Self::TimedOut => "the connection timed out",
            Self::Certificate => "the server's certificate was not accepted",
            Self::Tls => "TLS failed",
            Self::Protocol => "the answer is not HTTP",
            Self::Other => "the connection failed",
        })
    }
}
