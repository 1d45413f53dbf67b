//! Streams written to a pipe or a file, without a dashboard.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sse_core::client::{Batch, Update};
use sse_core::{EventRef, Item};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::format;
use crate::ingest::{self, Ingest, Received, Streams};
use crate::lints::Lints;
use crate::message::Ending;
use crate::ndjson::Line;
use crate::options::Options;
use crate::record::{self, Tap};
use crate::sanitize::{in_ascii, pieces};
use crate::sys::{self, Signals};

/// How long a reader may take to read on after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// How events are written.
#[derive(Debug, Clone)]
pub enum Format {
    /// One JSON object per event, exact; see [`Line`].
    Ndjson,
    /// The bytes as they came, up to the end of the last event asked for.
    Raw,
    /// One line per event for people, sanitised.
    Text(Text),
}

/// How [`Format::Text`] looks.
#[derive(Debug, Clone)]
pub struct Text {
    /// For the times.
    pub time_zone: TimeZone,
    /// Whether to colour times, types and ids.
    pub colour: bool,
    /// Whether to escape what is not ASCII.
    pub ascii: bool,
}

/// Writes to stdout until a signal, the last event asked for, or the end of
/// every stream.
///
/// # Errors
/// stdout failed, unless it was closed, which is a quiet success.
pub async fn run(options: &Options, streams: Streams, format: Format) -> anyhow::Result<ExitCode> {
    let mut printer = Printer::new(options, &streams, format);
    let mut signals = Signals::new()?;
    let mut tap = Tap::new(streams.facts(), options.record_limit);
    if let Some(path) = &options.record {
        tap.start(path, Timestamp::now())?;
    }
    let control = streams.control();
    let ingest = Ingest::start(streams);
    let live = control.is_none();
    let result = printer
        .print(ingest, &mut tap, tokio::io::stdout(), &mut signals)
        .await;
    if let Some(status) = tap.stop() {
        complain_of(&status);
    }
    printer.say_lints(live);
    if let Some(status) = control.map(|control| control.status())
        && let Some(note) = status.note
    {
        sys::complain(&format!("{}: {note}", status.name));
    }
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to stdout")),
        Ok(code) => Ok(code),
    }
}

/// Says why a recording ended early, if it did.
pub(crate) fn complain_of(status: &record::Status) {
    if let Some(failure) = &status.failure {
        sys::complain(&format!("{}: recording ended: {failure}", status.path));
    }
}

/// Writes one update after another; the buffer is reused.
struct Printer {
    names: Vec<String>,
    format: Format,
    event_types: Vec<String>,
    left: Option<u64>,
    buffer: Vec<u8>,
    lints: Option<Lints>,
}

/// A header cannot carry every character that an id can (RFC 9110 §5.5).
const UNSENDABLE: &str = "the last event ID holds control characters, which no header can carry: \
    the server is not told where to resume, and events may be missing";

impl Printer {
    fn new(options: &Options, streams: &Streams, format: Format) -> Self {
        Self {
            names: streams.names(),
            format,
            event_types: options.event_types.clone(),
            left: options.events,
            buffer: Vec::new(),
            lints: options.lint.then(Lints::default),
        }
    }

