//! One emulated `EventSource` whose connections are cut.

mod reading;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sse_core::{Cause, Connect, EventSource, Transition};

use super::cut::{Outage, Place, Stratum};
use super::feed::What;
use super::group::Group;
use crate::checker::LegEnd;
use crate::exchange::{Received, Request};
use crate::failure::Failure;
use crate::leg::Leg;

/// An outage that is to be shorter than any reconnection time is at most this.
const SHORT_OUTAGE: Duration = Duration::from_millis(50);
/// What a long outage adds to the reconnection time, at most.
const LONG_OUTAGE: Duration = Duration::from_secs(2);

/// The next cut of a slot.
#[derive(Debug, Clone, Copy)]
struct Cut {
    number: u16,
    stratum: Stratum,
    trigger: Trigger,
}

/// What brings a cut about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// The time has come, between two events.
    Due(Instant),
    /// The time has come: in the middle of the next event.
    MidFrame(Instant),
    /// The leg has opened.
    Opened,
    /// The leg has delivered an event.
    FirstEvent,
    /// Now.
    Now,
}

/// One emulated `EventSource`.
pub(super) struct Slot {
    group: Rc<Group>,
    number: u32,
    source: EventSource,
    random: fastrand::Rng,
    is_witness: bool,
    /// Of the request under way.
    cursor: String,
    cut: Option<Cut>,
    /// After the next cut: cut the leg that follows, in this manner.
    then: Option<Cut>,
    outage: Option<Outage>,
    /// Cut half-open: held until the leg after it is over.
    unread: Option<Leg>,
    opened: bool,
    settled: bool,
    lost_at: Option<Instant>,
    /// When the current leg opened, in nanoseconds since the Unix epoch.
    opened_wall: u64,
}

impl Slot {
    pub(super) fn new(group: Rc<Group>, number: u32) -> Self {
        let plan = &group.plan;
        let mut random = fastrand::Rng::with_seed(plan.seed.wrapping_add(u64::from(number)));
        let mut jitter = random.fork();
        let (url, options) = (plan.target.url.clone(), plan.source_options());
        let due = group.start + plan.opens(number);
        let source = EventSource::new(due, url, options, move || jitter.f64());
        Self {
            number,
            source,
            random,
            is_witness: plan.is_witness(number),
            cursor: String::new(),
            cut: None,
            then: None,
            outage: None,
            unread: None,
            opened: false,
            settled: false,
            lost_at: None,
            opened_wall: 0,
            group,
        }
    }

    /// Runs until the source is closed for good.
    pub(super) async fn run(mut self) {
        let mut leg = None;
        loop {
            match self.source.poll() {
                Some(Transition::Connect(connect)) => {
                    leg = Box::pin(self.connect(&connect)).await;
                }
                Some(Transition::Opened { .. }) => {
                    if let Some(leg) = leg.take() {
                        self.on_opened(leg.received());
                        let held = self.read(leg).await;
                        self.group.live.open.decrement();
                        self.unread = held;
                    }
                }
                Some(Transition::Disconnected {
                    cause, retry_at, ..
                }) => {
                    leg = None;
                    self.on_end(&cause);
                    self.stay_away(retry_at).await;
                }
                Some(Transition::Closed { cause, .. }) => {
                    self.on_end(&cause);
                    return self.on_closed(&cause);
                }
                None => match self.source.deadline() {
                    Some(deadline) => {
                        tokio::time::sleep_until(deadline.into()).await;
                        self.source.handle_deadline(Instant::now());
                    }
                    None => return self.group.live.ended.add(1),
                },
            }
        }
    }

