//! Lines of the recording, as they are written and read.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::cause::{CauseLine, micros};
use super::{Headers, Opening, Record, StreamFacts, VERSION, What};
use crate::source::Cause;

/// Appends a value and its line end.
pub(super) fn write(out: &mut Vec<u8>, line: &impl Serialize) {
    // A buffer takes everything, and these types hold nothing that JSON cannot.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

#[derive(Serialize, Deserialize)]
pub(super) struct OpeningLine {
    pub(super) sse_capture: u64,
    at: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    streams: Vec<StreamLine>,
}

#[derive(Serialize, Deserialize)]
struct StreamLine {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    method: String,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    body_bytes: u64,
}

impl OpeningLine {
    pub(super) fn of(opening: &Opening) -> Self {
        let stream = |facts: &StreamFacts| StreamLine {
            name: facts.name.clone(),
            method: facts.method.clone(),
            headers: facts.headers.clone(),
            body_bytes: facts.body_bytes,
        };
        Self {
            sse_capture: VERSION,
            at: written(opening.at),
            tool: opening.tool.clone(),
            streams: opening.streams.iter().map(stream).collect(),
        }
    }

    pub(super) fn opening(self) -> Option<Opening> {
        let facts = |line: StreamLine| StreamFacts {
            name: line.name,
            method: line.method,
            headers: line.headers,
            body_bytes: line.body_bytes,
        };
        Some(Opening {
            at: read(&self.at)?,
            tool: self.tool,
            streams: self.streams.into_iter().map(facts).collect(),
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct RecordLine<'a> {
    #[serde(borrow)]
    at: Cow<'a, str>,
    stream: u16,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    leg: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_event_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    headers: Option<Headers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    joined: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64_head: Option<String>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64_tail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<CauseLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_in_us: Option<u64>,
}

/// What a line of the right shape says.
pub(super) enum Meaning {
    Record(Record),
    UnknownKind,
}

impl<'a> RecordLine<'a> {
    /// `part`: the bytes of a chunk that this line holds.
    pub(super) fn of(record: &'a Record, part: Option<&'a [u8]>) -> Self {
        let mut line = Self {
            at: written(record.at).into(),
            stream: record.stream,
            leg: record.leg,
            ..Self::default()
        };
        line.kind = match &record.what {
            What::Connecting {
                attempt,
                url,
                last_event_id,
            } => {
                line.attempt = Some(*attempt);
                line.url = Some(url.as_str().into());
                line.last_event_id = (!last_event_id.is_empty()).then(|| last_event_id.into());
                "connecting"
            }
            What::Open {
                status,
                version,
                headers,
                joined,
            } => {
                line.status = Some(*status);
                line.version = Some(version.into());
                line.headers = Some(headers.clone());
                line.joined = joined.as_ref().map(Into::into);
                "open"
            }
            What::Chunk(bytes) => {
                let (head, text, tail) = split(part.unwrap_or(bytes));
                let encode = |bytes: &[u8]| (!bytes.is_empty()).then(|| STANDARD.encode(bytes));
                line.base64_head = encode(head);
                line.text = (!text.is_empty()).then(|| text.into());
                line.base64_tail = encode(tail);
                "chunk"
            }
            What::Disconnected { cause, retry_in } => {
                line.cause = Some(cause.into());
                line.retry_in_us = Some(micros(*retry_in));
                "disconnected"
            }
            What::Closed { cause } => {
                line.cause = Some(cause.into());
                "closed"
            }
        }
        .into();
        line
    }

    /// `None` if a member is missing or says what cannot be.
    pub(super) fn meaning(self) -> Option<Meaning> {
        let cause = |line: Option<CauseLine>| Cause::try_from(line?).ok();
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let at = read(&self.at)?;
        let what = match &*self.kind {
            "connecting" => What::Connecting {
                attempt: self.attempt.unwrap_or(1),
                url: Url::parse(&self.url?).ok()?,
                last_event_id: text(self.last_event_id),
            },
            "open" => What::Open {
                status: self.status?,
                version: text(self.version),
                headers: self.headers.unwrap_or_default(),
                joined: self.joined.map(Cow::into_owned),
            },
            "chunk" => {
                let mut bytes = Vec::new();
                if let Some(head) = self.base64_head {
                    STANDARD.decode_vec(head, &mut bytes).ok()?;
                }
                bytes.extend_from_slice(self.text.unwrap_or_default().as_bytes());
                if let Some(tail) = self.base64_tail {
                    STANDARD.decode_vec(tail, &mut bytes).ok()?;
                }
                What::Chunk(Bytes::from(bytes))
            }
            "disconnected" => What::Disconnected {
                cause: cause(self.cause)?,
                retry_in: Duration::from_micros(self.retry_in_us?),
            },
            "closed" => What::Closed {
                cause: cause(self.cause)?,
            },
            _ => return Some(Meaning::UnknownKind),
        };
        Some(Meaning::Record(Record {
            at,
            stream: self.stream,
            leg: self.leg,
            what,
        }))
    }
}

/// Bytes to be written in base64, as text, and in base64 again. A read may cut
/// a character at either end; a chunk with other bytes is no text at all.
fn split(bytes: &[u8]) -> (&[u8], &str, &[u8]) {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xC0 == 0x80)
        .count();
    let (head, rest) = bytes.split_at(cut);
    match std::str::from_utf8(rest) {
        Ok(text) => (head, text, b""),
        Err(error) if error.error_len().is_none() => {
            let (text, tail) = rest.split_at(error.valid_up_to());
            (head, std::str::from_utf8(text).unwrap_or_default(), tail)
        }
        Err(_) => (bytes, "", b""),
    }
}

fn written(at: SystemTime) -> String {
    // Beyond these, the years have more than four digits.
    let at = at
        .max(SystemTime::UNIX_EPOCH)
        .min(SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799));
    humantime::format_rfc3339_nanos(at).to_string()
}

fn read(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_a_read_cut_leaves_the_rest_as_text() {
        let wire = "data: é🎉\n".as_bytes();
        for cut in 0..=wire.len() {
            let (one, other) = wire.split_at(cut);
            for part in [one, other] {
                let (head, text, tail) = split(part);
                assert!(head.len() < 4 && tail.len() < 4, "{part:?}");
                assert_eq!([head, text.as_bytes(), tail].concat(), part);
            }
        }
        assert_eq!(split(b"a\xFFb"), (&b"a\xFFb"[..], "", &b""[..]));
    }
}
