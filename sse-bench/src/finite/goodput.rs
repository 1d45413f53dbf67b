//! `--goodput "ttfe:200ms gap:50ms"`: what makes a request a good one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::units::{InvalidUnit, parse_duration};

/// The limits that a good request keeps, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodput {
    text: String,
    limits: Vec<(Measure, Duration)>,
}

/// What one request is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Time to its first event.
    Ttfe,
    /// Time to its first content.
    Ttfc,
    /// Its longest gap between two events.
    Gap,
    /// Time to its end marker.
    Duration,
}

/// The measures of one request; `None` where there was nothing to measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measures {
    /// Time to the first event.
    pub(super) ttfe: Option<Duration>,
    /// Time to the first content.
    pub(super) ttfc: Option<Duration>,
    /// The longest gap between two events; `None` with fewer than two.
    pub(super) gap: Option<Duration>,
    /// Time to the end, or how long it has taken so far.
    pub(super) duration: Duration,
}

/// Why a goodput is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidGoodput {
    /// No limit in it.
    #[error("name one limit at least, as in \"ttfe:200ms gap:50ms\"")]
    Empty,
    /// Not NAME:DURATION.
    #[error("\"{0}\" is no limit: write it as NAME:DURATION, as in \"ttfe:200ms gap:50ms\"")]
    Shape(String),
    /// No such measure.
    #[error(
        "there is no measure \"{0}\": there are ttfe (time to the first event), ttfc (time to the \
         first content), gap (the longest gap between two events) and duration (time to the end marker)"
    )]
    Measure(String),
    /// One measure twice.
    #[error("{0} is limited twice")]
    Twice(&'static str),
    /// No duration.
    #[error("{0}: {1}")]
    Duration(&'static str, InvalidUnit),
}

impl Measure {
    const ALL: [(&'static str, Self); 4] = [
        ("ttfe", Self::Ttfe),
        ("ttfc", Self::Ttfc),
        ("gap", Self::Gap),
        ("duration", Self::Duration),
    ];
}

impl FromStr for Goodput {
    type Err = InvalidGoodput;

    fn from_str(text: &str) -> Result<Self, InvalidGoodput> {
        let mut limits: Vec<(Measure, Duration)> = Vec::new();
        let terms = text.split([' ', ',']).filter(|term| !term.is_empty());
        for term in terms {
            let (name, value) = term
                .split_once(':')
                .ok_or_else(|| InvalidGoodput::Shape(term.to_owned()))?;
            let (name, measure) = Measure::ALL
                .into_iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| InvalidGoodput::Measure(name.to_owned()))?;
            if limits.iter().any(|(known, _)| *known == measure) {
                return Err(InvalidGoodput::Twice(name));
            }
            let limit =
                parse_duration(value).map_err(|error| InvalidGoodput::Duration(name, error))?;
            limits.push((measure, limit));
        }
        if limits.is_empty() {
            return Err(InvalidGoodput::Empty);
        }
        Ok(Self {
            text: text.to_owned(),
            limits,
        })
    }
}

impl fmt::Display for Goodput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Goodput {
    /// Whether a request that reached its end marker kept all limits. What was
    /// never measured is not within a limit, save a gap where there was none.
    pub(super) fn keeps(&self, measures: &Measures) -> bool {
        self.limits.iter().all(|(measure, limit)| match measure {
            Measure::Ttfe => measures.ttfe.is_some_and(|time| time <= *limit),
            Measure::Ttfc => measures.ttfc.is_some_and(|time| time <= *limit),
            Measure::Gap => measures.gap.is_none_or(|time| time <= *limit),
            Measure::Duration => measures.duration <= *limit,
        })
    }

    /// Whether a request that is still under way has exceeded a limit already.
    /// `silence` is the time since its last event.
    pub(super) fn lost(&self, measures: &Measures, silence: Option<Duration>) -> bool {
        self.limits.iter().any(|(measure, limit)| match measure {
            Measure::Ttfe => measures.ttfe.unwrap_or(measures.duration) > *limit,
            Measure::Ttfc => measures.ttfc.unwrap_or(measures.duration) > *limit,
            Measure::Gap => measures.gap.max(silence).is_some_and(|gap| gap > *limit),
            Measure::Duration => measures.duration > *limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_good_request_keeps_every_limit() {
        let goodput: Goodput = "ttfe:200ms gap:50ms".parse().unwrap();
        let good = Measures {
            ttfe: Some(ms(200)),
            ttfc: None,
            gap: Some(ms(50)),
            duration: ms(9000),
        };
        assert!(goodput.keeps(&good));
        let late = Measures {
            ttfe: Some(ms(201)),
            ..good
        };
        let halting = Measures {
            gap: Some(ms(51)),
            ..good
        };
        let empty = Measures { ttfe: None, ..good };
        let single = Measures { gap: None, ..good };
        assert!(!goodput.keeps(&late) && !goodput.keeps(&halting) && !goodput.keeps(&empty));
        assert!(goodput.keeps(&single));
        let content: Goodput = "ttfc:1s,duration:2s".parse().unwrap();
        assert!(!content.keeps(&good));
    }

    #[test]
    fn a_request_under_way_is_lost_once_a_limit_cannot_be_kept_any_more() {
        let goodput: Goodput = "ttfe:200ms gap:50ms".parse().unwrap();
        let waiting = |so_far| Measures {
            duration: so_far,
            ..Measures::default()
        };
        assert!(!goodput.lost(&waiting(ms(200)), None));
        assert!(goodput.lost(&waiting(ms(201)), None));
        let begun = Measures {
            ttfe: Some(ms(10)),
            ..waiting(ms(500))
        };
        assert!(!goodput.lost(&begun, Some(ms(50))));
        assert!(goodput.lost(&begun, Some(ms(51))));
    }

    #[test]
    fn a_misspelt_goodput_is_refused_and_the_measures_are_named() {
        let refused = |text: &str| text.parse::<Goodput>().unwrap_err().to_string();
        assert!(refused("ttft:200ms").contains("there are ttfe"));
        assert!(refused("").contains("one limit at least"));
        assert!(refused("ttfe").contains("NAME:DURATION"));
        assert!(refused("ttfe:200").contains("500ms"));
        assert!(refused("gap:1s gap:2s").contains("twice"));
    }
}
