//! `sse-bench conform`: its command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint, value_parser};

use crate::units::parse_duration;

const CLIENT: &str = "\
The client is started anew for each check, with a URL of the check's own in place of {url} in its
arguments (behind them where none has it). It must print one JSON object a line for each event,
flushed: {\"event\",\"data\",\"id\"} as `sse-tui --output ndjson` does, or {\"type\",\"data\",\"lastEventId\"}.
Other lines are ignored.

Grades:
  ok              as the HTML Living Standard and the RFCs have it
  non-strict      not so, but without harm to a server that keeps to them
  informational   nothing is demanded; what was seen is told
  not applicable  cannot be seen from outside, or needs an option: --variant
  failed          against a rule

Variants, arguments of the client that switch on what a check is about:
  C06  retry on 5xx and 429           C47  POST with body \"ping\" and header X-Check: pong
  C44  a read timeout of 1 s          C48  an initial last event ID of \"seven\"

Exit codes:
    0  none failed, but those that --expected-failures names
    1  some failed, or a check that --expected-failures names did not
    2  usage
    4  the client never made a request
  130  interrupted; what was graded so far is printed";

const EXAMPLES: &str = "\
Examples:
  sse-bench conform client -- sse-tui --output ndjson {url}
  sse-bench conform client --only C2 --variant 'C48=--last-event-id seven' -- sse-tui --output ndjson {url}
  sse-bench conform client --output-format junit -o junit.xml --expected-failures known.txt -- node client.js {url}";

/// `sse-bench conform`.
#[derive(Debug, Args)]
pub struct ConformArgs {
    /// What is checked.
    #[command(subcommand)]
    pub subject: Subject,
}

/// What is checked.
#[derive(Debug, Subcommand)]
pub enum Subject {
    /// Play a server to a client program that prints its events, and grade what it does
    Client(ClientArgs),
}

/// `sse-bench conform client`.
#[derive(Debug, Args)]
#[command(after_help = "Grades, variants and exit codes: see --help", after_long_help = format!("{CLIENT}\n\n{EXAMPLES}"))]
pub struct ClientArgs {
    /// The client and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<String>,

    /// Only checks whose name starts so, repeatable: C2, C04/205, vector/pub-bom
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,

    /// Also the vectors beyond the public ones
    #[arg(long)]
    pub all_vectors: bool,

    /// Arguments that switch on what a check is about, separated by spaces, repeatable
    #[arg(long, value_name = "CHECK=ARGUMENTS", value_parser = parse_variant)]
    pub variant: Vec<(String, String)>,

    /// Clients at once
    #[arg(short = 'j', long, value_name = "N", default_value = "8", value_parser = value_parser!(u32).range(1..=256))]
    pub jobs: u32,

    /// How long to wait for what the client must do
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub patience: Duration,

    /// How long a client must make no request to count as stopped
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = parse_duration)]
    pub quiet: Duration,

    /// Names of checks that are known to fail, one a line; # begins a comment
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expected_failures: Option<PathBuf>,

    /// Report format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output_format: Format,

    /// Write the report to a file instead of standard output
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Formats of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One object
    Json,
    /// For CI
    Junit,
}

fn parse_variant(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((check, arguments)) if ["C06", "C44", "C47", "C48"].contains(&check) => {
            Ok((check.to_owned(), arguments.to_owned()))
        }
        _ => Err("give CHECK=ARGUMENTS with C06, C44, C47 or C48".to_owned()),
    }
}