    async fn connect(&mut self, connect: &Connect) -> Option<Leg> {
        let group = Rc::clone(&self.group);
        self.cursor.clone_from(&connect.last_event_id);
        if connect.last_event_id_unsendable() {
            group.stats.borrow_mut().unsendable_ids += 1;
            self.cursor.clear();
        }
        let since = Instant::now();
        let plan = &group.plan;
        let headers = connect.headers(&plan.target.headers);
        let request = Request {
            method: &connect.method,
            url: &connect.url,
            headers: &headers,
            body: plan.target.body.as_deref().filter(|_| connect.send_body),
            slot: self.number,
        };
        let on_connected = || {
            let now = Instant::now();
            group.stats.borrow_mut().connect.record(now - since);
            let at = group.since_start(now);
            group.feed.borrow_mut().add(self.number, at, What::Asked);
        };
        let open = group.wire(&group.live).open(
            &group.connector,
            &request,
            plan.connect_timeout,
            on_connected,
        );
        match open.await {
            Ok(answer) => {
                let at = answer.leg.received().at;
                group.stats.borrow_mut().open.record(at - since);
                let (status, headers) = (answer.status, &answer.headers);
                self.source
                    .handle_response(at, SystemTime::now(), status, headers);
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
        let group = &self.group;
        let at = group.since_start(received.at);
        group
            .feed
            .borrow_mut()
            .opened(self.number, at, &self.cursor);
        if let Some(lost_at) = self.lost_at.take() {
            group.live.reconnects.add(1);
            let mut stats = group.stats.borrow_mut();
            stats.reconnect.record(received.at - lost_at);
        }
        if !self.opened {
            self.opened = true;
            group.live.opened.add(1);
        }
        group.live.open.add(1);
        self.settle();
        self.cut = self.then.take().or_else(|| self.plan_cut(received.at));
    }

    /// When and how this leg is to be cut, if it is.
    fn plan_cut(&mut self, now: Instant) -> Option<Cut> {
        let plan = Arc::clone(&self.group.plan);
        if self.is_witness {
            return None;
        }
        let (number, stratum) = plan.strata.pick(&mut self.random)?;
        let wait = plan.cut_interval.mul_f64(0.5 + self.random.f64());
        let due = now + wait;
        let trigger = match stratum.place {
            Place::MidFrame => Trigger::MidFrame(due),
            _ => Trigger::Due(due),
        };
        let second = |trigger| Cut {
            number,
            stratum: Stratum {
                outage: Outage::Short,
                ..stratum
            },
            trigger,
        };
        self.then = match stratum.place {
            Place::BeforeFirstEvent => Some(second(Trigger::Opened)),
            Place::DuringReplay => Some(second(Trigger::FirstEvent)),
            Place::Frame | Place::MidFrame => None,
        };
        Some(Cut {
            number,
            stratum,
            trigger,
        })
    }

    /// Whether there is time left to judge what a cut now leads to: the server may
    /// have set the reconnection time since the leg opened.
    fn may_cut(&self, now: Instant) -> bool {
        let away = match self.cut.map(|cut| cut.stratum.outage) {
            None | Some(Outage::Short | Outage::Retry) => Duration::ZERO,
            Some(Outage::Long) => LONG_OUTAGE,
            Some(Outage::Fixed(time)) => time,
        };
        let away = self.source.reconnection_time() + away;
        now <= self.group.start + self.group.plan.last_cut(away)
    }

    /// Stays away for as long as the cut wants; else for the reconnection time.
    async fn stay_away(&mut self, retry_at: Instant) {
        let until = match self.outage.take() {
            None | Some(Outage::Retry) => return,
            Some(Outage::Short) => Instant::now() + SHORT_OUTAGE.mul_f64(self.random.f64()),
            Some(Outage::Long) => retry_at + LONG_OUTAGE.mul_f64(self.random.f64()),
            Some(Outage::Fixed(time)) => Instant::now() + time,
        };
        tokio::time::sleep_until(until.into()).await;
        self.source.reconnect_now(Instant::now());
    }

    fn on_end(&mut self, cause: &Cause) {
        let group = &self.group;
        match cause {
            Cause::EndOfStream => group.stats.borrow_mut().ends += 1,
            Cause::NoContent => group.stats.borrow_mut().stopped += 1,
            _ => {
                if let Some(failure) = Failure::refusal(cause, &group.plan.target.url) {
                    group.failures.borrow_mut().add(&failure);
                    group.live.failures.add(1);
                }
            }
        }
        let at = group.since_start(Instant::now());
        // Does nothing where a cut closed it, or none was open.
        let end = What::Closed(LegEnd::Server);
        group.feed.borrow_mut().add(self.number, at, end);
        if self.opened && self.lost_at.is_none() {
            self.lost_at = Some(Instant::now());
        }
        self.settle();
    }

    fn on_closed(&mut self, cause: &Cause) {
        let group = &self.group;
        group.live.ended.add(1);
        let at = group.since_start(Instant::now());
        group.feed.borrow_mut().add(self.number, at, What::Gone);
        let refused = matches!(
            cause,
            Cause::Status(_)
                | Cause::ContentType(_)
                | Cause::ContentEncoding(_)
                | Cause::BadRedirect { .. }
                | Cause::TooManyRedirects(_)
        );
        if self.opened && refused {
            group.live.given_up.add(1);
            group.feed.borrow_mut().add(self.number, at, What::Rejected);
        }
    }

    fn settle(&mut self) {
        if !self.settled {
            self.settled = true;
            self.group.live.settled.add(1);
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.group.failures.borrow_mut().add(failure);
        self.group.live.failures.add(1);
        self.source
            .handle_failure(Instant::now(), failure.to_network_error());
    }
}
