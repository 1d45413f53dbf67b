//! Bytes of a recording -> what it says, incrementally.

use memchr::memchr;
use thiserror::Error;

use super::line::{Meaning, OpeningLine, RecordLine};
use super::{MAX_LINE, Opening, Record, VERSION};

/// What a line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The first line.
    Opening(Opening),
    /// Any other.
    Record(Record),
    /// A line that could not be read; it is left out.
    Damaged(Damage),
}

/// A line that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("line {line} of the recording is damaged and left out ({bytes} bytes)")]
pub struct Damage {
    /// Its number, from 1.
    pub line: u64,
    /// Its length.
    pub bytes: u64,
}

/// Why bytes are no recording that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotReadable {
    /// The first line is not the opening of a recording.
    #[error("this is no recording: its first line does not begin with {{\"sse_capture\":")]
    NoRecording,
    /// A newer program made it.
    #[error("this recording has version {0} of the format; this program reads version {VERSION}")]
    Version(u64),
}

/// Reads a recording in pieces of any size.
///
/// Holds at most one line and the piece given last; a line longer than
/// [`MAX_LINE`] counts as damaged.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    start: usize,
    /// Bytes of the buffer known to hold no line end.
    searched: usize,
    /// Bytes already left out of a line that is too long.
    skipped: u64,
    lines: u64,
    unknown: u64,
    opened: bool,
    failed: Option<NotReadable>,
}

impl Reader {
    /// A reader at the start of a recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in more bytes. Take the entries out before the next.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next entry; `None` until more bytes come.
    ///
    /// # Errors
    /// This is no recording, or none that this version can read.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, NotReadable> {
        if let Some(failure) = &self.failed {
            return Err(failure.clone());
        }
        while let Some(range) = self.line() {
            let line = &self.buffer[range.clone()];
            let skipped = std::mem::take(&mut self.skipped);
            let damaged = Damage {
                line: self.lines,
                bytes: skipped + line.len() as u64,
            };
            if !self.opened {
                let opening = if skipped > 0 {
                    Err(NotReadable::NoRecording)
                } else {
                    opening(line)
                };
                return match opening {
                    Ok(opening) => {
                        self.opened = true;
                        Ok(Some(Entry::Opening(opening)))
                    }
                    Err(failure) => Err(self.failed.insert(failure).clone()),
                };
            }
            let meaning = match serde_json::from_slice::<RecordLine<'_>>(line) {
                Ok(line) if skipped == 0 => line.meaning(),
                _ => None,
            };
            match meaning {
                Some(Meaning::Record(record)) => return Ok(Some(Entry::Record(record))),
                Some(Meaning::UnknownKind) => self.unknown += 1,
                None => return Ok(Some(Entry::Damaged(damaged))),
            }
        }
        Ok(None)
    }

    /// Lines left out so far because their kind is unknown.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Bytes after the last line end: of a recording that is complete, none.
    pub fn unfinished(&self) -> u64 {
        self.skipped + (self.buffer.len() - self.start) as u64
    }

    /// The next line without its end. Of one that is too long, the rest.
    fn line(&mut self) -> Option<std::ops::Range<usize>> {
        let from = self.searched.max(self.start);
        if let Some(length) = memchr(b'\n', &self.buffer[from..]) {
            let end = from + length;
            let range = self.start..end;
            self.start = end + 1;
            self.searched = self.start;
            self.lines += 1;
            return Some(range);
        }
        self.searched = self.buffer.len();
        if self.buffer.len() - self.start > MAX_LINE {
            self.skipped += (self.buffer.len() - self.start) as u64;
            self.start = self.buffer.len();
        }
        None
    }
}

fn opening(line: &[u8]) -> Result<Opening, NotReadable> {
    #[derive(serde::Deserialize)]
    struct Version {
        sse_capture: u64,
    }
    let version: Version = serde_json::from_slice(line).map_err(|_| NotReadable::NoRecording)?;
    if version.sse_capture != VERSION {
        return Err(NotReadable::Version(version.sse_capture));
    }
    serde_json::from_slice::<OpeningLine>(line)
        .ok()
        .and_then(OpeningLine::opening)
        .ok_or(NotReadable::NoRecording)
}
