//! The state machine, driven by sockets and the clock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::batch::{Batch, ReceivedAt};
use super::error::{ConnectError, classify, innermost};
use super::refusal;
use super::request::{Auth, Request};
use super::transport::{Transport, TransportOptions};
use super::update::Update;
use crate::event::EventId;
use crate::source::{
    Connect, EventSource, LAST_EVENT_ID, ReadyState, SourceOptions, Transition, is_http,
    without_credentials,
};

/// Options of an [`EventStream`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// When and how to connect again. Its method is the request's, whatever it says.
    pub source: SourceOptions,
    /// How connections are made.
    pub transport: TransportOptions,
}

/// A stream of events that reconnects by itself, as `EventSource` does.
///
/// It reads only in [`next`](Self::next), one chunk at a time, so a slow reader
/// slows the server down: what waits stays in the kernel's buffers and, with
/// HTTP/2, in the flow-control window.
pub struct EventStream {
    source: EventSource,
    transport: Transport,
    request: Request,
    connection: Connection,
    /// Of the response that is being opened.
    head: Option<(StatusCode, Version, HeaderMap)>,
    /// The response that was refused last, its body unread.
    refused: Option<Box<reqwest::Response>>,
    closed: Arc<AtomicBool>,
    /// Until when to look for what arrived before a deadline that passed unseen.
    grace: Option<Instant>,
}

/// Where nobody called [`EventStream::next`] for a while, and the runtime has one
/// thread, what arrived in the meantime has yet to be read from the socket.
const GRACE: Duration = Duration::from_millis(100);

type Response = Pin<Box<dyn Future<Output = reqwest::Result<reqwest::Response>> + Send>>;

enum Connection {
    None,
    Requested(Response),
    Open(Box<reqwest::Response>),
}

enum Received {
    Head(Box<reqwest::Response>),
    Chunk(Bytes),
    End,
    Failure(reqwest::Error),
}

impl EventStream {
    /// A stream on a transport of its own. Nothing is sent before the first
    /// [`next`](Self::next).
    ///
    /// # Errors
    /// [`ConnectError`] names the option that cannot be met. Whatever a server
    /// or the network does is an [`Update`], not an error.
    pub fn connect(request: Request, options: Options) -> Result<Self, ConnectError> {
        let transport = Transport::new(&options.transport)?;
        Self::connect_with(&transport, request, options.source)
    }

    /// A stream on a transport that others use too.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong with the request.
    pub fn connect_with(
        transport: &Transport,
        mut request: Request,
        mut options: SourceOptions,
    ) -> Result<Self, ConnectError> {
        if !is_http(&request.url) {
            return Err(ConnectError::Url {
                url: without_credentials(&request.url),
            });
        }
        if request.headers.contains_key(http::header::ACCEPT_ENCODING) {
            return Err(ConnectError::AcceptEncoding);
        }
        if let Some(value) = request.headers.remove(LAST_EVENT_ID)
            && options.last_event_id == EventId::default()
        {
            options.last_event_id = std::str::from_utf8(value.as_bytes())
                .ok()
                .and_then(|id| EventId::new(id).ok())
                .ok_or(ConnectError::LastEventId)?;
        }
        options.method = request.method.clone();
        // What cannot be built now never can, and must not be taken for the
        // network's fault later.
        authorized(&transport.client, &request, &request.method, &request.url)
            .build()
            .map_err(|error| ConnectError::Request(innermost(&error)))?;
        let source = EventSource::new(now(), request.url.clone(), options, fastrand::f64);
        Ok(Self {
            source,
            transport: transport.clone(),
            request,
            connection: Connection::None,
            head: None,
            refused: None,
            closed: Arc::new(AtomicBool::new(false)),
            grace: None,
        })
    }

    /// What happens next; `None` after [`Update::Closed`].
    ///
    /// Cancel-safe: an update is either returned or still to come.
    pub async fn next(&mut self) -> Option<Update> {
        self.refused = None;
        loop {
            if let Some(transition) = self.source.poll() {
                return Some(self.carry_out(transition));
            }
            if self.source.ready_state() == ReadyState::Closed {
                return None;
            }
            let deadline = self.deadline();
            tokio::select! {
                biased;
                received = self.connection.receive() => {
                    if let Some(batch) = self.take(received) {
                        return Some(Update::Batch(batch));
                    }
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.grace = None;
                    self.source.handle_deadline(now());
                }
            }
        }
    }

    /// What the server said besides refusing: after an [`Update::Disconnected`] or
    /// [`Update::Closed`] for a status or a media type, the beginning of the body, at
    /// most 2 KiB, waited for at most a second. As it came: it may hold what steers a
    /// terminal, but no control characters other than white space. `None` where there
    /// is nothing, a page of HTML or XML, or what is no text, and when asked again
    /// or after the next call of [`next`](Self::next), which hangs up.
    pub async fn refusal(&mut self) -> Option<String> {
        let response = self.refused.take()?;
        refusal::read(*response).await
    }

