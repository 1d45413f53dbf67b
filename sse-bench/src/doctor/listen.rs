//! One connection to the endpoint, as an `EventSource` makes it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, StatusCode};
use sse_core::{
    Cause, EventId, EventSource, Item, ReadyState, SourceOptions, Transition, Unfinished,
};
use url::Url;

use crate::connect::Connector;
use crate::exchange::{Answer, READ_BUFFER, Request, Wire};
use crate::failure::Failure;
use crate::leg::{Leg, Step};
use crate::live::Live;
use crate::target::Target;

/// Opens connections to the endpoint, one after another.
#[derive(Debug)]
pub(super) struct Line {
    pub target: Target,
    connector: Connector,
    live: Live,
    buffer: RefCell<Box<[u8]>>,
    /// For the head of a response.
    limit: Duration,
}

/// What is heard.
pub(super) enum Heard<'a> {
    /// The response is an event stream.
    Open(&'a HeaderMap),
    /// A read brought these bytes of the body.
    Read(&'a [u8]),
    /// And this is in them.
    Item(&'a Item<'a>),
}

/// What came of a connection.
#[derive(Debug)]
pub(super) struct Listened {
    /// When the last request was sent off: after redirects.
    pub asked: Instant,
    /// Until the socket was connected, with TLS where there is any.
    pub connected: Option<Duration>,
    /// Until the head of the last response, and what it says.
    pub head: Option<(Duration, StatusCode, HeaderMap)>,
    /// Where the redirects led.
    pub url: Url,
    pub redirects: u32,
    /// Why it ended by itself, and what that cut off.
    pub end: Option<(Cause, Option<Unfinished>)>,
    pub failure: Option<Failure>,
}

impl Line {
    pub(super) fn new(target: Target, connector: Connector, limit: Duration) -> Self {
        Self {
            target,
            connector,
            live: Live::default(),
            buffer: RefCell::new(vec![0; READ_BUFFER].into()),
            limit,
        }
    }

    fn wire(&self) -> Wire<'_> {
        Wire {
            live: &self.live,
            buffer: &self.buffer,
            wall_clock: false,
        }
    }

    /// Asks once with other headers or another method; the head is all that is read.
    pub(super) async fn ask(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let wire = self.wire();
        wire.open(&self.connector, request, self.limit, || {}).await
    }

    /// Connects after `cursor` and listens until it is `over`, to the end, or until
    /// `on` has heard enough.
    pub(super) async fn listen(
        &self,
        cursor: EventId,
        over: impl Future<Output = ()>,
        mut on: impl FnMut(Instant, Heard<'_>) -> ControlFlow<()>,
    ) -> Listened {
        let mut over = pin!(over);
        let options = SourceOptions {
            method: self.target.method.clone(),
            reconnect: Some(false),
            last_event_id: cursor,
            ..SourceOptions::default()
        };
        let url = self.target.url.clone();
        let mut source = EventSource::new(Instant::now(), url.clone(), options, || 0.5);
        let mut listened = Listened {
            asked: Instant::now(),
            connected: None,
            head: None,
            url,
            redirects: 0,
            end: None,
            failure: None,
        };
        let mut leg = None;
        while let Some(transition) = source.poll() {
            match transition {
                Transition::Connect(connect) => {
                    listened.asked = Instant::now();
                    listened.url.clone_from(&connect.url);
                    listened.redirects = connect.redirects;
                    let headers = connect.headers(&self.target.headers);
                    let body = self.target.body.as_deref();
                    let request = Request {
                        slot: 0,
                        method: &connect.method,
                        url: &connect.url,
                        headers: &headers,
                        body: body.filter(|_| connect.send_body),
                    };
                    leg = self.connect(&request, &mut source, &mut listened).await;
                }
                Transition::Opened { .. } => {
                    if let (Some(leg), Some((_, _, headers))) = (&mut leg, &listened.head)
                        && on(leg.received().at, Heard::Open(headers)).is_continue()
                    {
                        tokio::select! {
                            biased;
                            () = &mut over => return listened,
                            failure = self.read(leg, &mut source, &mut on) => {
                                listened.failure = failure;
                            }
                        }
                    }
                }
                Transition::Disconnected {
                    cause, unfinished, ..
                }
                | Transition::Closed {
                    cause, unfinished, ..
                } => {
                    let refusal = Failure::refusal(&cause, &listened.url);
                    listened.failure = listened.failure.or(refusal);
                    listened.end = Some((cause, unfinished));
                    return listened;
                }
            }
        }
        listened
    }

    async fn connect(
        &self,
        request: &Request<'_>,
        source: &mut EventSource,
        listened: &mut Listened,
    ) -> Option<Leg> {
        let asked = listened.asked;
        let mut connected = None;
        let on_connected = || connected = Some(asked.elapsed());
        let opening = self
            .wire()
            .open(&self.connector, request, self.limit, on_connected);
        let answer = opening.await;
        listened.connected = connected;
        match answer {
            Ok(answer) => {
                let at = answer.leg.received().at;
                source.handle_response(at, SystemTime::now(), answer.status, &answer.headers);
                listened.head = Some((at - asked, answer.status, answer.headers));
                Some(answer.leg)
            }
            Err(failure) => {
                source.handle_failure(Instant::now(), failure.to_network_error());
                listened.failure = Some(failure);
                None
            }
        }
    }

    /// Until the end, a failure, or until `on` has heard enough.
    async fn read(
        &self,
        leg: &mut Leg,
        source: &mut EventSource,
        on: &mut impl FnMut(Instant, Heard<'_>) -> ControlFlow<()>,
    ) -> Option<Failure> {
        let mut enough = false;
        while source.ready_state() == ReadyState::Open && !enough {
            let step = poll_fn(|cx| {
                leg.poll(cx, self.wire(), READ_BUFFER, |bytes, received| {
                    enough |= on(received.at, Heard::Read(bytes)).is_break();
                    let mut items = source.handle_chunk(received.at, bytes);
                    while let Some(item) = items.next() {
                        enough |= on(received.at, Heard::Item(&item)).is_break();
                    }
                    ControlFlow::Continue(())
                })
            });
            match step.await {
                Ok(Step::Read) => {}
                Ok(Step::End(received)) => source.handle_end(received.at),
                Err(failure) => {
                    source.handle_failure(Instant::now(), failure.to_network_error());
                    return Some(failure);
                }
            }
        }
        None
    }
}
