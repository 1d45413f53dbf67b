//! One emulated `EventSource` (a slot) and its physical connections (legs).

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use http::StatusCode;
use http::header::RETRY_AFTER;
use sse_core::{
    Cause, Connect, EventSource, Item, NetworkError, NetworkErrorKind, ReadyState, SourceOptions,
    Transition,
};

use crate::exchange::{READ_BUFFER, Received, Request};
use crate::failure::Failure;
use crate::leg::{Leg, Step};
use crate::publish::LegTally;
use crate::slow::Pace;
use crate::stats::CohortStats;
use crate::storm::order::Place;
use crate::storm::plan::Manner;
use crate::storm::record::Phase;
use crate::storm::watch::{InForce, Loss, Progress};
use crate::target::Asked;
use crate::worker::Worker;

/// What the source is told where this side cuts a connection.
const CUT: &str = "cut on purpose";

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
    /// Now.
    open: bool,
    first_event: bool,
    /// Has received an event that is part of the stream, where storms are wanted.
    fed: bool,
    /// Whether a server has set the reconnection time.
    told_retry: bool,
    cohort: usize,
    /// How far it has come, where storms are wanted.
    place: Place,
    /// Of a slot that reads slowly.
    pace: Option<Box<Pace>>,
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
            backoff: plan.backoff.clone(),
            retry_statuses: plan.retry_statuses.clone(),
            ..SourceOptions::default()
        };
        let mut random = fastrand::Rng::with_seed(plan.seed.wrapping_add(u64::from(number)));
        let asked = plan.target.asked_by(number, plan.seed).map(Box::new);
        let url = asked.as_ref().map_or(&plan.target.url, |asked| &asked.url);
        let source = EventSource::new(due, url.clone(), options, move || random.f64());
        let (cohort, pace) = (plan.cohorts.of(number), plan.cohorts.pace(number));
        Self {
            cohort,
            place: 0,
            pace: pace.map(Box::new),
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
            open: false,
            first_event: false,
            fed: false,
            told_retry: false,
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
                Some(Transition::Disconnected {
                    cause,
                    retry_in,
                    retry_at,
                    ..
                }) => {
                    leg = None;
                    self.on_end(&cause, retry_at.checked_sub(retry_in));
                }
                Some(Transition::Closed { cause, .. }) => {
                    self.on_end(&cause, None);
                    self.on_closed(&cause);
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
        // What comes after a loss in a storm waits for nobody.
        let _turn = match &worker.watch {
            Some(watch) if watch.is_on() => None,
            _ => worker.turn().await,
        };
        self.connecting_since = Instant::now();
        if let Some(watch) = &worker.watch
            && connect.redirects == 0
        {
            watch.attempt(self.number, self.connecting_since);
        }
        if connect.last_event_id_unsendable() {
            worker.stats.borrow_mut().unsendable_ids += 1;
        }
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
            match &worker.slow_connector {
                Some(connector) if self.pace.is_some() => connector,
                _ => &worker.connector,
            },
            &request,
            plan.connect_timeout,
            on_connected,
        );
        match open.await {
            Ok(answer) => {
                let (at, status) = (answer.leg.received().at, answer.status);
                if let Some(watch) = &worker.watch
                    && status != StatusCode::OK
                    && answer.headers.contains_key(RETRY_AFTER)
                {
                    watch.told_to_wait();
                }
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
            self.of_cohort(|cohort| cohort.opened += 1);
            self.worker.live.opened.add(1);
        }
        self.worker.live.open.add(1);
        self.open = true;
        self.own = self.owed_from(received.at);
        if let Some(watch) = &self.worker.watch {
            watch.opened(self.number, self.cohort, received.at);
        }
        self.settle();
    }

    /// What slow readers lag behind is their own doing: nothing is owed to them.
    fn owed_from(&self, opened: Instant) -> Option<Box<LegTally>> {
        let mut tally = self.worker.tally.borrow_mut();
        let tally = tally.as_mut().filter(|_| self.cohort == 0)?;
        Some(Box::new(tally.opened(opened)))
    }

    fn on_lost(&mut self) {
        let mut tally = self.worker.tally.borrow_mut();
        if let (Some(tally), Some(leg)) = (&mut *tally, self.own.take()) {
            tally.closed(&leg, Instant::now());
        }
    }

    /// `at`, where the source says when it was.
    fn on_end(&mut self, cause: &Cause, at: Option<Instant>) {
        let at = at.unwrap_or_else(Instant::now);
        match cause {
            Cause::EndOfStream => self.worker.stats.borrow_mut().ends += 1,
            Cause::NoContent => self.worker.stats.borrow_mut().stopped += 1,
            _ => {
                if let Some(failure) = Failure::refusal(cause, &self.worker.plan.target.url) {
                    self.count(&failure);
                }
            }
        }
        let was_open = std::mem::take(&mut self.open);
        let loss = match cause {
            Cause::Network(error) if error.detail == CUT => Loss::Cut,
            Cause::EndOfStream => Loss::Ended,
            _ => Loss::Broken,
        };
        match loss {
            _ if !was_open => {}
            Loss::Cut => {}
            Loss::Ended => self.of_cohort(|cohort| cohort.ended += 1),
            Loss::Broken => self.of_cohort(|cohort| cohort.cut += 1),
        }
        if let Some(watch) = &self.worker.watch
            && was_open
        {
            let in_force = InForce {
                time: self.source.reconnection_time(),
                told: self.told_retry,
            };
            watch.lost(self.number, self.place, at, loss, in_force);
        }
        if self.opened && self.lost_at.is_none() {
            self.lost_at = Some(at);
        }
        self.settle();
    }

    fn on_closed(&self, cause: &Cause) {
        if let Some(watch) = &self.worker.watch {
            let phase = match cause {
                Cause::NoContent => Phase::Stopped,
                _ => Phase::GivenUp,
            };
            watch.over(self.number, phase);
        }
    }

    fn settle(&mut self) {
        if !self.settled {
            self.settled = true;
            self.worker.slot_settled();
        }
    }

    /// The figures of the slot's cohort, where there is more than one.
    fn of_cohort(&self, change: impl FnOnce(&mut CohortStats)) {
        if let Some(cohort) = self.worker.stats.borrow_mut().cohorts.get_mut(self.cohort) {
            change(cohort);
        }
    }

    /// Counts a failure where it belongs: a storm keeps its own, and there the
    /// loss of a connection is none. Nor is it one where the slot reads slowly.
    fn count(&self, failure: &Failure) {
        match &self.worker.watch {
            _ if self.open && self.pace.is_some() => return,
            Some(watch) if watch.is_on() && self.open => return,
            Some(watch) if watch.is_on() => watch.failed(failure),
            _ => self.worker.stats.borrow_mut().failures.add(failure),
        }
        self.worker.live.failures.add(1);
    }

    fn fail(&mut self, failure: &Failure) {
        self.count(failure);
        self.source
            .handle_failure(Instant::now(), failure.to_network_error());
    }

    /// Reads until the source is no longer open, or a storm cuts the leg.
    async fn read(&mut self, mut leg: Leg) {
        let worker = Rc::clone(&self.worker);
        let Some(watch) = &worker.watch else {
            return poll_fn(|cx| self.poll_leg(cx, &mut leg)).await;
        };
        // Boxed, so that slots without storms have no room for it.
        let cut = Box::pin(watch.cut());
        let manner = tokio::select! {
            manner = cut => manner,
            () = poll_fn(|cx| self.poll_leg(cx, &mut leg)) => return,
        };
        let error = NetworkError::new(NetworkErrorKind::Reset, CUT);
        self.source.handle_failure(Instant::now(), error);
        match manner {
            Manner::Fin => leg.finish().await,
            _ => leg.reset(),
        }
    }

    fn poll_leg(&mut self, cx: &mut Context<'_>, leg: &mut Leg) -> Poll<()> {
        let worker = Rc::clone(&self.worker);
        while self.source.ready_state() == ReadyState::Open {
            let most = match &mut self.pace {
                Some(pace) => ready!(pace.poll(cx)),
                None => READ_BUFFER,
            };
            let mut bytes = 0;
            let take = |data: &[u8], received| {
                bytes += data.len();
                self.dispatch(data, received)
            };
            let step = ready!(leg.poll(cx, worker.wire(), most, take));
            if let Some(pace) = &mut self.pace {
                pace.took(bytes);
            }
            match step {
                Ok(Step::Read) => {}
                Ok(Step::End(received)) => self.source.handle_end(received.at),
                Err(failure) => self.fail(&failure),
            }
        }
        Poll::Ready(())
    }

    fn dispatch(&mut self, data: &[u8], received: Received) -> ControlFlow<()> {
        let mut stats = self.worker.stats.borrow_mut();
        let stats = &mut *stats;
        let mut meter = self.worker.meter.borrow_mut();
        let mut tally = self.worker.tally.borrow_mut();
        let mut events = 0;
        let mut progress = Progress::default();
        let mut items = self.source.handle_chunk(received.at, data);
        while let Some(item) = items.next() {
            let event = match item {
                Item::Event(event) => event,
                Item::Retry(_) => {
                    self.told_retry = true;
                    continue;
                }
                _ => continue,
            };
            if !self.worker.claim_event() {
                break;
            }
            events += 1;
            stats.types.count(event.event_type);
            if let (Some(tally), Some(leg)) = (&mut *tally, &mut self.own) {
                tally.received(leg, event.data, received.at);
            }
            if let Some(meter) = &mut *meter {
                let delivery = match (self.cohort, stats.cohorts.get_mut(self.cohort)) {
                    (1.., Some(cohort)) => &mut cohort.delivery,
                    _ => &mut stats.delivery,
                };
                meter.measure(&event, received.wall, self.opened_wall, delivery);
            }
            if let Some(watch) = &self.worker.watch {
                watch.note(&event, &mut progress);
            }
        }
        drop(items);
        if let Some(cohort) = stats.cohorts.get_mut(self.cohort) {
            cohort.deliveries += events;
            cohort.bytes += data.len() as u64;
        }
        if events > 0 && !self.first_event {
            self.first_event = true;
            stats.first_event.record(received.at - self.started);
        }
        if let Some(watch) = &self.worker.watch {
            self.place = self.place.max(progress.place);
            if progress.events && !std::mem::replace(&mut self.fed, true) {
                self.worker.live.fed.add(1);
            }
            watch.received(self.number, received.at, progress);
        }
        self.worker.live.deliveries.add(events);
        match self.source.ready_state() {
            ReadyState::Open => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
