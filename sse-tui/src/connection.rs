//! One stream and what is known of its connections.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::continuity::{Contiguity, Continuity};
use crate::format;
use crate::message::Ending;
use crate::wire::Assembler;

/// State of one stream, as `EventSource.readyState` knows it and a little more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A connection is being made.
    Connecting,
    /// Events may arrive.
    Open {
        /// Since when.
        since: Timestamp,
        /// Status and protocol version.
        how: String,
    },
    /// Between two connections.
    Waiting {
        /// Why the last one ended.
        cause: String,
        /// When the next one is tried.
        retry_at: Timestamp,
    },
    /// For good.
    Closed(Ending),
}

/// What a number stands for that a hub did not send.
pub const MAYBE_LOST: &str = "lost, expired or addressed to others";

/// What comes so soon after a connection opened waited for it.
pub const AT_ONCE: SignedDuration = SignedDuration::from_millis(500);

/// Legs whose story is kept; of more the oldest is forgotten.
const MAX_LEGS: usize = 1000;

/// One connection that was open, and what it resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Counted from 1.
    pub number: u64,
    /// When it opened.
    pub at: Timestamp,
    /// The row that says so.
    pub row: u64,
    /// Why the one before it ended.
    pub cause: String,
    /// How many connections were tried for it.
    pub attempts: u64,
    /// Time without a connection before it.
    pub outage: Option<Duration>,
    /// What it sent as `Last-Event-ID`; empty for none.
    pub resumed_after: String,
    /// There was an id, which no header can carry.
    pub unsendable: bool,
    /// The id of its first event that has one.
    pub first_id: Option<String>,
    /// Its events, without greetings and declared gaps.
    pub events: u64,
    /// Those of them that came within [`AT_ONCE`] of its opening.
    pub at_once: u64,
    /// Numbers between those two, where they can be counted.
    pub between: Option<u64>,
    /// Nothing is lost where no number is missing.
    pub counted: bool,
    /// A number that is missing is an event that is lost.
    pub proves_loss: bool,
    /// Numbers missing between the leg before and this one, where they count.
    pub missing: u64,
    /// Events received before, by an earlier leg or this one.
    pub again: u64,
    /// Those of them at or before the id that it resumed after.
    pub overlap: u64,
    /// Events that the server said are missing; `None` inside: it does not know
    /// how many.
    pub declared: Option<Option<u64>>,
    /// The server said that it has another history than the one asked for.
    pub reset: bool,
    /// The server greeted as a hub does, which declares what is lost.
    pub greeted: bool,
    /// The id in that greeting, from which the hub goes on.
    pub greeting: Option<String>,
    /// The server began another history.
    pub new_history: bool,
}

impl Leg {
    /// Whether there was something to resume: a connection before it, or an id
    /// given by the user.
    pub fn is_reconnect(&self) -> bool {
        self.outage.is_some() || !self.resumed_after.is_empty()
    }

