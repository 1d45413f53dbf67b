//! The body of one response, read for the end of its request.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use sse_core::{EventId, Item, LimitExceeded, Parser};

use super::mcp;
use super::meter::Meter;
use super::rules::Mark;
use super::slot as slots;
use super::worker::Worker;
use crate::exchange::{READ_BUFFER, Received};
use crate::failure::Failure;
use crate::leg::{Leg, Step};

/// Reads until the sink wants no more (`None`) or the body has ended.
pub(super) async fn read(
    worker: &Worker,
    leg: &mut Leg,
    sink: &mut impl Sink,
) -> Result<Option<Received>, Failure> {
    let mut poll = |cx: &mut Context<'_>| {
        while !sink.is_over() {
            let take = |data: &[u8], received| {
                sink.take(data, received);
                ControlFlow::Continue(())
            };
            match ready!(leg.poll(cx, worker.wire(), READ_BUFFER, take)) {
                Ok(Step::Read) => {}
                Ok(Step::End(received)) => return Poll::Ready(Ok(Some(received))),
                Err(failure) => return Poll::Ready(Err(failure)),
            }
        }
        Poll::Ready(Ok(None))
    };
    poll_fn(&mut poll).await
}

/// What takes the body of a response.
pub(super) trait Sink {
    /// Takes a piece.
    fn take(&mut self, data: &[u8], received: Received);

    /// Whether nothing more is wanted.
    fn is_over(&self) -> bool;
}

/// Keeps the front of a body.
pub(super) struct Front {
    pub(super) bytes: Vec<u8>,
    pub(super) most: usize,
}

impl Sink for Front {
    fn take(&mut self, data: &[u8], _: Received) {
        let room = self.most.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&data[..room.min(data.len())]);
    }

    fn is_over(&self) -> bool {
        self.bytes.len() >= self.most
    }
}

/// What a response was found to be.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The marker came.
    Done(Instant),
    /// The stream told of an error.
    Error(String),
    /// It cannot be read on.
    Limit(LimitExceeded),
}

/// Reads the responses of one request; several where a cut one was resumed.
pub(super) struct Reader<'m> {
    worker: Rc<Worker>,
    slot: u32,
    meter: &'m mut Meter,
    /// The id of the request, over MCP.
    id: Option<u64>,
    session: mcp::Session,
    parser: Parser,
    pub(super) retry: Option<Duration>,
    pub(super) verdict: Option<Verdict>,
}

impl<'m> Reader<'m> {
    pub(super) fn new(
        worker: Rc<Worker>,
        slot: u32,
        meter: &'m mut Meter,
        id: Option<u64>,
        session: mcp::Session,
    ) -> Self {
        Self {
            parser: Parser::with_limits(worker.plan.limits),
            worker,
            slot,
            meter,
            id,
            session,
            retry: None,
            verdict: None,
        }
    }

    /// One JSON document in place of a stream.
    pub(super) fn document(&mut self, document: &[u8], at: Instant) {
        self.meter.on_bytes(document.len());
        let text = String::from_utf8_lossy(document);
        let mut mark = self.meaning("message", &text);
        self.worker.live.deliveries.add(1);
        let mut tally = self.worker.tally.borrow_mut();
        self.meter.on_event(at, &mut mark, &mut tally);
        drop(tally);
        self.judge(mark, at);
    }

    /// Readies the reader for the response that resumes a cut one; `None` where
    /// the stream gave no id to go on from.
    pub(super) fn resume_from(&mut self) -> Option<EventId> {
        self.parser.finish();
        let id = self.parser.last_event_id();
        (!id.is_empty()).then(|| EventId::new(id).ok()).flatten()
    }

    /// How many events came.
    pub(super) fn events(&self) -> u64 {
        self.meter.events()
    }

    fn judge(&mut self, mark: Mark, at: Instant) {
        if let Some(said) = mark.error {
            self.verdict = Some(Verdict::Error(said));
        } else if mark.done {
            self.verdict = Some(Verdict::Done(at));
        }
    }

    fn meaning(&self, event_type: &str, data: &str) -> Mark {
        meaning(
            &self.worker,
            self.slot,
            self.id,
            &self.session,
            event_type,
            data,
        )
    }
}

fn meaning(
    worker: &Rc<Worker>,
    slot: u32,
    id: Option<u64>,
    session: &mcp::Session,
    event_type: &str,
    data: &str,
) -> Mark {
    let rules = &worker.plan.rules;
    let Some(id) = id else {
        return rules.read(event_type, data);
    };
    let seen = mcp::read(rules, data, id);
    worker.tally.borrow_mut().counts.server_messages += seen.server_messages;
    for reply in seen.replies {
        slots::reply(worker, slot, session, reply);
    }
    seen.mark
}

impl Sink for Reader<'_> {
    fn take(&mut self, data: &[u8], received: Received) {
        if self.is_over() {
            return;
        }
        self.meter.on_bytes(data.len());
        let mut items = self.parser.feed(data);
        loop {
            let event = match items.next() {
                Ok(Some(Item::Event(event))) => event,
                Ok(Some(Item::Retry(time))) => {
                    self.retry = Some(time);
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) => return,
                Err(error) => {
                    self.verdict = Some(Verdict::Limit(error));
                    return;
                }
            };
            let mut mark = meaning(
                &self.worker,
                self.slot,
                self.id,
                &self.session,
                event.event_type,
                event.data,
            );
            self.worker.live.deliveries.add(1);
            let mut tally = self.worker.tally.borrow_mut();
            tally.types.count(event.event_type);
            self.meter.on_event(received.at, &mut mark, &mut tally);
            if let Some(said) = mark.error {
                self.verdict = Some(Verdict::Error(said));
                return;
            }
            if mark.done {
                self.verdict = Some(Verdict::Done(received.at));
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.verdict.is_some()
    }
}
