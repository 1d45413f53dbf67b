//! Reads the streams and passes on what they say. Knows no screen.

use std::time::SystemTime;

use anyhow::Context as _;
use http::Version;
use jiff::Timestamp;
use sse_core::capture::{StreamFacts, secrets};
use sse_core::client::{EventStream, LocalStream, Transport, Update, read_stream};
use sse_core::{Cause, Unfinished};
use tokio::io::Stdin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::message::{Change, End, Ending};
use crate::options::{Options, Source};
use crate::replay::{Control, Player, Recording};

/// Updates that may wait between the streams and their reader. When it is full
/// the streams are not read, and the servers feel it.
const QUEUE: usize = 64;

/// Streams with their names, not yet read.
#[derive(Debug)]
pub struct Streams {
    input: Input,
    facts: Vec<StreamFacts>,
}

#[derive(Debug)]
enum Input {
    Live(Vec<Reader>),
    Recorded(Box<Recording>, Player),
}

#[derive(Debug)]
enum Reader {
    Remote(Box<EventStream>),
    Local(Box<LocalStream<Stdin>>),
}

/// The streams that the options ask for.
///
/// # Errors
/// What is wrong with a request, with the TLS set-up, or with the recording.
pub fn open(options: &Options) -> anyhow::Result<Streams> {
    if let Some(replay) = &options.replay {
        let recording = Recording::open(&replay.path)?;
        let player = Player::new(&recording, replay.speed, options.client.source.limits);
        return Ok(Streams {
            facts: recording.opening.streams.clone(),
            input: Input::Recorded(Box::new(recording), player),
        });
    }
    let transport = Transport::new(&options.client.transport)?;
    let mut readers = Vec::new();
    let mut facts = Vec::new();
    for source in &options.sources {
        match source {
            Source::Stdin => {
                facts.push(StreamFacts {
                    name: STDIN.to_owned(),
                    ..StreamFacts::default()
                });
                let limits = options.client.source.limits;
                let stream = read_stream(tokio::io::stdin(), limits);
                readers.push(Reader::Local(Box::new(stream)));
            }
            Source::Request(request) => {
                let mut url = request.url.clone();
                // Fails only for URLs that cannot hold credentials.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                facts.push(StreamFacts {
                    name: url.into(),
                    method: request.method.to_string(),
                    headers: secrets::of_request(&request.headers),
                    body_bytes: request.body.len() as u64,
                });
                let source = options.client.source.clone();
                let stream = EventStream::connect_with(&transport, (**request).clone(), source)
                    .context("cannot send this request")?;
                readers.push(Reader::Remote(Box::new(stream)));
            }
        }
    }
    Ok(Streams {
        input: Input::Live(readers),
        facts,
    })
}

/// The name of standard input among the streams.
pub const STDIN: &str = "stdin";

impl Streams {
    /// What is known of each from the start. A name is a URL without
    /// credentials, or `stdin`.
    pub fn facts(&self) -> &[StreamFacts] {
        &self.facts
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<String> {
        self.facts.iter().map(|facts| facts.name.clone()).collect()
    }

    /// Whether standard input is read.
    pub fn read_stdin(&self) -> bool {
        match &self.input {
            Input::Live(readers) => readers
                .iter()
                .any(|reader| matches!(reader, Reader::Local(_))),
            Input::Recorded(..) => false,
        }
    }

    /// Those that are open from the start: standard input, now or when it was
    /// recorded.
    pub fn open_from_the_start(&self) -> impl Iterator<Item = usize> + '_ {
        let numbered = self.facts.iter().enumerate();
        numbered.filter_map(|(number, facts)| (origin(facts) == Origin::Stdin).then_some(number))
    }

    /// What plays the recording, if it is one.
    pub fn control(&self) -> Option<Control> {
        match &self.input {
            Input::Live(_) => None,
            Input::Recorded(_, player) => Some(player.control()),
        }
    }
}

/// Where an update comes from, or came from when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A server.
    Remote,
    /// Standard input.
    Stdin,
    /// The recording ended, and with it the stream.
    EndOfRecording,
}

/// Where the updates of a stream come from.
pub(crate) fn origin(facts: &StreamFacts) -> Origin {
    if facts.name == STDIN && facts.method.is_empty() {
        Origin::Stdin
    } else {
        Origin::Remote
    }
}

/// An update as it came.
#[derive(Debug)]
pub struct Received {
    /// Index of its stream.
    pub source: usize,
    /// Where it comes from.
    pub origin: Origin,
    /// When.
    pub at: Timestamp,
    /// What.
    pub update: Update,
}

