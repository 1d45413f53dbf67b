//! What became of each reconnect: what was asked for, what came, and the verdict.

use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::connection::{Connection, Leg, Link, Refusal, Verdict};
use crate::format;

/// Which reconnect: stream and leg.
pub type Key = (usize, u64);

/// How the server went on, as far as the ids tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// After the last event ID, or it said what it could no longer send.
    Resumed,
    /// From the beginning, whatever the last event ID.
    FullReplay,
    /// With what was new, whatever the last event ID.
    LiveOnly,
    /// In another history than that of the last event ID.
    NewHistory,
    /// It did not: the request was refused.
    Rejected,
    /// It said that nothing more will come.
    Complete,
    /// There is no connection yet.
    Waiting,
    /// No event came since that could show it.
    NothingToJudge,
    /// Events came, and do not show it.
    Unknown,
}

impl Outcome {
    /// A word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Resumed => "resumed",
            Self::FullReplay => "full replay",
            Self::LiveOnly => "live only",
            Self::NewHistory => "new history",
            Self::Rejected => "rejected",
            Self::Complete => "told to stop",
            Self::Waiting => "not back yet",
            Self::NothingToJudge => "nothing to judge",
            Self::Unknown => "cannot be told",
        }
    }
}

/// One reconnect.
#[derive(Debug, Clone, Copy)]
pub struct Reconnect<'a> {
    /// Index of the stream.
    pub source: usize,
    connection: &'a Connection,
    state: State<'a>,
}

#[derive(Debug, Clone, Copy)]
enum State<'a> {
    Opened(&'a Leg),
    Refused(&'a Refusal),
    /// The time now.
    Waiting(Timestamp),
}

/// The reconnects of all streams, as they came.
pub fn reconnects(app: &App) -> Vec<Reconnect<'_>> {
    let mut all = Vec::new();
    for (source, connection) in app.connections.iter().enumerate() {
        let row = |state| Reconnect {
            source,
            connection,
            state,
        };
        // A first connection that took several attempts is none.
        let again = |leg: &&Leg| leg.number > 1 || !leg.resumed_after.is_empty();
        let legs = connection.legs.iter().filter(again);
        all.extend(legs.map(|leg| row(State::Opened(leg))));
        all.extend(
            connection
                .refusal
                .as_ref()
                .map(|it| row(State::Refused(it))),
        );
        let closed = matches!(connection.link, Link::Closed(_));
        if connection.lost_at.is_some() && connection.opened > 0 && !closed {
            all.push(row(State::Waiting(app.now)));
        }
    }
    all.sort_by_key(|reconnect| (reconnect.at(), reconnect.key()));
    all
}

