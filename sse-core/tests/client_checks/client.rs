//! The client under test, in a task of its own, and what is seen of it.

use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use sse_core::client::{EventStream, Options, Request, Update};
use sse_core::{Backoff, Cause, Item, SourceOptions};
use tokio::sync::mpsc;
use url::Url;

/// How long a test waits for what must happen. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    let output = tokio::time::timeout(PATIENCE, future).await;
    output.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Options that reconnect within milliseconds.
pub(crate) fn quick() -> SourceOptions {
    SourceOptions {
        backoff: Backoff {
            reconnection_time: Duration::from_millis(1),
            floor: Duration::from_millis(1),
            max_delay: Duration::from_millis(4),
            ..Backoff::default()
        },
        ..SourceOptions::default()
    }
}

pub(crate) fn stream(request: Request, source: SourceOptions) -> EventStream {
    stream_with(
        request,
        Options {
            source,
            ..Options::default()
        },
    )
}

pub(crate) fn stream_with(request: Request, options: Options) -> EventStream {
    // Fails only where another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    EventStream::connect(request, options).unwrap()
}

/// What the reader of a stream sees, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Open {
        leg: u64,
    },
    Event {
        leg: u64,
        event_type: String,
        data: String,
        id: String,
        at: Instant,
    },
    Comment {
        text: String,
        at: Instant,
    },
    Disconnected {
        leg: u64,
        cause: Cause,
        retry_in: Duration,
    },
    Closed {
        cause: Cause,
    },
}

pub(crate) enum Command {
    Close,
    ReconnectNow,
}

pub(crate) struct Client {
    updates: mpsc::UnboundedReceiver<Update>,
    commands: mpsc::UnboundedSender<Command>,
    seen: VecDeque<Seen>,
}

impl Client {
    /// A client that reconnects quickly.
    pub(crate) fn get(url: Url) -> Self {
        Self::start(Request::get(url), quick())
    }

    pub(crate) fn start(request: Request, options: SourceOptions) -> Self {
        Self::drive(stream(request, options))
    }

    pub(crate) fn drive(mut stream: EventStream) -> Self {
        let (update_sender, updates) = mpsc::unbounded_channel();
        let (commands, mut command_receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    command = command_receiver.recv() => match command {
                        Some(Command::Close) => stream.close(),
                        Some(Command::ReconnectNow) => stream.reconnect_now(),
                        None => return,
                    },
                    update = stream.next() => match update {
                        Some(update) => update_sender.send(update).unwrap_or_default(),
                        None => return,
                    },
                }
            }
        });
        Self {
            updates,
            commands,
            seen: VecDeque::new(),
        }
    }

    pub(crate) fn command(&self, command: Command) {
        assert!(self.commands.send(command).is_ok(), "the client has ended");
    }

    /// The next thing seen, `None` once the stream has ended for good.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        while self.seen.is_empty() {
            let update = in_time("an update", self.updates.recv()).await?;
            self.note(update);
        }
        self.seen.pop_front()
    }

    pub(crate) async fn open(&mut self) -> u64 {
        match self.next().await {
            Some(Seen::Open { leg }) => leg,
            other => panic!("expected an open connection, saw {other:?}"),
        }
    }

    /// Type, data and last event ID of the next event.
    pub(crate) async fn event(&mut self) -> (String, String, String) {
        match self.next().await {
            Some(Seen::Event {
                event_type,
                data,
                id,
                ..
            }) => (event_type, data, id),
            other => panic!("expected an event, saw {other:?}"),
        }
    }

    pub(crate) async fn data(&mut self) -> String {
        self.event().await.1
    }

    pub(crate) async fn disconnected(&mut self) -> (Cause, Duration) {
        match self.next().await {
            Some(Seen::Disconnected {
                cause, retry_in, ..
            }) => (cause, retry_in),
            other => panic!("expected a disconnection, saw {other:?}"),
        }
    }

    /// Why the stream closed, and that nothing follows.
    pub(crate) async fn closed(&mut self) -> Cause {
        match self.next().await {
            Some(Seen::Closed { cause }) => {
                assert_eq!(self.next().await, None, "an update after the end");
                cause
            }
            other => panic!("expected the end, saw {other:?}"),
        }
    }

    fn note(&mut self, update: Update) {
        match update {
            Update::Open { leg, .. } => self.seen.push_back(Seen::Open { leg }),
            Update::Batch(batch) => self.seen.extend(batch.items().filter_map(|item| {
                let at = batch.received_at.instant;
                Some(match item {
                    Item::Event(event) => Seen::Event {
                        leg: batch.leg,
                        event_type: event.event_type.to_owned(),
                        data: event.data.to_owned(),
                        id: event.last_event_id.to_owned(),
                        at,
                    },
                    Item::Comment(text) => Seen::Comment {
                        text: text.to_owned(),
                        at,
                    },
                    _ => return None,
                })
            })),
            Update::Disconnected {
                leg,
                cause,
                retry_in,
                ..
            } => {
                self.seen.push_back(Seen::Disconnected {
                    leg,
                    cause,
                    retry_in,
                });
            }
            Update::Closed { cause, .. } => self.seen.push_back(Seen::Closed { cause }),
            _ => {}
        }
    }
}
