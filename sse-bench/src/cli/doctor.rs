//! `sse-bench doctor`.

use std::time::Duration;

use clap::{Args, ValueHint, value_parser};

use super::{ReportArgs, RequestArgs};
use crate::units::parse_duration;

const EXIT_CODES: &str = "\
Exit codes:
    0  no problem was found; there may be warnings
    1  a problem was found
    2  usage
    4  no event stream was opened
  130  interrupted; what was found so far is printed";

const EXAMPLES: &str = "\
Examples:
  What a browser would meet at this endpoint:
      sse-bench doctor https://example.com/events

  With a minute for the heartbeat, and for a pipeline:
      sse-bench doctor https://example.com/events --watch 1m --output-format json=doctor.json

  An answer of a language model (asked for once: what repeats a request is left out):
      sse-bench doctor http://127.0.0.1:9000/v1/chat/completions -D request.json -T application/json";

/// `sse-bench doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct DoctorArgs {
    /// The event stream, http:// or https://
    #[arg(value_hint = ValueHint::Url)]
    pub url: String,

    /// How long to watch the stream
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    pub watch: Duration,

    /// Watch no longer than for so many events
    #[arg(short = 'n', long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub events: Option<u64>,

    /// The longest wait for an answer, and for what a reconnect is to bring
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub patience: Duration,

    /// Event type by which the server announces what is missing, repeatable
    #[arg(long, value_name = "TYPE", default_value = "gap")]
    pub gap_event: Vec<String>,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub output: ReportArgs,
}
