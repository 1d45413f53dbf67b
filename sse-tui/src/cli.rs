//! The command line.

mod connect;
mod layers;

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{ColorChoice, CommandFactory, Parser};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use regex::Regex;
use sse_core::EventId;
use sse_core::client::Request;
use url::Url;

use crate::charts::Wanted;
use crate::keymap::{Key, Keymap};
use crate::options::{Column, DEFAULT_URL, Options, Output, Replay, Screenshot, Source};
use crate::replay::Speed;
use crate::theme::ThemeName;

pub use layers::{Asked, Failure, parse};

use connect::ConnectArgs;

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

    /// `theme_chosen`: not by a file, which `NO_COLOR` overrides.
    fn try_into_options(self, keymap: Keymap, theme_chosen: bool) -> Result<Options, String> {
        let stdins = self.urls.iter().filter(|url| *url == "-").count();
        let body_from_stdin = self.data.as_deref() == Some("@-");
        if stdins + usize::from(body_from_stdin) > 1 {
            return Err("standard input can be read only once".to_owned());
        }
        if self.output == Some(Output::Raw) && !self.event.is_empty() {
            return Err(
                "--event cannot be used with --output raw, which is the whole stream".to_owned(),
            );
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.header {
            headers.append(name, value.clone());
        }
        if let Some(cookies) = self.connect.cookies()? {
            headers.append(header::COOKIE, cookies);
        }
        let body = self.data.as_deref().map(body).transpose()?;
        if let Some(body) = &body {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert_with(|| HeaderValue::from_static(content_type(body)));
        }
        let method = self.request.unwrap_or(match body {
            Some(_) => Method::POST,
            None => Method::GET,
        });
        let source = |url: &String| {
            if url == "-" {
                return Ok(Source::Stdin);
            }
            let mut request = Request::new(method.clone(), parse_url(url)?);
            request.headers.clone_from(&headers);
            request.auth = self.connect.auth();
            Ok(Source::Request(Box::new(
                request.body(body.clone().unwrap_or_default()),
            )))
        };
        let sources = self
            .urls
            .iter()
            .map(source)
            .collect::<Result<_, String>>()?;
        let mut options = Options::with_sources(sources);
        self.connect.set(&mut options.client);
        let client = &mut options.client.source;
        client.last_event_id = self.last_event_id.unwrap_or_default();
        if self.no_reconnect || self.reconnect {
            client.reconnect = Some(self.reconnect);
        }
        options.output = self.output;
        options.event_types = self.event;
        options.events = self.events;
        options.lint = self.lint;
        options.buffer = usize::try_from(self.buffer.as_u64()).unwrap_or(usize::MAX);
        options.sequence = self.sequence;
        options.theme = match (self.color, self.theme) {
            (ColorChoice::Never, _) => ThemeName::Plain,
            (ColorChoice::Always, theme) => theme.unwrap_or_default(),
            (ColorChoice::Auto, Some(theme)) if theme_chosen => theme,
            (ColorChoice::Auto, theme) => match ThemeName::from_environment() {
                ThemeName::Plain => ThemeName::Plain,
                fallback => theme.unwrap_or(fallback),
            },
        };
        options.color = self.color;
        options.ascii = self.ascii;
        options.mouse = self.mouse;
        options.follow = self.follow;
        options.columns = self.columns;
        options.fps = self.fps;
        options.timings = self.timings;
        options.keymap = keymap;
        options.record = self.record;
        options.record_limit = self.record_limit.as_u64();
        options.charts = self.chart;
        options.text_pointer = self.text_pointer;
        let on_screen = self.screenshot.is_none()
            && options.output.unwrap_or_else(Output::for_stdout) == Output::Tui;
        options.replay = self.replay.map(|path| Replay {
            path,
            speed: self.speed.unwrap_or(if on_screen {
                Speed::Times(1.0)
            } else {
                Speed::Max
            }),
        });
        options.screenshot = self.screenshot.map(|path| Screenshot {
            path,
            after: self.screenshot_after,
            size: self.size,
            keys: self.key,
        });
        Ok(options)
    }
}

