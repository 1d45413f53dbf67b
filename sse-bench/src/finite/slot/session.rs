//! MCP: how a session begins and ends, and what happens beside its requests.

use std::rc::Rc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use sse_core::{Item, Parser};

use super::Slot;
use super::refusal::Opened;
use crate::exchange::{Answer, Received, Request};
use crate::failure::{Failure, Kind};
use crate::finite::Preset;
use crate::finite::mcp;
use crate::finite::meter::End;
use crate::finite::reader::{Front, Reader, Sink, read};
use crate::finite::rules::{Rules, message};
use crate::finite::worker::Worker;
use crate::kept::{LINGER, read_rest};

/// The wait before a cut stream is resumed, unless the server set another.
const RESUME_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RESUME_PAUSE: Duration = Duration::from_secs(60);
/// What is said to a server beside the requests that are measured.
const COURTESY_PATIENCE: Duration = Duration::from_secs(2);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

impl Slot {
    /// Over MCP: goes on where the stream was cut, if it has ids.
    pub(super) async fn resume(
        &mut self,
        reader: &mut Reader<'_>,
        session: &mcp::Session,
    ) -> Option<Answer> {
        let worker = Rc::clone(&self.worker);
        let plan = &worker.plan;
        let id = (plan.preset == Some(Preset::Mcp)).then(|| reader.resume_from())??;
        let pause = reader.retry.unwrap_or(RESUME_PAUSE);
        tokio::time::sleep(pause.clamp(RESUME_PAUSE, LONGEST_RESUME_PAUSE)).await;
        let (url, mut headers) = plan.of_session(self.number);
        headers.remove(CONTENT_TYPE);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(LAST_EVENT_ID, HeaderValue::from_str(id.as_str()).ok()?);
        session.add_to(&mut headers);
        let request = Request {
            method: &Method::GET,
            url: &url,
            slot: self.number,
            headers: &headers,
            body: None,
        };
        let answer = self.ask(&request).await.ok()?;
        match self.judge(answer).await {
            Ok(Opened::Stream(answer)) => {
                worker.tally.borrow_mut().counts.resumed += 1;
                Some(answer)
            }
            _ => None,
        }
    }

    /// Over MCP: `initialize` and its completion.
    pub(super) async fn begin_session(&mut self) -> Result<(), End> {
        let worker = Rc::clone(&self.worker);
        let plan = &worker.plan;
        let number = self.number;
        let (url, own) = plan.of_session(number);
        let request = |body| Request {
            method: &Method::POST,
            url: &url,
            slot: number,
            headers: &own,
            body: Some(body),
        };
        let body = mcp::initialize();
        let answer = self.ask(&request(&body)).await.map_err(End::Failed)?;
        let (answer, is_json) = match self.judge(answer).await? {
            Opened::Json(answer) => (answer, true),
            Opened::Stream(answer) => (answer, false),
        };
        let mut greeting = Greeting::new(is_json, plan.max_event);
        let mut leg = answer.leg;
        let read = read(&worker, &mut leg, &mut greeting).await;
        let ended = match read {
            Ok(ended) => ended.is_some(),
            Err(failure) if greeting.is_over() => {
                drop(failure);
                false
            }
            Err(failure) => return Err(End::CutShort(failure)),
        };
        let response = greeting.response().ok_or_else(|| {
            let detail = "initialize was not answered by a response with its id";
            End::CutShort(Failure::new(Kind::NoMarker, detail))
        })?;
        if let Some(error) = response.get("error") {
            let said = message(Some(&response), &error.to_string());
            return Err(End::Told(self.told(&format!("initialize: {said}"))));
        }
        if ended || read_rest(worker.wire(), &mut leg, LINGER).await {
            self.keep(leg);
        }
        let session = mcp::Session::new(&answer.headers, &response);
        let mut headers = own.clone();
        session.add_to(&mut headers);
        let body = mcp::initialized();
        let notification = Request {
            headers: &headers,
            ..request(&body)
        };
        let mut answer = self.ask(&notification).await.map_err(End::Failed)?;
        if read_rest(worker.wire(), &mut answer.leg, LINGER).await {
            self.keep(answer.leg);
        }
        worker.tally.borrow_mut().counts.sessions += 1;
        self.session = Some(session);
        Ok(())
    }

    /// Over MCP: what the server kept for the session can go.
    pub(super) async fn end_session(&mut self) {
        let Some(session) = self.session.take().filter(mcp::Session::is_kept) else {
            return;
        };
        let (url, mut headers) = self.worker.plan.of_session(self.number);
        headers.remove(CONTENT_TYPE);
        session.add_to(&mut headers);
        let request = Request {
            method: &Method::DELETE,
            url: &url,
            slot: self.number,
            headers: &headers,
            body: None,
        };
        // A courtesy that a server may refuse (405).
        let _ = tokio::time::timeout(COURTESY_PATIENCE, self.ask(&request)).await;
    }
}

/// Over MCP: answers a request of the server, beside the stream that brought it.
pub(in crate::finite) fn reply(
    worker: &Rc<Worker>,
    number: u32,
    session: &mcp::Session,
    body: Vec<u8>,
) {
    let worker = Rc::clone(worker);
    let (url, mut headers) = worker.plan.of_session(number);
    session.add_to(&mut headers);
    tokio::task::spawn_local(async move {
        let mut slot = Slot::new(Rc::clone(&worker), number);
        let request = Request {
            method: &Method::POST,
            url: &url,
            slot: number,
            headers: &headers,
            body: Some(&body),
        };
        // Where it does not arrive, the stream that waits for it tells.
        let _ = tokio::time::timeout(COURTESY_PATIENCE, slot.ask(&request)).await;
    });
}

/// The response to `initialize`, as a stream or a document.
struct Greeting {
    parser: Option<Parser>,
    front: Front,
    response: Option<serde_json::Value>,
}

impl Greeting {
    fn new(is_json: bool, most: usize) -> Self {
        Self {
            parser: (!is_json).then(Parser::new),
            front: Front {
                bytes: Vec::new(),
                most,
            },
            response: None,
        }
    }

    fn response(mut self) -> Option<serde_json::Value> {
        if self.parser.is_none() {
            let document = std::mem::take(&mut self.front.bytes);
            self.look(&String::from_utf8_lossy(&document));
        }
        self.response
    }

    fn look(&mut self, data: &str) {
        let seen = mcp::read(&Rules::default(), data, mcp::INITIALIZE);
        self.response = self.response.take().or(seen.response);
    }
}

impl Sink for Greeting {
    fn take(&mut self, data: &[u8], received: Received) {
        let Some(mut parser) = self.parser.take() else {
            return self.front.take(data, received);
        };
        let mut items = parser.feed(data);
        while let Ok(Some(item)) = items.next() {
            if let Item::Event(event) = item {
                self.look(event.data);
            }
        }
        drop(items);
        self.parser = Some(parser);
    }

    fn is_over(&self) -> bool {
        self.response.is_some() || self.front.is_over()
    }
}
