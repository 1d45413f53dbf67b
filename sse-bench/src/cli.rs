//! The command line: one definition for parsing, help, completions and man page.

pub mod compare;
pub mod doctor;
pub mod finite;
pub mod publish;
pub mod selftest;
pub mod storm;
pub mod verify;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{ArgPredicate, RangedI64ValueParser};
use clap::{Args, Parser, Subcommand, ValueHint, value_parser};

use crate::conform::ConformArgs;
use crate::proxy::ProxyArgs;
use crate::ramp::Ramp;
use crate::report::{Output, Render, Writer};
use crate::slow::Slow;
use crate::threshold::{self, Threshold};
use crate::timestamp::Pointer;
use crate::transport::TransportArgs;
use crate::units::{parse_duration, parse_size};

const EXIT_CODES: &str = "\
Exit codes:
    0  pass: each of the connections was opened, none failed for good later,
       and each threshold was kept to
    2  usage: the command line, or a limit of this machine that cannot carry it
    3  inconclusive: some connections were never opened or failed for good later,
       or nothing was measured for a threshold
    4  the target was never reached: no event stream was opened at all
   99  a threshold was breached
  130  interrupted; the report so far is printed
With --until-done:
    0  each request was answered by a stream up to its end marker
    1  a stream ended, or broke, without its end marker
    3  other requests failed (refused, not answered, an error in the stream, timed out), none
       came to its end, or requests were due that never started
    4  no request was answered by a stream";

const EXAMPLES: &str = "\
Examples:
  50 connections for 10 s against the demo of sse-serve:
      sse-bench load http://127.0.0.1:8080/events

  5,000 connections, with the delivery latency from the time that each event carries:
      sse-bench load http://127.0.0.1:8080/events -c 5000 -z 30s --timestamp-pointer /at

  Requests to a language model, 20 each second at their own times, however long answers take:
      sse-bench load https://api.example.com/v1/chat/completions --preset openai-chat --rate 20 \\
          -z 60s -H 'Authorization: Bearer KEY' -d '{\"model\":\"NAME\",\"stream\":true,\"messages\":[...]}' \\
          --goodput 'ttfe:500ms gap:200ms' --threshold 'goodput>=0.99'

  Events published by this program, 100 a second, from their intended time to each connection:
      sse-bench load http://127.0.0.1:8080/events --publish-url http://127.0.0.1:8080/trigger \
          --publish-rate 100 --threshold 'undelivered==0' --threshold 'p99(delivery)<50ms'

  The report as JSON in a file, beside the text on the terminal:
      sse-bench load http://127.0.0.1:8080/events --output-format json=report.json";

/// Load tests and verification of Server-Sent Events endpoints.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open many connections to an event stream, hold them, and measure what arrives
    Load(Box<LoadArgs>),
    /// Prove what reconnection and replay of an event stream are worth: cut connections, and tell
    /// what was lost, repeated or out of order
    Verify(Box<verify::VerifyArgs>),
    /// Lose all connections at once, and measure how they come back
    Storm(Box<storm::StormArgs>),
    /// Check the checker: a built-in server commits each anomaly, and verify must find it
    Selftest(selftest::SelftestArgs),
    /// Check whether a client or a server keeps to the rules of event streams
    Conform(Box<ConformArgs>),
    /// Stand before a server and disturb its event streams: cuts, delays, lost events and more
    Proxy(Box<ProxyArgs>),
    /// Two reports side by side: what got better, what got worse, and by how much
    Compare(Box<compare::CompareArgs>),
    /// Examine one endpoint: what clients and proxies will make of its event stream
    Doctor(Box<doctor::DoctorArgs>),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (troff)
    Man,
}

/// `sse-bench load`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{}\n\nWith --until-done: {}\n\n{EXIT_CODES}", threshold::load::METRICS.help(), threshold::finite::METRICS.help()))]
pub struct LoadArgs {
    /// The event stream, http:// or https://
    #[arg(value_hint = ValueHint::Url)]
    pub url: String,

    /// Connections to open and hold
    #[arg(short = 'c', long, value_name = "N", default_value = "50", default_value_if("ramp", ArgPredicate::IsPresent, "4294967295"), value_parser = at_least_1())]
    pub connections: u32,

    /// How long to hold them once each has been opened or refused; 10s unless -n is given
    #[arg(short = 'z', long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Stop after this many events over all connections
    #[arg(short = 'n', long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub events: Option<u64>,

    #[command(flatten)]
    pub pace: Pace,

    #[command(flatten)]
    pub finite: finite::FiniteArgs,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub measure: Measure,

    #[command(flatten)]
    pub publish: publish::PublishArgs,

