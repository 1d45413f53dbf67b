//! One emulated `EventSource` (a slot) and its physical connections (legs).

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use sse_core::{Cause, Connect, EventSource, Item, ReadyState, SourceOptions, Transition};

use crate::exchange::{READ_BUFFER, Received, Request};
use crate::failure::Failure;
use crate::leg::{Leg, Step};
use crate::publish::LegTally;
use crate::target::Asked;
use crate::worker::Worker;

/// One emulated `EventSource`.
#[derive(Debug)]
pub struct Slot {
    worker: Rc<Worker>,
    number: u32,
    /// Its own request, where connections differ in theirs.
    asked: Option<Box<Asked>>,
    source: EventSource,
    /// When the first connection was due, then when it began.
    started: Instant,
    /// Start of the current one.
    connecting_since: Instant,
    /// When the last open connection was lost.
    lost_at: Option<Instant>,
    /// When the current leg opened, in nanoseconds since the Unix epoch.
    opened_wall: u64,
    /// Own events that the current leg is owed.
    own: Option<Box<LegTally>>,
    settled: bool,
    opened: bool,
    first_event: bool,
}

impl Slot {
    /// Slot `number` of the plan; its first connection is due at `due`.
    pub fn new(worker: Rc<Worker>, number: u32, due: Instant) -> Self {
        let plan = &worker.plan;
        let options = SourceOptions {
            method: plan.target.method.clone(),
            reconnect: plan.reconnect,
            last_event_id: plan.target.last_event_id.clone(),
            limits: plan.limits,
            ..SourceOptions::default()
        };
        let mut random = fastrand::Rng::with_seed(plan.seed.wrapping_add(u64::from(number)));
        let asked = plan.target.asked_by(number, plan.seed).map(Box::new);
        let url = asked.as_ref().map_or(&plan.target.url, |asked| &asked.url);
        let source = EventSource::new(due, url.clone(), options, move || random.f64());
        Self {
            worker,
            number,
            asked,
            source,
            started: due,
            connecting_since: due,
            lost_at: None,
            opened_wall: 0,
            own: None,
            settled: false,
            opened: false,
            first_event: false,
        }
    }

    /// Runs until the source is closed for good.
    pub async fn run(mut self) {
        let mut leg = None;
        loop {
            match self.source.poll() {
                Some(Transition::Connect(connect)) => {
                    leg = Box::pin(self.connect(&connect)).await;
                }
                Some(Transition::Opened { .. }) => {
                    if let Some(leg) = leg.take() {
                        self.on_opened(leg.received());
                        self.read(leg).await;
                        self.worker.live.open.decrement();
                        self.on_lost();
                    }
                }
                Some(Transition::Disconnected { cause, .. }) => {
                    leg = None;
                    self.on_end(&cause);
                }
                Some(Transition::Closed { cause, .. }) => {
                    self.on_end(&cause);
                    if self.opened && !matches!(cause, Cause::EndOfStream | Cause::NoContent) {
                        self.worker.live.given_up.add(1);
                    }
                    return self.worker.slot_ended();
                }
                None => match self.source.deadline() {
                    Some(deadline) => {
                        tokio::time::sleep_until(deadline.into()).await;
                        self.source.handle_deadline(Instant::now());
                    }
                    None => return self.worker.slot_ended(),
                },
            }
        }
    }

    /// Connects, asks and hands the answer to the source.
    async fn connect(&mut self, connect: &Connect) -> Option<Leg> {
        let worker = Rc::clone(&self.worker);
        let _turn = worker.turn().await;
        self.connecting_since = Instant::now();
        if !self.settled && connect.redirects == 0 && connect.attempt == 1 {
            let mut stats = worker.stats.borrow_mut();
            stats.ramp_late = stats.ramp_late.max(self.connecting_since - self.started);
            self.started = self.connecting_since;
        }
        let plan = &worker.plan;
        let (headers, body) = match &self.asked {
            Some(asked) => (&asked.headers, &asked.body),
            None => (&plan.target.headers, &plan.target.body),
        };
        let headers = connect.headers(headers);
        let request = Request {
            method: &connect.method,
            url: &connect.url,
            headers: &headers,
            body: body.as_deref().filter(|_| connect.send_body),
            slot: self.number,
        };
        let since = self.connecting_since;
        let on_connected = || worker.stats.borrow_mut().connect.record(since.elapsed());
        let open = worker.wire().open(
            &worker.connector,
            &request,
            plan.connect_timeout,
            on_connected,
        );
        match open.await {
            Ok(answer) => {
                let (at, status) = (answer.leg.received().at, answer.status);
                self.source
                    .handle_response(at, SystemTime::now(), status, &answer.headers);
                Some(answer.leg)
            }
            Err(failure) => {
                self.fail(&failure);
                None
            }
        }
    }

