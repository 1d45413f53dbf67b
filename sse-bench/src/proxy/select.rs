//! Which connections a fault is for, and which events.

use std::fmt;

/// Which connections, counted from 1 in the order of their requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// `3`: the third alone.
    Nth(u64),
    /// `first:3`: the first three.
    First(u64),
    /// `from:3`: the third and all after it.
    From(u64),
    /// `every:3`: the third, sixth, ninth...
    Every(u64),
}

impl Which {
    /// `all`, `first`, `N`, `first:N`, `from:N`, `every:N`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (word, number) = text.split_once(':').unwrap_or((text, ""));
        let number = match (word, number) {
            ("all", "") => return Ok(Self::All),
            ("first", "") => return Ok(Self::First(1)),
            (_, "") => at_least_1(word),
            _ => at_least_1(number),
        };
        match (word, number) {
            ("first", Some(number)) => Ok(Self::First(number)),
            ("from", Some(number)) => Ok(Self::From(number)),
            ("every", Some(number)) => Ok(Self::Every(number)),
            (_, Some(number)) if !text.contains(':') => Ok(Self::Nth(number)),
            _ => Err(format!(
                "{text:?} is none of all, first, N, first:N, from:N, every:N with N from 1 on"
            )),
        }
    }

    /// Whether number `number` is one of them.
    pub(super) const fn holds(self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::Nth(wanted) => number == wanted,
            Self::First(count) => number <= count,
            Self::From(start) => number >= start,
            Self::Every(step) => number.is_multiple_of(step),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Nth(number) => write!(f, "{number}"),
            Self::First(number) => write!(f, "first:{number}"),
            Self::From(number) => write!(f, "from:{number}"),
            Self::Every(number) => write!(f, "every:{number}"),
        }
    }
}

fn at_least_1(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0)
}

/// Which events of a connection, of those that a type names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pick {
    /// By their number, counted from 1 since the fault is in force.
    pub(super) events: Which,
    /// Of these, each with this probability.
    pub(super) probability: Option<f64>,
    /// Only events of this type count and are picked.
    pub(super) event_type: Option<String>,
}

impl Pick {
    /// Whether to take the event that is the `number`th of its type.
    pub(super) fn takes(&self, number: u64, random: &mut fastrand::Rng) -> bool {
        // Drawn for each event, so that one seed means one result.
        let drawn = self
            .probability
            .is_none_or(|probability| random.f64() < probability);
        drawn && self.events.holds(number)
    }

    /// Whether events of this type count.
    pub(super) fn counts(&self, event_type: &str) -> bool {
        self.event_type
            .as_deref()
            .is_none_or(|wanted| wanted == event_type)
    }
}

/// The path of a request: itself, or what begins with it where a `*` ends it.
pub(super) fn path_matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_chosen_by_number() {
        for (text, chosen) in [
            ("all", [1, 2, 3, 4, 5, 6].as_slice()),
            ("first", &[1]),
            ("4", &[4]),
            ("first:2", &[1, 2]),
            ("from:5", &[5, 6]),
            ("every:3", &[3, 6]),
        ] {
            let which = Which::parse(text).unwrap();
            let held: Vec<u64> = (1..=6).filter(|number| which.holds(*number)).collect();
            assert_eq!(held, chosen, "{text}");
            assert_eq!(Which::parse(&which.to_string()), Ok(which));
        }
        for bad in [
            "", "0", "first:0", "every:", "every", "last:3", "-1", "all:2",
        ] {
            assert!(Which::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_is_itself_or_a_beginning() {
        assert!(path_matches("/events", "/events"));
        assert!(!path_matches("/events", "/events/1"));
        assert!(path_matches("/events*", "/events/1"));
        assert!(path_matches("*", "/"));
    }
}
