//! How much may be on its way from the streams to whoever takes them in.

use std::sync::Arc;

use sse_core::client::Update;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// In KiB.
const ROOM: u32 = 4 << 10;

/// Room for so much on its way, of all streams together. Where there is none a
/// stream is not read, and its server feels it.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// Room taken by an update, until this is dropped.
#[derive(Debug, Default)]
pub struct Taken {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }

    /// Waits for room. An update larger than all the room gets all of it.
    pub(super) async fn take(&self, update: &Update) -> Taken {
        let bytes = match update {
            Update::Batch(batch) => batch.memory(),
            _ => 0,
        };
        let amount = u32::try_from(bytes.div_ceil(1024)).map_or(ROOM, |amount| amount.min(ROOM));
        let room = Arc::clone(&self.0);
        Taken {
            // The room is never closed.
            _permit: room.acquire_many_owned(amount).await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use sse_core::Limits;
    use sse_core::client::read_stream;

    use super::*;

    async fn updates(wire: &[u8]) -> Vec<Update> {
        let mut stream = read_stream(wire, Limits::default());
        let mut updates = Vec::new();
        while let Some(update) = stream.next().await {
            updates.push(update);
        }
        updates
    }

    #[tokio::test]
    async fn what_is_not_taken_in_holds_up_what_comes_after() {
        let room = Room::new();
        let updates = updates(&b"data: a\n\n".repeat(1 << 20)).await;
        let mut taken = Vec::new();
        let mut bytes = 0;
        for update in &updates {
            let Some(room) = room.take(update).now_or_never() else {
                break;
            };
            if let Update::Batch(batch) = update {
                bytes += batch.memory();
            }
            taken.push(room);
        }
        assert!(taken.len() < updates.len());
        assert!(bytes <= 4 << 20 && bytes > 3 << 20, "{bytes}");
        taken.remove(0);
        assert!(room.take(&updates[taken.len()]).now_or_never().is_some());
    }

    #[tokio::test]
    async fn one_event_that_is_larger_than_all_the_room_gets_through() {
        let room = Room::new();
        let wire = [b"data: ", b"x".repeat(8 << 20).as_slice(), b"\n\n"].concat();
        let memory = |update: &&Update| match update {
            Update::Batch(batch) => batch.memory(),
            _ => 0,
        };
        let updates = updates(&wire).await;
        let largest = updates.iter().max_by_key(memory).unwrap();
        assert!(memory(&largest) > 8 << 20);
        assert!(room.take(largest).now_or_never().is_some());
    }
}
