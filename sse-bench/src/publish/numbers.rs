//! The number that an event of this run carries.

use super::Publishing;
use crate::checker::KeyPointer;
use crate::payloads::Payloads;

/// Finds the numbers of own events.
#[derive(Debug)]
pub(super) struct Numbers {
    pointer: KeyPointer,
    marker: Option<String>,
    payloads: Payloads<u64>,
}

impl Numbers {
    pub(super) fn new(publishing: &Publishing) -> Self {
        Self {
            pointer: publishing.sequence.clone(),
            marker: publishing.marker(),
            payloads: Payloads::default(),
        }
    }

    /// `None` where it is an event of another run, or of somebody else.
    pub(super) fn find(&mut self, data: &str) -> Option<u64> {
        let Self {
            pointer,
            marker,
            payloads,
        } = self;
        payloads.find(data, |data| {
            let is_own = marker.as_ref().is_none_or(|marker| data.contains(marker));
            is_own.then(|| pointer.integer(data)).flatten()
        })
    }
}
