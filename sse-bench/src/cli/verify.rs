//! `sse-bench verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint, value_parser};
use regex::Regex;

use super::compare::BaselineArgs;
use super::publish::PublishArgs;
use super::{OutputArgs, RequestArgs, at_least_1};
use crate::checker::KeyPointer;
use crate::threshold::{self, Threshold};
use crate::timestamp::Pointer;
use crate::units::{InvalidUnit, parse_duration, parse_size};
use crate::verify::cut::{Kind, Outage, Place};

const EXIT_CODES: &str = "\
Exit codes:
    0  pass: each property that was exercised holds
    1  fail: something was lost, repeated, out of order, contradictory or stalled
    2  usage: the command line, or a limit of this machine that cannot carry it
    3  inconclusive: nothing failed, but a property could not be decided
    4  the target was never reached: no event stream was opened at all
   99  a threshold was breached, and nothing failed
  130  interrupted; the report so far is printed";

const EXAMPLES: &str = "\
Examples:
  30 seconds with cut connections, whatever the server:
      sse-bench verify http://127.0.0.1:8080/events

  Ids that count without holes, so that losses common to all connections show too:
      sse-bench verify http://127.0.0.1:8080/events --sequence '-(\\d+)$'

  A server that is killed and restarted, where the data counts:
      sse-bench verify URL --sequence-pointer /seq --cut server --exec ./restart.sh

  Events published by this program: owed is what the server acknowledged:
      sse-bench verify http://127.0.0.1:8080/events --publish-url http://127.0.0.1:8080/trigger";

/// `sse-bench verify`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{}\n\n{EXIT_CODES}", threshold::verify::METRICS.help()))]
pub struct VerifyArgs {
    /// The event stream, http:// or https://
    #[arg(value_hint = ValueHint::Url)]
    pub url: String,

    /// Connections that watch the stream
    #[arg(short = 'c', long, value_name = "N", default_value = "20", value_parser = at_least_1())]
    pub connections: u32,

    /// Threads that receive, each with its share of the connections; one more checks [default: one
    /// for each core but one]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// How long, with the drain at the end
    #[arg(short = 'z', long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub duration: Duration,

    #[command(flatten)]
    pub cuts: CutArgs,

    #[command(flatten)]
    pub identity: IdentityArgs,

    #[command(flatten)]
    pub judgement: JudgementArgs,

    #[command(flatten)]
    pub latency: LatencyArgs,

    #[command(flatten)]
    pub publish: PublishArgs,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub baseline: BaselineArgs,

    #[command(flatten)]
    pub anomalies: AnomalyArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// How connections are cut.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cuts")]
pub struct CutArgs {
    /// How connections are cut; several, with commas, take turns
    #[arg(
        long,
        value_name = "HOW",
        default_value = "rst",
        value_enum,
        value_delimiter = ','
    )]
    pub cut: Vec<Kind>,

    /// Where they are cut; several, with commas, take turns
    #[arg(
        long,
        value_name = "WHERE",
        default_value = "frame,mid-frame,before-first-event,during-replay",
        value_enum,
        value_delimiter = ','
    )]
    pub cut_at: Vec<Place>,

    /// How long a connection is held until it is cut, on average
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    pub cut_interval: Duration,

    /// How long a cut connection stays away: short (less than the reconnection time), retry
    /// (that time), long (more), or a duration; several, with commas, take turns
    #[arg(
        long,
        value_name = "LENGTH",
        default_value = "short,retry,long",
        value_delimiter = ','
    )]
    pub outage: Vec<Outage>,

    /// The command that --cut server runs, by the shell: it is to restart the server
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub exec: Option<String>,

    /// Connections that are never cut on purpose
    #[arg(long, value_name = "N", default_value = "2")]
    pub witnesses: u32,

    /// The longest from the start of a connection to the head of the response
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub connect_timeout: Duration,

    /// Connect again after an end although the method is not GET
    #[arg(long)]
    pub reconnect: bool,

    /// Seed of cuts and jitter [default: random, named in the report]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..1 << 53))]
    pub seed: Option<u64>,
}

