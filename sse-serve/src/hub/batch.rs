//! Blocks on their way into one write.

use bytes::{Bytes, BytesMut};

/// Bytes after which a batch takes no more. A single larger event is a batch of
/// its own.
pub(super) const BATCH_MAX: usize = 32 << 10;

/// Collects blocks; one alone stays shared, not copied.
#[derive(Debug, Default)]
pub(super) struct Batch {
    copied: BytesMut,
    single: Bytes,
}

impl Batch {
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.is_empty() || self.len() + length <= BATCH_MAX
    }

    pub(super) fn push(&mut self, block: &Bytes) {
        if self.is_empty() {
            self.single = block.clone();
            return;
        }
        if !self.single.is_empty() {
            let single = std::mem::take(&mut self.single);
            self.copied.reserve((single.len() + block.len()).max(2048));
            self.copied.extend_from_slice(&single);
        }
        self.copied.extend_from_slice(block);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empty if nothing was pushed.
    pub(super) fn finish(self) -> Bytes {
        if self.copied.is_empty() {
            self.single
        } else {
            self.copied.freeze()
        }
    }

    fn len(&self) -> usize {
        self.copied.len() + self.single.len()
    }
}
