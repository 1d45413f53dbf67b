//! The memory for publish bodies, of all requests together: slow ones would
//! otherwise hold as much as there are connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that are counted at a time.
const STEP: usize = 4 << 10;

/// What is left of the memory for bodies.
#[derive(Debug, Clone)]
pub(super) struct Bodies(Arc<Semaphore>);

/// A body's part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    bodies: Bodies,
    held: Option<OwnedSemaphorePermit>,
}

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Bodies {
    pub(super) fn new(bytes: usize) -> Self {
        let steps = bytes.div_ceil(STEP).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(steps)))
    }

    pub(super) fn room(&self) -> Room {
        let bodies = self.clone();
        Room { bodies, held: None }
    }
}

impl Room {
    /// Makes room for so many bytes in all.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(), Full> {
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(STEP).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| Full)?;
        let semaphore = Arc::clone(&self.bodies.0);
        let permit = semaphore.try_acquire_many_owned(more).map_err(|_| Full)?;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_share_one_memory() {
        let bodies = Bodies::new(4 * STEP);
        let (mut one, mut other) = (bodies.room(), bodies.room());
        assert_eq!(one.reserve(1), Ok(()));
        assert_eq!(one.reserve(STEP), Ok(()));
        assert_eq!(one.reserve(3 * STEP), Ok(()));
        assert_eq!(other.reserve(STEP), Ok(()));
        assert_eq!(other.reserve(STEP + 1), Err(Full));
        drop(one);
        assert_eq!(other.reserve(4 * STEP), Ok(()));
        drop(other);
        assert_eq!(bodies.0.available_permits(), 4);
    }
}
