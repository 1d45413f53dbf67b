//! Records what arrives into a file while it is shown or printed.

mod writer;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use bytes::Bytes;
use jiff::Timestamp;
use sse_core::capture::{Headers, Opening, Record, StreamFacts, What, secrets};
use sse_core::client::{Batch, Update};
use sse_core::{Ignored, Item};

use crate::ingest::{Received, version_name};

pub use writer::{Status, Writer};

/// Sees every update, and writes it down while it records.
///
/// It may begin and end at any time. What it needs for a beginning in the middle
/// of an event, it always keeps: the bytes since the last dispatch, at most
/// [`MAX_UNFINISHED`] of each stream.
#[derive(Debug)]
pub struct Tap {
    streams: Vec<Stream>,
    writer: Option<Writer>,
    limit: u64,
}

/// An unfinished event larger than this is not recorded when recording begins
/// in the middle of it. Larger ones than 16 MiB are not read in the first place.
pub const MAX_UNFINISHED: usize = 32 << 20;

#[derive(Debug)]
struct Stream {
    facts: StreamFacts,
    open: Option<Open>,
    last_event_id: String,
    unfinished: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Open {
    leg: u64,
    status: u16,
    version: &'static str,
    headers: Headers,
}

impl Tap {
    /// Before the first update. A recording ends at `limit` bytes.
    pub fn new(facts: &[StreamFacts], limit: u64) -> Self {
        Self {
            streams: facts.iter().cloned().map(Stream::new).collect(),
            writer: None,
            limit,
        }
    }

    /// One more stream, which a recording under way does not hold.
    pub fn add_stream(&mut self, facts: StreamFacts) {
        self.streams.push(Stream::new(facts));
    }

