//! What a stream tells its reader.

use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode, Version};
use url::Url;

use super::batch::Batch;
use crate::parse::Unfinished;
use crate::source::Cause;

/// What happened, in order.
///
/// Every [`Open`](Self::Open) is followed by batches and then by exactly one
/// [`Disconnected`](Self::Disconnected), after which it goes on, or
/// [`Closed`](Self::Closed), which is the last update of all.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// A request is being sent; also for each redirect that is followed.
    Connecting {
        /// The number that the connection has once it is open: 1, 2, ...
        leg: u64,
        /// Which attempt at this leg it is: 1, 2, ...
        attempt: u32,
        /// How many redirects of this attempt led here.
        redirects: u32,
        /// Where to, without user name and password.
        url: Url,
        /// What `Last-Event-ID` says; empty: none is sent.
        last_event_id: String,
        /// The id holds a control character, so no header can carry it, and none is sent.
        last_event_id_unsendable: bool,
    },
    /// The response is an event stream.
    Open {
        /// The connection's number.
        leg: u64,
        /// Always 200.
        status: StatusCode,
        /// HTTP/1.1, HTTP/2, ...
        version: Version,
        /// Of the response.
        headers: HeaderMap,
    },
    /// Bytes have arrived, and maybe items.
    Batch(Batch),
    /// There is no connection; the next attempt follows.
    Disconnected {
        /// The connection's number, or the one that it would have got.
        leg: u64,
        /// Why.
        cause: Cause,
        /// How long until the next attempt.
        retry_in: Duration,
        /// When the next attempt is due.
        retry_at: Instant,
        /// What the end cut off; it is not dispatched.
        unfinished: Option<Unfinished>,
    },
    /// The end, for good.
    Closed {
        /// The connection's number, or the one that it would have got.
        leg: u64,
        /// Why.
        cause: Cause,
        /// What the end cut off; it is not dispatched.
        unfinished: Option<Unfinished>,
    },
}