/// Streams being read, each by a task of its own that ends with this.
#[derive(Debug)]
pub struct Ingest {
    updates: mpsc::Receiver<Received>,
    tasks: JoinSet<()>,
    /// Ends the thread that plays.
    control: Option<Control>,
}

impl Drop for Ingest {
    fn drop(&mut self) {
        if let Some(control) = &self.control {
            control.stop();
        }
    }
}

impl Ingest {
    /// Begins to read.
    pub fn start(streams: Streams) -> Self {
        let control = streams.control();
        let (sender, updates) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        match streams.input {
            Input::Live(readers) => {
                for (source, reader) in readers.into_iter().enumerate() {
                    tasks.spawn(pass_on(source, reader, sender.clone()));
                }
            }
            Input::Recorded(recording, player) => {
                tasks.spawn_blocking(move || player.play(*recording, &sender));
            }
        }
        Self {
            updates,
            tasks,
            control,
        }
    }

    /// The next update; `None` when all streams have ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Received> {
        let received = self.updates.recv().await;
        if received.is_none() {
            self.pass_on_panics().await;
        }
        received
    }

    /// As [`next`](Self::next), but takes what waits, up to a number. 0 means
    /// that all have ended.
    pub async fn next_many(&mut self, updates: &mut Vec<Received>, most: usize) -> usize {
        let count = self.updates.recv_many(updates, most).await;
        if count == 0 {
            self.pass_on_panics().await;
        }
        count
    }

    /// A task that panicked must not pass for a stream that ended.
    async fn pass_on_panics(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

async fn pass_on(source: usize, mut reader: Reader, sender: mpsc::Sender<Received>) {
    let origin = match reader {
        Reader::Remote(_) => Origin::Remote,
        Reader::Local(_) => Origin::Stdin,
    };
    while let Some(update) = reader.next().await {
        let at = match &update {
            Update::Batch(batch) => received_at(batch.received_at.system),
            _ => Timestamp::now(),
        };
        let received = Received {
            source,
            origin,
            at,
            update,
        };
        if sender.send(received).await.is_err() {
            return;
        }
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Update> {
        match self {
            Self::Remote(stream) => stream.next().await,
            Self::Local(stream) => stream.next().await,
        }
    }
}

/// An update in the terms of the state; `None` for those that change nothing.
pub fn change(received: Received) -> Option<Change> {
    let Received {
        origin, at, update, ..
    } = received;
    Some(match update {
        Update::Connecting {
            leg,
            last_event_id,
            last_event_id_unsendable: unsendable,
            ..
        } => Change::Connecting {
            at,
            leg,
            last_event_id,
            unsendable,
        },
        Update::Open {
            leg,
            status,
            version,
            headers,
        } => Change::Open {
            at,
            leg,
            how: format!("{} {}", version_name(version), status.as_u16()),
            head: Some(headers),
        },
        Update::Batch(batch) => Change::Batch { at, batch },
        Update::Disconnected {
            leg,
            cause,
            retry_in,
            unfinished,
            ..
        } => Change::Lost {
            at,
            leg,
            cause: loss(&cause, unfinished),
            retry_at: at.saturating_add(retry_in).unwrap_or(at),
            end: End { cause, unfinished },
        },
        Update::Closed {
            cause, unfinished, ..
        } => Change::Closed {
            at,
            ending: ending(&cause, unfinished, origin),
            end: match origin {
                // A stream that goes on after its recording was not cut.
                Origin::EndOfRecording => End::default(),
                _ => End { cause, unfinished },
            },
        },
        _ => return None,
    })
}

/// Whether an end is a success: the server said that it is over, the input
/// ended, or it was asked for.
pub fn ending(cause: &Cause, unfinished: Option<Unfinished>, origin: Origin) -> Ending {
    let text = match (cause, origin) {
        (_, Origin::EndOfRecording) => with_loss("the recording ends here", unfinished),
        (Cause::EndOfStream, Origin::Stdin) => with_loss("the input ended", unfinished),
        _ => loss(cause, unfinished),
    };
    match cause {
        Cause::EndOfStream | Cause::NoContent | Cause::Closed => Ending::Complete(text),
        _ => Ending::Failed(text),
    }
}

/// Why a connection ended, and what that cut off: an answer that stops in the
/// middle must not look complete.
pub fn loss(cause: &Cause, unfinished: Option<Unfinished>) -> String {
    with_loss(&cause.to_string(), unfinished)
}

fn with_loss(text: &str, unfinished: Option<Unfinished>) -> String {
    match unfinished {
        None => text.to_owned(),
        Some(unfinished) => format!("{text}; {unfinished}"),
    }
}

pub(crate) fn received_at(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
