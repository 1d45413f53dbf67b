//! What a server may do wrong, and how it may number its events.

/// A fault, or a habit that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Honest.
    None,
    /// One event is not sent to one connection.
    Drops,
    /// One event is sent twice.
    Repeats,
    /// Two events change places.
    Swaps,
    /// One connection gets other data under an id.
    IdConflict,
    /// One connection gets nothing for a while, then all.
    Stalls,
    /// One replay leaves out its first two events.
    LosesOnReconnect,
    /// The same with three, and says so.
    Declares { announced: u32 },
    /// One replay begins two events too early.
    Overlaps,
    /// Replays come late.
    SlowReplay,
    /// No replay at all.
    LiveOnly,
    /// Replays from the start.
    FullReplay,
    /// One reconnect is refused.
    Rejects,
    /// Honest: ends each stream after two seconds.
    ClosesEvery2s,
    /// Honest: an event of its own for each connection.
    Greets,
    /// A stream of its own for each connection.
    CountsPerConnection,
}

impl Fault {
    pub(super) fn strikes_while_connected(self) -> bool {
        matches!(
            self,
            Self::Drops | Self::Repeats | Self::Swaps | Self::IdConflict | Self::Stalls
        )
    }

    /// Commits it on a batch of three events or more.
    pub(super) fn disturb(self, events: &mut Vec<usize>) {
        match self {
            Self::Drops => {
                events.remove(1);
            }
            Self::Repeats => events.insert(1, events[1]),
            Self::Swaps => events.swap(1, 2),
            _ => {}
        }
    }
}

/// How events are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// 1, 2, 3, ...
    Numbers,
    /// Numbers that leave some out; `by` more after each `every` events.
    Holes { every: usize, by: usize },
    /// Names without an order.
    Opaque,
    /// No ids.
    None,
}

impl Ids {
    pub(super) fn of(self, position: usize) -> String {
        match self {
            Self::Numbers | Self::None => (position + 1).to_string(),
            Self::Holes { every, by } => (position + 1 + position / every * by).to_string(),
            Self::Opaque => {
                // Odd, so that no two positions have the same name.
                format!(
                    "{:016x}",
                    (position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                )
            }
        }
    }

    pub(super) fn field(self, position: usize) -> String {
        match self {
            Self::None => String::new(),
            _ => format!("id: {}\n", self.of(position)),
        }
    }
}
