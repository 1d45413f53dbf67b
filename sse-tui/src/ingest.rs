//! Reads the streams and passes on what they say. Knows no screen.

use std::time::SystemTime;

use http::Version;
use jiff::Timestamp;
use sse_core::client::{EventStream, LocalStream, Transport, Update, read_stream};
use sse_core::{Cause, Unfinished, client};
use tokio::io::Stdin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::message::{Change, Ending};
use crate::options::{Options, Source};

/// Updates that may wait between the streams and their reader. When it is full
/// the streams are not read, and the servers feel it.
const QUEUE: usize = 64;

/// A stream with its name, not yet read.
#[derive(Debug)]
pub struct Stream {
    /// The URL without credentials, or `stdin`.
    pub name: String,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Remote(Box<EventStream>),
    Local(Box<LocalStream<Stdin>>),
}

/// The streams that the options ask for.
///
/// # Errors
/// What is wrong with a request or with the TLS set-up.
pub fn open(options: &Options) -> Result<Vec<Stream>, client::ConnectError> {
    let transport = Transport::new(&options.client.transport)?;
    let open = |source: &Source| match source {
        Source::Stdin => Ok(Stream {
            name: "stdin".to_owned(),
            reader: Reader::Local(Box::new(read_stream(
                tokio::io::stdin(),
                options.client.source.limits,
            ))),
        }),
        Source::Request(request) => {
            let mut url = request.url.clone();
            // Fails only for URLs that cannot hold credentials.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            let source = options.client.source.clone();
            let stream = EventStream::connect_with(&transport, (**request).clone(), source)?;
            Ok(Stream {
                name: url.into(),
                reader: Reader::Remote(Box::new(stream)),
            })
        }
    };
    options.sources.iter().map(open).collect()
}

impl Stream {
    /// Whether it is standard input, which is open from the start.
    pub fn is_local(&self) -> bool {
        matches!(self.reader, Reader::Local(_))
    }
}

/// An update as it came.
#[derive(Debug)]
pub struct Received {
    /// Index of its stream.
    pub source: usize,
    /// Whether that is standard input.
    pub local: bool,
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
}

impl Ingest {
    /// Begins to read.
    pub fn start(streams: Vec<Stream>) -> Self {
        let (sender, updates) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        for (source, mut stream) in streams.into_iter().enumerate() {
            let sender = sender.clone();
            tasks.spawn(async move {
                let local = stream.is_local();
                while let Some(update) = stream.reader.next().await {
                    let at = match &update {
                        Update::Batch(batch) => received_at(batch.received_at.system),
                        _ => Timestamp::now(),
                    };
                    let received = Received {
                        source,
                        local,
                        at,
                        update,
                    };
                    if sender.send(received).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self { updates, tasks }
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
        local, at, update, ..
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
            ..
        } => Change::Open {
            at,
            leg,
            how: format!("{} {}", version_name(version), status.as_u16()),
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
        },
        Update::Closed {
            cause, unfinished, ..
        } => Change::Closed {
            at,
            ending: ending(&cause, unfinished, local),
        },
        _ => return None,
    })
}

/// Whether an end is a success: the server said that it is over, the input
/// ended, or it was asked for.
pub fn ending(cause: &Cause, unfinished: Option<Unfinished>, local: bool) -> Ending {
    let text = match cause {
        Cause::EndOfStream if local => with_loss("the input ended", unfinished),
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

fn received_at(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
