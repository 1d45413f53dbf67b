//! The command line of `sse-bench storm`.

use std::time::Duration;

use clap::{Args, ValueHint, value_parser};
use http::StatusCode;

use super::compare::BaselineArgs;
use super::{OutputArgs, Pace, RequestArgs, at_least_1};
use crate::storm::plan::Manner;
use crate::threshold::{self, Threshold};
use crate::units::{parse_duration, parse_size};

/// The longest that a storm can be watched.
const LONGEST: Duration = Duration::from_secs(3600);

const EXIT_CODES: &str = "\
Exit codes:
    0  pass: all connections that were lost are open again and have caught up
    1  fail: some were refused and gave up for good, as EventSource does, or are not
       open again within the time of --within
    2  usage: the command line, or a limit of this machine that cannot carry it
    3  inconclusive: some were never open before, none was lost, some are not known to
       have caught up, or nothing was measured for a threshold
    4  the target was never reached: no event stream was opened at all
   99  a threshold was breached, or a metric got worse than --fail-on-regression allows
  130  interrupted; the report so far is printed";

const EXAMPLES: &str = "\
Examples:
  2,000 connections of the demo of sse-serve, all reset at once, three times:
      sse-bench storm http://127.0.0.1:8080/events -c 2000 --rounds 3

  The same without the jitter that spreads the reconnects, to compare:
      sse-bench storm http://127.0.0.1:8080/events -c 2000 --no-jitter

  A server that is killed and started again by a script of yours:
      sse-bench storm URL -c 2000 --cut server --exec ./restart.sh

  Clients that come back after a 503 when its Retry-After says, and a limit on their time:
      sse-bench storm URL -c 2000 --retry-status 429,503 --threshold 'p99(reopen)<10s'";

const DEFINITIONS: &str = "\
Caught up: where events have ids, a connection has caught up when it has received an event
that it had not had before, and is as far as any other was when it opened again; else with
its first event. Events of the types connected, gap and those of --ignore-event do
not count. Whether events were lost on the way is for verify to say.

Storms are not throttled: --connect-rate and --connect-concurrency hold for the time until
all connections were opened, not for what comes after a loss.";

/// `sse-bench storm`.
#[derive(Debug, Args)]
#[command(
    after_help = EXIT_CODES,
    after_long_help = format!(
        "{EXAMPLES}\n\n{DEFINITIONS}\n\n{}\n\n{EXIT_CODES}",
        threshold::storm::METRICS.help()
    )
)]
pub struct StormArgs {
    /// The event stream, http:// or https://
    #[arg(value_hint = ValueHint::Url)]
    pub url: String,

    /// Connections to open and to lose
    #[arg(short = 'c', long, value_name = "N", default_value = "50", value_parser = at_least_1())]
    pub connections: u32,

    #[command(flatten)]
    pub storm: Storm,

    #[command(flatten)]
    pub pace: Pace,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub baseline: BaselineArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// How connections are lost and come back.
#[derive(Debug, Args)]
#[command(next_help_heading = "Storm")]
pub struct Storm {
    /// How all connections are lost at once
    #[arg(long, value_name = "HOW", default_value = "rst", value_enum)]
    pub cut: Manner,

    /// The command that --cut server runs, by the shell: it is to restart the server
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub exec: Option<String>,

    /// Storms, one after another
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// The calm before each storm, once all connections are open and have received an event
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    pub hold: Duration,

    /// The longest to wait for connections to open, to receive a first event, and to come back
    /// after a storm; at most 1h
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_within)]
    pub within: Duration,

    /// Statuses after which a client comes back, later if Retry-After says so, rather than give up
    /// as browsers do; several with commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    pub retry_status: Vec<StatusCode>,

    /// Wait exactly as long as the server says, not up to a quarter longer at random
    #[arg(long)]
    pub no_jitter: bool,

    /// Do not double the wait after each attempt that fails
    #[arg(long)]
    pub no_backoff: bool,

    /// Event type that is no part of the stream, repeatable; "connected" and "gap" never are
    #[arg(long, value_name = "TYPE")]
    pub ignore_event: Vec<String>,

    /// What the run must keep to, repeatable, such as 'p99(reopen)<5s' or 'refused==0'
    #[arg(long, value_name = "METRIC OP VALUE", value_parser = threshold::storm::parse)]
    pub threshold: Vec<Threshold>,

    /// The longest line and the most data of one event
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub max_event_size: usize,
}

fn parse_within(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST {
        return Err("a storm is watched for at most 1h".to_owned());
    }
    Ok(time)
}

fn parse_status(text: &str) -> Result<StatusCode, String> {
    let status = text.trim().parse().ok();
    status
        .filter(|status: &StatusCode| status.is_client_error() || status.is_server_error())
        .ok_or_else(|| "a status to retry is one from 400 to 599, such as 503".to_owned())
}
