//! Causes as the recording writes them, so that a replay has the same ones.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::{Limit, LimitExceeded};
use crate::source::{Cause, NetworkError, NetworkErrorKind};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum CauseLine {
    Network {
        what: Network,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    EndOfStream,
    Status {
        status: u16,
    },
    NoContent,
    ContentType {
        value: Option<String>,
    },
    ContentEncoding {
        value: String,
    },
    BadRedirect {
        status: u16,
        location: Option<String>,
    },
    TooManyRedirects {
        most: u32,
    },
    ResponseTimeout {
        after_us: u64,
    },
    ReadTimeout {
        after_us: u64,
    },
    Limit {
        what: Cap,
        max: usize,
    },
    Requested,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Network {
    Refused,
    Unresolved,
    Unreachable,
    Reset,
    Truncated,
    TimedOut,
    Certificate,
    Tls,
    Protocol,
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cap {
    Line,
    Field,
    Event,
}

impl From<&Cause> for CauseLine {
    fn from(cause: &Cause) -> Self {
        match cause {
            Cause::Network(error) => Self::Network {
                what: error.kind.into(),
                detail: error.detail.clone(),
            },
            Cause::EndOfStream => Self::EndOfStream,
            Cause::Status(status) => Self::Status {
                status: status.as_u16(),
            },
            Cause::NoContent => Self::NoContent,
            Cause::ContentType(value) => Self::ContentType {
                value: value.clone(),
            },
            Cause::ContentEncoding(value) => Self::ContentEncoding {
                value: value.clone(),
            },
            Cause::BadRedirect { status, location } => Self::BadRedirect {
                status: status.as_u16(),
                location: location.clone(),
            },
            Cause::TooManyRedirects(most) => Self::TooManyRedirects { most: *most },
            Cause::ResponseTimeout(after) => Self::ResponseTimeout {
                after_us: micros(*after),
            },
            Cause::ReadTimeout(after) => Self::ReadTimeout {
                after_us: micros(*after),
            },
            Cause::Limit(exceeded) => Self::Limit {
                what: match exceeded.limit {
                    Limit::Line => Cap::Line,
                    Limit::Field => Cap::Field,
                    Limit::Event => Cap::Event,
                },
                max: exceeded.max,
            },
            Cause::Requested => Self::Requested,
            Cause::Closed => Self::Closed,
        }
    }
}

impl TryFrom<CauseLine> for Cause {
    type Error = http::status::InvalidStatusCode;

    fn try_from(line: CauseLine) -> Result<Self, Self::Error> {
        Ok(match line {
            CauseLine::Network { what, detail } => {
                Self::Network(NetworkError::new(what.into(), detail))
            }
            CauseLine::EndOfStream => Self::EndOfStream,
            CauseLine::Status { status } => Self::Status(StatusCode::from_u16(status)?),
            CauseLine::NoContent => Self::NoContent,
            CauseLine::ContentType { value } => Self::ContentType(value),
            CauseLine::ContentEncoding { value } => Self::ContentEncoding(value),
            CauseLine::BadRedirect { status, location } => Self::BadRedirect {
                status: StatusCode::from_u16(status)?,
                location,
            },
            CauseLine::TooManyRedirects { most } => Self::TooManyRedirects(most),
            CauseLine::ResponseTimeout { after_us } => {
                Self::ResponseTimeout(Duration::from_micros(after_us))
            }
            CauseLine::ReadTimeout { after_us } => {
                Self::ReadTimeout(Duration::from_micros(after_us))
            }
            CauseLine::Limit { what, max } => Self::Limit(LimitExceeded {
                limit: match what {
                    Cap::Line => Limit::Line,
                    Cap::Field => Limit::Field,
                    Cap::Event => Limit::Event,
                },
                max,
            }),
            CauseLine::Requested => Self::Requested,
            CauseLine::Closed => Self::Closed,
        })
    }
}

impl From<NetworkErrorKind> for Network {
    fn from(kind: NetworkErrorKind) -> Self {
        match kind {
            NetworkErrorKind::Refused => Self::Refused,
            NetworkErrorKind::Unresolved => Self::Unresolved,
            NetworkErrorKind::Unreachable => Self::Unreachable,
            NetworkErrorKind::Reset => Self::Reset,
            NetworkErrorKind::Truncated => Self::Truncated,
            NetworkErrorKind::TimedOut => Self::TimedOut,
            NetworkErrorKind::Certificate => Self::Certificate,
            NetworkErrorKind::Tls => Self::Tls,
            NetworkErrorKind::Protocol => Self::Protocol,
            NetworkErrorKind::Other => Self::Other,
        }
    }
}

impl From<Network> for NetworkErrorKind {
    fn from(what: Network) -> Self {
        match what {
            Network::Refused => Self::Refused,
            Network::Unresolved => Self::Unresolved,
            Network::Unreachable => Self::Unreachable,
            Network::Reset => Self::Reset,
            Network::Truncated => Self::Truncated,
            Network::TimedOut => Self::TimedOut,
            Network::Certificate => Self::Certificate,
            Network::Tls => Self::Tls,
            Network::Protocol => Self::Protocol,
            Network::Other => Self::Other,
        }
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