/// What events are told apart by.
#[derive(Debug, Args)]
#[command(next_help_heading = "Identity of events")]
pub struct IdentityArgs {
    /// Ids hold a number that counts without holes: its first group, else all that matches
    #[arg(
        long,
        value_name = "REGEX",
        allow_hyphen_values = true,
        conflicts_with_all = ["sequence_pointer", "publish_url"]
    )]
    pub sequence: Option<Regex>,

    /// The data holds such a number at this JSON pointer
    #[arg(long, value_name = "POINTER", conflicts_with = "publish_url")]
    pub sequence_pointer: Option<KeyPointer>,

    /// The data holds a value that names the event at this JSON pointer; events are told apart by
    /// it in place of their ids
    #[arg(
        long,
        value_name = "POINTER",
        conflicts_with_all = ["sequence", "sequence_pointer", "publish_url"]
    )]
    pub key_pointer: Option<KeyPointer>,

    /// Event type by which the server announces what is missing, repeatable
    #[arg(long, value_name = "TYPE", default_value = "gap")]
    pub gap_event: Vec<String>,

    /// Event type that is no part of the stream, repeatable; "connected" never is
    #[arg(long, value_name = "TYPE")]
    pub ignore_event: Vec<String>,
}

/// What counts as a failure.
#[derive(Debug, Args)]
#[command(next_help_heading = "Judgement")]
pub struct JudgementArgs {
    /// The server delivers at least once: repeats are no failure
    #[arg(long)]
    pub allow_duplicates: bool,

    /// A loss that the server announces is a failure too
    #[arg(long)]
    pub strict: bool,

    /// The silence that is a stall while other connections receive
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub stall: Duration,

    /// The longest that a replay may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub delivery_timeout: Duration,

    /// What arrives in so much time before the end is owed to nobody
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    pub drain: Duration,

    /// What the run must keep to, repeatable, such as 'received>=1000' or 'p99(reconnect)<5s'
    #[arg(long, value_name = "METRIC OP VALUE", value_parser = threshold::verify::parse)]
    pub threshold: Vec<Threshold>,

    /// Events that every connection has received, and whose names are still known so that a
    /// repeat is told from a new event; older ones are forgotten
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = at_least_1())]
    pub remember: u32,

    /// Events and anomalies under judgement, at most; the rest of the run is then not judged
    #[arg(long, value_name = "N", default_value = "20000000", value_parser = at_least_1())]
    pub max_records: u32,

    /// The longest line and the most data of one event
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub max_event_size: usize,
}

/// Each anomaly with its evidence.
#[derive(Debug, Args)]
#[command(next_help_heading = "Anomaly log")]
pub struct AnomalyArgs {
    /// Write each anomaly as a line of JSON: where, which events, and the bytes around it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub anomalies: Option<PathBuf>,

    /// Lines, at most: the earliest ones; what is beyond is counted in the last line
    #[arg(long, value_name = "N", default_value = "10000", value_parser = at_least_1(), requires = "anomalies")]
    pub max_anomalies: u32,

    /// Bytes kept of each connection's latest blocks, as much again of what stood around
    /// reconnects, and of what was unusual when it came; other bytes are gone at the end, and
    /// "frames" is null. 0 keeps none
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = parse_size_or_0, requires = "anomalies")]
    pub anomaly_frames: usize,
}

fn parse_size_or_0(text: &str) -> Result<usize, InvalidUnit> {
    match text {
        "0" => Ok(0),
        _ => parse_size(text),
    }
}

/// What is measured beside the verdict.
#[derive(Debug, Args)]
#[command(next_help_heading = "Latency")]
pub struct LatencyArgs {
    /// JSON pointer to the publish time in the data: s, ms, us or ns since 1970, or RFC 3339;
    /// /at for own events, if {{at}} is in their body
    #[arg(long, value_name = "POINTER")]
    pub timestamp_pointer: Option<Pointer>,

    /// Look for it only in events of this type, repeatable [default: all types]
    #[arg(long, value_name = "TYPE", requires = "timestamp_pointer")]
    pub timestamp_event: Vec<String>,
}