    fn on_opened(&mut self, received: Received) {
        self.opened_wall = received.wall;
        let mut stats = self.worker.stats.borrow_mut();
        stats.open.record(received.at - self.connecting_since);
        if let Some(lost_at) = self.lost_at.take() {
            stats.reconnect.record(received.at - lost_at);
            self.worker.live.reconnects.add(1);
        }
        drop(stats);
        if !self.opened {
            self.opened = true;
            self.worker.live.opened.add(1);
        }
        self.worker.live.open.add(1);
        let mut tally = self.worker.tally.borrow_mut();
        let own = tally.as_mut().map(|tally| tally.opened(received.at));
        drop(tally);
        self.own = own.map(Box::new);
        self.settle();
    }

    fn on_lost(&mut self) {
        let mut tally = self.worker.tally.borrow_mut();
        if let (Some(tally), Some(leg)) = (&mut *tally, self.own.take()) {
            tally.closed(&leg, Instant::now());
        }
    }

    fn on_end(&mut self, cause: &Cause) {
        let mut stats = self.worker.stats.borrow_mut();
        match cause {
            Cause::EndOfStream => stats.ends += 1,
            Cause::NoContent => stats.stopped += 1,
            _ => {
                if let Some(failure) = Failure::refusal(cause, &self.worker.plan.target.url) {
                    stats.failures.add(&failure);
                    self.worker.live.failures.add(1);
                }
            }
        }
        drop(stats);
        if self.opened && self.lost_at.is_none() {
            self.lost_at = Some(Instant::now());
        }
        self.settle();
    }

    fn settle(&mut self) {
        if !self.settled {
            self.settled = true;
            self.worker.slot_settled();
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.worker.stats.borrow_mut().failures.add(failure);
        self.worker.live.failures.add(1);
        self.source
            .handle_failure(Instant::now(), failure.to_network_error());
    }

    /// Reads until the source is no longer open.
    async fn read(&mut self, mut leg: Leg) {
        poll_fn(|cx| self.poll_leg(cx, &mut leg)).await;
    }

    fn poll_leg(&mut self, cx: &mut Context<'_>, leg: &mut Leg) -> Poll<()> {
        let worker = Rc::clone(&self.worker);
        while self.source.ready_state() == ReadyState::Open {
            let take = |data: &[u8], received| self.dispatch(data, received);
            match ready!(leg.poll(cx, worker.wire(), READ_BUFFER, take)) {
                Ok(Step::Read) => {}
                Ok(Step::End(received)) => self.source.handle_end(received.at),
                Err(failure) => self.fail(&failure),
            }
        }
        Poll::Ready(())
    }

    fn dispatch(&mut self, data: &[u8], received: Received) -> ControlFlow<()> {
        let mut stats = self.worker.stats.borrow_mut();
        let mut meter = self.worker.meter.borrow_mut();
        let mut tally = self.worker.tally.borrow_mut();
        let mut events = 0;
        let mut items = self.source.handle_chunk(received.at, data);
        while let Some(item) = items.next() {
            let Item::Event(event) = item else { continue };
            if !self.worker.claim_event() {
                break;
            }
            events += 1;
            stats.types.count(event.event_type);
            if let (Some(tally), Some(leg)) = (&mut *tally, &mut self.own) {
                tally.received(leg, event.data, received.at);
            }
            if let Some(meter) = &mut *meter {
                meter.measure(&event, received.wall, self.opened_wall, &mut stats.delivery);
            }
        }
        drop(items);
        if events > 0 && !self.first_event {
            self.first_event = true;
            stats.first_event.record(received.at - self.started);
        }
        self.worker.live.deliveries.add(events);
        match self.source.ready_state() {
            ReadyState::Open => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
