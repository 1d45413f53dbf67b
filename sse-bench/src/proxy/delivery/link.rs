//! A link with latency: what arrived, and when it is delivered.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::proxy::upstream::Answer;

/// The most bytes under way on a link with latency.
const LINK_BYTES: usize = 256 << 10;
/// The most reads under way on it.
const LINK_READS: usize = 4096;

/// What arrived, and when it is delivered. What is due before what arrived earlier waits
/// for it all the same.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Link {
    reads: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// How the upstream ended, once it did.
    pub(super) end: Option<io::Result<()>>,
}

impl Link {
    /// What arrives while the head is under way; how many bytes that is.
    pub(in crate::proxy) async fn after_head(
        answer: &mut Answer,
        latency: Duration,
    ) -> (Self, usize) {
        let mut link = Self::default();
        let head_at = Instant::now() + latency;
        while link.wants_more() && !latency.is_zero() {
            match timeout_at(head_at, answer.next()).await {
                Ok(read) => {
                    link.take_in(read, latency);
                }
                Err(_) => break,
            }
        }
        tokio::time::sleep_until(head_at).await;
        let bytes = link.bytes;
        (link, bytes)
    }

    /// What one read brought, to be delivered after `latency`; its length.
    pub(super) fn take_in(
        &mut self,
        read: io::Result<Option<Vec<u8>>>,
        latency: Duration,
    ) -> usize {
        match read {
            Ok(Some(bytes)) => {
                let length = bytes.len();
                self.bytes += length;
                self.reads.push_back((Instant::now() + latency, bytes));
                return length;
            }
            Ok(None) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
        0
    }

    /// When the next read is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.reads.front().map(|(at, _)| *at)
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    /// Whether there is more to be read, and room for it.
    pub(super) fn wants_more(&self) -> bool {
        self.end.is_none() && self.bytes < LINK_BYTES && self.reads.len() < LINK_READS
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, bytes) = self.reads.pop_front()?;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}