    async fn print(
        &mut self,
        mut ingest: Ingest,
        tap: &mut Tap,
        mut out: impl AsyncWrite + Unpin,
        signals: &mut Signals,
    ) -> io::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        loop {
            let received = tokio::select! {
                biased;
                code = signals.received() => return Ok(code),
                received = async {
                    tap.room().await;
                    ingest.next().await
                } => received,
            };
            let Some(received) = received else {
                return Ok(code);
            };
            tap.observe(&received);
            if let Some(lints) = &mut self.lints {
                lints.observe(&received);
            }
            if tap.status().is_some_and(|status| status.failure.is_some())
                && let Some(status) = tap.stop()
            {
                complain_of(&status);
            }
            let Received {
                source,
                origin,
                at,
                update,
                said,
                taken: _taken,
            } = received;
            match update {
                Update::Batch(batch) => {
                    self.buffer.clear();
                    self.batch(source, at, &batch)?;
                    if let Some(code) = write(&mut out, &self.buffer, signals).await? {
                        return Ok(code);
                    }
                    if self.left == Some(0) {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
                Update::Connecting {
                    last_event_id_unsendable: true,
                    ..
                } => self.say(source, UNSENDABLE),
                Update::Disconnected {
                    cause,
                    retry_in,
                    unfinished,
                    ..
                } => {
                    let loss = ingest::with_words(ingest::loss(&cause, unfinished), said);
                    let wait = format::duration(retry_in);
                    self.say(source, &format!("{loss}; connecting again in {wait}"));
                }
                Update::Closed {
                    cause, unfinished, ..
                } => match ingest::ending(&cause, unfinished, origin, said) {
                    Ending::Failed(text) => {
                        self.say(source, &text);
                        code = ExitCode::FAILURE;
                    }
                    Ending::Complete(text) if unfinished.is_some() => self.say(source, &text),
                    Ending::Complete(_) => {}
                },
                _ => {}
            }
        }
    }

    /// One line for each lint, the worst first. What is `live` may have been
    /// silent until now.
    fn say_lints(&mut self, live: bool) {
        let Some(mut lints) = self.lints.take() else {
            return;
        };
        if live {
            lints.time(Timestamp::now());
        }
        for (source, lint) in lints.rows() {
            let kind = lint.kind;
            let times = match lint.count {
                1 => String::new(),
                count => format!(" ({} times)", format::count(count)),
            };
            let (severity, title, mend) = (lint.severity, kind.title(), kind.mend());
            let words = format!("{severity}: {title}{times}: {}", lint.evidence);
            self.say(
                source,
                &format!("{words}; {mend} [{kind}, {}]", kind.source()),
            );
        }
    }

    fn say(&self, source: usize, text: &str) {
        sys::complain(&format!("{}: {text}", self.names[source]));
    }

    fn batch(&mut self, source: usize, at: Timestamp, batch: &Batch) -> io::Result<()> {
        if matches!(self.format, Format::Raw) {
            self.raw(batch);
            return Ok(());
        }
        let received_at = format!("{at:.9}");
        for item in batch.items() {
            let Item::Event(event) = item else { continue };
            let wanted = self.event_types.is_empty()
                || self.event_types.iter().any(|name| name == event.event_type);
            if !wanted {
                continue;
            }
            match &self.format {
                Format::Text(text) => write_text(&mut self.buffer, text, at, &event),
                _ => Line {
                    received_at: &received_at,
                    source: &self.names[source],
                    event: event.event_type,
                    id: event.last_event_id,
                    data: event.data,
                    connection: batch.leg,
                }
                .write(&mut self.buffer)?,
            }
            if self.count_down() {
                break;
            }
        }
        Ok(())
    }

    fn raw(&mut self, batch: &Batch) {
        let mut end = batch.raw.len();
        for (item, range) in batch.items().with_ranges() {
            if matches!(item, Item::Event(_)) && self.count_down() {
                end = range.end;
                // The CR dispatched it; the LF still belongs to that line end.
                if batch.raw[..end].ends_with(b"\r") && batch.raw[end..].starts_with(b"\n") {
                    end += 1;
                }
                break;
            }
        }
        self.buffer.extend_from_slice(&batch.raw[..end]);
    }

    /// Whether this event was the last one.
    fn count_down(&mut self) -> bool {
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.left == Some(0)
    }
}

/// Writes and flushes. After a signal, whose exit code it returns, the rest is
/// still written, so that no line is cut, unless the reader does not take it or
/// a second signal comes.
async fn write(
    out: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    signals: &mut Signals,
) -> io::Result<Option<ExitCode>> {
    let mut written = pin!(async {
        out.write_all(bytes).await?;
        out.flush().await
    });
    let code = tokio::select! {
        result = &mut written => return result.map(|()| None),
        code = signals.received() => code,
    };
    tokio::select! {
        result = timeout(GRACE, written) => result.unwrap_or(Ok(())).map(|()| Some(code)),
        code = signals.received() => Ok(Some(code)),
    }
}

/// Time, type, id if there is one, data; everything from the network sanitised.
fn write_text(line: &mut Vec<u8>, text: &Text, at: Timestamp, event: &EventRef<'_>) {
    let time = at.to_zoned(text.time_zone.clone()).time();
    let time = time.strftime("%H:%M:%S.%3f").to_string();
    let (dim, bold, plain) = if text.colour {
        ("\x1b[2m", "\x1b[1m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let mut put = |start: &str, field: &str, end: &str| {
        line.extend_from_slice(start.as_bytes());
        if text.ascii {
            line.extend_from_slice(in_ascii(field).as_bytes());
        } else {
            for piece in pieces(field) {
                line.extend_from_slice(piece.as_str().as_bytes());
            }
        }
        line.extend_from_slice(end.as_bytes());
    };
    put(dim, &time, plain);
    put("  ", "", bold);
    put("", event.event_type, plain);
    if !event.last_event_id.is_empty() {
        put("  ", "", dim);
        put("", event.last_event_id, plain);
    }
    put("  ", event.data, "\n");
}
