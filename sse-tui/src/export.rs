//! Writes the events that are listed into a file, a slice at a time, while the
//! streams go on.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use clap::ValueEnum as _;

use crate::format;
use crate::ndjson::Line;
use crate::store::{Row, Store};
use crate::wire;

/// Bytes written in one slice, about.
const SLICE: usize = 1 << 20;
/// Rows looked at in one slice.
const SLICE_ROWS: usize = 4096;
/// Slices that wait for the disk.
const QUEUE: usize = 4;

/// What a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object per event, exact; see [`Line`].
    Ndjson,
    /// A table with a line for each event (RFC 4180), exact: what a spreadsheet
    /// takes for a formula is not disarmed.
    Csv,
    /// The blocks as they came, byte for byte: an event stream again.
    Raw,
}

impl Format {
    /// By the end of the name: `.ndjson` or `.jsonl`, `.csv`, `.raw` or `.sse`.
    ///
    /// # Errors
    /// One line that names the ends there are.
    pub fn of(path: &Path) -> Result<Self, String> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.as_ref() {
            "jsonl" => Ok(Self::Ndjson),
            "sse" => Ok(Self::Raw),
            other => Self::from_str(other, true)
                .map_err(|_| "the name ends in .ndjson, .csv or .raw, which is the format".into()),
        }
    }
}

/// The rows of an export, oldest first.
#[derive(Debug)]
pub enum Rows {
    /// All of these.
    All(Range<u64>),
    /// These alone.
    Some(std::vec::IntoIter<u64>),
}

impl Iterator for Rows {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match self {
            Self::All(range) => range.next(),
            Self::Some(rows) => rows.next(),
        }
    }
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    path: PathBuf,
    format: Format,
    rows: Rows,
    /// Names of the streams.
    names: Vec<String>,
    block: Vec<u8>,
    blocks: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// The disk is behind.
    waits: bool,
    told: Told,
}

/// What there is to tell at the end.
#[derive(Debug, Default)]
struct Told {
    events: u64,
    bytes: u64,
    /// Rows that went before they were written.
    evicted: u64,
    /// Blocks of which only the beginning is kept.
    cut: u64,
}

impl Export {
    /// Begins with a new file, whose name says the format.
    ///
    /// # Errors
    /// The name says no format, or there is such a file, or it cannot be made.
    pub fn start(path: &Path, rows: Rows, names: Vec<String>) -> anyhow::Result<Self> {
        let format = Format::of(path).map_err(anyhow::Error::msg)?;
        let cannot = || format!("cannot export to {}", path.display());
        let file = File::create_new(path).with_context(cannot)?;
        let (blocks, queue) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || write(file, &queue))
            .with_context(cannot)?;
        let mut block = Vec::new();
        if format == Format::Csv {
            let columns = ["received_at", "source", "event", "id", "data", "connection"];
            table_line(&mut block, columns)?;
        }
        Ok(Self {
            path: path.to_owned(),
            format,
            rows,
            names,
            block,
            blocks: Some(blocks),
            thread: Some(thread),
            waits: false,
            told: Told::default(),
        })
    }

    /// Whether it can go on now. Where not, the disk is behind: look again later.
    pub fn ready(&self) -> bool {
        !self.waits
    }

    /// Looks again.
    pub fn wake(&mut self) {
        self.waits = false;
    }

    /// Goes on for a few milliseconds; at the end, or where the disk failed, the
    /// words for the user.
    pub fn go_on(&mut self, store: &Store) -> Option<String> {
        let all = self.fill(store);
        let sent = match &self.blocks {
            Some(blocks) => blocks.try_send(std::mem::take(&mut self.block)),
            None => return None,
        };
        match sent {
            Ok(()) if !all => None,
            Err(TrySendError::Full(block)) => {
                self.block = block;
                self.waits = true;
                None
            }
            Ok(()) | Err(TrySendError::Disconnected(_)) => Some(self.finish()),
        }
    }

    /// Fills the block; whether no row is left.
    fn fill(&mut self, store: &Store) -> bool {
        for _ in 0..SLICE_ROWS {
            if self.block.len() >= SLICE {
                return false;
            }
            let Some(number) = self.rows.next() else {
                return true;
            };
            let before = self.block.len();
            match store.get(number) {
                None => self.told.evicted += 1,
                Some(row) if row.kind.is_event() => {
                    self.put(number, &row, store);
                    self.told.events += 1;
                }
                Some(_) => {}
            }
            self.told.bytes += (self.block.len() - before) as u64;
        }
        false
    }

    fn put(&mut self, number: u64, row: &Row<'_>, store: &Store) {
        let received_at = format!("{:.9}", row.at);
        let source = self.names.get(usize::from(row.source));
        let source = source.map_or("", String::as_str);
        let written = match self.format {
            Format::Ndjson => Line {
                received_at: &received_at,
                source,
                event: row.event_type,
                id: row.id,
                data: row.data,
                connection: row.leg,
            }
            .write(&mut self.block),
            Format::Csv => {
                let leg = row.leg.to_string();
                let fields = [&received_at, source, row.event_type, row.id, row.data, &leg];
                table_line(&mut self.block, fields)
            }
            Format::Raw => {
                self.put_wire(number, store);
                Ok(())
            }
        };
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }

    fn put_wire(&mut self, number: u64, store: &Store) {
        let bytes = store.wire(number).map_or(&[][..], |(bytes, _)| bytes);
        self.block.extend_from_slice(bytes);
        if !wire::is_whole(bytes) {
            // The next block must not join what is left of this one.
            self.block.extend_from_slice(b"\n\n");
            self.told.cut += 1;
        }
    }

    fn finish(&mut self) -> String {
        self.blocks = None;
        let ended = self.thread.take().map(JoinHandle::join);
        let path = self.path.display();
        let failed = match ended {
            Some(Ok(Err(error))) => Some(error.to_string()),
            Some(Err(_)) => Some("the thread that wrote it failed".to_owned()),
            _ => None,
        };
        if let Some(reason) = failed {
            return format!("export to {path} failed: {reason}");
        }
        let Told {
            events,
            bytes,
            evicted,
            cut,
        } = self.told;
        let plural = if events == 1 { "event" } else { "events" };
        let (events, bytes) = (format::count(events), format::bytes(bytes as f64));
        let mut text = format!("exported {events} {plural}, {bytes}, to {path}");
        if evicted > 0 {
            let evicted = format::count(evicted);
            let _ = write!(text, "; {evicted} were evicted before they were written");
        }
        if cut > 0 {
            let cut = format::count(cut);
            let _ = write!(text, "; of {cut} only the first MiB is kept");
        }
        text
    }
}

fn table_line<const N: usize>(block: &mut Vec<u8>, fields: [&str; N]) -> io::Result<()> {
    let mut line = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .buffer_capacity(1 << 10)
        .from_writer(block);
    line.write_record(fields)?;
    line.flush()
}

fn write(mut file: File, queue: &Receiver<Vec<u8>>) -> io::Result<()> {
    for block in queue {
        file.write_all(&block)?;
    }
    file.sync_all()
}
