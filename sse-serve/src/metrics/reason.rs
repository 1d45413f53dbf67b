//! Why streams end and requests are refused, as the labels of metrics.

use prometheus_client::encoding::EncodeLabelSet;

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// The client closed, reset, or was given up.
    Gone,
    /// The server shuts down.
    Drained,
    /// It was open for as long as it may.
    Aged,
    /// By `DELETE /connections/{id}`.
    Kicked,
    /// The log could not give what it was due.
    Unreadable,
    /// Its credential ended.
    Expired,
    /// Its ticket opened another.
    Superseded,
    /// It read more slowly than the log evicts, and is closed for that.
    Lagged,
}

/// Which limit or rule refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    Connections,
    PerPeer,
    PerSession,
    Draining,
    HeadSize,
    HeadTime,
    BodySize,
    BodyMemory,
    BodyTime,
    EventSize,
    Topics,
    Host,
    Origin,
    Admin,
    /// No credential, though one is needed.
    Unauthenticated,
    /// A credential that is not good.
    Credential,
    /// A credential that was good.
    Expired,
    /// A credential that does not permit it.
    Forbidden,
    /// More tickets than there may be.
    Tickets,
    NoTls,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(super) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    pub(super) kind: &'static str,
}

impl Closed {
    /// The name in `/metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Drained => "drained",
            Self::Aged => "aged",
            Self::Kicked => "kicked",
            Self::Unreadable => "unreadable",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Lagged => "lagged",
        }
    }
}

impl Refusal {
    pub(super) const ALL: [Self; 20] = [
        Self::Connections,
        Self::PerPeer,
        Self::PerSession,
        Self::Draining,
        Self::HeadSize,
        Self::HeadTime,
        Self::BodySize,
        Self::BodyMemory,
        Self::BodyTime,
        Self::EventSize,
        Self::Topics,
        Self::Host,
        Self::Origin,
        Self::Admin,
        Self::Unauthenticated,
        Self::Credential,
        Self::Expired,
        Self::Forbidden,
        Self::Tickets,
        Self::NoTls,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::PerPeer => "per_peer",
            Self::PerSession => "per_session",
            Self::Draining => "draining",
            Self::HeadSize => "head_size",
            Self::HeadTime => "head_time",
            Self::BodySize => "body_size",
            Self::BodyMemory => "body_memory",
            Self::BodyTime => "body_time",
            Self::EventSize => "event_size",
            Self::Topics => "topics",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Admin => "admin",
            Self::Unauthenticated => "unauthenticated",
            Self::Credential => "credential",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Tickets => "tickets",
            Self::NoTls => "no_tls",
        }
    }
}
