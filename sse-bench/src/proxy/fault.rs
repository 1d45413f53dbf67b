//! What can be done to a connection.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::select::{Pick, Which, path_matches};

/// One fault in force.
#[derive(Debug)]
pub(super) struct Fault {
    /// The name by which people take it away again; empty until it is in force, where none was
    /// given.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) scope: Scope,
    /// What was written: the keys and their values as they were given.
    pub(super) given: Vec<(String, String)>,
    /// Who set it.
    pub(super) origin: Origin,
    /// Unlike a name never used again.
    pub(super) serial: u64,
    /// How often it acted.
    pub(super) acted: AtomicU64,
}

/// Who set a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    CommandLine,
    Control,
    /// It ends with its step.
    Scenario,
}

/// Which requests a fault is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) connections: Which,
    pub(super) path: Option<String>,
    /// Not only event streams.
    pub(super) all_responses: bool,
}

impl Scope {
    pub(super) fn holds(&self, path: &str, request: u64, stream: Option<u64>) -> bool {
        let number = if self.all_responses {
            Some(request)
        } else {
            stream
        };
        number.is_some_and(|number| self.connections.holds(number))
            && self
                .path
                .as_deref()
                .is_none_or(|pattern| path_matches(pattern, path))
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Latency {
        delay: Duration,
        jitter: Duration,
    },
    Bandwidth {
        bytes_per_second: u64,
    },
    Split {
        bytes: usize,
        pause: Duration,
    },
    Cut {
        when: When,
        how: Cut,
    },
    BlackHole {
        when: When,
        /// Until it is lifted, where there is none.
        lasting: Option<Duration>,
    },
    Buffer {
        lasting: Option<Duration>,
        bytes: usize,
    },
    Drop(Pick),
    Duplicate {
        pick: Pick,
        times: u32,
    },
    Reorder {
        pick: Pick,
        by: u32,
    },
    StripId(Pick),
    IgnoreLastEventId,
    Status {
        code: StatusCode,
        retry_after: Option<u64>,
    },
    ContentType(Option<HeaderValue>),
    Compress {
        flush: bool,
        force: bool,
    },
}

impl Kind {
    /// Each kind by its name, in the order of counters.
    pub(super) const NAMES: [&str; 14] = [
        "latency",
        "bandwidth",
        "split",
        "cut",
        "black-hole",
        "buffer",
        "drop",
        "duplicate",
        "reorder",
        "strip-id",
        "ignore-last-event-id",
        "status",
        "content-type",
        "compress",
    ];

    /// Its place in [`Kind::NAMES`].
    pub(super) const fn index(&self) -> usize {
        match self {
            Self::Latency { .. } => 0,
            Self::Bandwidth { .. } => 1,
            Self::Split { .. } => 2,
            Self::Cut { .. } => 3,
            Self::BlackHole { .. } => 4,
            Self::Buffer { .. } => 5,
            Self::Drop(_) => 6,
            Self::Duplicate { .. } => 7,
            Self::Reorder { .. } => 8,
            Self::StripId(_) => 9,
            Self::IgnoreLastEventId => 10,
            Self::Status { .. } => 11,
            Self::ContentType(_) => 12,
            Self::Compress { .. } => 13,
        }
    }

    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// Which events it takes, where it is done to single events.
    pub(super) const fn pick(&self) -> Option<&Pick> {
        match self {
            Self::Drop(pick)
            | Self::StripId(pick)
            | Self::Duplicate { pick, .. }
            | Self::Reorder { pick, .. } => Some(pick),
            _ => None,
        }
    }

    /// When it strikes, where it strikes once.
    pub(super) const fn when(&self) -> Option<When> {
        match self {
            Self::Cut { when, .. } | Self::BlackHole { when, .. } => Some(*when),
            _ => None,
        }
    }

    /// Whether it can be done only to events that have arrived whole.
    pub(super) fn needs_whole_events(&self) -> bool {
        self.pick().is_some() || self.when().is_some_and(When::inside_an_event)
    }
}

/// The moment at which a cut or a black hole strikes, counted from the start of
/// the response or from when the fault came into force, whichever is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Instead of an answer.
    Request,
    /// After the head of the response.
    Head,
    /// After so many events that were sent on; half of the next one follows
    /// where it is `mid_event`.
    Events { count: u64, mid_event: bool },
    /// After so many bytes of the body, as they were before compression.
    Bytes(u64),
    /// After this time; in the middle of the next event where it is `mid_event`.
    Time { after: Duration, mid_event: bool },
}

impl When {
    pub(super) const fn inside_an_event(self) -> bool {
        matches!(
            self,
            Self::Events {
                mid_event: true,
                ..
            } | Self::Time {
                mid_event: true,
                ..
            }
        )
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mid_event = match self {
            Self::Request => return f.write_str("instead of an answer"),
            Self::Head => return f.write_str("after the head"),
            Self::Bytes(count) => return write!(f, "after {count} bytes"),
            Self::Events { count, mid_event } => {
                write!(f, "after {count} events")?;
                mid_event
            }
            Self::Time { after, mid_event } => {
                write!(f, "after {}", humantime::format_duration(*after))?;
                mid_event
            }
        };
        f.write_str(if *mid_event { ", in the next one" } else { "" })
    }
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The socket is closed in order; the body is not.
    Fin,
    /// The connection is reset.
    Rst,
    /// The body ends as if the server had ended it.
    End,
}

impl Cut {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "fin" => Ok(Self::Fin),
            "rst" => Ok(Self::Rst),
            "end" => Ok(Self::End),
            _ => Err(format!("{text:?} is none of fin, rst, end")),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::End => "end",
        })
    }
}

impl Fault {
    /// As the control address shows it.
    pub(super) fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".to_owned(), json!(self.name));
        map.insert("fault".to_owned(), json!(self.kind.name()));
        for (key, value) in &self.given {
            map.insert(key.clone(), json!(value));
        }
        let origin = match self.origin {
            Origin::CommandLine => "command line",
            Origin::Control => "control",
            Origin::Scenario => "scenario",
        };
        map.insert("origin".to_owned(), json!(origin));
        map.insert(
            "acted".to_owned(),
            json!(self.acted.load(Ordering::Relaxed)),
        );
        Value::Object(map)
    }
}
