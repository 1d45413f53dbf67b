//! Blocks on their way into one write.

use bytes::{Bytes, BytesMut};

/// Bytes after which a batch takes no more. A single larger event is a batch of
/// its own.
pub(super) const BATCH_MAX: usize = 32 << 10;

/// Collects blocks; one alone stays shared, not copied.
#[derive(Debug)]
pub(super) struct Batch {
    copied: BytesMut,
    single: Option<Bytes>,
}

impl Batch {
    pub(super) fn new(preface: BytesMut) -> Self {
        Self {
            copied: preface,
            single: None,
        }
    }

    pub(super) fn has_room(&self, length: usize) -> bool {
        self.is_empty() || self.len() + length <= BATCH_MAX
    }

    pub(super) fn push(&mut self, block: &Bytes) {
        if self.is_empty() {
            self.single = Some(block.clone());
            return;
        }
        if let Some(single) = self.single.take() {
            self.copied.reserve(single.len() + block.len());
            self.copied.extend_from_slice(&single);
        }
        self.copied.extend_from_slice(block);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn finish(self) -> Option<Bytes> {
        let bytes = self.single.unwrap_or_else(|| self.copied.freeze());
        (!bytes.is_empty()).then_some(bytes)
    }

    fn len(&self) -> usize {
        self.copied.len() + self.single.as_ref().map_or(0, Bytes::len)
    }
}
