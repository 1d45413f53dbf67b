//! What the reports of all commands have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::invocation::Invocation;
use crate::compare::Comparison;
use crate::exit::Exit;
use crate::failure::{Failures, Kind};
use crate::sys;
use crate::threshold::Checked;

/// The version of the report's shape; a key is never taken away within one.
pub const SCHEMA: u32 = 1;

/// The first keys of a JSON report; those of the command follow (`flatten`).
/// What the machine does not say is `null`.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    pub schema: u32,
    /// The subcommand.
    pub command: &'static str,
    /// Of this program.
    pub version: &'static str,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: &'static str,
    pub reason: String,
    #[serde(skip)]
    pub exit: Exit,
    pub exit_code: u8,
    /// Why the run ended: `duration`, `events`, `all_ended`, `unreachable` or `interrupted`.
    pub ending: &'static str,
    /// When the run began, as RFC 3339 in UTC.
    pub started_at: String,
    pub elapsed_us: u64,
    /// The arguments of the program, without secrets.
    pub command_line: Vec<String>,
    pub host: Host,
    pub thresholds: Vec<ThresholdReport>,
    /// With an earlier run (`--baseline`).
    pub comparison: Option<Comparison>,
}

/// What came of a run, for its [`Head`].
#[derive(Debug)]
pub struct Result<'a> {
    pub command: &'static str,
    pub exit: Exit,
    pub reason: &'a str,
    pub ending: &'static str,
    pub elapsed: Duration,
    pub thresholds: &'a [Checked],
}

impl Head {
    /// The head of a run's report.
    pub fn new(invocation: &Invocation, result: &Result<'_>) -> Self {
        Self {
            schema: SCHEMA,
            command: result.command,
            version: env!("CARGO_PKG_VERSION"),
            verdict: result.exit.verdict(),
            reason: result.reason.to_owned(),
            exit: result.exit,
            exit_code: result.exit.code(),
            ending: result.ending,
            started_at: invocation.started_at(),
            elapsed_us: us(result.elapsed),
            command_line: invocation.command_line().to_vec(),
            host: Host::this(),
            thresholds: result
                .thresholds
                .iter()
                .map(|checked| ThresholdReport {
                    threshold: checked.threshold.to_string(),
                    value: checked.value.map(round),
                    kept: checked.kept,
                })
                .collect(),
            comparison: None,
        }
    }
}

/// The machine that this program ran on.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// `linux`, `macos`, `windows`, ...
    pub os: &'static str,
    pub kernel: Option<String>,
    /// `x86_64`, `aarch64`, ...
    pub arch: &'static str,
    /// That this process may use.
    pub cores: Option<usize>,
}

impl Host {
    fn this() -> Self {
        Self {
            os: std::env::consts::OS,
            kernel: sys::kernel(),
            arch: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().ok().map(usize::from),
        }
    }
}

/// A threshold and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct ThresholdReport {
    pub threshold: String,
    /// Microseconds for durations; `null` if nothing was measured.
    pub value: Option<f64>,
    /// `null` likewise.
    pub kept: Option<bool>,
}

/// Failures by kind.
#[derive(Debug, Clone, Serialize)]
pub struct Errors<'a> {
    pub total: u64,
    pub by_kind: BTreeMap<String, ErrorKind<'a>>,
}

/// A kind of failure.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorKind<'a> {
    pub count: u64,
    /// The first, without control characters.
    pub example: &'a str,
}

impl<'a> Errors<'a> {
    /// As they were counted.
    pub fn of(failures: &'a Failures) -> Self {
        Self::some(failures, |_| true)
    }

    /// Those of the kinds wanted.
    pub fn some(failures: &'a Failures, wanted: fn(Kind) -> bool) -> Self {
        let chosen = failures.iter().filter(|(kind, _)| wanted(*kind));
        let by_kind: BTreeMap<_, _> = chosen
            .map(|(kind, counted)| {
                let (count, example) = (counted.count, counted.example.as_str());
                (kind.to_string(), ErrorKind { count, example })
            })
            .collect();
        Self {
            total: by_kind.values().map(|kind| kind.count).sum(),
            by_kind,
        }
    }
}

impl Errors<'_> {
    /// The most frequent first.
    pub fn by_count(&self) -> Vec<(&str, &ErrorKind<'_>)> {
        let kinds = self.by_kind.iter();
        let mut kinds: Vec<_> = kinds.map(|(name, kind)| (name.as_str(), kind)).collect();
        kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
        kinds
    }
}

/// Microseconds.
pub fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// To three decimals.
pub fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
