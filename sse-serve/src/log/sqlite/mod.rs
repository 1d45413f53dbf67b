//! The event log in an `SQLite` file. One thread writes: what waits when it gets
//! to it is one transaction. Another reads what memory let go.

mod file;
mod reader;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use thiserror::Error;

use crate::log::history::History;
use crate::log::{
    AppendError, BlocksReply, Draft, EventLog, Record, Reply, Retention, TopicRetention,
    Unavailable,
};
use file::File;

/// Bytes of events that may wait for the writer.
const QUEUE_MAX: usize = 64 << 20;

/// What an acknowledged event survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut: each commit is synced to the disk.
    #[default]
    Full,
    /// A crash of the process, not of the machine.
    Normal,
}

/// Where the file is, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    /// Bytes of the newest events that are kept in memory too.
    pub(crate) memory: usize,
}

/// Why a log could not be opened. Its file is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is damaged, or of another program.
    #[error(
        "{} {problem}; move it away to begin a new log, or name another file with --store",
        path.display()
    )]
    NotALog {
        /// As configured.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Two servers cannot share one.
    #[error(
        "{} is in use by another server; stop that, or name another file with --store",
        path.display()
    )]
    InUse {
        /// As configured.
        path: PathBuf,
    },
    /// The file cannot be read, written or made.
    #[error(
        "cannot open the log {}: {cause}; check the path and its permissions, or name another \
         file with --store",
        path.display()
    )]
    Io {
        /// As configured.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

#[derive(Debug)]
pub(crate) struct SqliteLog {
    shared: Arc<Shared>,
    writer: Option<(mpsc::Sender<Command>, JoinHandle<()>)>,
    reader: Option<(mpsc::Sender<reader::Fetch>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Shared {
    history: History,
    is_available: AtomicBool,
    /// Bytes that wait for the writer.
    queued: AtomicUsize,
}

/// What the writer is asked.
#[derive(Debug)]
enum Command {
    Append {
        drafts: Vec<Draft>,
        bytes: usize,
        reply: Reply<Vec<u64>, AppendError>,
    },
    /// To be deleted from the file.
    Forget(Vec<(u64, Record)>),
}

impl SqliteLog {
    /// Opens the file, or makes it, and loads its index.
    pub(crate) fn open(
        options: &Options,
        retention: Retention,
        topics: &[TopicRetention],
    ) -> Result<Self, OpenError> {
        let options = &Options {
            path: real_path(&options.path),
            ..options.clone()
        };
        let (file, history, gone) = File::open(options, retention, topics)?;
        let shared = Arc::new(Shared {
            history,
            is_available: AtomicBool::new(true),
            queued: AtomicUsize::new(0),
        });
        let io = |cause: &dyn std::fmt::Display| OpenError::Io {
            path: options.path.clone(),
            cause: cause.to_string(),
        };
        let fetching = file.reader().map_err(|error| io(&error))?;
        let (write, commands) = mpsc::channel();
        let (read, fetches) = mpsc::channel();
        let for_writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer::run(file, &for_writer, &commands, gone))
            .map_err(|error| io(&error))?;
        let reader = std::thread::Builder::new()
            .name("log-reader".to_owned())
            .spawn(move || reader::run(&fetching, &fetches))
            .map_err(|error| io(&error))?;
        Ok(Self {
            shared,
            writer: Some((write, writer)),
            reader: Some((read, reader)),
        })
    }
}

/// Bytes of memory that an event takes, or a little less.
fn weight(draft: &Draft) -> usize {
    size_of::<Draft>() + draft.event.data().map_or(0, str::len)
}

/// One name for one file, or two servers would lock two. `SQLite` takes some
/// relative names for something else than a file.
fn real_path(path: &Path) -> PathBuf {
    let made = || {
        let directory = std::fs::canonicalize(std::path::absolute(path).ok()?.parent()?);
        Some(directory.ok()?.join(path.file_name()?))
    };
    std::fs::canonicalize(path)
        .ok()
        .or_else(made)
        .or_else(|| std::path::absolute(path).ok())
        .unwrap_or_else(|| path.to_owned())
}

impl EventLog for SqliteLog {
    fn history(&self) -> &History {
        &self.shared.history
    }

    fn append(&self, drafts: Vec<Draft>, reply: Reply<Vec<u64>, AppendError>) {
        let bytes = drafts.iter().map(weight).sum();
        let queued = &self.shared.queued;
        if queued.fetch_add(bytes, Ordering::AcqRel) > QUEUE_MAX {
            queued.fetch_sub(bytes, Ordering::AcqRel);
            let full = "more events wait for the disk than memory is set aside for";
            let _ = reply.send(Err(AppendError::Unavailable(Unavailable(full.to_owned()))));
            return;
        }
        let command = Command::Append {
            drafts,
            bytes,
            reply,
        };
        let writer = self.writer.as_ref();
        if writer.is_none_or(|(writer, _)| writer.send(command).is_err()) {
            // The reply went with the command, which says as much.
            self.shared.is_available.store(false, Ordering::Relaxed);
        }
    }

    fn fetch(&self, seqs: Vec<u64>, reply: BlocksReply) {
        if let Some((reader, _)) = &self.reader {
            let _ = reader.send(reader::Fetch { seqs, reply });
        }
    }

    fn age(&self) {
        let gone = self.shared.history.age();
        if let (false, Some((writer, _))) = (gone.is_empty(), &self.writer) {
            let _ = writer.send(Command::Forget(gone));
        }
    }

    fn is_available(&self) -> bool {
        self.shared.is_available.load(Ordering::Relaxed)
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        // The readers' connection first: the last to close tidies the file up.
        for thread in [
            self.reader.take().map(|(_, thread)| thread),
            self.writer.take().map(|(_, thread)| thread),
        ] {
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("a thread of the log had panicked");
            }
        }
    }
}
