//! From a source to a hub: one request at a time, with all that is due.

use std::io::Write;
use std::ops::RangeInclusive;

use anyhow::{Context, anyhow};
use futures_util::future::{BoxFuture, FutureExt, OptionFuture};
use serde::Serialize;

use crate::publish::Envelope;
use crate::publish::client::{Client, Failure};
use crate::publish::source::Source;
use crate::shutdown;

/// The most of one request: events, and bytes of data.
const EVENTS_MAX: usize = 1000;
const BYTES_MAX: usize = 1 << 20;

/// How it ended without a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Published,
    /// By a signal, before this event, counted from 1.
    Interrupted {
        before: u64,
    },
}

/// Publishes until the source ends, or until a signal; what is under way by then
/// is waited for.
pub(super) async fn publish(
    mut source: Source,
    client: Client,
    envelope: Envelope,
) -> anyhow::Result<Ended> {
    let mut waiting = Batch::starting_at(1);
    let mut sending: Option<BoxFuture<'_, Sent>> = None;
    let mut bad_line = None;
    let mut has_more = true;
    let mut interrupted = false;
    let mut signal = std::pin::pin!(shutdown::signal());
    loop {
        if sending.is_none() && !waiting.is_empty() && !interrupted {
            sending = Some(send(&client, &envelope, waiting.take()).boxed());
        }
        if sending.is_none() && (interrupted || !has_more) {
            break;
        }
        tokio::select! {
            biased;
            () = &mut signal, if !interrupted => interrupted = true,
            Some(sent) = OptionFuture::from(sending.as_mut()) => {
                sending = None;
                print(&sent.ids)?;
                if let Some((numbers, failure)) = sent.failure {
                    return Err(failed(source.noun(), &numbers, &failure));
                }
            }
            next = source.next(), if has_more && !interrupted && waiting.has_room() => match next {
                Ok(Some(data)) => waiting.push(data),
                Ok(None) => has_more = false,
                Err(error) => {
                    has_more = false;
                    bad_line = Some(error);
                }
            },
        }
    }
    if interrupted && (has_more || !waiting.is_empty()) && !source.is_endless() {
        let before = waiting.first;
        return Ok(Ended::Interrupted { before });
    }
    match bad_line {
        Some(error) => Err(anyhow!("{error}; the lines before it are published")),
        None => Ok(Ended::Published),
    }
}

/// Events for one request.
#[derive(Debug)]
struct Batch {
    /// The number of the first, from 1.
    first: u64,
    data: Vec<String>,
    bytes: usize,
}

impl Batch {
    fn starting_at(first: u64) -> Self {
        Self {
            first,
            data: Vec::new(),
            bytes: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    fn has_room(&self) -> bool {
        self.data.len() < EVENTS_MAX && self.bytes < BYTES_MAX
    }

    fn push(&mut self, data: String) {
        self.bytes += data.len();
        self.data.push(data);
    }

    /// All of it; the next one goes on where it ends.
    fn take(&mut self) -> Self {
        let next = Self::starting_at(self.first + self.data.len() as u64);
        std::mem::replace(self, next)
    }
}

/// What came of a batch: the ids of those that were published, and which were not.
#[derive(Debug, Default)]
struct Sent {
    ids: Vec<String>,
    failure: Option<(RangeInclusive<u64>, Failure)>,
}

#[derive(Serialize)]
struct Event<'a> {
    data: &'a str,
    #[serde(flatten)]
    envelope: &'a Envelope,
}

async fn send(client: &Client, envelope: &Envelope, batch: Batch) -> Sent {
    let events: Vec<Event<'_>> = batch
        .data
        .iter()
        .map(|data| Event { data, envelope })
        .collect();
    if let [event] = &events[..] {
        return one_by_one(client, batch.first, std::slice::from_ref(event)).await;
    }
    let last = batch.first + events.len() as u64 - 1;
    match client.publish(&events).await {
        Ok(ids) => Sent { ids, failure: None },
        // Nothing of it was published: it is found out which are not to be.
        Err(Failure::Refused { status, .. }) if status.is_client_error() => {
            one_by_one(client, batch.first, &events).await
        }
        Err(failure) => Sent {
            ids: Vec::new(),
            failure: Some((batch.first..=last, failure)),
        },
    }
}

/// Up to the first that fails.
async fn one_by_one(client: &Client, first: u64, events: &[Event<'_>]) -> Sent {
    let mut sent = Sent::default();
    for (number, event) in (first..).zip(events) {
        match client.publish(event).await {
            Ok(ids) => sent.ids.extend(ids),
            Err(failure) => {
                sent.failure = Some((number..=number, failure));
                break;
            }
        }
    }
    sent
}

fn failed(noun: Option<&str>, numbers: &RangeInclusive<u64>, failure: &Failure) -> anyhow::Error {
    let Some(noun) = noun else {
        return anyhow!("{failure}");
    };
    let (first, last) = (numbers.start(), numbers.end());
    let which = if first == last {
        format!("{noun} {first}")
    } else {
        format!("{noun}s {first} to {last}")
    };
    match first {
        1 => anyhow!("{which}: {failure}"),
        _ => anyhow!("{which}: {failure}; the {noun}s before are published"),
    }
}

fn print(ids: &[String]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let text: String = ids.iter().flat_map(|id| [id, "\n"]).collect();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("published, but cannot write the ids to stdout")
}
