//! From a request over HTTP/1 to a stream that a writer thread goes on with.
//!
//! The handler's response carries its subscription. Where the connection is a
//! plain one, its service never answers hyper: once hyper has sent what was before,
//! the socket is taken from it and handed over. Everywhere else the response's
//! body reads the subscription.

use std::fmt::Write;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::hub::Subscription;
use crate::metrics::OpenSocket;
use crate::writer::{Framing, Handover};

/// The subscription behind a response, until somebody goes on with it.
#[derive(Debug, Clone)]
struct Carried(Arc<Mutex<Option<Subscription>>>);

impl Carried {
    fn take(&self) -> Option<Subscription> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A response that can be handed over.
pub(super) fn carry(
    subscription: Subscription,
    respond: impl FnOnce(Body) -> Response,
) -> Response {
    let carried = Carried(Arc::new(Mutex::new(Some(subscription))));
    let mut response = respond(body(carried.clone()));
    response.extensions_mut().insert(carried);
    response
}

fn body(carried: Carried) -> Body {
    enum State {
        Carried(Carried),
        Taken(Box<Subscription>),
    }
    let state = State::Carried(carried);
    Body::from_stream(stream::unfold(state, |state| async {
        let mut subscription = match state {
            State::Carried(carried) => Box::new(carried.take()?),
            State::Taken(subscription) => subscription,
        };
        let bytes = subscription.next().await?;
        Some((
            Ok::<_, std::convert::Infallible>(bytes),
            State::Taken(subscription),
        ))
    }))
}

/// Where a connection and its service meet.
#[derive(Debug, Default)]
pub(super) struct Stage {
    taken: Mutex<Option<Taken>>,
    /// Whether hyper's last word to the socket was a flush, which it gives only
    /// when it holds nothing back.
    is_flushed: AtomicBool,
}

/// What is handed over, but for the socket.
#[derive(Debug)]
pub(super) struct Taken {
    subscription: Subscription,
    head: Bytes,
    framing: Framing,
}

impl Taken {
    pub(super) fn with(self, stream: TcpStream, open: OpenSocket) -> Handover {
        Handover {
            stream,
            head: self.head,
            framing: self.framing,
            subscription: self.subscription,
            open,
        }
    }
}

impl Stage {
    pub(super) fn set_flushed(&self, is_flushed: bool) {
        self.is_flushed.store(is_flushed, Ordering::Relaxed);
    }

    /// Whether the socket can be taken from hyper, once that was polled.
    pub(super) fn is_ready(&self) -> bool {
        self.is_flushed.load(Ordering::Relaxed) && self.taken().is_some()
    }

    pub(super) fn take(&self) -> Option<Taken> {
        self.taken().take()
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Option<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The router of a plain connection, told who asks. It answers all but streams.
#[derive(Debug)]
pub(super) struct Plain {
    peer: ConnectInfo<SocketAddr>,
    router: TowerToHyperService<Router>,
    stage: Arc<Stage>,
}

impl Plain {
    pub(super) fn new(peer: SocketAddr, router: Router, stage: Arc<Stage>) -> Self {
        Self {
            peer: ConnectInfo(peer),
            router: TowerToHyperService::new(router),
            stage,
        }
    }
}

type Inner = TowerToHyperService<Router>;
type Answer = <Inner as Service<Request<Incoming>>>::Response;
type Failure = <Inner as Service<Request<Incoming>>>::Error;

impl Service<Request<Incoming>> for Plain {
    type Response = Answer;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let version = request.version();
        // The rest of a body would be taken for input on the stream.
        let is_plain = *request.method() == Method::GET
            && request.body().is_end_stream()
            && matches!(version, Version::HTTP_10 | Version::HTTP_11);
        let answer = self.router.call(request);
        let stage = Arc::clone(&self.stage);
        Box::pin(async move {
            let response = answer.await?;
            let taken = is_plain.then(|| take(&response, version)).flatten();
            let Some(taken) = taken else {
                return Ok(response);
            };
            *stage.taken() = Some(taken);
            std::future::pending().await
        })
    }
}

/// Takes the subscription of a response whose body is what the handler made it.
fn take(response: &Response, version: Version) -> Option<Taken> {
    let headers = response.headers();
    let is_changed = response.status() != StatusCode::OK
        || headers.contains_key(CONTENT_ENCODING)
        || headers.contains_key(CONTENT_LENGTH);
    let carried = response.extensions().get::<Carried>();
    let subscription = carried.filter(|_| !is_changed)?.take()?;
    let framing = match version {
        Version::HTTP_10 => Framing::Close,
        _ => Framing::Chunked,
    };
    Some(Taken {
        subscription,
        head: head(headers, framing),
        framing,
    })
}

/// The head of the response (RFC 9112 §4). The connection ends with the stream:
/// what else was sent on it is not answered (§9.6).
fn head(headers: &HeaderMap, framing: Framing) -> Bytes {
    let mut head = BytesMut::with_capacity(256);
    head.extend_from_slice(match framing {
        Framing::Chunked => b"HTTP/1.1 200 OK\r\n",
        Framing::Close => b"HTTP/1.0 200 OK\r\n",
    });
    let own = [&CONNECTION, &TRANSFER_ENCODING];
    for (name, value) in headers.iter().filter(|(name, _)| !own.contains(name)) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if framing == Framing::Chunked {
        head.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    head.extend_from_slice(b"connection: close\r\n");
    if !headers.contains_key(DATE) {
        let date = httpdate::HttpDate::from(SystemTime::now());
        // Writing to memory cannot fail.
        let _ = write!(head, "date: {date}\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_head_is_that_of_its_version_and_ends_the_connection() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-type",
            HeaderValue::from_static("text/event-stream"),
        );
        headers.append("vary", HeaderValue::from_static("origin"));
        headers.append("vary", HeaderValue::from_static("accept"));
        headers.insert(
            DATE,
            HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"),
        );
        let fields = "content-type: text/event-stream\r\nvary: origin\r\nvary: accept\r\n\
                      date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        assert_eq!(
            head(&headers, Framing::Chunked),
            format!(
                "HTTP/1.1 200 OK\r\n{fields}transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            )
        );
        assert_eq!(
            head(&headers, Framing::Close),
            format!("HTTP/1.0 200 OK\r\n{fields}connection: close\r\n\r\n")
        );
    }
}