    /// What became of the events between the leg before and this one, in a few
    /// words, and whether some are known to be lost.
    pub fn verdict(&self) -> Option<(String, Verdict)> {
        if !self.is_reconnect() {
            return None;
        }
        let again = match self.again {
            0 => String::new(),
            number => format!(", {} sent again", format::count(number)),
        };
        if self.new_history {
            let text = format!("the server began a new history{again}");
            return Some((text, Verdict::Lost));
        }
        match self.declared {
            Some(Some(missed)) if missed > 0 => {
                let text = format!("{} lost, says the server{again}", format::count(missed));
                return Some((text, Verdict::Lost));
            }
            Some(None) => {
                return Some((format!("some lost, says the server{again}"), Verdict::Lost));
            }
            _ => {}
        }
        if self.missing > 0 {
            let missing = format::count(self.missing);
            return Some(if self.proves_loss {
                (format!("{missing} lost{again}"), Verdict::Lost)
            } else {
                let text = format!("{missing} missing, maybe lost{again}");
                (text, Verdict::Unknown)
            });
        }
        if self.unsendable {
            let text = "last event ID holds control characters, not sent: loss unknown";
            return Some((text.to_owned(), Verdict::Unknown));
        }
        if self.resumed_after.is_empty() {
            let text = "no id to resume after: loss unknown".to_owned();
            return Some((text, Verdict::Unknown));
        }
        if self.first_id.is_none() && !self.greeted {
            return None;
        }
        let (text, verdict) = match self.between {
            Some(0) => ("nothing lost".to_owned(), Verdict::Complete),
            _ if self.greeted && !self.counted => ("no gap declared".to_owned(), Verdict::Complete),
            None if self.again > 0 => ("overlap".to_owned(), Verdict::Complete),
            _ if self.counted => ("nothing lost".to_owned(), Verdict::Complete),
            Some(numbers) => (
                format!("{} numbers skipped, loss unknown", format::count(numbers)),
                Verdict::Unknown,
            ),
            None => ("loss unknown".to_owned(), Verdict::Unknown),
        };
        Some((text + &again, verdict))
    }
}

/// What is known of a reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is missing.
    Complete,
    /// Something is missing.
    Lost,
    /// Nobody can tell.
    Unknown,
}

/// A connection that was asked for after an outage, and refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number that it would have got.
    pub leg: u64,
    /// When.
    pub at: Timestamp,
    /// The row that says so.
    pub row: u64,
    /// Why the connection before it ended.
    pub cause: String,
    /// Since then.
    pub outage: Duration,
    /// How many connections were tried.
    pub attempts: u64,
    /// What it sent as `Last-Event-ID`; empty for none.
    pub resumed_after: String,
    /// What the server answered.
    pub answer: String,
    /// It said that nothing more will come.
    pub complete: bool,
}

/// One stream and its connections.
#[derive(Debug)]
pub struct Connection {
    /// URL, or `stdin`.
    pub name: String,
    /// What it is doing.
    pub link: Link,
    /// The newest connection, counted from 1.
    pub leg: u64,
    /// Times a connection was open.
    pub opened: u64,
    /// Connections tried since the last one was lost.
    pub attempts: u64,
    /// As the next connection would send it.
    pub last_event_id: String,
    /// The last event ID cannot be sent: it holds control characters, which no
    /// header can carry (RFC 9110 §5.5).
    pub unsendable: bool,
    /// From the request to the head of the response, last time.
    pub latency: Option<Duration>,
    /// The `retry` field in effect, if the stream sent one.
    pub retry: Option<Duration>,
    /// The connections that were open, oldest first.
    pub legs: VecDeque<Leg>,
    /// Reconnects whose story is no longer kept.
    pub forgotten: u64,
    /// The id of the first event that has one, of all connections.
    pub first_id: Option<String>,
    /// The reconnect that the server refused, which is the last.
    pub refusal: Option<Refusal>,
    /// What its ids say.
    pub continuity: Continuity,
    /// Events that the server said are missing.
    pub declared_lost: u64,
    /// It lost more than that, and did not say how much.
    pub lost_more: bool,
    /// Events received again.
    pub again: u64,
    /// When the last event arrived.
    pub(crate) last_event_at: Option<Timestamp>,
    /// When the request that has no answer yet was sent.
    pub(crate) requested_at: Option<Timestamp>,
    /// When the outage began that still lasts.
    pub(crate) lost_at: Option<Timestamp>,
    /// Why.
    pub(crate) lost_cause: String,
    /// What the newest request sent as `Last-Event-ID`.
    pub(crate) resumed_after: String,
    pub(crate) wire: Assembler,
}

