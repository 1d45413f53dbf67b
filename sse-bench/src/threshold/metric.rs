//! The metrics of a command: one line of a table each, and all that follows
//! from it: `--threshold`, its help, and `compare`.

use std::fmt::Write;

use serde_json::Value;

use crate::units::{micros, thousands};

/// What a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    name: &'static str,
    pointer: &'static str,
    unit: Unit,
    better: Better,
}

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A distribution of durations, of which a metric is one number.
    Latency,
    /// Microseconds.
    Duration,
    /// Anything else.
    Number,
}

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Such as errors.
    Less,
    /// Such as a rate.
    More,
    /// It tells what the run was, not how good.
    Neither,
}

/// A distribution at `pointer` of the report, shaped as
/// [`Summary`](crate::histogram::Summary); less is better.
pub const fn latency(name: &'static str, pointer: &'static str) -> Entry {
    Entry {
        name,
        pointer,
        unit: Unit::Latency,
        better: Better::Less,
    }
}

/// Microseconds at `pointer` of the report; less is better.
pub const fn duration(name: &'static str, pointer: &'static str) -> Entry {
    Entry {
        name,
        pointer,
        unit: Unit::Duration,
        better: Better::Less,
    }
}

/// A number at `pointer` of the report.
pub const fn number(name: &'static str, pointer: &'static str, better: Better) -> Entry {
    Entry {
        name,
        pointer,
        unit: Unit::Number,
        better,
    }
}

/// The numbers of a distribution, and the keys under which it has them.
const QUANTILES: [(&str, &str); 6] = [
    ("p50", "p50_us"),
    ("p90", "p90_us"),
    ("p99", "p99_us"),
    ("p99.9", "p99.9_us"),
    ("max", "max_us"),
    ("mean", "mean_us"),
];

/// The metrics of one command.
#[derive(Debug)]
pub struct Table(pub &'static [Entry]);

impl Table {
    /// The metric of this name: `errors`, `p99(open)`.
    pub fn find(&self, name: &str) -> Option<Metric> {
        match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
            Some((quantile, of)) => {
                let entry = self.entry(of.trim(), |unit| unit == Unit::Latency)?;
                let wanted = quantile.trim();
                let known = QUANTILES.iter().find(|(name, _)| *name == wanted);
                known.map(|(quantile, key)| Metric {
                    entry,
                    quantile: Some((quantile, key)),
                })
            }
            None => {
                let entry = self.entry(name, |unit| unit != Unit::Latency)?;
                Some(Metric {
                    entry,
                    quantile: None,
                })
            }
        }
    }

    fn entry(&self, name: &str, fits: fn(Unit) -> bool) -> Option<Entry> {
        let mut entries = self.0.iter();
        let found = entries.find(|entry| entry.name == name && fits(entry.unit));
        found.copied()
    }

    /// All metrics, in the order of the table.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.0.iter().flat_map(|entry| {
            let none = (entry.unit != Unit::Latency).then_some(None);
            let all = QUANTILES.iter().map(|quantile| Some(*quantile));
            let quantiles = none.into_iter().chain(all.filter(move |_| none.is_none()));
            quantiles.map(|quantile| Metric {
                entry: *entry,
                quantile,
            })
        })
    }

    /// The table for `--help` and error messages.
    pub fn help(&self) -> String {
        let mut help = "\
Metrics of --threshold METRIC OP VALUE, where OP is one of < <= > >= == !="
            .to_owned();
        let quantiles = QUANTILES.map(|(name, _)| name).join(", ");
        for (unit, title) in [
            (
                Unit::Latency,
                "Q(D)  a latency, as in 'p99(open)<250ms'\n          Q: ",
            ),
            (Unit::Duration, "a duration, compared with one such as 5s"),
            (
                Unit::Number,
                "a number, as in 'errors==0' or 'events>=1000'",
            ),
        ] {
            let entries = self.0.iter().filter(|entry| entry.unit == unit);
            let names: Vec<_> = entries.map(|entry| entry.name).collect();
            if names.is_empty() {
                continue;
            }
            // Writing to a string cannot fail.
            let _ = write!(help, "\n    {title}");
            let label = if unit == Unit::Latency {
                let _ = write!(help, "{quantiles}");
                "D: "
            } else {
                ""
            };
            list(&mut help, label, &names);
        }
        help
    }
}

/// Names in lines of at most 90 columns.
fn list(out: &mut String, label: &str, names: &[&str]) {
    let mut column = usize::MAX;
    let mut first = true;
    for name in names {
        let comma = if first { "" } else { "," };
        out.push_str(comma);
        if column.saturating_add(name.len() + 2) > 90 {
            out.push_str("\n          ");
            out.push_str(if first { label } else { "" });
            column = 10 + label.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(name);
        column += name.len() + 1;
        first = false;
    }
}

/// One number of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    entry: Entry,
    /// Which number of a distribution: its name and its key.
    quantile: Option<(&'static str, &'static str)>,
}

impl Metric {
    /// The name by which it is asked for.
    pub fn name(&self) -> String {
        match self.quantile {
            Some((quantile, _)) => format!("{quantile}({})", self.entry.name),
            None => self.entry.name.to_owned(),
        }
    }

    /// The keys that lead to it in a report.
    pub fn path(&self) -> Vec<&'static str> {
        let keys = self.entry.pointer.split('/').skip(1);
        keys.chain(self.quantile.map(|(_, key)| key)).collect()
    }

    /// Its value in a report; `None` where nothing was measured. Durations in
    /// microseconds.
    pub fn of(&self, report: &Value) -> Option<f64> {
        let mut path = self.path().into_iter();
        path.try_fold(report, |place, key| place.get(key))?.as_f64()
    }

    /// Whether it is a duration.
    pub fn is_duration(&self) -> bool {
        self.entry.unit != Unit::Number
    }

    /// Which way it gets better.
    pub fn better(&self) -> Better {
        self.entry.better
    }

    /// A value as people read it.
    pub fn show(&self, value: f64) -> String {
        if self.is_duration() {
            micros(value as u64)
        } else if value >= 1000.0 {
            thousands(value.round() as u64)
        } else {
            // Shares and ratios are small, and told apart.
            let scale = if value.abs() < 10.0 { 1000.0 } else { 10.0 };
            format!("{}", (value * scale).round() / scale)
        }
    }
}