/// As curl: a URL without a scheme is http.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let mend = "write it as http://host:port/path, or - for standard input";
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&full).map_err(|error| format!("'{text}' is no URL ({error}); {mend}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(format!(
            "'{text}': only http and https URLs can be read; {mend}"
        ))
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is written as 'Name: value'")?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| format!("'{}' cannot be the name of a header", name.trim()))?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes())
        .map_err(|_| "the value of a header cannot hold control characters".to_owned())?;
    Ok((name, value))
}

fn body(data: &str) -> Result<Vec<u8>, String> {
    match data.strip_prefix('@') {
        None => Ok(data.as_bytes().to_vec()),
        Some("-") => {
            let mut body = Vec::new();
            std::io::stdin()
                .read_to_end(&mut body)
                .map_err(|error| format!("cannot read the body from standard input: {error}"))?;
            Ok(body)
        }
        Some(path) => std::fs::read(path)
            .map_err(|error| format!("cannot read the body from {path}: {error}")),
    }
}

/// As curl, but JSON is called JSON.
fn content_type(body: &[u8]) -> &'static str {
    if body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[") {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    }
}

fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a JSON pointer begins with /, as in /choices/0/delta/content".to_owned())
    }
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let (columns, rows) = text.split_once('x').ok_or("a size is written as 120x36")?;
    match (columns.parse(), rows.parse()) {
        (Ok(columns @ 1..=1000), Ok(rows @ 1..=1000)) => Ok((columns, rows)),
        _ => Err("columns and rows are numbers from 1 to 1000, written as 120x36".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, String> {
        let arguments = ["sse-tui"].iter().chain(arguments);
        Args::try_parse_from(arguments)
            .map_err(|error| error.to_string())?
            .try_into_options(Keymap::default(), true)
    }

    fn request(arguments: &[&str]) -> Request {
        match options(arguments).unwrap().sources.remove(0) {
            Source::Request(request) => *request,
            Source::Stdin => panic!("standard input"),
        }
    }

    #[test]
    fn the_command_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_arguments_it_reads_the_default_hub() {
        assert_eq!(request(&[]).url.as_str(), DEFAULT_URL);
        assert_eq!(request(&[]).method, Method::GET);
    }

    #[test]
    fn a_url_without_a_scheme_is_http() {
        for (text, url) in [
            ("localhost:8080/events", "http://localhost:8080/events"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
            ("https://host/a?b=http://c", "https://host/a?b=http://c"),
        ] {
            assert_eq!(request(&[text]).url.as_str(), url);
        }
    }

    #[test]
    fn data_makes_it_a_post_of_a_fitting_type() {
        let json = request(&["-d", "{\"a\":1}"]);
        assert_eq!(json.method, Method::POST);
        assert_eq!(json.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(json.body.as_ref(), b"{\"a\":1}");
        let own = request(&["-d", "x", "-X", "PUT", "-H", "content-type: text/plain"]);
        assert_eq!(own.method, Method::PUT);
        assert_eq!(own.headers[header::CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn data_can_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file").unwrap();
        let request = request(&["-d", &format!("@{}", file.path().display())]);
        assert_eq!(request.body.as_ref(), b"from a file");
        assert!(
            options(&["-d", "@/no/such/file"])
                .unwrap_err()
                .contains("/no/such/file")
        );
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_mend() {
        for (arguments, words) in [
            (&["http://"][..], "http://host:port/path"),
            (&["ftp://host/"], "http and https"),
            (&["-", "-"], "only once"),
            (&["-", "-d", "@-"], "only once"),
            (&["-H", "no colon"], "Name: value"),
            (&["-H", "bad name: x"], "name of a header"),
            (&["-o", "raw", "--event", "tick"], "--output raw"),
            (&["-n", "0"], "--events"),
            (&["--buffer", "much"], "--buffer"),
            (&["--size", "10", "--screenshot", "x.svg"], "120x36"),
            (&["--key", "Hyper", "--screenshot", "x.svg"], "is no key"),
            (&["--replay", "x", "http://host/"], "cannot be used with"),
            (&["--replay", "x", "--speed", "fast"], "10, 0.5, max"),
            (&["--speed", "10"], "--replay"),
            (&["--text-pointer", "a/b"], "begins with /"),
            (&["--reconnect", "--no-reconnect"], "cannot be used with"),
        ] {
            let message = options(arguments).expect_err(words);
            assert!(message.contains(words), "{arguments:?}: {message}");
        }
    }
}
