//! The thread that fetches blocks which memory let go.

use std::sync::mpsc::Receiver;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use crate::log::{BlocksReply, Unavailable};

#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) seqs: Vec<u64>,
    pub(super) reply: BlocksReply,
}

/// Ends with the last sender.
pub(super) fn run(connection: &Connection, fetches: &Receiver<Fetch>) {
    for fetch in fetches {
        if fetch.reply.is_closed() {
            continue;
        }
        let blocks = read(connection, &fetch.seqs);
        fetch.reply.send(blocks.map_err(|error| {
            tracing::error!(%error, "cannot read the log");
            Unavailable(format!("the log cannot be read: {error}"))
        }));
    }
}

fn read(connection: &Connection, seqs: &[u64]) -> rusqlite::Result<Vec<(u64, Bytes)>> {
    let mut select = connection.prepare_cached("SELECT block FROM events WHERE seq = ?1")?;
    let mut blocks = Vec::with_capacity(seqs.len());
    for &seq in seqs {
        let block: Option<Vec<u8>> = select
            .query_row([seq.cast_signed()], |row| row.get(0))
            .optional()?;
        blocks.extend(block.map(|block| (seq, Bytes::from(block))));
    }
    Ok(blocks)
}
