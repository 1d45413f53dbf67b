//! What a judged run found.

use std::collections::BTreeMap;

use super::Micros;

/// What events were told apart by, the strongest that held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A declared sequence.
    Sequence,
    /// The id as a name.
    Id,
    /// A value in the data.
    Pointer,
    /// Type and data.
    Content,
    /// Nothing.
    None,
}

impl Level {
    /// The name that a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Id => "id",
            Self::Pointer => "pointer",
            Self::Content => "content",
            Self::None => "none",
        }
    }
}

/// The counts, summed over all slots; their names are the keys of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Integrity {
    /// Events owed.
    pub expected: u64,
    /// Those of them that were received.
    pub received: u64,
    /// Events that are owed to nobody, because nothing tells them from others.
    pub unkeyed: u64,
    /// Events owed and not received, without those of declared gaps.
    pub missing: u64,
    /// Runs of them lost while connected.
    pub gap: u64,
    /// Those runs that no reconnect can ever recover.
    pub cursor_past_hole: u64,
    /// Runs lost between one leg and a later one.
    pub lost_after_reconnect: u64,
    /// Runs that the server announced.
    pub declared_gap: u64,
    /// Events received again by one slot.
    pub duplicate: u64,
    /// Those of them at or before the last event ID of their leg's request.
    pub replay_overlap: u64,
    /// Events outside the longest increasing run of their leg.
    pub reorder: u64,
    /// Ids with more than one content.
    pub id_conflict: u64,
    /// Slots that stalled.
    pub stall: u64,
}

/// How a reconnect resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing was owed.
    Vacuous,
    /// It continued after the last event ID.
    Resumed,
    /// It began anew, from the start of what the server keeps.
    FullReplay,
    /// It went on with what is new.
    LiveOnly,
    /// The leg was over before that could be told.
    Undecided,
}

/// What came of one reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegResult {
    /// How it resumed.
    pub mode: Mode,
    /// Events owed between the last event ID and the head.
    pub owed: u64,
    /// Whether each arrived in time; `None` if the leg was over before, or none was owed.
    pub complete: Option<bool>,
    /// The number of the cut before it; `None` if the server had ended the leg.
    pub cut: Option<u16>,
    /// When the leg before it ended.
    pub lost: Micros,
    /// When it first received what was known by then, or something newer.
    pub caught_up: Option<Micros>,
}

/// Results of reconnects kept one by one, at most.
const MOST_SAMPLED: usize = 4096;

/// Reconnects after one manner of losing the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replays {
    /// All.
    pub reconnects: u64,
    /// With nothing owed.
    pub vacuous: u64,
    /// With something owed: all of it arrived in time, or not.
    pub complete: u64,
    /// See [`complete`](Self::complete).
    pub incomplete: u64,
}

/// Reconnects that opened, however many: in sum, and some of them one by one.
#[derive(Debug, Clone)]
pub struct Reopened {
    /// By the number of the cut before; `None` where this side had not cut.
    pub by_cut: BTreeMap<Option<u16>, Replays>,
    /// Of those to which something was owed.
    pub sample: Vec<LegResult>,
    /// One of so many is in the sample.
    pub each: u64,
    /// Those to which something was owed.
    pub owed: u64,
}

impl Default for Reopened {
    fn default() -> Self {
        Self {
            by_cut: BTreeMap::new(),
            sample: Vec::new(),
            each: 1,
            owed: 0,
        }
    }
}

impl Reopened {
    pub(super) fn add(&mut self, result: &LegResult) {
        let replays = self.by_cut.entry(result.cut).or_default();
        replays.reconnects += 1;
        replays.vacuous += u64::from(result.mode == Mode::Vacuous);
        replays.complete += u64::from(result.complete == Some(true));
        replays.incomplete += u64::from(result.complete == Some(false));
        if result.owed == 0 {
            return;
        }
        if self.owed.is_multiple_of(self.each) {
            if self.sample.len() >= MOST_SAMPLED {
                let mut number = 0;
                self.sample.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.each *= 2;
            }
            if self.owed.is_multiple_of(self.each) {
                self.sample.push(*result);
            }
        }
        self.owed += 1;
    }
}

/// Reconnects by what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconnects {
    /// All, refused ones included.
    pub total: u64,
    /// With nothing owed: they prove nothing.
    pub vacuous: u64,
    /// See [`Mode`].
    pub resumed: u64,
    /// See [`Mode`].
    pub full_replay: u64,
    /// See [`Mode`].
    pub live_only: u64,
    /// Refused by the server.
    pub rejected: u64,
    /// See [`Mode`].
    pub undecided: u64,
    /// All that was owed arrived in time.
    pub complete: u64,
    /// It did not.
    pub incomplete: u64,
}

impl Reconnects {
    pub(super) fn add(&mut self, result: &LegResult) {
        self.total += 1;
        *match result.mode {
            Mode::Vacuous => &mut self.vacuous,
            Mode::Resumed => &mut self.resumed,
            Mode::FullReplay => &mut self.full_replay,
            Mode::LiveOnly => &mut self.live_only,
            Mode::Undecided => &mut self.undecided,
        } += 1;
        match result.complete {
            Some(true) => self.complete += 1,
            Some(false) => self.incomplete += 1,
            None => {}
        }
    }
}

/// A kind of anomaly, named as in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnomalyKind {
    /// Lost while connected.
    Gap,
    /// Lost between legs.
    LostAfterReconnect,
    /// Not received by the end.
    MissingAtEnd,
    /// Announced by the server.
    DeclaredGap,
    /// Arrived, but too late.
    IncompleteReplay,
    /// Received again.
    Duplicate,
    /// Out of order.
    Reorder,
    /// One id, different content.
    IdConflict,
    /// Silence while others received.
    Stall,
    /// A refused reconnect.
    Rejected,
}

