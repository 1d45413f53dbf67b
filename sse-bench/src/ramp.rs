//! When each connection is due.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::units::parse_duration;

/// The number of connections, growing evenly with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    from: u32,
    to: u32,
    time: Duration,
}

/// Why a text is no [`Ramp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidRamp {
    /// Not of three parts, or of other ones.
    #[error("write it as FROM:TO:TIME, such as 0:10k:60s")]
    Syntax,
    /// To fewer connections, or as many.
    #[error("a ramp leads to more connections, such as 0:10k:60s")]
    Down,
}

impl FromStr for Ramp {
    type Err = InvalidRamp;

    fn from_str(text: &str) -> Result<Self, InvalidRamp> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(InvalidRamp::Syntax);
        let (from, to) = (count(part()?)?, count(part()?)?);
        let time = parse_duration(part()?).map_err(|_| InvalidRamp::Syntax)?;
        if from >= to {
            return Err(InvalidRamp::Down);
        }
        Ok(Self { from, to, time })
    }
}

impl Ramp {
    /// Connections at its end.
    pub fn connections(&self) -> u32 {
        self.to
    }

    /// When connection `number`, counted from 0, is due: when there are to be
    /// more than so many.
    pub fn due(&self, number: u32) -> Duration {
        let further = (number + 1).saturating_sub(self.from);
        self.time
            .mul_f64(f64::from(further) / f64::from(self.to - self.from))
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = humantime::format_duration(self.time);
        write!(f, "{}:{}:{time}", self.from, self.to)
    }
}

/// `250`, `10k`, `1.5k`.
fn count(text: &str) -> Result<u32, InvalidRamp> {
    let Some(thousands) = text.strip_suffix(['k', 'K']) else {
        return text.parse().map_err(|_| InvalidRamp::Syntax);
    };
    let number: f64 = thousands.parse().map_err(|_| InvalidRamp::Syntax)?;
    let count = (number * 1000.0).round();
    let fits = (0.0..=f64::from(u32::MAX)).contains(&count);
    fits.then_some(count as u32).ok_or(InvalidRamp::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_due_as_the_line_rises() {
        let ramp: Ramp = "10:1.5k:60s".parse().unwrap();
        assert_eq!((ramp.due(0), ramp.due(9)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(ramp.due(1499), Duration::from_secs(60));
        assert_eq!(ramp.due(754).as_secs_f64().round() as u64, 30);
        assert_eq!(ramp.to_string(), "10:1500:1m");
    }

    #[test]
    fn what_does_not_rise_is_refused() {
        for text in [
            "",
            "0:10",
            "0:10:60",
            "a:10:60s",
            "0:-1k:60s",
            "0:1e9k:60s",
            "0:10:0s",
        ] {
            assert_eq!(text.parse::<Ramp>(), Err(InvalidRamp::Syntax), "{text}");
        }
        assert_eq!("10:10:60s".parse::<Ramp>(), Err(InvalidRamp::Down));
    }
}
