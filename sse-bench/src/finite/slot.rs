//! One connection's worth of requests, one after another.

mod refusal;
mod session;

use std::rc::Rc;
use std::time::{Duration, Instant};

use http::StatusCode;

use self::refusal::Opened;
use super::mcp;
use super::meter::{End, Meter};
use super::reader::{Front, Reader, Verdict, read};
use super::tickets::Ticket;
use super::worker::Worker;
use crate::connect::Link;
use crate::exchange::{Answer, Request};
use crate::failure::{Failure, Kind};
use crate::kept::{LINGER, quiet, read_rest};
use crate::leg::Leg;
use crate::report::invocation::shown_url;
use crate::stream::Stream;
use crate::target::Asked;

pub(super) use session::reply;

/// The wait after a failed request of a closed loop, doubled up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes one request at a time.
#[derive(Debug)]
pub(super) struct Slot {
    worker: Rc<Worker>,
    number: u32,
    kept: Option<Stream>,
    session: Option<mcp::Session>,
    /// The request, where each has something of its own.
    asked: Option<Box<Asked>>,
    /// Failed requests since the last that did not fail.
    failures: u32,
}

impl Slot {
    /// Slot `number` of the plan.
    pub(super) fn new(worker: Rc<Worker>, number: u32) -> Self {
        Self {
            worker,
            number,
            kept: None,
            session: None,
            asked: None,
            failures: 0,
        }
    }

    /// Makes requests until there are no more to make.
    pub(super) async fn run(mut self) {
        let worker = Rc::clone(&self.worker);
        let mut free_since = None;
        while let Some(ticket) = worker.next_ticket(free_since).await {
            self.request(ticket).await;
            free_since = Some(Instant::now());
            if self.failures > 0 && worker.plan.rate.is_none() {
                let doubled = SHORTEST_PAUSE * 2_u32.pow((self.failures - 1).min(10));
                let pause = tokio::time::sleep(doubled.min(LONGEST_PAUSE));
                tokio::select! {
                    () = pause => {}
                    () = worker.drained() => {}
                }
            }
        }
        self.end_session().await;
    }

    async fn request(&mut self, ticket: Ticket) {
        let worker = Rc::clone(&self.worker);
        let plan = &worker.plan;
        let now = Instant::now();
        let mut meter = Meter::new(ticket.due.unwrap_or(now), plan.stall);
        worker.tally.borrow_mut().counts.started += 1;
        worker.live.open.add(1);
        let end = tokio::select! {
            biased;
            end = tokio::time::timeout(plan.timeout, self.exchange(ticket.number, &mut meter)) => {
                end.unwrap_or_else(|_| {
                    let detail = format_args!("no end of the stream within {:?}", plan.timeout);
                    End::TimedOut(Failure::new(Kind::Timeout, detail))
                })
            }
            () = worker.stopped() => End::Unfinished,
        };
        worker.live.open.decrement();
        match end {
            End::Done(_) => {
                self.failures = 0;
                worker.live.requests.add(1);
            }
            End::Unfinished => {}
            _ => {
                self.failures = self.failures.saturating_add(1);
                worker.live.failures.add(1);
            }
        }
        meter.close(end, Instant::now(), &mut worker.tally.borrow_mut());
    }

    /// The request, its response, and where need be what resumes it.
    async fn exchange(&mut self, number: u64, meter: &mut Meter) -> End {
        let worker = Rc::clone(&self.worker);
        let plan = &worker.plan;
        self.asked = plan.asked(self.number, number).map(Box::new);
        let own = self.asked.as_deref().cloned();
        let mut headers = match &own {
            Some(own) => own.headers.clone(),
            None => plan.target.headers.clone(),
        };
        let id = plan.call.is_some().then(|| number.wrapping_add(1));
        let body = match id.and_then(|id| plan.call(own.as_ref(), id)) {
            None => match &own {
                Some(own) => own.body.clone(),
                None => plan.target.body.clone(),
            },
            Some(Ok(body)) => Some(body),
            Some(Err(error)) => return End::Failed(Failure::new(Kind::Http, error)),
        };
        if id.is_some()
            && self.session.is_none()
            && let Err(end) = self.begin_session().await
        {
            return end;
        }
        let session = self.session.clone().unwrap_or_default();
        session.add_to(&mut headers);
        let request = Request {
            method: &plan.target.method,
            url: own.as_ref().map_or(&plan.target.url, |own| &own.url),
            slot: self.number,
            headers: &headers,
            body: body.as_deref(),
        };
        let asked = Instant::now();
        let answer = match self.ask(&request).await {
            Ok(answer) => answer,
            Err(failure) => return End::Failed(failure),
        };
        let received = answer.leg.received();
        let opened = match self.judge(answer).await {
            Ok(opened) => opened,
            Err(end) => {
                if let End::Refused(failure, _) = &end
                    && failure.kind == Kind::Status(StatusCode::NOT_FOUND)
                {
                    // The server has forgotten it: begin another.
                    self.session = None;
                }
                return end;
            }
        };
        worker
            .tally
            .borrow_mut()
            .open
            .record(received.at.saturating_duration_since(asked));
        worker.live.opened.add(1);
        let mut reader = Reader::new(Rc::clone(&worker), self.number, meter, id, session.clone());
        let mut answer = match opened {
            Opened::Json(answer) => return self.read_document(answer, &mut reader).await,
            Opened::Stream(answer) => answer,
        };
        loop {
            let failure = match self.read_stream(answer, &mut reader).await {
                Ok(end) => return end,
                Err(failure) => failure,
            };
            answer = match self.resume(&mut reader, &session).await {
                Some(answer) => answer,
                None => return End::CutShort(failure),
            };
        }
    }

