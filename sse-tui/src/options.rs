//! What to read and how to show it, for the binary and for programs that embed it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ColorChoice, ValueEnum};
use jiff::tz::TimeZone;
use regex::Regex;
use sse_core::client::{Options as ClientOptions, Request};
use url::Url;

use crate::charts::Wanted;
use crate::keymap::{Key, Keymap};
use crate::replay::Speed;
use crate::theme::ThemeName;

/// Where the hub of this toolkit listens by default.
pub const DEFAULT_URL: &str = "http://127.0.0.1:8080/events";

/// A stream to read.
#[derive(Debug, Clone)]
pub enum Source {
    /// Over HTTP.
    Request(Box<Request>),
    /// From standard input, to its end.
    Stdin,
}

/// What to write where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// The dashboard; needs a terminal
    Tui,
    /// One line per event, for reading
    Text,
    /// One JSON object per event
    Ndjson,
    /// The bytes of the stream as they came
    Raw,
}

impl Output {
    /// The dashboard on a terminal, NDJSON into a pipe or file.
    pub fn for_stdout() -> Self {
        if std::io::stdout().is_terminal() {
            Self::Tui
        } else {
            Self::Ndjson
        }
    }
}

/// A column of the list before the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Column {
    /// When the event was received
    Time,
    /// How long after the one before
    Delta,
    /// Its type
    Type,
    /// Its id
    Id,
}

/// A recording to be played instead of reading streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The file.
    pub path: PathBuf,
    /// How fast. On a screen as it was by default, elsewhere as fast as possible.
    pub speed: Speed,
}

/// A picture of the dashboard, taken without a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// The SVG file to write.
    pub path: PathBuf,
    /// When, counted from the start. Earlier if every stream has ended.
    pub after: Duration,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Keys pressed before the picture is taken.
    pub keys: Vec<Key>,
}

/// All options, with a default for each.
#[derive(Debug, Clone)]
pub struct Options {
    /// The streams; at most one is standard input.
    pub sources: Vec<Source>,
    /// How connections are made and made again.
    pub client: ClientOptions,
    /// Default: see [`Output::for_stdout`].
    pub output: Option<Output>,
    /// Show only these event types; empty, the default, for all.
    pub event_types: Vec<String>,
    /// End after so many events shown. Default: none.
    pub events: Option<u64>,
    /// Say on stderr what is wrong with the streams, where they are printed, at
    /// the end. Default false.
    pub lint: bool,
    /// Bytes of memory for events kept by the dashboard. Default 64 MiB.
    pub buffer: usize,
    /// Event ids count without holes, and this finds the number in one: its first
    /// group, or else all it matches. Default: none; see
    /// [`Contiguity`](crate::continuity::Contiguity).
    pub sequence: Option<Regex>,
    /// Default: plain if `NO_COLOR` is set, else dark.
    pub theme: ThemeName,
    /// Whether text has colour. Default: on a terminal, unless the theme is plain.
    pub color: ColorChoice,
    /// Draw with ASCII only, and show other characters as `?`. Default: where
    /// the locale says that the terminal does not take UTF-8.
    pub ascii: Option<bool>,
    /// Whether the mouse works in the dashboard. Default true.
    pub mouse: bool,
    /// Whether the list begins at the newest event and stays there. Default true.
    pub follow: bool,
    /// Columns of the list before the data. Default all.
    pub columns: Vec<Column>,
    /// Frames a second at most, from 1 on. Default 30.
    pub fps: u8,
    /// Say on stderr, when the dashboard ends, how long frames took and how long
    /// events and keys waited for them. Default false.
    pub timings: bool,
    /// What the keys do. Default: see [`Keymap`].
    pub keymap: Keymap,
    /// For times shown to people. Default: the system's.
    pub time_zone: TimeZone,
    /// Record what arrives into this file. Default: none.
    pub record: Option<PathBuf>,
    /// Bytes after which a recording ends. Default 1 GiB.
    pub record_limit: u64,
    /// Play this instead of reading the sources. Default: none.
    pub replay: Option<Replay>,
    /// Numbers whose charts come first.
    pub charts: Vec<Wanted>,
    /// JSON pointer (RFC 6901) to the text of a stream in no known format.
    pub text_pointer: Option<String>,
    /// Take a picture instead of opening a terminal.
    pub screenshot: Option<Screenshot>,
}

impl Options {
    /// Reads one URL, everything else by default.
    pub fn new(url: Url) -> Self {
        Self::with_sources(vec![Source::Request(Box::new(Request::get(url)))])
    }

    /// Reads these streams, everything else by default.
    pub fn with_sources(sources: Vec<Source>) -> Self {
        Self {
            sources,
            client: ClientOptions::default(),
            output: None,
            event_types: Vec::new(),
            events: None,
            lint: false,
            buffer: 64 << 20,
            sequence: None,
            theme: ThemeName::from_environment(),
            color: ColorChoice::Auto,
            ascii: None,
            mouse: true,
            follow: true,
            columns: Column::value_variants().to_vec(),
            fps: 30,
            timings: false,
            keymap: Keymap::default(),
            time_zone: TimeZone::system(),
            record: None,
            record_limit: 1 << 30,
            replay: None,
            charts: Vec::new(),
            text_pointer: None,
            screenshot: None,
        }
    }
}
