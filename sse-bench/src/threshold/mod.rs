//! `--threshold 'p99(delivery)<250ms'`: what a run must keep to.
//!
//! The metrics of a command are a [table](metric::Table), one line each, that
//! says where the report has them.

pub mod finite;
pub mod load;
pub mod metric;
pub mod storm;
pub mod verify;

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::exit::Exit;
use crate::units::parse_duration;
use metric::{Metric, Table};

/// A limit on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    text: String,
    metric: Metric,
    comparison: Comparison,
    /// Microseconds for durations.
    limit: f64,
}

/// What came of a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The threshold.
    pub threshold: Threshold,
    /// What was measured; `None` if nothing was, which proves nothing.
    pub value: Option<f64>,
    /// Whether it was kept to; `None` likewise.
    pub kept: Option<bool>,
}

/// Why a threshold is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidThreshold {
    /// No comparison in it.
    #[error("a threshold compares a metric with a value, as in 'p99(open)<250ms' or 'errors==0'")]
    Shape,
    /// No such metric.
    #[error("there is no metric \"{0}\"\n\n{1}")]
    Metric(String, String),
    /// A latency without a duration.
    #[error("\"{0}\" is no duration: a latency is compared with one such as 250us, 5ms or 1s")]
    Duration(String),
    /// A count without a number.
    #[error("\"{0}\" is no number: a count is compared with one such as 0 or 1000")]
    Number(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    AtMost,
    AtLeast,
    Equal,
    Unequal,
    Below,
    Above,
}

// The longer operators first, so that `<=` is not taken for `<`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Threshold {
    /// Reads a threshold on a metric of this table.
    pub fn parse(text: &str, table: &Table) -> Result<Self, InvalidThreshold> {
        let start = text.find(['<', '>', '=', '!']);
        let (name, rest) = text.split_at(start.ok_or(InvalidThreshold::Shape)?);
        let (comparison, value) = COMPARISONS
            .iter()
            .find_map(|(operator, comparison)| Some((comparison, rest.strip_prefix(operator)?)))
            .ok_or(InvalidThreshold::Shape)?;
        let (name, value) = (name.trim(), value.trim());
        if value.starts_with(['<', '>', '=', '!']) {
            return Err(InvalidThreshold::Shape);
        }
        let unknown = || InvalidThreshold::Metric(name.to_owned(), table.help());
        let metric = table.find(name).ok_or_else(unknown)?;
        let limit = if metric.is_duration() {
            parse_duration(value)
                .map(|limit| limit.as_secs_f64() * 1e6)
                .map_err(|_| InvalidThreshold::Duration(value.to_owned()))?
        } else {
            let number = value.parse().ok().filter(|limit: &f64| limit.is_finite());
            number.ok_or_else(|| InvalidThreshold::Number(value.to_owned()))?
        };
        Ok(Self {
            text: text.to_owned(),
            metric,
            comparison: *comparison,
            limit,
        })
    }

    /// The same threshold where its metric is one of this table.
    ///
    /// # Errors
    /// It is not: the metrics of the table are named.
    pub fn of(self, table: &Table) -> Result<Self, InvalidThreshold> {
        let name = self.metric.name();
        match table.find(&name) {
            Some(metric) => Ok(Self { metric, ..self }),
            None => Err(InvalidThreshold::Metric(name, table.help())),
        }
    }

    /// Holds the threshold against what a report says was measured.
    pub fn check(&self, report: &Value) -> Checked {
        let value = self.metric.of(report);
        Checked {
            threshold: self.clone(),
            value,
            kept: value.map(|value| self.keeps(value)),
        }
    }

    /// A measured value as people read it.
    pub fn show(&self, value: f64) -> String {
        self.metric.show(value)
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

impl Checked {
    /// What it makes of the run, if not a pass.
    pub fn finding(&self) -> Option<Exit> {
        match self.kept {
            Some(true) => None,
            Some(false) => Some(Exit::Threshold),
            None => Some(Exit::Inconclusive),
        }
    }
}

/// The thresholds of which this came, for a sentence.
pub fn listed(thresholds: &[Checked], kept: Option<bool>) -> String {
    let chosen = thresholds.iter().filter(|checked| checked.kept == kept);
    let texts: Vec<_> = chosen
        .map(|checked| checked.threshold.to_string())
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(threshold: &str, value: f64) -> bool {
        load::parse(threshold).unwrap().keeps(value)
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
        for (text, of_load, of_verify) in [
            ("missing==0", false, true),
            ("stall<1", false, true),
            ("events>1", true, true),
            ("p99(reconnect)<5s", true, true),
            ("p99(delivery)<5s", true, true),
            ("p99(first_event)<5s", true, false),
            ("p99(skew)<5s", false, true),
            ("events_per_second>1", true, false),
            ("msing==0", false, false),
        ] {
            assert_eq!(load::parse(text).is_ok(), of_load, "{text}");
            assert_eq!(verify::parse(text).is_ok(), of_verify, "{text}");
        }
        let refused = verify::parse("mising==0").unwrap_err().to_string();
        assert!(refused.contains("\"mising\"") && refused.contains("lost_after_reconnect"));
    }

    #[test]
    fn a_misspelt_threshold_is_refused_and_the_metrics_are_named() {
        let refused = |text: &str| load::parse(text).unwrap_err();
        for shapeless in [
            "",
            "errors",
            "errors=0",
            "errors=<0",
            "p99(delivery)",
            "errors<>1",
        ] {
            assert_eq!(refused(shapeless), InvalidThreshold::Shape, "{shapeless}");
        }
        for unknown in [
            "erors==0",
            "p98(delivery)<1s",
            "p99(latency)<1s",
            "p99(errors)<1s",
            "open<1s",
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

    #[test]
    fn help_is_made_from_the_table() {
        static TABLE: Table = Table(&[
            metric::latency("gap", "/gap"),
            metric::duration("reopened", "/reopened_us"),
            metric::number("errors", "/errors", metric::Better::Less),
        ]);
        let expected = "\
Metrics of --threshold METRIC OP VALUE, where OP is one of < <= > >= == !=
    Q(D)  a latency, as in 'p99(open)<250ms'
          Q: p50, p90, p99, p99.9, max, mean
          D: gap
    a duration, compared with one such as 5s
          reopened
    a number, as in 'errors==0' or 'events>=1000'
          errors";
        assert_eq!(TABLE.help(), expected);
        let longest = verify::METRICS.help().lines().map(str::len).max();
        assert!(longest < Some(100), "{}", verify::METRICS.help());
        let names: Vec<_> = TABLE.metrics().map(|metric| metric.name()).collect();
        let expected = [
            "p50(gap)",
            "p90(gap)",
            "p99(gap)",
            "p99.9(gap)",
            "max(gap)",
            "mean(gap)",
            "reopened",
            "errors",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_metric_is_where_the_report_has_it() {
        let report = serde_json::json!({"latency": {"open": {"p99.9_us": 7}, "replay": null}, "errors": {"total": 3}});
        let checked = |text: &str| load::parse(text).unwrap().check(&report);
        assert_eq!(checked("p99.9(open)<8us").value, Some(7.0));
        assert_eq!(checked("errors<3").kept, Some(false));
        let nothing = checked("p50(replay)<1s");
        assert_eq!((nothing.value, nothing.kept), (None, None));
        assert_eq!(nothing.finding(), Some(Exit::Inconclusive));
    }
}
