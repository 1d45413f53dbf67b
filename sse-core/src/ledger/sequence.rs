//! The ledger of ids that count without holes.

use super::span::{Hole, Insert, Kind, Span};
use super::{Counts, Gap, Observation, Position};
use crate::ledger::Epoch;

/// A ledger of ids, or numbers in the data, that the server counts without
/// holes for this client.
///
/// Where a subscription is filtered its ids have holes that mean nothing: use
/// an [`IdLedger`](super::IdLedger) there. An example stands at the
/// [module](super).
#[derive(Debug, Clone)]
pub struct SequenceLedger {
    /// What came on any leg.
    all: Span,
    /// What came on this leg.
    leg: Span,
    epoch: Option<Epoch>,
    cursor: Option<u64>,
    max_holes: usize,
    /// All but the open holes of `all`.
    settled: Counts,
}

impl SequenceLedger {
    /// The default of [`SequenceLedger::with_max_holes`].
    pub const MAX_HOLES: usize = 64;

    /// A ledger that keeps at most this many separate holes, for each of the
    /// client and its current leg. Of more the oldest is forgotten and counted.
    pub fn with_max_holes(max_holes: usize) -> Self {
        Self {
            all: Span::default(),
            leg: Span::default(),
            epoch: None,
            cursor: None,
            max_holes,
            settled: Counts::default(),
        }
    }

    /// A connection opens; `cursor` is the last event ID that it sends.
    ///
    /// A cursor on the first leg is taken for a client that has all up to it.
    pub fn open_leg(&mut self, cursor: Option<Position>) {
        self.settled.legs += 1;
        self.leg = Span::default();
        if let (None, Some(cursor)) = (self.epoch, cursor) {
            self.epoch = Some(cursor.epoch);
            self.all = Span::up_to(cursor.sequence);
        }
        self.cursor = cursor
            .filter(|cursor| self.epoch == Some(cursor.epoch))
            .map(|cursor| cursor.sequence);
    }

    /// An event arrives.
    pub fn observe(&mut self, position: impl Into<Position>) -> Observation {
        let position = position.into();
        self.settled.received += 1;
        if self.enter(position.epoch) {
            self.insert(position.sequence);
            return Observation::NewHistory;
        }
        self.insert(position.sequence)
    }

    /// The server announces a gap: `resume_after` is the place after which
    /// delivery goes on, `missed` how many events it says are lost, if it does.
    ///
    /// Returns what is lost beyond that. The server does not say which these
    /// are; the latest are taken for them.
    pub fn declare_gap(
        &mut self,
        resume_after: impl Into<Position>,
        missed: Option<u64>,
    ) -> Option<Gap> {
        let Position { epoch, sequence } = resume_after.into();
        self.enter(epoch);
        let Some(frontier) = self.all.frontier() else {
            self.all = Span::after(sequence);
            return None;
        };
        let run = sequence.saturating_sub(frontier);
        let declared = missed.unwrap_or(run).min(run);
        let kind = self.kind();
        self.all.skip_to(frontier + declared, Kind::Declared);
        self.forget();
        self.all.skip_to(frontier + run, kind);
        self.forget();
        (declared < run).then(|| Gap {
            first: frontier + declared + 1,
            last: frontier + run,
            same_leg: kind == Kind::LostConnected,
        })
    }

    /// The sums so far.
    pub fn counts(&self) -> Counts {
        let mut counts = self.settled;
        for hole in self.all.holes() {
            add(&mut counts, hole);
        }
        counts
    }

    /// The runs that are missing now, without declared and forgotten ones.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        self.all.holes().iter().filter_map(lost)
    }

    /// The newest event that is accounted for, as received, missing or declared.
    pub fn frontier(&self) -> Option<Position> {
        Some(Position {
            epoch: self.epoch?,
            sequence: self.all.frontier()?,
        })
    }

    /// Whether that ended another history.
    fn enter(&mut self, epoch: Epoch) -> bool {
        match self.epoch.replace(epoch) {
            Some(before) if before != epoch => {}
            _ => return false,
        }
        self.settled = self.counts();
        self.settled.new_histories += 1;
        self.all = Span::default();
        self.leg = Span::default();
        self.cursor = None;
        true
    }

    fn insert(&mut self, number: u64) -> Observation {
        let kind = self.kind();
        let on_leg = self.leg.insert(number, kind);
        let in_all = self.all.insert(number, kind);
        self.leg.forget(self.max_holes);
        self.forget();
        let reorder = matches!(on_leg, Insert::Late(_) | Insert::Below);
        let counts = &mut self.settled;
        counts.reorder += u64::from(reorder);
        counts.undecided += u64::from(on_leg == Insert::Unknown || in_all == Insert::Unknown);
        match in_all {
            Insert::Next => Observation::InOrder,
            Insert::Jump(hole) => Observation::Gap(Gap {
                first: hole.first,
                last: hole.last,
                same_leg: kind == Kind::LostConnected,
            }),
            Insert::Below | Insert::Late(Kind::Unowed) => {
                counts.before_start += 1;
                Observation::BeforeStart { reorder }
            }
            Insert::Late(_) => {
                counts.late += 1;
                Observation::Late { reorder }
            }
            Insert::Repeat => {
                let overlap = self.cursor.is_some_and(|cursor| number <= cursor);
                counts.duplicate += 1;
                counts.replay_overlap += u64::from(overlap);
                Observation::Duplicate { overlap, reorder }
            }
            Insert::Unknown => Observation::Undecided,
        }
    }

    /// What a gap after the newest event is.
    fn kind(&self) -> Kind {
        match self.leg.highest() {
            Some(highest) if self.all.highest() == Some(highest) => Kind::LostConnected,
            _ => Kind::LostAfterReconnect,
        }
    }

    fn forget(&mut self) {
        if let Some(hole) = self.all.forget(self.max_holes) {
            add(&mut self.settled, &hole);
            if lost(&hole).is_some() {
                self.settled.forgotten = self.settled.forgotten.saturating_add(hole.len());
            }
        }
    }
}

impl Default for SequenceLedger {
    fn default() -> Self {
        Self::with_max_holes(Self::MAX_HOLES)
    }
}

fn add(counts: &mut Counts, hole: &Hole) {
    match hole.kind {
        Kind::LostConnected => counts.gap += 1,
        Kind::LostAfterReconnect => counts.lost_after_reconnect += 1,
        Kind::Declared => {
            counts.declared_gap = counts.declared_gap.saturating_add(hole.len());
        }
        Kind::Unowed => {}
    }
    if lost(hole).is_some() {
        counts.missing = counts.missing.saturating_add(hole.len());
    }
}

fn lost(hole: &Hole) -> Option<Gap> {
    match hole.kind {
        Kind::LostConnected | Kind::LostAfterReconnect => Some(Gap {
            first: hole.first,
            last: hole.last,
            same_leg: hole.kind == Kind::LostConnected,
        }),
        Kind::Declared | Kind::Unowed => None,
    }
}

#[cfg(test)]
mod tests;
