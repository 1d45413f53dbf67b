//! Reads the streams and passes on what they say. Knows no screen.

mod reader;
mod refusal;
mod room;

use std::time::SystemTime;

use anyhow::Context as _;
use http::Version;
use jiff::Timestamp;
use sse_core::capture::{StreamFacts, secrets};
use sse_core::client::{EventStream, Request, Transport, Update, read_stream};
use sse_core::{Cause, EventId, SourceOptions, Unfinished};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::message::{Change, End, Ending};
use crate::options::{Options, Source};
use crate::replay::{Control, Player, Recording};

use reader::{Reader, Reading, pass_on};
use room::Room;

pub use reader::Order;
pub use room::Taken;

/// Updates that may wait between the streams and their reader, as far as there is
/// [`Room`] for them.
const QUEUE: usize = 8;
/// Orders that may wait for a stream.
const ORDERS: usize = 4;

/// Streams with their names, not yet read.
#[derive(Debug)]
pub struct Streams {
    input: Input,
    facts: Vec<StreamFacts>,
}

#[derive(Debug)]
enum Input {
    Live(Vec<Reader>, Opener),
    Recorded(Box<Recording>, Player),
}

/// What opens streams.
#[derive(Debug)]
struct Opener {
    transport: Transport,
    options: SourceOptions,
}

impl Opener {
    fn open(&self, request: Request, after: Option<EventId>) -> anyhow::Result<Reader> {
        let mut options = self.options.clone();
        if let Some(id) = after {
            options.last_event_id = id;
        }
        let stream = EventStream::connect_with(&self.transport, request, options)
            .context("cannot send this request")?;
        Ok(Reader::Remote(Box::new(stream)))
    }
}

/// What is known of a stream over HTTP from its request.
pub fn facts(request: &Request) -> StreamFacts {
    let mut url = request.url.clone();
    // Fails only for URLs that cannot hold credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    StreamFacts {
        name: url.into(),
        method: request.method.to_string(),
        headers: secrets::of_request(&request.headers),
        body_bytes: request.body.len() as u64,
    }
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
    let opener = Opener {
        transport: Transport::new(&options.client.transport)?,
        options: options.client.source.clone(),
    };
    let mut readers = Vec::new();
    let mut all_facts = Vec::new();
    for source in &options.sources {
        match source {
            Source::Stdin => {
                all_facts.push(StreamFacts {
                    name: STDIN.to_owned(),
                    ..StreamFacts::default()
                });
                let limits = options.client.source.limits;
                let stream = read_stream(tokio::io::stdin(), limits);
                readers.push(Reader::Local(Box::new(stream)));
            }
            Source::Request(request) => {
                all_facts.push(facts(request));
                readers.push(opener.open((**request).clone(), None)?);
            }
        }
    }
    Ok(Streams {
        input: Input::Live(readers, opener),
        facts: all_facts,
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
            Input::Live(readers, _) => readers
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
            Input::Live(..) => None,
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
    /// What the server said besides refusing, on one line.
    pub said: Option<String>,
    /// Room that it takes; to be dropped once it was taken in.
    pub taken: Taken,
}

/// Streams being read, each by a task of its own that ends with this.
#[derive(Debug)]
pub struct Ingest {
    updates: mpsc::Receiver<Received>,
    sender: mpsc::WeakSender<Received>,
    tasks: JoinSet<()>,
    room: Room,
    /// By stream; closed once it has ended.
    orders: Vec<mpsc::Sender<Order>>,
    /// Of a recording there is none.
    opener: Option<Opener>,
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
        let mut ingest = Self {
            updates,
            sender: sender.downgrade(),
            tasks: JoinSet::new(),
            room: Room::new(),
            orders: Vec::new(),
            opener: None,
            control,
        };
        match streams.input {
            Input::Live(readers, opener) => {
                ingest.opener = Some(opener);
                for (source, reader) in readers.into_iter().enumerate() {
                    ingest.read(source, reader, 0, sender.clone());
                }
            }
            Input::Recorded(recording, player) => {
                let task = move || player.play(*recording, &sender);
                ingest.tasks.spawn_blocking(task);
            }
        }
        ingest
    }

    /// Whether streams can be told something: not those of a recording.
    pub fn is_live(&self) -> bool {
        self.opener.is_some()
    }

    /// Tells a stream something; false if it has ended.
    pub fn tell(&self, source: usize, order: Order) -> bool {
        match self.orders.get(source).map(|orders| orders.try_send(order)) {
            // So many of the same wait already.
            Some(Ok(()) | Err(mpsc::error::TrySendError::Full(_))) => true,
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => false,
        }
    }

    /// Reads one more stream, or one that ended again: after `after`, with its
    /// connections counted on from `legs`.
    ///
    /// # Errors
    /// The request cannot be sent, or this is a recording.
    pub fn open(
        &mut self,
        source: usize,
        request: Request,
        after: Option<EventId>,
        legs: u64,
    ) -> anyhow::Result<()> {
        let opener = self.opener.as_ref().context("this is a recording")?;
        let reader = opener.open(request, after)?;
        let sender = match self.sender.upgrade() {
            Some(sender) => sender,
            None => self.reopen_queue(),
        };
        self.read(source, reader, legs, sender);
        Ok(())
    }

    fn read(&mut self, source: usize, reader: Reader, legs: u64, sender: mpsc::Sender<Received>) {
        let (told, orders) = mpsc::channel(ORDERS);
        match self.orders.get_mut(source) {
            Some(before) => *before = told,
            None => self.orders.push(told),
        }
        let reading = Reading {
            source,
            reader,
            legs,
            orders,
            room: self.room.clone(),
        };
        self.tasks.spawn(pass_on(reading, sender));
    }

    /// All streams had ended: their queue is closed, though maybe not yet empty.
    fn reopen_queue(&mut self) -> mpsc::Sender<Received> {
        let (sender, updates) = mpsc::channel(QUEUE);
        let mut before = std::mem::replace(&mut self.updates, updates);
        while let Ok(received) = before.try_recv() {
            // As many fit as did before.
            let _ = sender.try_send(received);
        }
        self.sender = sender.downgrade();
        sender
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

    /// Takes what waits, up to a number.
    pub fn take_waiting(&mut self, updates: &mut Vec<Received>, most: usize) {
        while updates.len() < most
            && let Ok(received) = self.updates.try_recv()
        {
            updates.push(received);
        }
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

/// An update in the terms of the state; `None` for those that change nothing.
pub fn change(received: Received) -> Option<Change> {
    let Received {
        origin,
        at,
        update,
        said,
        ..
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
            cause: with_words(loss(&cause, unfinished), said),
            retry_at: at.saturating_add(retry_in).unwrap_or(at),
            end: End { cause, unfinished },
        },
        Update::Closed {
            cause, unfinished, ..
        } => Change::Closed {
            at,
            ending: ending(&cause, unfinished, origin, said),
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
pub fn ending(
    cause: &Cause,
    unfinished: Option<Unfinished>,
    origin: Origin,
    said: Option<String>,
) -> Ending {
    let text = match (cause, origin) {
        (_, Origin::EndOfRecording) => with_loss("the recording ends here", unfinished),
        (Cause::EndOfStream, Origin::Stdin) => with_loss("the input ended", unfinished),
        _ => with_words(loss(cause, unfinished), said),
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

/// What the server said goes after what that meant.
pub(crate) fn with_words(text: String, said: Option<String>) -> String {
    match said {
        None => text,
        Some(said) => format!("{text}: {said}"),
    }
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
