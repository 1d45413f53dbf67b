//! The thread that writes a recording, so that a slow disk stops no screen.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sse_core::capture::{Opening, Record};
use tokio::sync::mpsc;

use crate::format;

/// Records that may wait for the disk. When it is full, streams are not read
/// any further until it has room.
const QUEUE: usize = 256;
/// Encoded bytes after which they are written though more records wait.
const BLOCK: usize = 1 << 20;

/// How a recording is going, or went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The file.
    pub path: String,
    /// Bytes written.
    pub bytes: u64,
    /// Why it ended early, for people.
    pub failure: Option<String>,
}

/// Writes records to a file.
#[derive(Debug)]
pub struct Writer {
    records: mpsc::Sender<Record>,
    status: Arc<Mutex<Status>>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Makes a new file, or opens a pipe or a device, and writes the opening.
    ///
    /// # Errors
    /// There is such a file, or it cannot be made.
    pub fn create(path: &Path, opening: &Opening, limit: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true);
        if path.metadata().map_or(true, |data| data.is_file()) {
            options.create_new(true);
        }
        let mut file = options.open(path)?;
        let mut block = Vec::new();
        opening.encode(&mut block);
        let status = Arc::new(Mutex::new(Status {
            path: path.display().to_string(),
            ..Status::default()
        }));
        let (records, mut queue) = mpsc::channel(QUEUE);
        let shared = Arc::clone(&status);
        let thread = std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                if let Err(failure) = write(&mut file, &mut queue, block, limit, &shared) {
                    lock(&shared).failure = Some(failure);
                }
            })?;
        Ok(Self {
            records,
            status,
            thread,
        })
    }

    /// Writes a record, or drops it if the recording has failed. Wait for
    /// [`room`](Self::room) before.
    pub fn write(&self, record: Record) {
        if lock(&self.status).failure.is_some() {
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = self.records.try_send(record) {
            let failure = "the disk did not keep up; the rest is missing";
            lock(&self.status)
                .failure
                .get_or_insert_with(|| failure.to_owned());
        }
    }

    /// Whether so many records can be written without waiting for the disk.
    pub fn has_room(&self, records: usize) -> bool {
        self.records.is_closed() || self.records.capacity() >= records
    }

    /// Waits until a record can be written. Cancel-safe.
    pub async fn room(&self) {
        // Closed after a failure: then there is nothing to wait for.
        let _ = self.records.reserve().await;
    }

    /// How it is going.
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Waits until all is written.
    pub fn finish(self) -> Status {
        drop(self.records);
        if self.thread.join().is_err() {
            lock(&self.status).failure = Some("the writer failed".to_owned());
        }
        lock(&self.status).clone()
    }
}

/// Writes what waits in one go, so that little is lost by a kill.
fn write(
    file: &mut File,
    queue: &mut mpsc::Receiver<Record>,
    mut block: Vec<u8>,
    limit: u64,
    status: &Mutex<Status>,
) -> Result<(), String> {
    let mut written = 0;
    loop {
        if let Err(error) = file.write_all(&block) {
            // A part of a line would be told as a cut recording.
            let _ = file.set_len(written);
            return Err(format!("cannot write: {error}"));
        }
        written += block.len() as u64;
        lock(status).bytes = written;
        block.clear();
        block.shrink_to(BLOCK);
        let Some(record) = queue.blocking_recv() else {
            return Ok(());
        };
        record.encode(&mut block);
        while block.len() < BLOCK
            && let Ok(record) = queue.try_recv()
        {
            record.encode(&mut block);
        }
        if written + block.len() as u64 > limit {
            let limit = format::bytes(limit as f64).replace(".0 ", " ");
            return Err(format!("the limit of {limit} is reached (--record-limit)"));
        }
    }
}

fn lock(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    // Nothing that holds the lock can leave it half done.
    status.lock().unwrap_or_else(PoisonError::into_inner)
}
