//! Plays a recording as if it happened now.

mod playhead;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context;
use jiff::Timestamp;
use sse_core::Limits;
use sse_core::capture::{Entry, MAX_LINE, Opening, Reader, Record};
use sse_core::client::{Replay, Update};
use tokio::sync::mpsc::Sender;

use crate::format;
use crate::ingest::{Origin, Received, Taken, origin, received_at};

pub use playhead::{Due, Playhead, Speed};

/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// A recording that was found to be one.
#[derive(Debug)]
pub struct Recording {
    /// What its first line says.
    pub opening: Opening,
    /// When its last record was made; `None` if that cannot be known, of a pipe.
    pub end: Option<Timestamp>,
    file: File,
    reader: Reader,
    name: String,
}

impl Recording {
    /// Opens a file and reads its first line.
    ///
    /// # Errors
    /// It cannot be read, or is no recording; in one line with its name.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let failed = || format!("cannot replay {name}");
        let mut file = File::open(path).with_context(failed)?;
        let mut reader = Reader::new();
        let opening = loop {
            match reader.next_entry().with_context(failed)? {
                Some(Entry::Opening(opening)) => break opening,
                Some(_) => {}
                None => {
                    let piece = read(&mut file).with_context(failed)?;
                    if piece.is_empty() || reader.unfinished() > MAX_LINE as u64 {
                        return Err(sse_core::capture::NotReadable::NoRecording)
                            .with_context(failed);
                    }
                    reader.feed(&piece);
                }
            }
        };
        Ok(Self {
            opening,
            end: last_record(path),
            file,
            reader,
            name,
        })
    }

    /// The next record, and what had to be left out before it.
    fn next(&mut self, notes: &mut Notes) -> io::Result<Option<Record>> {
        loop {
            match self.reader.next_entry() {
                Ok(Some(Entry::Record(record))) => return Ok(Some(record)),
                Ok(Some(Entry::Damaged(_))) => notes.damaged += 1,
                Ok(Some(Entry::Opening(_))) => {}
                // Only the first line can be refused, and it was not.
                Err(_) => return Ok(None),
                Ok(None) => {
                    let piece = read(&mut self.file)?;
                    if piece.is_empty() {
                        notes.unknown = self.reader.unknown();
                        notes.cut = self.reader.unfinished();
                        return Ok(None);
                    }
                    self.reader.feed(&piece);
                }
            }
        }
    }
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    file.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// When the last record was made, from the end of the file alone.
fn last_record(path: &Path) -> Option<Timestamp> {
    let mut file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let length = file.metadata().ok()?.len();
    for window in [1_u64 << 16, MAX_LINE as u64] {
        let from = length.saturating_sub(window);
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut tail = Vec::new();
        file.by_ref().take(window).read_to_end(&mut tail).ok()?;
        let last = tail
            .rsplit(|byte| *byte == b'\n')
            .skip(1)
            .find_map(|line| serde_json::from_slice::<Dated>(line).ok());
        if let Some(dated) = last {
            return dated.at.parse().ok();
        }
        if from == 0 {
            return None;
        }
    }
    None
}

#[derive(serde::Deserialize)]
struct Dated {
    at: String,
}

/// What could not be replayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Notes {
    damaged: u64,
    unknown: u64,
    cut: u64,
    failure: Option<String>,
}

impl Notes {
    fn text(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.cut > 0 {
            let bytes = format::count(self.cut);
            parts.push(format!(
                "it ends inside a record ({bytes} bytes of it left out)"
            ));
        }
        if self.damaged > 0 {
            let lines = format::count(self.damaged);
            parts.push(format!("damaged lines left out: {lines}"));
        }
        if self.unknown > 0 {
            let lines = format::count(self.unknown);
            parts.push(format!("records of a newer kind left out: {lines}"));
        }
        parts.extend(self.failure.clone());
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// How the recording is played, as the screen shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The file.
    pub name: String,
    /// When the recording began.
    pub start: Timestamp,
    /// When it ends, if known.
    pub end: Option<Timestamp>,
    /// Where it is.
    pub position: Timestamp,
    /// How fast.
    pub speed: Speed,
    /// Whether it stands still.
    pub paused: bool,
    /// Whether all of it was played.
    pub ended: bool,
    /// What could not be replayed.
    pub note: Option<String>,
}

/// Steers the thread that plays.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    start: Timestamp,
    end: Option<Timestamp>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    playhead: Playhead,
    notes: Notes,
    stopped: bool,
}

