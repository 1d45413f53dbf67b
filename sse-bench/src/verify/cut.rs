//! How, where and for how long connections are cut.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::units::{InvalidUnit, parse_duration};

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Not at all.
    None,
    /// This side closes its half, then the socket.
    Fin,
    /// This side resets the connection.
    Rst,
    /// The old connection stays open and unread while the next one runs.
    HalfOpen,
    /// A command restarts the server.
    Server,
}

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// Between two events.
    Frame,
    /// In the middle of an event, whose rest is not read.
    MidFrame,
    /// When the next connection has opened, before it delivers an event.
    BeforeFirstEvent,
    /// When the next connection has delivered its first event.
    DuringReplay,
}

/// How long a cut connection stays away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Less than the reconnection time: it comes back at once.
    Short,
    /// The reconnection time, as an `EventSource` does.
    Retry,
    /// That and up to two seconds more.
    Long,
    /// This long.
    Fixed(Duration),
}

impl Kind {
    /// The name of the option and of the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::HalfOpen => "half-open",
            Self::Server => "server",
        }
    }
}

impl Place {
    /// The name of the option and of the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::MidFrame => "mid-frame",
            Self::BeforeFirstEvent => "before-first-event",
            Self::DuringReplay => "during-replay",
        }
    }
}

impl FromStr for Outage {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        Ok(match text {
            "short" => Self::Short,
            "retry" => Self::Retry,
            "long" => Self::Long,
            other => Self::Fixed(parse_duration(other)?),
        })
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("short"),
            Self::Retry => f.write_str("retry"),
            Self::Long => f.write_str("long"),
            Self::Fixed(time) => write!(f, "{}", humantime::format_duration(*time)),
        }
    }
}

/// One manner of cutting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stratum {
    /// How.
    pub kind: Kind,
    /// Where.
    pub place: Place,
    /// For how long.
    pub outage: Outage,
}

/// The manners of a run, taken in turns by each slot.
#[derive(Debug, Clone, Default)]
pub struct Strata(Vec<Stratum>);

impl Strata {
    /// Every combination of these.
    pub fn new(kinds: &[Kind], places: &[Place], outages: &[Outage]) -> Self {
        let mut all = Vec::new();
        let of_this_side = |kind: &&Kind| !matches!(kind, Kind::None | Kind::Server);
        for &kind in kinds.iter().filter(of_this_side) {
            for &place in places {
                for &outage in outages {
                    let stratum = Stratum {
                        kind,
                        place,
                        outage,
                    };
                    if !all.contains(&stratum) {
                        all.push(stratum);
                    }
                }
            }
        }
        Self(all)
    }

    /// All of them.
    pub fn all(&self) -> &[Stratum] {
        &self.0
    }

    /// One at random, with its number.
    pub fn pick(&self, random: &mut fastrand::Rng) -> Option<(u16, Stratum)> {
        let number = random.usize(..self.0.len().max(1));
        self.0.get(number).map(|stratum| (number as u16, *stratum))
    }
}
