//! `sse-bench compare`, and what other commands have of it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ReportArgs;
use crate::compare::{Baseline, Limit};

const EXIT_CODES: &str = "\
Exit codes:
    0  no metric got worse by more than its limit
    2  usage: a file that cannot be read, or is no report of the same command and schema
    3  inconclusive: a metric with a limit was not measured in both runs
   99  a metric got worse by more than its limit";

const EXAMPLES: &str = "\
Examples:
  Two runs side by side:
      sse-bench compare before.json after.json

  No metric may get worse by more than 10 %, one of them by more than 20 %:
      sse-bench compare before.json after.json --fail-on-regression 10% --fail-on-regression 'p99(delivery)=20%'

  A run held against an earlier one at once:
      sse-bench load URL --baseline before.json --fail-on-regression 10%

A limit without a metric is for all metrics that can get better or worse but max and p99.9,
which a few values decide. From 0, any step for the worse is beyond each limit.";

/// `sse-bench compare`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct CompareArgs {
    /// The report of the run before, as JSON
    #[arg(value_name = "OLD", value_hint = ValueHint::FilePath)]
    pub old: PathBuf,

    /// The report of the run after it
    #[arg(value_name = "NEW", value_hint = ValueHint::FilePath)]
    pub new: PathBuf,

    /// How much worse a metric may be, repeatable: 10%, or 'p99(delivery)=20%' for one of them
    #[arg(long, value_name = "[METRIC=]PERCENT")]
    pub fail_on_regression: Vec<Limit>,

    #[command(flatten)]
    pub output: ReportArgs,
}

/// An earlier run to compare with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison")]
pub struct BaselineArgs {
    /// The JSON report of an earlier run: this one is compared with it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,

    /// How much worse a metric may be, repeatable: 10%, or 'p99(open)=20%' for one of them
    #[arg(long, value_name = "[METRIC=]PERCENT", requires = "baseline")]
    pub fail_on_regression: Vec<Limit>,
}

impl BaselineArgs {
    /// The earlier run, where one is named, of the same command.
    ///
    /// # Errors
    /// What is wrong with the file or the limits.
    pub fn read(self, command: &str) -> anyhow::Result<Option<Baseline>> {
        let read = |path: PathBuf| Baseline::read(&path, self.fail_on_regression, command);
        self.baseline.map(read).transpose()
    }
}