    /// The longest that a published event may take from its intended time to a connection; what
    /// comes later, or never, is undelivered. An event is owed to each connection that was open
    /// when it was due (from its first event on, or 1 s after it opened) and for so long after;
    /// all connections are taken to subscribe to what is published, and slow readers (--slow) are
    /// owed nothing. The run
    /// waits at its end until all is delivered or this time is over
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration, requires = "publish_url", help_heading = "Publishing")]
    pub delivery_timeout: Duration,

    #[command(flatten)]
    pub baseline: compare::BaselineArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// How connections are opened and opened again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct Pace {
    /// Open connections as a line rises, from so many to so many in this time, such as 0:10k:60s;
    /// -c is then the most that are opened
    #[arg(long, value_name = "FROM:TO:TIME", conflicts_with = "connect_rate")]
    pub ramp: Option<Ramp>,

    /// Connections to start each second [default: 1000]
    #[arg(long, value_name = "N", value_parser = at_least_1())]
    pub connect_rate: Option<u32>,

    /// Connections that may be underway at once; further ones wait [default: 512]
    #[arg(long, value_name = "N", value_parser = at_least_1())]
    pub connect_concurrency: Option<u32>,

    /// The longest from the start of a connection to the head of the response
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub connect_timeout: Duration,

    /// Do not open a connection again when its stream ends
    #[arg(long)]
    pub no_reconnect: bool,

    /// Reconnect even where each connection repeats a request that is not GET
    #[arg(long, conflicts_with = "no_reconnect")]
    pub reconnect: bool,

    /// Connections that read slowly, as a share or a number, and what each reads in a second:
    /// 5%:1KB/s; repeatable. They have a small receive buffer, and figures of their own
    #[arg(long, value_name = "SHARE:RATE")]
    pub slow: Vec<Slow>,

    /// Threads, each with its share of the connections [default: one for each core]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Seed of the jitter of reconnection times [default: random, named in the report]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// The request of each connection.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// HTTP method [default: GET, or POST with a body]
    #[arg(
        short = 'm',
        long,
        visible_short_alias = 'X',
        alias = "request",
        value_name = "METHOD"
    )]
    pub method: Option<String>,

    /// Header field, repeatable; replaces the one sent by default
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,

    /// Request body
    #[arg(short = 'd', long = "data", value_name = "TEXT")]
    pub body: Option<String>,

    /// Request body from a file
    #[arg(short = 'D', long = "data-file", value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "body")]
    pub body_file: Option<PathBuf>,

    /// Content-Type of the body
    #[arg(short = 'T', long, value_name = "TYPE")]
    pub content_type: Option<String>,

    /// Basic authentication
    #[arg(short = 'a', long, value_name = "USER:PASSWORD")]
    pub basic_auth: Option<String>,

    /// Last-Event-ID of the first request of each connection
    #[arg(long, value_name = "ID")]
    pub last_event_id: Option<String>,

    /// Trust these certificate authorities (PEM) instead of the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,

    /// Accept any certificate
    #[arg(long, conflicts_with = "cacert")]
    pub insecure: bool,

    #[command(flatten)]
    pub transport: TransportArgs,
}

impl RequestArgs {
    /// The same credentials, trust and transport, and nothing else, for another request;
    /// without header fields that differ from connection to connection.
    #[must_use]
    pub fn for_publishing(&self) -> Self {
        Self {
            method: None,
            headers: self
                .headers
                .iter()
                .filter(|header| !header.contains("{{"))
                .cloned()
                .collect(),
            body: None,
            body_file: None,
            content_type: None,
            basic_auth: self.basic_auth.clone(),
            last_event_id: None,
            cacert: self.cacert.clone(),
            insecure: self.insecure,
            transport: self.transport.clone(),
        }
    }
}

/// What is read out of the events.
#[derive(Debug, Args)]
#[command(next_help_heading = "Measurement")]
pub struct Measure {
    /// JSON pointer to the publish time in the data: s, ms, us or ns since 1970, or RFC 3339;
    /// /at for own events, if {{at}} is in their body
    #[arg(long, value_name = "POINTER")]
    pub timestamp_pointer: Option<Pointer>,

    /// Look for it only in events of this type, repeatable [default: all types]
    #[arg(long, value_name = "TYPE", requires = "timestamp_pointer")]
    pub timestamp_event: Vec<String>,

    /// What the run must keep to, repeatable, such as 'p99(delivery)<250ms' or 'errors==0'
    #[arg(long, value_name = "METRIC OP VALUE", value_parser = threshold::load::parse)]
    pub threshold: Vec<Threshold>,

    /// The longest line and the most data of one event
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub max_event_size: usize,
}

/// Where the report goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct ReportArgs {
    /// Report format, repeatable: text, json, csv, junit or html for standard output, FORMAT=FILE
    /// for a file
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub output_format: Vec<Output>,

    /// Write the report to a file instead of standard output
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

impl ReportArgs {
    /// Opens the destinations of a report of this kind.
    pub fn open<R: Render>(&self) -> anyhow::Result<Writer> {
        Writer::open::<R>(&self.output_format, self.output.as_deref())
    }
}

/// Where the report of a run goes, and what is seen of it meanwhile.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    #[command(flatten)]
    pub report: ReportArgs,

    /// Progress as one line on standard error, where a terminal would show the whole run
    #[arg(long)]
    pub no_tui: bool,

    /// Frames of that view each second
    #[arg(long, value_name = "N", default_value = "16", conflicts_with = "no_tui", value_parser = value_parser!(u32).range(1..=60))]
    pub fps: u32,
}

impl OutputArgs {
    /// See [`ReportArgs::open`].
    pub fn open<R: Render>(&self) -> anyhow::Result<Writer> {
        self.report.open::<R>()
    }

    /// How often a view of the run is drawn, if one is wanted.
    pub fn frame(&self) -> Option<Duration> {
        (!self.no_tui).then(|| Duration::from_secs(1) / self.fps)
    }
}

fn at_least_1() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..)
}