    /// Closes for good: what was received and not yet returned is dropped, and
    /// [`Batch::dispatch`] ends at once.
    pub fn close(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.connection = Connection::None;
        self.source.close();
    }

    /// Connects now rather than when the delay is over; an open connection is
    /// dropped for it.
    pub fn reconnect_now(&mut self) {
        self.source.reconnect_now(now());
    }

    /// The last event ID of what was received; empty if none.
    pub fn last_event_id(&self) -> &str {
        self.source.last_event_id()
    }

    /// Whether it is connecting, open or closed for good.
    pub fn ready_state(&self) -> ReadyState {
        self.source.ready_state()
    }

    /// When the source wants to know that nothing came.
    fn deadline(&mut self) -> Option<Instant> {
        let due = Instant::from_std(self.source.deadline()?);
        if matches!(self.connection, Connection::None) || due > Instant::now() {
            return Some(due);
        }
        Some(*self.grace.get_or_insert_with(|| Instant::now() + GRACE))
    }

    fn carry_out(&mut self, transition: Transition) -> Update {
        match transition {
            Transition::Connect(connect) => {
                let request = send(&self.transport, &self.request, &connect);
                self.connection = Connection::Requested(request);
                Update::Connecting {
                    leg: connect.leg,
                    attempt: connect.attempt,
                    redirects: connect.redirects,
                    last_event_id_unsendable: connect.last_event_id_unsendable(),
                    url: without_credentials(&connect.url),
                    last_event_id: connect.last_event_id,
                }
            }
            Transition::Opened { leg } => {
                let (status, version, headers) = self.head.take().unwrap_or_default();
                Update::Open {
                    leg,
                    status,
                    version,
                    headers,
                }
            }
            Transition::Disconnected {
                leg,
                cause,
                retry_in,
                retry_at,
                unfinished,
            } => {
                self.connection = Connection::None;
                Update::Disconnected {
                    leg,
                    cause,
                    retry_in,
                    retry_at,
                    unfinished,
                }
            }
            Transition::Closed {
                leg,
                cause,
                unfinished,
            } => {
                self.connection = Connection::None;
                Update::Closed {
                    leg,
                    cause,
                    unfinished,
                }
            }
        }
    }

    fn take(&mut self, received: Received) -> Option<Batch> {
        self.grace = None;
        match received {
            Received::Head(mut response) => {
                let (status, version) = (response.status(), response.version());
                let headers = std::mem::take(response.headers_mut());
                self.source
                    .handle_response(now(), SystemTime::now(), status, &headers);
                if self.source.ready_state() == ReadyState::Open {
                    self.connection = Connection::Open(response);
                    self.head = Some((status, version, headers));
                } else {
                    self.refused = Some(response);
                }
                None
            }
            Received::Chunk(raw) if raw.is_empty() => None,
            Received::Chunk(raw) => {
                let leg = self.source.leg();
                let closed = Arc::clone(&self.closed);
                let mut batch = Batch::new(leg, ReceivedAt::now(), raw.clone(), closed);
                let mut items = self.source.handle_chunk(now(), &raw);
                while let Some(item) = items.next() {
                    // The position cannot be asked for while the item is borrowed.
                    batch.push(item);
                    batch.end_item(items.position());
                }
                Some(batch)
            }
            Received::End => {
                self.source.handle_end(now());
                None
            }
            Received::Failure(error) => {
                self.source.handle_failure(now(), classify(&error));
                None
            }
        }
    }
}

impl Connection {
    /// Cancel-safe: the future of the response is kept, and a chunk is taken
    /// whole or not at all. Never ends while there is no connection.
    async fn receive(&mut self) -> Received {
        let received = match self {
            Self::None => std::future::pending().await,
            Self::Requested(response) => response.await.map(|head| Received::Head(Box::new(head))),
            Self::Open(response) => response
                .chunk()
                .await
                .map(|chunk| chunk.map_or(Received::End, Received::Chunk)),
        };
        let received = received.unwrap_or_else(Received::Failure);
        if !matches!(received, Received::Chunk(_)) {
            *self = Self::None;
        }
        received
    }
}

fn send(transport: &Transport, request: &Request, connect: &Connect) -> Response {
    let (client, method, url) = (&transport.client, &connect.method, &connect.url);
    let mut builder = if connect.cross_origin {
        client.request(method.clone(), url.clone())
    } else {
        authorized(client, request, method, url)
    };
    builder = builder.headers(connect.headers(&request.headers));
    if connect.send_body && !request.body.is_empty() {
        builder = builder.body(request.body.clone());
    }
    Box::pin(builder.send())
}

fn authorized(
    client: &reqwest::Client,
    request: &Request,
    method: &Method,
    url: &Url,
) -> reqwest::RequestBuilder {
    let Some(auth) = &request.auth else {
        return client.request(method.clone(), url.clone());
    };
    // With those in the URL there would be two Authorization headers.
    let builder = client.request(method.clone(), without_credentials(url));
    match auth {
        Auth::Basic { user, password } => builder.basic_auth(user, password.as_ref()),
        Auth::Bearer(token) => builder.bearer_auth(token),
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
