//! The id ledger: what a stream owed and what it delivered.
//!
//! A ledger belongs to one client, over all its connections (its *legs*). Told
//! the id of each event it says what that event is: in order, the end of a gap,
//! late, a duplicate, out of order. [`SequenceLedger`] reads ids that count
//! without holes; [`IdLedger`] reads any others, where a gap cannot be seen.
//!
//! ```
//! use sse_core::ledger::{Observation, Position, SequenceLedger};
//!
//! let mut ledger = SequenceLedger::default();
//! let at = |id| Position::parse(id).unwrap();
//! ledger.open_leg(None);
//! assert_eq!(ledger.observe(at("k3x9a0bc-1")), Observation::InOrder);
//! let Observation::Gap(gap) = ledger.observe(at("k3x9a0bc-4")) else { panic!() };
//! assert_eq!((gap.first, gap.last, gap.missing()), (2, 3, 2));
//!
//! // The connection broke and the server replays too much.
//! ledger.open_leg(Some(at("k3x9a0bc-4")));
//! assert_eq!(ledger.observe(at("k3x9a0bc-3")), Observation::Late { reorder: false });
//! assert_eq!(
//!     ledger.observe(at("k3x9a0bc-4")),
//!     Observation::Duplicate { overlap: true, reorder: false },
//! );
//! assert_eq!(ledger.observe(at("k3x9a0bc-5")), Observation::InOrder);
//!
//! let counts = ledger.counts();
//! assert_eq!((counts.received, counts.missing, counts.replay_overlap), (5, 1, 1));
//! ```
//!
//! Memory is bounded: while a stream is healthy a sequence ledger is 296 bytes
//! (on 64-bit machines) and nothing on the heap, and each open gap costs 24
//! bytes, twice, up to a limit. An id ledger is 224 bytes and 12 for each of the
//! recent ids. What a ledger had to forget it counts.

mod opaque;
mod position;
mod sequence;
mod span;

pub use opaque::IdLedger;
pub use position::{Epoch, Position};
pub use sequence::SequenceLedger;

/// What one event is, in view of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observation {
    /// The event that was due, or the first. From an [`IdLedger`]: an id that
    /// the window does not hold.
    InOrder,
    /// Newer than what was due: the events between are missing, so far.
    Gap(Gap),
    /// One of the missing. The gap it closes is smaller by it.
    Late {
        /// A later event came before it on this leg.
        reorder: bool,
    },
    /// Received before, by this client.
    Duplicate {
        /// At or before the cursor at which the leg opened: the server replayed
        /// what the client said it had.
        overlap: bool,
        /// A later event came before it on this leg, and it itself did not.
        reorder: bool,
    },
    /// Older than what the client is owed, which begins with its first event.
    BeforeStart {
        /// A later event came before it on this leg.
        reorder: bool,
    },
    /// Lies where gaps were forgotten: late or a duplicate.
    Undecided,
    /// The first event of another [`Epoch`]: the server lost its history. What
    /// was missing before is missing for good.
    NewHistory,
}

/// Events that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The first that is missing.
    pub first: u64,
    /// The last that is missing.
    pub last: u64,
    /// Lost while connected: the events on both sides came on one leg.
    /// Otherwise it was lost in a reconnect.
    pub same_leg: bool,
}

impl Gap {
    /// How many events are missing.
    pub fn missing(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// The sums of a ledger, which stop at `u64::MAX`: the ids are the server's. A
/// field that its kind of ledger cannot tell is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Events observed, duplicates included.
    pub received: u64,
    /// Events owed and not received, without those of declared gaps.
    pub missing: u64,
    /// Runs of missing events that were lost while connected.
    pub gap: u64,
    /// Runs of missing events between an earlier leg and a later one.
    pub lost_after_reconnect: u64,
    /// Events that the server announced as lost and that did not come.
    pub declared_gap: u64,
    /// Events that came after all, out of a gap.
    pub late: u64,
    /// Events received again.
    pub duplicate: u64,
    /// Those of them at or before the cursor at which their leg opened.
    pub replay_overlap: u64,
    /// Events that came after a later one on the same leg, repeats on that leg
    /// apart. One event that comes far too early makes all that it passed count.
    pub reorder: u64,
    /// Events older than the first one owed.
    pub before_start: u64,
    /// Connections opened.
    pub legs: u64,
    /// Changes of the [`Epoch`].
    pub new_histories: u64,
    /// What the bounds made the ledger forget: missing events (they stay in
    /// `missing`, though they may have come since), or ids out of the window.
    pub forgotten: u64,
    /// Events of which that leaves unknown what they are.
    pub undecided: u64,
}