/// What tells them apart.
pub fn keys(reconnects: &[Reconnect<'_>]) -> Vec<Key> {
    reconnects.iter().map(Reconnect::key).collect()
}

/// Reconnects that are no longer known.
pub fn forgotten(app: &App) -> u64 {
    let connections = app.connections.iter();
    connections.map(|connection| connection.forgotten).sum()
}

impl<'a> Reconnect<'a> {
    /// Stream and leg.
    pub fn key(&self) -> Key {
        (self.source, self.leg())
    }

    /// The number of the connection, or the one that it will have.
    pub fn leg(&self) -> u64 {
        match self.state {
            State::Opened(leg) => leg.number,
            State::Refused(refusal) => refusal.leg,
            State::Waiting(_) => self.connection.leg,
        }
    }

    /// When it opened or was refused; while it did not, when the outage began.
    pub fn at(&self) -> Timestamp {
        match self.state {
            State::Opened(leg) => leg.at,
            State::Refused(refusal) => refusal.at,
            State::Waiting(now) => self.connection.lost_at.unwrap_or(now),
        }
    }

    /// The row that says so in the list.
    pub fn row(&self) -> Option<u64> {
        match self.state {
            State::Opened(leg) => Some(leg.row),
            State::Refused(refusal) => Some(refusal.row),
            State::Waiting(_) => None,
        }
    }

    /// Time without a connection; none where there was none before.
    pub fn outage(&self) -> Option<Duration> {
        match self.state {
            State::Opened(leg) => leg.outage,
            State::Refused(refusal) => Some(refusal.outage),
            State::Waiting(now) => {
                let lost_at = self.connection.lost_at?;
                Duration::try_from(now.duration_since(lost_at)).ok()
            }
        }
    }

    /// Why the connection before it ended.
    pub fn cause(&self) -> &'a str {
        match self.state {
            State::Opened(leg) if leg.number == 1 => "resumed on request",
            State::Opened(leg) => &leg.cause,
            State::Refused(refusal) => &refusal.cause,
            State::Waiting(_) => &self.connection.lost_cause,
        }
    }

    /// Connections tried for it.
    pub fn attempts(&self) -> u64 {
        match self.state {
            State::Opened(leg) => leg.attempts,
            State::Refused(refusal) => refusal.attempts,
            State::Waiting(_) => self.connection.attempts,
        }
    }

    /// What was sent as `Last-Event-ID`; empty for none.
    pub fn sent(&self) -> &'a str {
        match self.state {
            State::Opened(leg) => &leg.resumed_after,
            State::Refused(refusal) => &refusal.resumed_after,
            State::Waiting(_) if self.connection.unsendable => "",
            State::Waiting(_) => &self.connection.last_event_id,
        }
    }

    /// Once it was open.
    pub fn opened(&self) -> Option<&'a Leg> {
        match self.state {
            State::Opened(leg) => Some(leg),
            _ => None,
        }
    }

    /// How the server went on.
    pub fn outcome(&self) -> Outcome {
        match self.state {
            State::Opened(leg) => outcome(leg, self.connection.first_id.as_deref()),
            State::Refused(refusal) if refusal.complete => Outcome::Complete,
            State::Refused(_) => Outcome::Rejected,
            State::Waiting(_) => Outcome::Waiting,
        }
    }

    /// What became of the events in between; the words of the list's divider.
    pub fn verdict(&self) -> Option<(String, Verdict)> {
        match self.state {
            State::Opened(leg) => leg.verdict(),
            State::Refused(refusal) => {
                let verdict = if refusal.complete {
                    Verdict::Complete
                } else {
                    Verdict::Lost
                };
                Some((refusal.answer.clone(), verdict))
            }
            State::Waiting(_) => None,
        }
    }

    /// Events lost, proved or declared; `?` where the server does not know, or the
    /// numbers may be others' events.
    pub fn lost(&self) -> String {
        let Some(leg) = self.opened() else {
            return String::new();
        };
        let declared = match leg.declared {
            Some(None) => return "?".to_owned(),
            Some(Some(declared)) => declared,
            None => 0,
        };
        let lost = format::short_count(leg.missing.saturating_add(declared));
        if leg.missing > 0 && !leg.proves_loss {
            return format!("{lost}?");
        }
        lost
    }
}

fn outcome(leg: &Leg, first_ever: Option<&str>) -> Outcome {
    if leg.again > 0 && leg.first_id.as_deref() == first_ever {
        return Outcome::FullReplay;
    }
    if leg.new_history || leg.reset {
        return Outcome::NewHistory;
    }
    if leg.declared.is_some() {
        return Outcome::Resumed;
    }
    if leg.events == 0 {
        return Outcome::NothingToJudge;
    }
    if leg.resumed_after.is_empty() {
        return Outcome::Unknown;
    }
    let greeting = leg.greeting.as_deref();
    if greeting.is_some_and(|cursor| cursor != leg.resumed_after) {
        return Outcome::LiveOnly;
    }
    if greeting.is_some() || leg.between == Some(0) || leg.overlap > 0 {
        return Outcome::Resumed;
    }
    match leg.between {
        Some(between) if leg.counted && leg.missing >= between => Outcome::LiveOnly,
        Some(_) if leg.counted => Outcome::Resumed,
        _ => Outcome::Unknown,
    }
}
