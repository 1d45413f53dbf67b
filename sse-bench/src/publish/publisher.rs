//! Sends each event when it is due, however long the answers take.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Publishing, Schedule};
use crate::connect::{Connector, Link};
use crate::exchange::{READ_BUFFER, Request, Wire};
use crate::failure::{Failure, Failures, Kind};
use crate::histogram::Latency;
use crate::kept::Kept;
use crate::leg::Leg;
use crate::live::Live;
use crate::report::invocation::shown_url;
use crate::stats::wall_clock;

/// Publishing requests underway at once; further ones wait.
pub const MOST_UNDERWAY: usize = 64;

/// What came of publishing.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Requests sent.
    pub sent: u64,
    /// Those answered with 2xx.
    pub acknowledged: u64,
    /// The longest that one was sent later than intended.
    pub late: Duration,
    /// Events that waited for a request to come to its end.
    pub waited: u64,
    /// The longest such wait.
    pub longest_wait: Duration,
    /// From the sending of a request to the head of an answer with 2xx.
    pub acknowledge: Latency,
    /// Why others were not.
    pub failures: Failures,
}

/// Publishes from one thread.
#[derive(Debug)]
pub struct Publisher {
    schedule: Schedule,
    /// The longest that a request may take.
    limit: Duration,
    live: Live,
    buffer: RefCell<Box<[u8]>>,
    kept: Kept,
    published: RefCell<Published>,
    underway: Cell<usize>,
}

impl Publisher {
    /// Nothing is sent before [`run`](Self::run).
    pub fn new(schedule: Schedule, limit: Duration) -> Self {
        Self {
            schedule,
            limit,
            live: Live::default(),
            buffer: RefCell::new(vec![0; READ_BUFFER].into()),
            kept: Kept::new(MOST_UNDERWAY),
            published: RefCell::default(),
            underway: Cell::new(0),
        }
    }

    /// What came of it so far.
    pub fn published(&self) -> Published {
        self.published.borrow().clone()
    }

    /// Whether a request has no answer yet.
    pub fn is_underway(&self) -> bool {
        self.underway.get() > 0
    }

    /// Publishes what is due before `end`, or until it is dropped; requests that are then
    /// underway come to their own end. `acknowledged` is told the number of an event once
    /// the server has accepted it.
    pub async fn run(
        self: Rc<Self>,
        publishing: Arc<Publishing>,
        end: Option<Instant>,
        acknowledged: impl Fn(u64, Instant) + Clone + 'static,
    ) {
        let target = &publishing.target;
        let addresses = match target.transport.resolve(&target.url).await {
            Ok(addresses) => addresses,
            Err(failure) => return self.published.borrow_mut().failures.add(&failure),
        };
        let connector = Rc::new(Connector::new(&target.transport, &target.url, addresses));
        let turns = Arc::new(Semaphore::new(MOST_UNDERWAY));
        for number in 1_u64.. {
            let due = self.schedule.due(number);
            if end.is_some_and(|end| due >= end) {
                return;
            }
            tokio::time::sleep_until(due.into()).await;
            let Some(turn) = self.turn(&turns).await else {
                return;
            };
            let late = due.elapsed();
            let at = wall_clock().saturating_sub(late.as_nanos() as u64);
            let body = publishing.body(number, at);
            {
                let mut published = self.published.borrow_mut();
                published.sent += 1;
                published.late = published.late.max(late);
            }
            self.underway.set(self.underway.get() + 1);
            let (publisher, connector) = (Rc::clone(&self), Rc::clone(&connector));
            let (publishing, acknowledged) = (Arc::clone(&publishing), acknowledged.clone());
            tokio::task::spawn_local(async move {
                let sent_at = Instant::now();
                let answer = publisher.send(&publishing, &connector, &body).await;
                publisher.answered(sent_at, answer.as_ref().err());
                if answer.is_ok() {
                    acknowledged(number, Instant::now());
                }
                publisher.underway.set(publisher.underway.get() - 1);
                drop(turn);
                if let Ok(leg) = answer {
                    publisher.kept.keep(publisher.wire(), leg).await;
                }
            });
        }
    }

    async fn turn(&self, turns: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(turns).try_acquire_owned() {
            return Some(turn);
        }
        let since = Instant::now();
        let turn = Arc::clone(turns).acquire_owned().await;
        let mut published = self.published.borrow_mut();
        published.waited += 1;
        published.longest_wait = published.longest_wait.max(since.elapsed());
        turn.ok()
    }

    async fn send(
        &self,
        publishing: &Publishing,
        connector: &Connector,
        body: &str,
    ) -> Result<Leg, Failure> {
        let target = &publishing.target;
        let request = Request {
            method: &target.method,
            url: &target.url,
            headers: &target.headers,
            body: Some(body.as_bytes()),
            slot: 0,
        };
        let answer = match self.kept.take() {
            None => {
                let open = self.wire().open(connector, &request, self.limit, || {});
                open.await?
            }
            Some(stream) => {
                let asked = self.wire().ask(Link::Http1(stream), &request);
                let answer = tokio::time::timeout(self.limit, asked).await;
                answer.unwrap_or_else(|_| {
                    let detail = format!(
                        "{}: no response within {:?}",
                        shown_url(&target.url),
                        self.limit
                    );
                    Err(Failure::new(Kind::Timeout, detail))
                })?
            }
        };
        let status = answer.status;
        if status.is_success() {
            return Ok(answer.leg);
        }
        let detail = format!(
            "{}: publishing was answered with {status}",
            shown_url(&target.url)
        );
        Err(Failure::new(Kind::Status(status), detail))
    }

    fn wire(&self) -> Wire<'_> {
        Wire {
            live: &self.live,
            buffer: &self.buffer,
            wall_clock: false,
        }
    }

    fn answered(&self, sent_at: Instant, failure: Option<&Failure>) {
        let mut published = self.published.borrow_mut();
        match failure {
            None => {
                published.acknowledged += 1;
                published.acknowledge.record(sent_at.elapsed());
            }
            Some(failure) => published.failures.add(failure),
        }
    }
}
