//! A recording as the updates it was made of.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

use super::batch::{Batch, ReceivedAt};
use super::update::Update;
use crate::capture::{Headers, Record, What};
use crate::event::EventId;
use crate::limits::Limits;
use crate::parse::{Parser, Unfinished};

/// Turns the records of one stream into the updates that its
/// [`EventStream`](super::EventStream) gave, the bytes through the same parser.
/// No I/O and no clock.
#[derive(Debug)]
pub struct Replay {
    parser: Parser,
    closed: Arc<AtomicBool>,
}

impl Replay {
    /// Before the first record.
    pub fn new(limits: Limits) -> Self {
        Self {
            parser: Parser::with_limits(limits),
            closed: Arc::new(AtomicBool::new(false)),
        }
    }

    /// What the record says happened. `instant` becomes
    /// [`ReceivedAt::instant`] of a batch.
    pub fn update(&mut self, record: Record, instant: Instant) -> Update {
        let Record { at, leg, what, .. } = record;
        match what {
            What::Connecting {
                attempt,
                url,
                last_event_id,
            } => Update::Connecting {
                leg,
                attempt,
                redirects: 0,
                url,
                last_event_id_unsendable: unsendable(&last_event_id),
                last_event_id,
            },
            What::Open {
                status,
                version,
                headers,
                joined,
            } => {
                if let Some(id) = joined {
                    self.join(id);
                }
                Update::Open {
                    leg,
                    status: StatusCode::from_u16(status).unwrap_or_default(),
                    version: version_of(&version),
                    headers: header_map(&headers),
                }
            }
            What::Chunk(raw) => {
                let received_at = ReceivedAt {
                    system: at,
                    instant,
                };
                let closed = Arc::clone(&self.closed);
                let mut batch = Batch::new(leg, received_at, raw.clone(), closed);
                let mut items = self.parser.feed(&raw);
                // A limit that was exceeded is told by the record that follows.
                while let Ok(Some(item)) = items.next() {
                    batch.push(item);
                    batch.end_item(items.position());
                }
                Update::Batch(batch)
            }
            What::Disconnected { cause, retry_in } => Update::Disconnected {
                leg,
                cause,
                retry_in,
                retry_at: instant + retry_in,
                unfinished: self.finish(),
            },
            What::Closed { cause } => Update::Closed {
                leg,
                cause,
                unfinished: self.finish(),
            },
        }
    }

    /// Ends the stream where the recording does; what that cut off.
    pub fn finish(&mut self) -> Option<Unfinished> {
        self.parser.finish()
    }

    /// Goes on in the middle of a response, at the start of a block.
    fn join(&mut self, id: String) {
        self.parser.finish();
        if let Ok(id) = EventId::new(id) {
            self.parser.set_last_event_id(id);
        }
        // What looks like a byte order mark is none here.
        let mut items = self.parser.feed(b"\n");
        while let Ok(Some(_)) = items.next() {}
    }
}

fn unsendable(id: &str) -> bool {
    !id.is_empty() && HeaderValue::from_bytes(id.as_bytes()).is_err()
}

fn version_of(text: &str) -> Version {
    match text {
        "HTTP/0.9" => Version::HTTP_09,
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/2" => Version::HTTP_2,
        "HTTP/3" => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}

fn header_map(headers: &Headers) -> HeaderMap {
    let pair = |(name, value): &(String, Option<String>)| {
        let value = HeaderValue::from_str(value.as_deref()?).ok()?;
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    headers.iter().filter_map(pair).collect()
}