    /// Reads a stream up to its marker. Fails where it ends without.
    async fn read_stream(
        &mut self,
        answer: Answer,
        reader: &mut Reader<'_>,
    ) -> Result<End, Failure> {
        let worker = Rc::clone(&self.worker);
        let mut leg = answer.leg;
        let read = read(&worker, &mut leg, reader).await;
        let Some(verdict) = reader.verdict.take() else {
            let after = format!("after {} events", reader.events());
            return Err(match read {
                Err(failure) => {
                    Failure::new(failure.kind, format_args!("{after}: {}", failure.detail))
                }
                Ok(_) => Failure::new(
                    Kind::NoMarker,
                    format_args!("the response ended {after} without its end marker"),
                ),
            });
        };
        match read {
            Ok(Some(_)) => self.keep(leg),
            Ok(None) => {
                let rest = read_rest(worker.wire(), &mut leg, LINGER).await;
                if rest {
                    self.keep(leg);
                }
            }
            Err(_) => {}
        }
        Ok(match verdict {
            Verdict::Done(at) => End::Done(at),
            Verdict::Error(said) => End::Told(self.told(&said)),
            Verdict::Limit(error) => End::Failed(Failure::new(Kind::TooLong, error)),
        })
    }

    async fn read_document(&mut self, answer: Answer, reader: &mut Reader<'_>) -> End {
        let worker = Rc::clone(&self.worker);
        let mut leg = answer.leg;
        let most = worker.plan.max_event;
        let mut front = Front {
            bytes: Vec::new(),
            most,
        };
        let received = match read(&worker, &mut leg, &mut front).await {
            Ok(Some(received)) => received,
            Ok(None) => {
                let detail = format_args!("a JSON answer is longer than {most} bytes");
                return End::Failed(Failure::new(Kind::TooLong, detail));
            }
            Err(failure) => return End::CutShort(failure),
        };
        self.keep(leg);
        worker.tally.borrow_mut().counts.json_answers += 1;
        reader.document(&front.bytes, received.at);
        match reader.verdict.take() {
            Some(Verdict::Done(at)) => End::Done(at),
            Some(Verdict::Error(said)) => End::Told(self.told(&said)),
            _ => {
                let detail = "the JSON answer holds no response with the id of the request";
                End::CutShort(Failure::new(Kind::NoMarker, detail))
            }
        }
    }

    fn told(&self, said: &str) -> Failure {
        Failure::new(Kind::StreamError, self.without_secrets(said))
    }

    /// See [`FinitePlan::without_secrets`](super::FinitePlan::without_secrets).
    fn without_secrets(&self, said: &str) -> String {
        let own = self.asked.as_ref().map(|asked| &asked.headers);
        self.worker.plan.without_secrets(said, own)
    }

    /// Sends a request on the kept connection, or on a new one.
    async fn ask(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        let worker = Rc::clone(&self.worker);
        let link = match self.kept.take().and_then(quiet) {
            Some(stream) => {
                worker.tally.borrow_mut().counts.reused += 1;
                Link::Http1(stream)
            }
            None => {
                let since = Instant::now();
                let limit = worker.plan.connect_timeout;
                let connecting = worker
                    .connector
                    .connect(request.url, request.slot, &worker.live);
                let connected = tokio::time::timeout(limit, connecting).await;
                let link = connected.unwrap_or_else(|_| {
                    let detail =
                        format_args!("{}: no connection within {limit:?}", shown_url(request.url));
                    Err(Failure::new(Kind::Timeout, detail))
                })?;
                worker.tally.borrow_mut().connect.record(since.elapsed());
                link
            }
        };
        worker.wire().ask(link, request).await
    }

    /// Keeps the connection for the next request, where that can be.
    fn keep(&mut self, leg: Leg) {
        self.kept = leg.into_idle();
    }
}