impl AnomalyKind {
    /// The name that a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::LostAfterReconnect => "lost_after_reconnect",
            Self::MissingAtEnd => "missing_at_end",
            Self::DeclaredGap => "declared_gap",
            Self::IncompleteReplay => "incomplete_replay",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::IdConflict => "id_conflict",
            Self::Stall => "stall",
            Self::Rejected => "rejected",
        }
    }
}

/// One anomaly. Slots and legs count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// Whose.
    pub slot: usize,
    /// On which connection of it.
    pub leg: usize,
    /// Since the start of the run.
    pub at: Micros,
    /// Events.
    pub count: u64,
    /// The first of them.
    pub first: Option<String>,
    /// The last of them.
    pub last: Option<String>,
}

/// A reception: which of its slot's legs, from 1, and keyed events of the leg before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spot {
    /// See there.
    pub leg: usize,
    /// See there.
    pub ordinal: u32,
}

/// Where among the receptions of a slot an anomaly is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// Between two receptions; the first of those that are at fault, if they arrived.
    Receptions {
        /// The one before.
        before: Option<Spot>,
        /// The first at fault.
        first: Option<Spot>,
        /// The one after.
        after: Option<Spot>,
    },
    /// At the reception of this number among those of all slots.
    Delivery(u64),
    /// At this time.
    Time(Micros),
    /// Where the leg opened.
    Opening,
}

/// An anomaly with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What and whose.
    pub anomaly: Anomaly,
    /// The events that the slot received before and after, where these are known.
    pub before: Option<String>,
    /// See [`before`](Self::before).
    pub after: Option<String>,
    /// Whether no reconnect can ever recover what this gap lost.
    pub cursor_past_hole: bool,
    /// Repeats at or before the last event ID of the leg's request.
    pub replay_overlap: u64,
    /// Where.
    pub around: Around,
}

impl Logged {
    pub(super) fn new(anomaly: Anomaly, around: Around) -> Self {
        Self {
            anomaly,
            before: None,
            after: None,
            cursor_past_hole: false,
            replay_overlap: 0,
            around,
        }
    }
}

/// The earliest anomalies, of all kinds.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// In order of time, once the run is judged.
    pub entries: Vec<Logged>,
    /// Anomalies for which there was no room.
    pub left_out: u64,
    most: usize,
}

impl Log {
    /// Of `most` entries; none wants no log, and counts nothing.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.most > 0
    }

    pub(super) fn add(&mut self, entry: Logged) {
        if !self.is_wanted() {
            return;
        }
        self.entries.push(entry);
        if self.entries.len() >= self.most.saturating_mul(2) {
            self.settle();
        }
    }

    pub(super) fn leave_out(&mut self, count: u64) {
        if self.is_wanted() {
            self.left_out += count;
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        for entry in &other.entries {
            self.add(entry.clone());
        }
        self.leave_out(other.left_out);
    }

    pub(super) fn settle(&mut self) {
        self.entries.sort_by_key(|entry| {
            let anomaly = &entry.anomaly;
            (anomaly.at, anomaly.slot, anomaly.leg)
        });
        let beyond = self.entries.len().saturating_sub(self.most);
        self.left_out += beyond as u64;
        self.entries.truncate(self.most);
    }
}

/// How connections show that they have no stream in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strangers {
    /// Each begins with the first event of the first one.
    BeginAnew,
    /// Under so many of so many ids they were given different contents.
    Disagree(u64, u64),
    /// So many of so many events came to one of them only.
    Private(u64, u64),
}

/// What is not proved, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Nothing tells events apart.
    NoIdentity,
    /// Connections have streams of their own.
    NotShared(Strangers),
    /// No event was owed to anybody.
    NothingOwed,
    /// For so long fewer than two connections were open.
    Unverifiable(Micros),
    /// So many events came to one connection only.
    Unshared(u64),
    /// The bound on records was reached at this time.
    Truncated(Micros),
    /// So many events came in replays only, when more events had been let go of than
    /// names are remembered: they may be repeats.
    Forgotten(u64),
    /// The declared sequence has more holes than numbers, or no id has a number.
    NoSequence,
}

/// What a judged run found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What events were told apart by.
    pub level: Option<Level>,
    /// The counts.
    pub integrity: Integrity,
    /// Reconnects by what came of them.
    pub reconnects: Reconnects,
    /// The same by the cuts before them, and some one by one.
    pub legs: Reopened,
    /// Missing events by where they were lost: while connected, between legs.
    pub missing_connected: u64,
    /// See [`missing_connected`](Self::missing_connected).
    pub missing_between: u64,
    /// Runs announced by the server while connected.
    pub declared_connected: u64,
    /// Events told apart.
    pub events: u64,
    /// Events received by two slots or more.
    pub shared: u64,
    /// Connections that ended before the run did.
    pub lost: u64,
    /// Contents that a slot received twice, which may be two events or one.
    pub ambiguous: u64,
    /// All that was received.
    pub deliveries: u64,
    /// Control events.
    pub control: u64,
    /// Types that greet each connection, and how often.
    pub greetings: Vec<(String, u64)>,
    /// Slots that opened a stream, and those long enough for a stall to show.
    pub slots: u64,
    /// See [`slots`](Self::slots).
    pub stall_checked: u64,
    /// Length of the time in which events were owed.
    pub window: Micros,
    /// Why something is not proved.
    pub undecided: Vec<Undecided>,
    /// The first anomalies of each kind.
    pub anomalies: Vec<Anomaly>,
    /// All of them, where that was asked for.
    pub log: Log,
}
