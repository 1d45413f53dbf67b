//! The command line.

mod build;
mod connect;
mod layers;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ColorChoice, CommandFactory, Parser};
use http::{HeaderName, HeaderValue, Method};
use regex::Regex;
use sse_core::EventId;

use crate::charts::Wanted;
use crate::keymap::Key;
use crate::options::{Column, DEFAULT_URL, Output};
use crate::replay::Speed;
use crate::theme::ThemeName;

use connect::ConnectArgs;
use values::{header, pointer, size};

pub use layers::{Asked, Failure, parse};
pub(crate) use values::parse_url;

/// Watch Server-Sent Events streams in the terminal, or print them.
#[derive(Debug, Parser)]
#[command(
    name = "sse-tui",
    version,
    after_help = "Examples:
  sse-tui http://127.0.0.1:8080/events          watch a stream
  sse-tui -n 10 URL | jq .data                  ten events as NDJSON
  curl -N URL | sse-tui -                       watch what curl receives
  sse-tui -H 'Authorization: Bearer T' -d @prompt.json URL
                                                stream the answer to a POST; t shows its text
  sse-tui --record calls.ndjson URL             watch and record
  sse-tui --replay calls.ndjson --speed 10      watch again, ten times as fast

Exit codes: 0 ended as it should, quit, or -n reached; 1 refused or failed; 2 usage."
)]
pub(crate) struct Args {
    /// Streams to read; - is standard input
    #[arg(value_name = "URL", default_value = DEFAULT_URL)]
    urls: Vec<String>,

    /// Method of the request [default: GET, with --data POST]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<Method>,

    /// Body of the request: text, @FILE, or @- for standard input
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,

    /// Header to send, as 'Name: value'; repeatable
    #[arg(short = 'H', long, value_name = "HEADER", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Resume after this event
    #[arg(long, value_name = "ID", value_parser = |id: &str| EventId::new(id))]
    last_event_id: Option<EventId>,

    /// Show only events of this type; repeatable
    #[arg(long, value_name = "TYPE")]
    event: Vec<String>,

    /// What to write [default: tui on a terminal, else ndjson]
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Output>,

    /// Exit after this many events
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,

    /// Exit when the connection is lost, or cannot be made
    #[arg(long)]
    no_reconnect: bool,

    /// Reconnect even a POST, which sends its body again
    #[arg(long, conflicts_with = "no_reconnect")]
    reconnect: bool,

    /// Say on stderr, at the end of text, ndjson or raw, what is wrong with the streams
    #[arg(long)]
    lint: bool,

    /// Memory for events kept by the dashboard; the oldest are evicted first
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    buffer: ByteSize,

    /// Ids count without holes: REGEX finds the number, so that missing events show
    #[arg(long, value_name = "REGEX")]
    sequence: Option<Regex>,

    /// Record what arrives into a new file, with its times; R does it in the dashboard
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// End a recording at this size
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    record_limit: ByteSize,

    /// Play a recording instead of reading streams
    #[arg(long, value_name = "FILE", conflicts_with_all = ["urls", "record", "request", "data", "header", "last_event_id", "no_reconnect", "reconnect", "ConnectArgs"])]
    replay: Option<PathBuf>,

    /// How fast to replay: 1, 10, 0.5, max, step [default: 1 in the dashboard, else max]
    #[arg(long, value_name = "SPEED", requires = "replay")]
    speed: Option<Speed>,

    #[arg(
        long,
        value_name = "TYPE:POINTER",
        help = "Number to chart first among the live panels, as tick:/price; repeatable"
    )]
    chart: Vec<Wanted>,

    /// Where the text stands in the data, for the text screen: a JSON pointer such as
    /// /delta/text, or '' if the data is the text [default: known formats of LLMs]
    #[arg(long, value_name = "POINTER", value_parser = pointer, verbatim_doc_comment)]
    text_pointer: Option<String>,

    #[arg(
        long,
        value_name = "THEME",
        help = "Colours [default: dark, or plain if NO_COLOR is set]"
    )]
    theme: Option<ThemeName>,

    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help = "Whether there is colour, also in text; auto: on a terminal, unless NO_COLOR is set"
    )]
    color: ColorChoice,

    /// Draw with ASCII only, other characters as ? [default: where the locale is not UTF-8]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    ascii: Option<bool>,

    /// Let the mouse work in the dashboard; else it selects text, as the terminal does
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", hide_possible_values = true)]
    mouse: bool,

    /// Begin at the newest event and stay there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", hide_possible_values = true)]
    follow: bool,

    /// Columns of the list before the data, where there is room for them
    #[arg(
        long,
        value_name = "COLUMN",
        value_delimiter = ',',
        default_value = "time,delta,type,id"
    )]
    columns: Vec<Column>,

    /// Draw at most so many times a second
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u8).range(1..=60))]
    fps: u8,

    /// Say on stderr, when the dashboard ends, how long frames took and events and keys waited
    #[arg(long)]
    timings: bool,

    /// Write a picture of the dashboard to this SVG file and exit; needs no terminal
    #[arg(long, value_name = "FILE")]
    screenshot: Option<PathBuf>,

    /// When to take the picture
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration, requires = "screenshot")]
    screenshot_after: Duration,

    /// Columns and rows of the picture
    #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size, requires = "screenshot")]
    size: (u16, u16),

    /// Key to press before the picture is taken, such as Up, Enter or ?; repeatable
    #[arg(long, value_name = "KEY", requires = "screenshot")]
    key: Vec<Key>,

    /// Options and keys from this file, instead of sse-tui/config.toml where configurations are
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Read no configuration file
    #[arg(long)]
    no_config: bool,

    /// Print the effective options and keys as a configuration file and exit
    #[arg(long)]
    print_config: bool,

    /// Print completions for a shell and exit
    #[arg(long, value_name = "SHELL", conflicts_with = "man")]
    completions: Option<clap_complete::Shell>,

    /// Print the man page and exit
    #[arg(long)]
    man: bool,

    #[command(flatten)]
    connect: ConnectArgs,
}

impl Args {
    /// Completions or the man page, where one is asked for.
    ///
    /// # Errors
    /// The man page could not be rendered.
    fn document(&self) -> std::io::Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        if let Some(shell) = self.completions {
            clap_complete::generate(shell, &mut Self::command(), "sse-tui", &mut text);
        } else if self.man {
            clap_mangen::Man::new(Self::command()).render(&mut text)?;
        } else {
            return Ok(None);
        }
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests;