    /// Begins to record.
    ///
    /// # Errors
    /// The file exists or cannot be made.
    pub fn start(&mut self, path: &Path, now: Timestamp) -> anyhow::Result<()> {
        let now = SystemTime::from(now);
        let opening = Opening {
            at: now,
            tool: concat!("sse-tui ", env!("CARGO_PKG_VERSION")).to_owned(),
            streams: self.streams.iter().map(|s| s.facts.clone()).collect(),
        };
        let writer = Writer::create(path, &opening, self.limit)
            .with_context(|| format!("cannot record to {}", path.display()))?;
        for (number, stream) in self.streams.iter().enumerate() {
            for what in stream.joined() {
                let leg = stream.open.as_ref().map_or(1, |open| open.leg);
                writer.write(Record {
                    at: now,
                    stream: number as u16,
                    leg,
                    what,
                });
            }
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Ends the recording; what it came to.
    pub fn stop(&mut self) -> Option<Status> {
        self.writer.take().map(Writer::finish)
    }

    /// How the recording is going; `None` if there is none.
    pub fn status(&self) -> Option<Status> {
        self.writer.as_ref().map(Writer::status)
    }

    /// Whether so many more updates can be taken in without waiting for the disk.
    pub fn has_room(&self, updates: usize) -> bool {
        self.writer
            .as_ref()
            .is_none_or(|writer| writer.has_room(updates))
    }

    /// Waits until there is room for an update. Cancel-safe.
    pub async fn room(&self) {
        if let Some(writer) = &self.writer {
            writer.room().await;
        }
    }

    /// Takes note of an update.
    pub fn observe(&mut self, received: &Received) {
        let Some(stream) = self.streams.get_mut(received.source) else {
            return;
        };
        stream.observe(&received.update);
        let Some(writer) = &self.writer else {
            return;
        };
        if let Some((leg, what)) = what(&received.update) {
            writer.write(Record {
                at: received.at.into(),
                stream: received.source as u16,
                leg,
                what,
            });
        }
    }
}

impl Stream {
    fn new(facts: StreamFacts) -> Self {
        Self {
            facts: StreamFacts {
                name: without_secrets(&facts.name),
                ..facts
            },
            open: None,
            last_event_id: String::new(),
            unfinished: Vec::new(),
        }
    }

    fn observe(&mut self, update: &Update) {
        match update {
            Update::Connecting { last_event_id, .. } => {
                self.last_event_id.clone_from(last_event_id);
            }
            Update::Open {
                leg,
                status,
                version,
                headers,
            } => {
                self.unfinished.clear();
                self.open = Some(Open {
                    leg: *leg,
                    status: status.as_u16(),
                    version: version_name(*version),
                    headers: secrets::of_response(headers),
                });
            }
            Update::Batch(batch) => self.batch(batch),
            Update::Disconnected { .. } | Update::Closed { .. } => {
                self.unfinished.clear();
                self.open = None;
            }
            _ => {}
        }
    }

    fn batch(&mut self, batch: &Batch) {
        let mut ended = None;
        for (item, range) in batch.items().with_ranges() {
            if let Item::Event(event) | Item::Ignored(Ignored::NoData(event)) = item {
                ended = Some((event.last_event_id, range.end));
            }
        }
        let mut rest = &batch.raw[..];
        if let Some((id, end)) = ended {
            self.last_event_id.clear();
            self.last_event_id.push_str(id);
            self.unfinished.clear();
            rest = &rest[end..];
        }
        if self.unfinished.len() + rest.len() > MAX_UNFINISHED {
            self.unfinished.clear();
        } else {
            self.unfinished.extend_from_slice(rest);
        }
    }

    /// What a recording that begins now has to know.
    fn joined(&self) -> Vec<What> {
        let mut records = Vec::new();
        if let Some(open) = &self.open {
            records.push(What::Open {
                status: open.status,
                version: open.version.to_owned(),
                headers: open.headers.clone(),
                joined: Some(self.last_event_id.clone()),
            });
        }
        let block = after_last_blank_line(&self.unfinished);
        if !block.is_empty() {
            records.push(What::Chunk(Bytes::copy_from_slice(block)));
        }
        records
    }
}

/// A file for a recording that begins now, named by the time, in the working
/// directory.
pub fn file_name(now: Timestamp) -> PathBuf {
    PathBuf::from(now.strftime("sse-%Y%m%dT%H%M%S.%3fZ.ndjson").to_string())
}

fn what(update: &Update) -> Option<(u64, What)> {
    Some(match update {
        Update::Connecting {
            leg,
            attempt,
            url,
            last_event_id,
            ..
        } => {
            let what = What::Connecting {
                attempt: *attempt,
                url: secrets::of_url(url),
                last_event_id: last_event_id.clone(),
            };
            (*leg, what)
        }
        Update::Open {
            leg,
            status,
            version,
            headers,
        } => {
            let what = What::Open {
                status: status.as_u16(),
                version: version_name(*version).to_owned(),
                headers: secrets::of_response(headers),
                joined: None,
            };
            (*leg, what)
        }
        Update::Batch(batch) => (batch.leg, What::Chunk(batch.raw.clone())),
        Update::Disconnected {
            leg,
            cause,
            retry_in,
            ..
        } => {
            let what = What::Disconnected {
                cause: cause.clone(),
                retry_in: *retry_in,
            };
            (*leg, what)
        }
        Update::Closed { leg, cause, .. } => {
            let cause = cause.clone();
            (*leg, What::Closed { cause })
        }
        _ => return None,
    })
}

fn without_secrets(name: &str) -> String {
    name.parse()
        .map_or_else(|_| name.to_owned(), |url| secrets::of_url(&url).into())
}

/// What belongs to the block that has not ended.
fn after_last_blank_line(bytes: &[u8]) -> &[u8] {
    let mut start = 0;
    let mut line = 0;
    let mut position = 0;
    while position < bytes.len() {
        let end = match bytes[position] {
            b'\r' if bytes.get(position + 1) == Some(&b'\n') => position + 2,
            b'\r' | b'\n' => position + 1,
            _ => {
                position += 1;
                continue;
            }
        };
        if position == line {
            start = end;
        }
        line = end;
        position = end;
    }
    &bytes[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_begins_after_the_last_blank_line() {
        for (bytes, block) in [
            ("", ""),
            ("data: 1", "data: 1"),
            ("\ndata: 1\n", "data: 1\n"),
            (": c\n\n: d\r\n\r\nid: 1\ndata", "id: 1\ndata"),
            (": c\r\rdata\r", "data\r"),
            (": c\r\ndata\r\n", ": c\r\ndata\r\n"),
            (": c\n\n", ""),
        ] {
            assert_eq!(after_last_blank_line(bytes.as_bytes()), block.as_bytes());
        }
    }
}
