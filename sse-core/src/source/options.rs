//! What a caller may choose.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::backoff::Backoff;
use crate::event::EventId;
use crate::limits::Limits;
use crate::source::response::is_server_trouble;

/// Behaviour of an [`EventSource`](super::EventSource). The defaults are those
/// of the standard where it has any.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    /// The method of every request. Default GET.
    pub method: Method,
    /// Whether to connect again after an end or a network failure. `None`, the
    /// default, means only where sending a request twice is harmless: with an
    /// idempotent method (RFC 9110 §9.2.2), so not with POST.
    pub reconnect: Option<bool>,
    /// The last event ID of the first request. Default: none.
    pub last_event_id: EventId,
    /// Reconnection time, back-off and jitter.
    pub backoff: Backoff,
    /// Caps on lines, fields and events.
    pub limits: Limits,
    /// Whether 429 and 5xx are failures to retry, `Retry-After` heeded (RFC
    /// 9110 §10.2.3), rather than final. Default: final, as the standard says.
    pub retry_server_errors: bool,
    /// Further statuses that are failures to retry, likewise; 200, 204 and
    /// redirects keep their meaning. Default: none.
    pub retry_statuses: Vec<StatusCode>,
    /// From the request to the head of its response. Default: no limit.
    pub response_timeout: Option<Duration>,
    /// The longest silence; any byte ends it, so a comment does. Default: no limit.
    pub read_timeout: Option<Duration>,
    /// How many redirects in a row to follow. Default 20, as the Fetch Standard has it.
    pub max_redirects: u32,
}

impl SourceOptions {
    pub(super) fn retries(&self, status: StatusCode) -> bool {
        (self.retry_server_errors && is_server_trouble(status))
            || self.retry_statuses.contains(&status)
    }

    pub(super) fn reconnects(&self) -> bool {
        self.reconnect
            .unwrap_or_else(|| self.method.is_idempotent())
    }
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            method: Method::GET,
            reconnect: None,
            last_event_id: EventId::default(),
            backoff: Backoff::default(),
            limits: Limits::default(),
            retry_server_errors: false,
            retry_statuses: Vec::new(),
            response_timeout: None,
            read_timeout: None,
            max_redirects: 20,
        }
    }
}
