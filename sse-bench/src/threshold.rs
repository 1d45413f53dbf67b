//! `--threshold 'p99(delivery)<250ms'`: what a run must keep to.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::checker::Integrity;
use crate::histogram::Summary;
use crate::load::Outcome;
use crate::plan::Plan;
use crate::units::{micros, parse_duration};

/// The metrics of `verify`, for `--help` and error messages.
pub const VERIFY_METRICS: &str = "\
Metrics of --threshold METRIC OP VALUE, where OP is one of < <= > >= == !=
    a latency, as in 'p99(reconnect)<5s'
          p50, p90, p99, p99.9, max or mean of connect, open, reconnect
    a count, as in 'missing==0' or 'received>=1000'
          expected, received, unkeyed, missing, gap, cursor_past_hole, lost_after_reconnect,
          declared_gap, duplicate, replay_overlap, reorder, id_conflict, stall,
          opened, never_opened, reconnects, errors, events";

/// The metrics of `load`, for `--help` and error messages.
pub const METRICS: &str = "\
Metrics of --threshold METRIC OP VALUE, where OP is one of < <= > >= == !=
    Q(D)  a latency, as in 'p99(delivery)<250ms'
          Q: p50, p90, p99, p99.9, max, mean
          D: connect, open, first_event, reconnect, delivery, replay, read_lag
    a count, as in 'errors==0' or 'events_per_second>=1000'
          opened, never_opened, given_up, reconnects, errors, events,
          events_per_second, bytes_per_second";

/// A limit on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    text: String,
    metric: Metric,
    comparison: Comparison,
    /// Microseconds for latencies.
    limit: f64,
}

/// What came of a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Checked {
    /// What was measured; `None` if nothing was, which proves nothing.
    pub value: Option<f64>,
    /// Whether it was kept to; `None` likewise.
    pub kept: Option<bool>,
}

