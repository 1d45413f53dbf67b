//! Counters that others may look at while a thread runs.
//!
//! Each has one writer, its thread, so a write is a plain store; nothing on the
//! receive path waits for anyone.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; from the one writing thread only.
    pub fn add(&self, amount: u64) {
        let sum = self.get().wrapping_add(amount);
        // Who sees this sees what the thread counted before.
        self.0.store(sum, Ordering::Release);
    }

    /// Sets it; from the one writing thread only.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    /// Takes one away; from the one writing thread only.
    pub fn decrement(&self) {
        self.add(u64::MAX);
    }

    /// The value, from any thread.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one thread counts for all to see.
        #[derive(Debug, Default)]
        pub struct Live {
            $($(#[$doc])* pub $name: Counter,)*
        }

        /// The counters of all threads at one moment, added up.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Snapshot {
            /// The sum over the threads.
            pub fn of<'a>(threads: impl IntoIterator<Item = &'a Live>) -> Self {
                let mut sum = Self::default();
                for live in threads {
                    $(sum.$name += live.$name.get();)*
                }
                sum
            }
        }
    };
}

counters! {
    /// Slots whose first connection was opened, refused, or failed.
    settled,
    /// Requests without the head of a response yet.
    connecting,
    /// Slots that were open at least once.
    opened,
    /// Slots that have received an event that is part of the stream; counted for storms.
    fed,
    /// Slots that are open now.
    open,
    /// Slots that are over for good.
    ended,
    /// Slots that were open and then ended for good by a failure.
    given_up,
    /// Connections that reached the peer: the socket was connected.
    connected,
    /// Connections cut on purpose by `verify`.
    cuts,
    /// Connections opened by a slot that had been open before.
    reconnects,
    /// Events dispatched.
    deliveries,
    /// Bytes read from sockets, after TLS.
    bytes,
    /// Reads that returned bytes.
    reads,
    /// Requests answered up to their end marker.
    requests,
    /// Failures of any kind.
    failures,
}
