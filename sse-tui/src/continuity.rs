//! What the ids of one stream say about events that did not come, or came twice.

use regex::Regex;
use sse_core::EventRef;
use sse_core::ledger::{Gap, IdLedger, Observation, Position, SequenceLedger};
use url::Url;

/// Whether ids count without holes, which only then prove a loss.
#[derive(Debug, Clone)]
pub enum Contiguity {
    /// Nothing is known: a hole in the numbers may be another subscriber's event.
    Unknown,
    /// An unfiltered subscription of an sse-serve hub: nothing is lost where no
    /// number is missing. One that is was lost, or addressed to one session or
    /// connection, or past its time to live.
    Hub,
    /// The user says so; the first group, or else the match, is the number.
    Declared(Regex),
}

impl Contiguity {
    /// What the URL of a stream tells: all topics, no event type and no session.
    pub fn of_url(url: &str) -> Self {
        let Ok(url) = Url::parse(url) else {
            return Self::Unknown;
        };
        let has = |name| url.query_pairs().any(|(key, _)| key == name);
        let all = url
            .query_pairs()
            .any(|(key, value)| key == "topic" && value == "*");
        if all && !has("event") && !has("eventName") && !has("session") {
            Self::Hub
        } else {
            Self::Unknown
        }
    }
}

/// What one event showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing to say.
    Nothing,
    /// Events before it did not come.
    Missing {
        /// The first, as an id.
        first: String,
        /// The last, as an id.
        last: String,
        /// How many.
        count: u64,
        /// Both neighbours came on one connection.
        same_leg: bool,
    },
    /// It came before.
    Again {
        /// At or before the id that the connection resumed after.
        overlap: bool,
    },
    /// It was missing, and came after all.
    Late,
    /// Its numbers are of another history than those before.
    NewHistory,
}

/// The ledgers of one stream.
#[derive(Debug)]
pub struct Continuity {
    contiguity: Contiguity,
    /// The server said `connected` as a hub does, in the current connection.
    hub: bool,
    sequence: SequenceLedger,
    ids: IdLedger,
}

impl Continuity {
    /// Before the first connection.
    pub fn new(contiguity: Contiguity) -> Self {
        Self {
            contiguity,
            hub: false,
            sequence: SequenceLedger::default(),
            ids: IdLedger::default(),
        }
    }

    /// A connection opens after this last event ID.
    pub fn open_leg(&mut self, cursor: &str) {
        let position = self.position(cursor);
        self.sequence.open_leg(position);
        self.ids.open_leg(cursor);
    }

    /// An event arrives.
    pub fn observe(&mut self, event: &EventRef<'_>) -> Finding {
        let id = event.last_event_id;
        if !event.has_id() || id.is_empty() {
            return Finding::Nothing;
        }
        if event.event_type == "connected" && is_cursor(id) {
            // Its id is the cursor, which is no event.
            self.hub = true;
            return Finding::Nothing;
        }
        if self.is_counted()
            && let Some(position) = self.position(id)
        {
            return finding(self.sequence.observe(position), position);
        }
        match self.ids.observe(id) {
            Observation::Duplicate { overlap, .. } => Finding::Again { overlap },
            _ => Finding::Nothing,
        }
    }

    /// The server says that events are missing up to this id.
    pub fn declared(&mut self, id: &str, missed: Option<u64>) {
        if let Some(position) = self.position(id) {
            self.sequence.declare_gap(position, missed);
        }
    }

    /// Numbers that are missing, without declared ones.
    pub fn missing(&self) -> u64 {
        self.sequence.counts().missing
    }

    /// Whether nothing is lost where no number is missing.
    pub fn is_counted(&self) -> bool {
        match self.contiguity {
            Contiguity::Unknown => false,
            Contiguity::Hub => self.hub,
            Contiguity::Declared(_) => true,
        }
    }

    /// Whether the server greets as a hub does.
    pub fn is_hub(&self) -> bool {
        self.hub
    }

    /// Whether a number that is missing is an event that is lost.
    pub fn proves_loss(&self) -> bool {
        matches!(self.contiguity, Contiguity::Declared(_))
    }

    /// How many numbers lie between two ids of one history.
    pub fn between(&self, before: &str, after: &str) -> Option<u64> {
        let (before, after) = (self.position(before)?, self.position(after)?);
        if before.epoch != after.epoch {
            return None;
        }
        after.sequence.checked_sub(before.sequence)?.checked_sub(1)
    }

    fn position(&self, id: &str) -> Option<Position> {
        match &self.contiguity {
            Contiguity::Declared(regex) => {
                let found = regex.captures(id)?;
                let number = found.get(1).or_else(|| found.get(0))?;
                number.as_str().parse::<u64>().ok().map(Position::from)
            }
            _ => Position::parse(id),
        }
    }
}

/// Whether it is a position, or that before the first event.
fn is_cursor(id: &str) -> bool {
    let first = || Some(format!("{}-1", id.strip_suffix("-0")?));
    Position::parse(id).is_some() || first().is_some_and(|id| Position::parse(&id).is_some())
}

fn finding(observation: Observation, at: Position) -> Finding {
    match observation {
        Observation::Gap(gap) => missing(&gap, at),
        Observation::Duplicate { overlap, .. } => Finding::Again { overlap },
        Observation::Late { .. } => Finding::Late,
        Observation::NewHistory => Finding::NewHistory,
        _ => Finding::Nothing,
    }
}

fn missing(gap: &Gap, at: Position) -> Finding {
    let name = |sequence| {
        let mut position = at;
        position.sequence = sequence;
        position.to_string()
    };
    Finding::Missing {
        first: name(gap.first),
        last: name(gap.last),
        count: gap.missing(),
        same_leg: gap.same_leg,
    }
}
