//! `sse-bench selftest`.

use clap::{Args, value_parser};

const EXIT_CODES: &str = "\
Exit codes:
    0  the checker found each anomaly, and nothing else
    1  it did not
    2  usage
    3  this machine was too slow to tell, three times over";

/// `sse-bench selftest`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct SelftestArgs {
    /// Run only the scenarios whose names contain one of these
    #[arg(value_name = "NAME")]
    pub scenarios: Vec<String>,

    /// Print the names of the scenarios
    #[arg(long)]
    pub list: bool,

    /// Scenarios at once; each keeps a part of a core busy
    #[arg(short = 'j', long, value_name = "N", default_value = "9", value_parser = value_parser!(u32).range(1..=100))]
    pub jobs: u32,
}