impl Connection {
    /// Before the first request.
    pub fn new(name: String, contiguity: Contiguity) -> Self {
        Self {
            name,
            link: Link::Connecting,
            leg: 0,
            opened: 0,
            attempts: 0,
            last_event_id: String::new(),
            unsendable: false,
            latency: None,
            retry: None,
            legs: VecDeque::new(),
            forgotten: 0,
            first_id: None,
            refusal: None,
            continuity: Continuity::new(contiguity),
            declared_lost: 0,
            lost_more: false,
            again: 0,
            last_event_at: None,
            requested_at: None,
            lost_at: None,
            lost_cause: String::new(),
            resumed_after: String::new(),
            wire: Assembler::default(),
        }
    }

    /// Events known to be lost on the way to here.
    pub fn lost(&self) -> u64 {
        let proved = self.continuity.missing() - self.maybe_lost();
        proved.saturating_add(self.declared_lost)
    }

    /// Numbers that are missing and may be events that are lost.
    pub fn maybe_lost(&self) -> u64 {
        if self.continuity.proves_loss() {
            return 0;
        }
        self.continuity.missing()
    }

    /// The leg of this number, if its story is kept.
    pub fn find_leg(&self, number: u64) -> Option<&Leg> {
        let index = self.legs.partition_point(|leg| leg.number < number);
        self.legs.get(index).filter(|leg| leg.number == number)
    }

    /// Takes note of a connection that opens; returns what the list says: how,
    /// and after an outage how long that was and where the stream goes on.
    pub(crate) fn open(&mut self, at: Timestamp, leg: u64, how: String, row: u64) -> String {
        let outage = self
            .lost_at
            .take()
            .map(|lost_at| Duration::try_from(at.duration_since(lost_at)).unwrap_or_default());
        let text = self.opened_text(outage, &how);
        self.leg = leg;
        self.opened += 1;
        let attempts = std::mem::take(&mut self.attempts);
        self.latency = self
            .requested_at
            .take()
            .and_then(|asked| Duration::try_from(at.duration_since(asked)).ok());
        self.link = Link::Open { since: at, how };
        self.wire.reset();
        let cursor = if self.unsendable {
            String::new()
        } else {
            self.resumed_after.clone()
        };
        self.continuity.open_leg(&cursor);
        if self.legs.len() == MAX_LEGS
            && let Some(oldest) = self.legs.pop_front()
        {
            self.forgotten += u64::from(oldest.is_reconnect());
        }
        self.legs.push_back(Leg {
            number: leg,
            at,
            row,
            cause: std::mem::take(&mut self.lost_cause),
            attempts,
            outage,
            resumed_after: cursor,
            unsendable: self.unsendable,
            first_id: None,
            events: 0,
            at_once: 0,
            between: None,
            counted: false,
            proves_loss: false,
            missing: 0,
            again: 0,
            overlap: 0,
            declared: None,
            greeted: false,
            greeting: None,
            new_history: false,
            reset: false,
        });
        text
    }

    /// Takes note of a refusal for good, if it is of a reconnect.
    pub(crate) fn refuse(&mut self, at: Timestamp, row: u64, answer: &str, complete: bool) {
        let Some(lost_at) = self.lost_at.take().filter(|_| self.opened > 0) else {
            return;
        };
        self.refusal = Some(Refusal {
            leg: self.leg,
            at,
            row,
            cause: std::mem::take(&mut self.lost_cause),
            outage: Duration::try_from(at.duration_since(lost_at)).unwrap_or_default(),
            attempts: self.attempts,
            resumed_after: self.resumed_after.clone(),
            answer: answer.to_owned(),
            complete,
        });
    }

    fn opened_text(&self, outage: Option<Duration>, how: &str) -> String {
        let mut text = match outage {
            None => "connected".to_owned(),
            Some(outage) => format!("connected after {}", format::duration(outage)),
        };
        if !self.unsendable && !self.resumed_after.is_empty() {
            text.push_str(" · resumed after ");
            text.push_str(&self.resumed_after);
        }
        let _ = write!(text, " · {how}");
        if outage.is_some() && self.attempts > 1 {
            let _ = write!(text, " · attempt {}", self.attempts);
        }
        text
    }
}