impl Control {
    /// How it is played now.
    pub fn status(&self) -> Status {
        let state = self.lock();
        Status {
            name: self.shared.name.clone(),
            start: self.shared.start,
            end: self.shared.end,
            position: state.playhead.position(Instant::now()),
            speed: state.playhead.speed(),
            paused: state.playhead.paused(),
            ended: state.playhead.ended(),
            note: state.notes.text(),
        }
    }

    /// The time in the recording.
    pub fn position(&self) -> Timestamp {
        self.lock().playhead.position(Instant::now())
    }

    /// Changes how it is played.
    pub fn change(&self, change: impl FnOnce(&mut Playhead, Instant)) {
        change(&mut self.lock().playhead, Instant::now());
        self.shared.changed.notify_all();
    }

    /// Ends it for good.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.shared.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half done.
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a record of that time is due. `false`: stopped.
    fn wait(&self, at: Timestamp) -> bool {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return false;
            }
            let due = state.playhead.due(at, Instant::now());
            let changed = &self.shared.changed;
            state = match due {
                Due::Now => return true,
                Due::In(time) => {
                    let waited = changed.wait_timeout(state, time);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Due::WhenAsked => {
                    let waited = changed.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// Plays one recording.
#[derive(Debug)]
pub struct Player {
    control: Control,
    limits: Limits,
}

impl Player {
    /// A player that stands at the start.
    pub fn new(recording: &Recording, speed: Speed, limits: Limits) -> Self {
        let start = received_at(recording.opening.at);
        let state = State {
            playhead: Playhead::new(start, speed, Instant::now()),
            notes: Notes::default(),
            stopped: false,
        };
        let shared = Shared {
            name: recording.name.clone(),
            start,
            end: recording.end,
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        Self {
            control: Control {
                shared: Arc::new(shared),
            },
            limits,
        }
    }

    /// What steers it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Sends every update when it is due, until the end, or until nobody listens.
    pub fn play(self, mut recording: Recording, sender: &Sender<Received>) {
        let streams = &recording.opening.streams;
        let origins: Vec<_> = streams.iter().map(origin).collect();
        let mut replays: Vec<_> = origins.iter().map(|_| Replay::new(self.limits)).collect();
        let mut open = vec![true; origins.len()];
        let mut notes = Notes::default();
        let mut at = self.control.shared.start;
        loop {
            let record = match recording.next(&mut notes) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => {
                    notes.failure = Some(format!("it cannot be read any further: {error}"));
                    break;
                }
            };
            let source = usize::from(record.stream);
            let (Some(replay), Some(origin)) = (replays.get_mut(source), origins.get(source))
            else {
                notes.damaged += 1;
                continue;
            };
            let received_at = received_at(record.at);
            at = at.max(received_at);
            if !self.control.wait(at) {
                return;
            }
            let update = replay.update(record, Instant::now());
            open[source] = !matches!(update, Update::Closed { .. });
            let received = Received {
                source,
                origin: *origin,
                at: received_at,
                update,
                said: None,
                // What is read from a file at once is small.
                taken: Taken::default(),
            };
            if sender.blocking_send(received).is_err() {
                return;
            }
        }
        {
            let mut state = self.control.lock();
            state.notes = notes;
            state.playhead.end(at);
        }
        for (source, replay) in replays.iter_mut().enumerate() {
            let update = Update::Closed {
                leg: 0,
                cause: sse_core::Cause::Closed,
                unfinished: replay.finish(),
            };
            let received = Received {
                source,
                origin: Origin::EndOfRecording,
                at,
                update,
                said: None,
                taken: Taken::default(),
            };
            if open[source] && sender.blocking_send(received).is_err() {
                return;
            }
        }
    }
}
