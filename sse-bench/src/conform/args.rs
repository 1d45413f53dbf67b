//! `sse-bench conform`: its command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint, value_parser};

use crate::cli::RequestArgs;
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
  C40  close on the first event       C48  an initial last event ID of \"seven\"
  C44  a read timeout of 1 s
Without theirs, C06 and C44 tell what the client does by itself; C40, C47 and C48 have nothing to see.

Exit codes:
    0  none failed, but those that --expected-failures names
    1  some failed, or a check that --expected-failures names did not
    2  usage
    4  the client never made a request
  130  interrupted; what was graded so far is printed";

const SERVER: &str = "\
Each check makes connections of its own, but for those that judge one stream, watched for as long
as --patience lasts. Nothing is published unless --publish-url says where. With a method or body of
your own each request repeats it: some 150 in a whole run, 300 where HTTP/2 is offered.

Grades:
  ok              as the standards have it
  non-strict      against good practice, or a recommendation
  informational   nothing is demanded; what was seen is told
  not applicable  cannot be seen from outside, or nothing came that would show it
  failed          against a rule of the HTML Living Standard or an RFC, which is named

Publishing: --publish-url is where to POST --publish-body. In it {{data}} is the data as a JSON
string, {{text}} the data as it is, {{event}} the type as a JSON string.

Exit codes:
    0  none failed, but those that --expected-failures names
    1  some failed, or a check that --expected-failures names did not
    2  usage
    4  the server never answered
  130  interrupted; what was graded so far is printed";

const SERVER_EXAMPLES: &str = "\
Examples:
  sse-bench conform server http://127.0.0.1:8080/events
  sse-bench conform server http://127.0.0.1:8080/events --publish-url http://127.0.0.1:8080/trigger
  sse-bench conform server https://example.org/events -H 'Authorization: Bearer ...' --only V0 --only V22
  sse-bench conform server URL --output-format html -o report.html";

const EXAMPLES: &str = "\
Examples:
  sse-bench conform client -- sse-tui --output ndjson {url}
  sse-bench conform client --only C2 --variant 'C48=--last-event-id seven' -- sse-tui --output ndjson {url}
  sse-bench conform client --once -- sse-tui --no-reconnect --output ndjson {url}
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
    /// Ask an event stream as good, hurried and broken clients do, and grade what it answers
    Server(Box<ServerArgs>),
}

/// What both have.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Only checks whose name starts so, repeatable: C2, C04/205, V38, vector/pub-bom
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,

    /// Checks at once
    #[arg(short = 'j', long, value_name = "N", default_value = "8", value_parser = value_parser!(u32).range(1..=256))]
    pub jobs: u32,

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

/// `sse-bench conform server`.
#[derive(Debug, Args)]
#[command(after_help = "Grades, publishing and exit codes: see --help", after_long_help = format!("{SERVER}\n\n{SERVER_EXAMPLES}"))]
pub struct ServerArgs {
    /// The event stream, http:// or https://
    #[arg(value_hint = ValueHint::Url)]
    pub url: String,

    /// How long to wait for an answer, and to watch for events
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_duration)]
    pub patience: Duration,

    /// The longest that a stream may be silent without a comment
    #[arg(long, value_name = "TIME", default_value = "16s", value_parser = parse_duration)]
    pub silence: Duration,

    /// Publish events of our own there by POST
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Publishing")]
    pub publish_url: Option<String>,

    /// What to send, with {{data}} or {{text}}, and {{event}}
    #[arg(
        long,
        value_name = "TEXT",
        default_value = r#"{"event":{{event}},"data":{{data}}}"#,
        requires = "publish_url",
        help_heading = "Publishing"
    )]
    pub publish_body: String,

    #[command(flatten)]
    pub request: RequestArgs,

    #[command(flatten)]
    pub common: CommonArgs,
}

/// `sse-bench conform client`.
#[derive(Debug, Args)]
#[command(after_help = "Grades, variants and exit codes: see --help", after_long_help = format!("{CLIENT}\n\n{EXAMPLES}"))]
pub struct ClientArgs {
    /// The client and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<String>,

    /// Also the vectors beyond the public ones
    #[arg(long)]
    pub all_vectors: bool,

    /// The client makes one request and ends with its stream: vectors are played on that, and what
    /// is about coming back does not apply
    #[arg(long)]
    pub once: bool,

    /// Arguments that switch on what a check is about, separated by spaces, repeatable
    #[arg(long, value_name = "CHECK=ARGUMENTS", value_parser = parse_variant)]
    pub variant: Vec<(String, String)>,

    /// How long to wait for what the client must do
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub patience: Duration,

    /// How long a client must make no request to count as stopped
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = parse_duration)]
    pub quiet: Duration,

    #[command(flatten)]
    pub common: CommonArgs,
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
    /// One page for browsers, in one file
    Html,
}

fn parse_variant(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((check, arguments)) if ["C06", "C40", "C44", "C47", "C48"].contains(&check) => {
            Ok((check.to_owned(), arguments.to_owned()))
        }
        _ => Err("give CHECK=ARGUMENTS with C06, C40, C44, C47 or C48".to_owned()),
    }
}
