//! The stream as it is, watched for a while.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime};

use sse_core::lint::{Lint, Linter, Moment};
use sse_core::{EventId, EventRef, Ignored, Item};

use super::listen::{Heard, Line, Listened};
use crate::sys;

/// Ids remembered, the newest.
const MOST_IDS: usize = 1000;
/// Event types told apart.
const MOST_TYPES: usize = 100;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub listened: Option<Listened>,
    /// Somebody did not want to wait for the end of the watch.
    pub interrupted: bool,
    /// From the opened stream to the end of the watch.
    pub length: Duration,
    pub events: u64,
    pub types: BTreeSet<String>,
    pub comments: u64,
    /// Events with an id of their own.
    pub with_id: u64,
    /// The newest of them, in order, but those of control events; and the first.
    pub ids: VecDeque<String>,
    pub first_id: Option<String>,
    pub retry: Option<Duration>,
    /// From the request.
    pub first_event: Option<Duration>,
    /// The longest time without a byte, the one before the end included.
    pub silence: Duration,
    /// Reads that brought events, and the most events of one.
    pub reads: u64,
    pub most_in_a_read: u64,
    pub lints: Vec<Lint>,
}

impl Watched {
    /// Whether an event stream was opened.
    pub(super) fn opened(&self) -> bool {
        self.length > Duration::ZERO
    }

    /// Whether it ended by itself.
    pub(super) fn ended(&self) -> bool {
        let listened = self.listened.as_ref();
        listened.is_some_and(|listened| listened.end.is_some())
    }
}

/// Whether an event tells of the stream and is no part of it.
pub(super) fn is_control(event: &EventRef<'_>, gap_events: &[String]) -> bool {
    event.event_type == "connected" || gap_events.iter().any(|name| name == event.event_type)
}

/// Watches for so long, for so many events, or to the end; `tell` hears how many events there are.
pub(super) async fn watch(
    line: &Line,
    length: Duration,
    events: Option<u64>,
    gap_events: &[String],
    mut tell: impl FnMut(Duration, u64),
) -> Watched {
    let mut watched = Watched::default();
    let mut linter = Linter::new();
    let clock = Clock::new();
    let begun = Instant::now();
    let mut last_bytes = begun;
    let mut opened = None;
    let mut in_read = 0;
    linter.request(clock.moment(begun, 0));
    let hear = |at: Instant, heard: Heard<'_>| {
        let moment = clock.moment(at, watched.events);
        match heard {
            Heard::Open(headers) => {
                linter.open(moment, 1, headers);
                opened = Some(at);
                last_bytes = at;
            }
            Heard::Read(bytes) => {
                linter.read(moment, bytes);
                watched.silence = watched.silence.max(at - last_bytes);
                last_bytes = at;
                in_read = 0;
                tell(begun.elapsed(), watched.events);
            }
            Heard::Item(item) => {
                linter.item(moment, item);
                match item {
                    Item::Event(event) => {
                        in_read += 1;
                        watched.reads += u64::from(in_read == 1);
                        watched.most_in_a_read = watched.most_in_a_read.max(in_read);
                        watched.first_event.get_or_insert(at - begun);
                        watched.event(event, gap_events);
                    }
                    Item::Comment(_) | Item::Ignored(Ignored::NoData(_)) => watched.comments += 1,
                    Item::Retry(time) => watched.retry = Some(*time),
                    _ => {}
                }
            }
        }
        match events {
            Some(events) if watched.events >= events => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let mut interrupted = false;
    let over = async {
        let interrupt = tokio::time::timeout(length, sys::interrupted()).await;
        interrupted = interrupt.is_ok();
    };
    let listened = line.listen(EventId::default(), over, hear).await;
    watched.interrupted = interrupted;
    let end = Instant::now();
    if let Some(opened) = opened {
        watched.silence = watched.silence.max(end - last_bytes);
        watched.length = (end - opened).max(Duration::from_nanos(1));
        linter.time(clock.moment(end, watched.events).at);
    }
    if let Some((cause, unfinished)) = &listened.end {
        linter.end(clock.moment(end, watched.events), cause, *unfinished);
    }
    watched.lints = linter.lints().to_vec();
    watched.listened = Some(listened);
    watched
}

impl Watched {
    fn event(&mut self, event: &EventRef<'_>, gap_events: &[String]) {
        self.events += 1;
        if self.types.len() < MOST_TYPES && !self.types.contains(event.event_type) {
            self.types.insert(event.event_type.to_owned());
        }
        if !event.has_id() || event.last_event_id.is_empty() {
            return;
        }
        self.with_id += 1;
        if is_control(event, gap_events) {
            return;
        }
        if self.first_id.is_none() {
            self.first_id = Some(event.last_event_id.to_owned());
        }
        if self.ids.len() == MOST_IDS {
            self.ids.pop_front();
        }
        self.ids.push_back(event.last_event_id.to_owned());
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Clock {
    at: Instant,
    since_epoch: Duration,
}

impl Clock {
    fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            at: Instant::now(),
            since_epoch: since_epoch.unwrap_or_default(),
        }
    }

    fn moment(self, at: Instant, place: u64) -> Moment {
        Moment {
            at: self.since_epoch + at.saturating_duration_since(self.at),
            place,
        }
    }
}
