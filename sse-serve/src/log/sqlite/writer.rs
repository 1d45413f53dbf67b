//! The thread that writes: what waits is one transaction, and is acknowledged
//! when that is committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use crate::log::stage::{Envelopes, Stage};
use crate::log::{AppendError, Envelope, Record, Reply, SWEEP, Unavailable};

use super::file::{Changes, File};
use super::{Command, Shared};

/// Bytes of events after which a transaction takes no more.
const GROUP_MAX: usize = 16 << 20;

type Waiting = (Reply<Vec<u64>, AppendError>, Result<Vec<u64>, AppendError>);

/// What is evicted but not yet deleted from the file.
#[derive(Debug, Default)]
struct Gone {
    seqs: Vec<u64>,
    envelopes: HashMap<Arc<Envelope>, u64>,
}

impl Gone {
    fn extend(&mut self, evicted: Vec<(u64, Record)>) {
        for (seq, record) in evicted {
            // What is for a connection is not in the file.
            if record.envelope.connection.is_none() {
                self.seqs.push(seq);
                self.envelopes.insert(record.envelope, seq);
            }
        }
    }
}

/// Ends with the last sender.
pub(super) fn run(
    mut file: File,
    shared: &Shared,
    commands: &Receiver<Command>,
    evicted: Vec<(u64, Record)>,
) {
    let mut envelopes = Envelopes::default();
    let mut gone = Gone::default();
    gone.extend(evicted);
    let mut refused_bytes = 0;
    loop {
        let mut next = match commands.recv_timeout(SWEEP) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => {
                gone.extend(shared.history.age());
                recover(&mut file, shared, refused_bytes);
                None
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut stage = Stage::new(&shared.history);
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut grouped = 0;
        while let Some(command) = next {
            match command {
                Command::Forget(evicted) => gone.extend(evicted),
                Command::Append {
                    drafts,
                    bytes,
                    reply,
                } => {
                    shared.queued.fetch_sub(bytes, Ordering::AcqRel);
                    grouped += bytes;
                    let placed = stage.add(&shared.history, &mut envelopes, drafts);
                    waiting.push((reply, placed));
                }
            }
            next = (grouped < GROUP_MAX)
                .then(|| commands.try_recv().ok())
                .flatten();
        }
        if !commit(&mut file, shared, stage, waiting, &mut gone) {
            refused_bytes = grouped;
        }
    }
}

/// Whether all of it was held.
fn commit(
    file: &mut File,
    shared: &Shared,
    stage: Stage,
    waiting: Vec<Waiting>,
    gone: &mut Gone,
) -> bool {
    if !stage.records.is_empty() || !gone.seqs.is_empty() {
        let written = file.write(&changes(shared, &stage, gone));
        let was_available = shared.is_available.swap(written.is_ok(), Ordering::Relaxed);
        if let Err(error) = written {
            if was_available {
                tracing::error!(%error, "cannot write the log; publishing is refused");
            }
            refuse(waiting, &error.to_string());
            return false;
        }
        if !was_available {
            tracing::info!("the log can be written again");
        }
        *gone = Gone::default();
        gone.extend(shared.history.publish(stage));
    }
    for (reply, placed) in waiting {
        // A publisher that went away has published all the same.
        let _ = reply.send(placed);
    }
    true
}

/// Finds out whether what was refused last would be held by now. Else a
/// balancer that asks `/ready` would never send a publisher to try.
fn recover(file: &mut File, shared: &Shared, bytes: usize) {
    if !shared.is_available.load(Ordering::Relaxed) && file.probe(bytes).is_ok() {
        shared.is_available.store(true, Ordering::Relaxed);
        tracing::info!("the log can be written again");
    }
}

fn changes<'a>(shared: &Shared, stage: &'a Stage, gone: &'a Gone) -> Changes<'a> {
    let window = shared.history.window();
    let marks = window.marks();
    let skips_numbers = stage
        .records
        .iter()
        .filter(|staged| staged.record.envelope.connection.is_some())
        .map(|staged| staged.seq)
        .max();
    Changes {
        head: stage.head(),
        records: &stage.records,
        gone: &gone.seqs,
        marks: gone
            .envelopes
            .keys()
            .filter_map(|envelope| Some((envelope, marks.of(envelope)?)))
            .collect(),
        overflow: marks.overflow(),
        passed_over: marks.passed_over().max(skips_numbers.unwrap_or(0)),
    }
}

fn refuse(waiting: Vec<Waiting>, cause: &str) {
    for (reply, _) in waiting {
        let error = Unavailable(format!("the log cannot be written: {cause}"));
        let _ = reply.send(Err(AppendError::Unavailable(error)));
    }
}
