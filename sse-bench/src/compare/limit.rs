//! `--fail-on-regression 10%`, `--fail-on-regression 'p99(delivery)=20%'`.

use std::str::FromStr;

use crate::threshold::metric::{Better, Metric};

/// By how much a metric may get worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Which; all that have a better and a worse, if none is named.
    pub metric: Option<String>,
    /// Part of the value before.
    pub part: f64,
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (metric, percent) = match text.rsplit_once('=') {
            Some((metric, percent)) => (Some(metric.trim().to_owned()), percent),
            None => (None, text),
        };
        let number = percent.trim().strip_suffix('%');
        let number = number.and_then(|number| number.trim().parse::<f64>().ok());
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number
            .filter(|_| metric.as_deref() != Some(""))
            .map(|number| Self {
                metric,
                part: number / 100.0,
            })
            .ok_or("give a percentage as in 10%, or one of a metric as in 'p99(delivery)=20%'")
    }
}

/// The limit of a metric: the last that names it, else the last that names none.
pub(super) fn of<'a>(limits: &'a [Limit], metric: &Metric) -> Option<&'a Limit> {
    if metric.better() == Better::Neither {
        return None;
    }
    let name = metric.name();
    let named = |limit: &&Limit| limit.metric.as_ref() == Some(&name);
    let general = |limit: &&Limit| limit.metric.is_none() && !is_extreme(&name);
    let mut limits = limits.iter().rev();
    limits.clone().find(named).or_else(|| limits.find(general))
}

/// A few values decide these: a limit for all leaves them out.
fn is_extreme(name: &str) -> bool {
    name.starts_with("max(") || name.starts_with("p99.9(")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::load::METRICS;

    #[test]
    fn a_limit_is_for_all_metrics_or_for_one() {
        let limits: Vec<Limit> = ["10%", "p99(open) = 0.5 %", "max(open)=50%"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        for (metric, expected) in [
            ("p50(open)", Some(0.1)),
            ("p99(open)", Some(0.005)),
            ("max(open)", Some(0.5)),
            ("max(connect)", None),
            ("errors", Some(0.1)),
            ("events", None),
        ] {
            let found = of(&limits, &METRICS.find(metric).unwrap());
            assert_eq!(found.map(|limit| limit.part), expected, "{metric}");
        }
        for bad in ["", "10", "%", "-5%", "x%", "=5%", "p99(open)=5ms"] {
            assert!(bad.parse::<Limit>().is_err(), "{bad}");
        }
    }
}