/// Why a threshold is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidThreshold {
    /// No comparison in it.
    #[error(
        "a threshold compares a metric with a value, as in 'p99(delivery)<250ms' or 'errors==0'"
    )]
    Shape,
    /// No such metric.
    #[error("there is no metric \"{0}\"\n\n{1}")]
    Metric(String, &'static str),
    /// A latency without a duration.
    #[error("\"{0}\" is no duration: a latency is compared with one such as 250us, 5ms or 1s")]
    Duration(String),
    /// A count without a number.
    #[error("\"{0}\" is no number: a count is compared with one such as 0 or 1000")]
    Number(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Latency(Quantile, Distribution),
    Count(Count),
}

/// An enum whose values have names.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal,)* }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $type { $($variant,)* }

        impl $type {
            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

named!(Quantile {
    P50 = "p50",
    P90 = "p90",
    P99 = "p99",
    P999 = "p99.9",
    Max = "max",
    Mean = "mean",
});

named!(Distribution {
    Connect = "connect",
    Open = "open",
    FirstEvent = "first_event",
    Reconnect = "reconnect",
    Delivery = "delivery",
    Replay = "replay",
    ReadLag = "read_lag",
});

named!(Count {
    Opened = "opened",
    NeverOpened = "never_opened",
    GivenUp = "given_up",
    Reconnects = "reconnects",
    Errors = "errors",
    Events = "events",
    EventsPerSecond = "events_per_second",
    BytesPerSecond = "bytes_per_second",
    Expected = "expected",
    Received = "received",
    Unkeyed = "unkeyed",
    Missing = "missing",
    Gap = "gap",
    CursorPastHole = "cursor_past_hole",
    LostAfterReconnect = "lost_after_reconnect",
    DeclaredGap = "declared_gap",
    Duplicate = "duplicate",
    ReplayOverlap = "replay_overlap",
    Reorder = "reorder",
    IdConflict = "id_conflict",
    Stall = "stall",
});

// The longer operators first, so that `<=` is not taken for `<`.
named!(Comparison {
    AtMost = "<=",
    AtLeast = ">=",
    Equal = "==",
    Unequal = "!=",
    Below = "<",
    Above = ">",
});

impl FromStr for Threshold {
    type Err = InvalidThreshold;

    fn from_str(text: &str) -> Result<Self, InvalidThreshold> {
        let start = text
            .find(['<', '>', '=', '!'])
            .ok_or(InvalidThreshold::Shape)?;
        let operator = &text[start..];
        let (comparison, value) = [2, 1]
            .into_iter()
            .find_map(|length| {
                let (operator, value) = operator.split_at_checked(length)?;
                Some((Comparison::named(operator)?, value.trim()))
            })
            .ok_or(InvalidThreshold::Shape)?;
        let name = text[..start].trim();
        let metric = Metric::named(name)
            .ok_or_else(|| InvalidThreshold::Metric(name.to_owned(), METRICS))?;
        let limit = match metric {
            Metric::Latency(..) => parse_duration(value)
                .map(|limit| limit.as_secs_f64() * 1e6)
                .map_err(|_| InvalidThreshold::Duration(value.to_owned()))?,
            Metric::Count(_) => value
                .parse()
                .ok()
                .filter(|limit: &f64| limit.is_finite())
                .ok_or_else(|| InvalidThreshold::Number(value.to_owned()))?,
        };
        Ok(Self {
            text: text.to_owned(),
            metric,
            comparison,
            limit,
        })
    }
}

impl Metric {
    fn named(name: &str) -> Option<Self> {
        match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
            Some((quantile, distribution)) => Some(Self::Latency(
                Quantile::named(quantile.trim())?,
                Distribution::named(distribution.trim())?,
            )),
            None => Count::named(name).map(Self::Count),
        }
    }
}

/// Reads a threshold of `load`.
pub fn of_load(text: &str) -> Result<Threshold, InvalidThreshold> {
    let threshold: Threshold = text.parse()?;
    match threshold.metric {
        Metric::Count(count) if count.of_integrity(&Integrity::default()).is_some() => Err(
            InvalidThreshold::Metric(text[..name_length(text)].trim().to_owned(), METRICS),
        ),
        _ => Ok(threshold),
    }
}

/// Reads a threshold of `verify`.
pub fn of_verify(text: &str) -> Result<Threshold, InvalidThreshold> {
    use Distribution::{Connect, Open, Reconnect};
    let unknown =
        || InvalidThreshold::Metric(text[..name_length(text)].trim().to_owned(), VERIFY_METRICS);
    let threshold: Threshold = match text.parse() {
        Err(InvalidThreshold::Metric(..)) => return Err(unknown()),
        other => other?,
    };
    let known = match threshold.metric {
        Metric::Latency(_, distribution) => matches!(distribution, Connect | Open | Reconnect),
        Metric::Count(count) => !matches!(
            count,
            Count::GivenUp | Count::EventsPerSecond | Count::BytesPerSecond
        ),
    };
    if known { Ok(threshold) } else { Err(unknown()) }
}

fn name_length(text: &str) -> usize {
    text.find(['<', '>', '=', '!']).unwrap_or(text.len())
}

impl Threshold {
    /// Holds the threshold against what a load run measured.
    pub fn check(&self, plan: &Plan, outcome: &Outcome) -> Checked {
        self.checked(match self.metric {
            Metric::Latency(quantile, distribution) => {
                summary(outcome, distribution).map(|summary| quantile_of(&summary, quantile))
            }
            Metric::Count(count) => count_of(plan, outcome, count),
        })
    }

    /// Holds the threshold against what a verification found.
    pub fn check_verified(&self, connections: u32, outcome: &crate::verify::Outcome) -> Checked {
        let stats = &outcome.stats;
        self.checked(match self.metric {
            Metric::Latency(quantile, distribution) => match distribution {
                Distribution::Connect => &stats.connect,
                Distribution::Open => &stats.open,
                _ => &stats.reconnect,
            }
            .summary()
            .map(|summary| quantile_of(&summary, quantile)),
            Metric::Count(count) => {
                let number = match count {
                    Count::Opened => outcome.totals.opened,
                    Count::NeverOpened => u64::from(connections) - outcome.totals.opened,
                    Count::Reconnects => outcome.findings.reconnects.total,
                    Count::Errors => outcome.failures.total(),
                    Count::Events => outcome.totals.deliveries,
                    other => other
                        .of_integrity(&outcome.findings.integrity)
                        .unwrap_or_default(),
                };
                Some(number as f64)
            }
        })
    }

    fn checked(&self, value: Option<f64>) -> Checked {
        Checked {
            value,
            kept: value.map(|value| self.keeps(value)),
        }
    }

    /// A measured value as people read it.
    pub fn show(&self, value: f64) -> String {
        match self.metric {
            Metric::Latency(..) => micros(value as u64),
            Metric::Count(_) => format!("{}", (value * 10.0).round() / 10.0),
        }
    }

    #[expect(
        clippy::float_cmp,
        reason = "counts are whole numbers that f64 holds exactly"
    )]
    fn keeps(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::AtMost => value <= self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Equal => value == self.limit,
            Comparison::Unequal => value != self.limit,
            Comparison::Below => value < self.limit,
            Comparison::Above => value > self.limit,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Count {
    /// `None` for what is no count of the checker.
    fn of_integrity(self, found: &Integrity) -> Option<u64> {
        Some(match self {
            Self::Expected => found.expected,
            Self::Received => found.received,
            Self::Unkeyed => found.unkeyed,
            Self::Missing => found.missing,
            Self::Gap => found.gap,
            Self::CursorPastHole => found.cursor_past_hole,
            Self::LostAfterReconnect => found.lost_after_reconnect,
            Self::DeclaredGap => found.declared_gap,
            Self::Duplicate => found.duplicate,
            Self::ReplayOverlap => found.replay_overlap,
            Self::Reorder => found.reorder,
            Self::IdConflict => found.id_conflict,
            Self::Stall => found.stall,
            _ => return None,
        })
    }
}

fn summary(outcome: &Outcome, distribution: Distribution) -> Option<Summary> {
    let stats = &outcome.stats;
    match distribution {
        Distribution::Connect => &stats.connect,
        Distribution::Open => &stats.open,
        Distribution::FirstEvent => &stats.first_event,
        Distribution::Reconnect => &stats.reconnect,
        Distribution::Delivery => &stats.delivery.live,
        Distribution::Replay => &stats.delivery.replayed,
        Distribution::ReadLag => &stats.read_lag,
    }
    .summary()
}

fn quantile_of(summary: &Summary, quantile: Quantile) -> f64 {
    let micros = match quantile {
        Quantile::P50 => summary.p50_us,
        Quantile::P90 => summary.p90_us,
        Quantile::P99 => summary.p99_us,
        Quantile::P999 => summary.p999_us,
        Quantile::Max => summary.max_us,
        Quantile::Mean => return summary.mean_us,
    };
    micros as f64
}

fn count_of(plan: &Plan, outcome: &Outcome, count: Count) -> Option<f64> {
    let totals = &outcome.totals;
    let number = match count {
        Count::Opened => totals.opened,
        Count::NeverOpened => u64::from(plan.connections) - totals.opened,
        Count::GivenUp => totals.given_up,
        Count::Reconnects => totals.reconnects,
        Count::Errors => outcome.stats.failures.total(),
        Count::Events => totals.deliveries,
        Count::EventsPerSecond => return outcome.window.per_second(outcome.window.deliveries),
        Count::BytesPerSecond => return outcome.window.per_second(outcome.window.bytes),
        _ => return None,
    };
    Some(number as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(threshold: &str, value: f64) -> bool {
        threshold.parse::<Threshold>().unwrap().keeps(value)
    }

    #[test]
    fn latencies_are_compared_with_durations_and_counts_with_numbers() {
        assert!(keeps("p99(delivery)<250ms", 249_999.0));
        assert!(!keeps("p99(delivery)<250ms", 250_000.0));
        assert!(keeps("p99.9( open ) <= 1s", 1e6));
        assert!(keeps("errors==0", 0.0) && !keeps("errors==0", 1.0));
        assert!(keeps("events_per_second >= 0.5", 0.5) && !keeps("events != 3", 3.0));
        assert!(keeps("max(read_lag)>1us", 2.0));
    }

    #[test]
    fn load_and_verify_have_metrics_of_their_own() {
        for (text, load, verify) in [
            ("missing==0", false, true),
            ("stall<1", false, true),
            ("events>1", true, true),
            ("p99(reconnect)<5s", true, true),
            ("p99(delivery)<5s", true, false),
            ("events_per_second>1", true, false),
            ("msing==0", false, false),
        ] {
            assert_eq!(of_load(text).is_ok(), load, "{text}");
            assert_eq!(of_verify(text).is_ok(), verify, "{text}");
        }
        let refused = of_verify("mising==0").unwrap_err().to_string();
        assert!(refused.contains("\"mising\"") && refused.contains("lost_after_reconnect"));
    }

    #[test]
    fn a_misspelt_threshold_is_refused_and_the_metrics_are_named() {
        let refused = |text: &str| text.parse::<Threshold>().unwrap_err();
        for shapeless in ["", "errors", "errors=0", "errors=<0", "p99(delivery)"] {
            assert_eq!(refused(shapeless), InvalidThreshold::Shape, "{shapeless}");
        }
        for unknown in [
            "erors==0",
            "p98(delivery)<1s",
            "p99(latency)<1s",
            "p99(open<1s",
            "<1",
        ] {
            let refused = refused(unknown);
            assert!(matches!(refused, InvalidThreshold::Metric(..)), "{unknown}");
            assert!(refused.to_string().contains("first_event"));
        }
        for wrong in ["p99(open)<5", "p99(open)<"] {
            assert!(
                matches!(refused(wrong), InvalidThreshold::Duration(_)),
                "{wrong}"
            );
        }
        for wrong in ["errors==5ms", "errors==NaN", "errors=="] {
            assert!(
                matches!(refused(wrong), InvalidThreshold::Number(_)),
                "{wrong}"
            );
        }
    }
}
