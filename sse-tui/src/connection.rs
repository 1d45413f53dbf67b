//! One stream and what is known of its connections.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::format;
use crate::message::Ending;

/// State of one stream, as `EventSource.readyState` knows it and a little more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A connection is being made.
    Connecting,
    /// Events may arrive.
    Open {
        /// Since when.
        since: Timestamp,
        /// Status and protocol version.
        how: String,
    },
    /// Between two connections.
    Waiting {
        /// Why the last one ended.
        cause: String,
        /// When the next one is tried.
        retry_at: Timestamp,
    },
    /// For good.
    Closed(Ending),
}

/// One stream and its connections.
#[derive(Debug)]
pub struct Connection {
    /// URL, or `stdin`.
    pub name: String,
    /// What it is doing.
    pub link: Link,
    /// The newest connection, counted from 1.
    pub leg: u64,
    /// Times a connection was open.
    pub opened: u64,
    /// Connections tried since the last one was lost.
    pub attempts: u64,
    /// As the next connection would send it.
    pub last_event_id: String,
    /// The `retry` field in effect, if the stream sent one.
    pub retry: Option<Duration>,
    /// Comments received, and when last.
    pub comments: (u64, Option<Timestamp>),
    /// When the outage began that still lasts.
    pub(crate) lost_at: Option<Timestamp>,
    /// What the newest request sent as `Last-Event-ID`.
    pub(crate) resumed_after: String,
}

impl Connection {
    /// Before the first request.
    pub fn new(name: String) -> Self {
        Self {
            name,
            link: Link::Connecting,
            leg: 0,
            opened: 0,
            attempts: 0,
            last_event_id: String::new(),
            retry: None,
            comments: (0, None),
            lost_at: None,
            resumed_after: String::new(),
        }
    }

    /// What the list says when it opens: how, and after an outage how long that
    /// was and where the stream goes on.
    pub(crate) fn opened_text(&self, at: Timestamp, how: &str) -> String {
        let Some(lost_at) = self.lost_at else {
            return format!("connected · {how}");
        };
        let gap = Duration::try_from(at.duration_since(lost_at)).unwrap_or_default();
        let mut text = format!("connected after {} · {how}", format::duration(gap));
        if self.attempts > 1 {
            let _ = write!(text, " · attempt {}", self.attempts);
        }
        if !self.resumed_after.is_empty() {
            text.push_str(" · resumed after ");
            text.push_str(&self.resumed_after);
        }
        text
    }
}
