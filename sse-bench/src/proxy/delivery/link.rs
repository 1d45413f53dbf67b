//! A link with latency: what arrived, and when it is delivered.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The most bytes under way on a link with latency.
const LINK_BYTES: usize = 256 << 10;
/// The most reads under way on it.
const LINK_READS: usize = 4096;

/// What arrived, and when it is delivered.
#[derive(Debug, Default)]
pub(super) struct Link {
    reads: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Link {
    /// When the next read is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.reads.front().map(|(at, _)| *at)
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    /// Whether more may be read.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < LINK_BYTES && self.reads.len() < LINK_READS
    }

    /// What is due before what was pushed earlier waits for it all the same.
    pub(super) fn push(&mut self, at: Instant, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.reads.push_back((at, bytes));
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, bytes) = self.reads.pop_front()?;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}
