//! `GET /events`: from a request to a stream.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream as futures;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use sse_core::Event;
use url::form_urlencoded;

use crate::config::WhenFull;
use crate::http::accept::allows_event_stream;
use crate::http::auth::{Caller, Wish};
use crate::http::handover::carry;
use crate::http::peer::Peer;
use crate::http::problem::Problem;
use crate::http::router::App;
use crate::hub::{
    Filter, GapPolicy, Hub, NAME_MAX, Refused, Start, Subscribe, Subscription, TopicPattern,
    jittered,
};
use crate::metrics::Refusal;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The most bytes of a requested id.
const ID_MAX: usize = 4096;

/// The most topics, and the most event types, of one subscription.
const NAMES_MAX: usize = 64;

/// GET, and HEAD: the same answer without a subscriber behind it.
pub(super) async fn subscribe(
    State(app): State<App>,
    Peer(peer): Peer,
    Extension(caller): Extension<Caller>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = request(&uri, &headers)?;
    answer(&app, &method, peer, &caller, asked)
}

/// The same of a session alone: that of the path, else the caller's own.
pub(super) async fn subscribe_session(
    State(app): State<App>,
    Peer(peer): Peer,
    Extension(caller): Extension<Caller>,
    session: Result<Option<Path<String>>, PathRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session =
        session.map_err(|_| Problem::bad_request("the session is not UTF-8; correct the path"))?;
    let mut asked = request(&uri, &headers)?;
    let filter = &mut asked.wish.filter;
    filter.targeted_only = true;
    if let Some(Path(session)) = session {
        set_session(filter, name("session", &session)?)?;
    } else if filter.session.is_none() && caller.grant.is_none() && caller.session().is_none() {
        return Err(Problem::bad_request(
            "whose notifications? Ask for /notifications/ and the session",
        ));
    }
    answer(&app, &method, peer, &caller, asked)
}

fn answer(
    app: &App,
    method: &Method,
    peer: Option<SocketAddr>,
    caller: &Caller,
    asked: Asked,
) -> Result<Response, Problem> {
    let filter = caller
        .subscribe(asked.wish)
        .map_err(|cause| app.forbid(&cause))?;
    if *method == Method::HEAD {
        return Ok(head());
    }
    let request = Subscribe {
        filter,
        start: asked.start,
        gap: asked.gap,
        peer,
        expires: caller.grant.as_ref().and_then(|grant| grant.expires),
        replaces: replaced(app, caller),
    };
    Ok(open(app, request, caller))
}

fn open(app: &App, request: Subscribe, caller: &Caller) -> Response {
    match app.hub.subscribe(request) {
        Ok(subscription) => {
            supersede(app, caller, subscription.connection());
            stream(subscription)
        }
        Err(refused) => refusal(&app.hub, app.when_full, refused),
    }
}

/// The answer to HEAD: the head of a stream.
pub(super) fn head() -> Response {
    // Of unknown length, as the stream is: an empty body would be announced as 0.
    let nothing = futures::empty::<Result<Bytes, Infallible>>();
    event_stream(Body::from_stream(nothing))
}

/// The stream of a subscription.
pub(super) fn stream(subscription: Subscription) -> Response {
    carry(subscription, event_stream)
}

/// The answer to a subscriber for whom there is no place.
pub(super) fn refusal(hub: &Hub, when_full: WhenFull, refused: Refused) -> Response {
    let (cause, status, detail) = match refused {
        Refused::Full => (
            Refusal::Connections,
            StatusCode::SERVICE_UNAVAILABLE,
            "all connections are taken; come back after `Retry-After` seconds",
        ),
        Refused::PeerFull => (
            Refusal::PerPeer,
            StatusCode::TOO_MANY_REQUESTS,
            "your address has as many streams open as it may; close one, or come back after \
             `Retry-After` seconds",
        ),
        Refused::SessionFull => (
            Refusal::PerSession,
            StatusCode::TOO_MANY_REQUESTS,
            "the session has as many streams open as it may; close one, or come back after \
             `Retry-After` seconds",
        ),
        Refused::Draining => {
            hub.metrics().refuse(Refusal::Draining);
            return come_back(hub.config().retry);
        }
    };
    hub.metrics().refuse(cause);
    if when_full == WhenFull::Retry {
        return come_back(hub.config().retry);
    }
    let retry = hub.config().retry.as_secs().max(1);
    let mut response = Problem::new(status, detail).into_response();
    response.headers_mut().insert(RETRY_AFTER, retry.into());
    response
}

/// The connection of the caller's ticket, which is over once another opens: it
/// shall not stand in its own client's way.
fn replaced(app: &App, caller: &Caller) -> Option<String> {
    let ticket = caller.grant.as_ref()?.ticket?;
    app.auth.as_ref()?.tickets().connection(ticket)
}

/// A ticket holds one stream: the newest, as the others are those that a client
/// has lost.
fn supersede(app: &App, caller: &Caller, connection: &str) {
    let ticket = caller.grant.as_ref().and_then(|grant| grant.ticket);
    let before = app
        .auth
        .as_ref()
        .zip(ticket)
        .and_then(|(auth, ticket)| auth.tickets().opened(ticket, connection));
    if let Some(before) = before {
        app.hub.supersede(&before);
    }
}

/// An answer that every `EventSource` takes as "later": a native one gives up
/// for good on any status but 200.
fn come_back(reconnection_time: Duration) -> Response {
    let mut block = BytesMut::new();
    Event::from_retry(jittered(reconnection_time)).encode(&mut block);
    event_stream(Body::from(block.freeze()))
}

fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What a request asks for, whoever asks.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) wish: Wish,
    pub(super) start: Start,
    pub(super) gap: Option<GapPolicy>,
}

/// What a request asks for, or why it cannot be.
pub(super) fn request(uri: &Uri, headers: &HeaderMap) -> Result<Asked, Problem> {
    if !allows_event_stream(headers) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "this is an event stream; send `Accept: text/event-stream`",
        ));
    }
    let mut filter = Filter::default();
    let mut topics = Vec::new();
    let mut queried_id = None;
    let mut last = None;
    let mut gap = None;
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*key {
            "topic" => topics.push(pattern(&value)?),
            "event" | "eventName" => filter.event_types.push(name("event", &value)?),
            "session" => set_session(&mut filter, name("session", &value)?)?,
            "last_event_id" => queried_id = Some(value.into_owned()),
            "last" => last = Some(count(&value)?),
            "gap" => gap = Some(gap_policy(&value)?),
            // Others are left to the client: a cache buster, a proxy's mark.
            _ => {}
        }
    }
    if topics.len() > NAMES_MAX || filter.event_types.len() > NAMES_MAX {
        return Err(Problem::bad_request(format!(
            "more than {NAMES_MAX} of `topic` or `event`; use a pattern such as `orders.*`"
        )));
    }
    let names_topics = !topics.is_empty();
    if names_topics {
        filter.topics = topics;
    }
    let id = match last_event_id(headers)? {
        Some(id) => Some(id.to_vec()),
        None => queried_id.map(String::into_bytes),
    };
    let start = match (id.filter(|id| !id.is_empty()), last) {
        (Some(id), _) if id.len() > ID_MAX => {
            return Err(Problem::bad_request(format!(
                "the last event id is {} bytes long, more than {ID_MAX}; send one that this \
                 server gave",
                id.len()
            )));
        }
        (Some(id), _) if id == b"earliest" => Start::Earliest,
        (Some(id), _) => Start::After(id),
        (None, Some(count)) => Start::Last(count),
        (None, None) => Start::Head,
    };
    Ok(Asked {
        wish: Wish {
            filter,
            names_topics,
        },
        start,
        gap,
    })
}

/// A stream is of one session: which of two is meant, nobody knows.
fn set_session(filter: &mut Filter, session: String) -> Result<(), Problem> {
    match filter.session.replace(session) {
        Some(before) if filter.session.as_ref() != Some(&before) => Err(Problem::bad_request(
            "two different sessions; a stream is of one, so open one for each",
        )),
        _ => Ok(()),
    }
}

/// The `Last-Event-ID` header; an empty one is as good as none.
fn last_event_id(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all(&LAST_EVENT_ID).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::bad_request(
            "two `Last-Event-ID` headers; send the last one only",
        ));
    }
    Ok(first.map(HeaderValue::as_bytes).filter(|id| !id.is_empty()))
}

fn name(key: &str, value: &str) -> Result<String, Problem> {
    if value.is_empty() || value.len() > NAME_MAX {
        return Err(Problem::bad_request(format!(
            "`{key}` must be 1 to {NAME_MAX} bytes long, not {}",
            value.len()
        )));
    }
    if value.contains(['\r', '\n', '\0']) {
        return Err(Problem::bad_request(format!(
            "`{key}` may not contain a carriage return, a line feed or a NUL; remove it"
        )));
    }
    Ok(value.to_owned())
}

fn pattern(value: &str) -> Result<TopicPattern, Problem> {
    TopicPattern::parse(value).map_err(|problem| Problem::bad_request(format!("`topic` {problem}")))
}

fn count(value: &str) -> Result<usize, Problem> {
    value.parse().map_err(|_| {
        Problem::bad_request("`last` must be a number of events, for example `last=10`")
    })
}

fn gap_policy(value: &str) -> Result<GapPolicy, Problem> {
    match value {
        "oldest" => Ok(GapPolicy::Oldest),
        "latest" => Ok(GapPolicy::Latest),
        _ => Err(Problem::bad_request("`gap` must be `oldest` or `latest`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str, ids: &[&[u8]]) -> Result<Asked, Problem> {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(&LAST_EVENT_ID, HeaderValue::from_bytes(id).unwrap());
        }
        request(&format!("/events?{query}").parse().unwrap(), &headers)
    }

    fn start(query: &str, ids: &[&[u8]]) -> Start {
        ask(query, ids).unwrap().start
    }

    #[test]
    fn the_table_of_starts() {
        let after = |id: &[u8]| Start::After(id.to_vec());
        assert_eq!(start("", &[]), Start::Head);
        assert_eq!(start("", &[b""]), Start::Head);
        assert_eq!(start("last_event_id=", &[]), Start::Head);
        assert_eq!(start("", &[b"a-1"]), after(b"a-1"));
        assert_eq!(start("", &[b"\xff\xfe"]), after(b"\xff\xfe"));
        assert_eq!(start("last_event_id=a-1", &[]), after(b"a-1"));
        assert_eq!(start("last_event_id=a-1", &[b"b-2"]), after(b"b-2"));
        assert_eq!(start("last_event_id=a-1", &[b""]), after(b"a-1"));
        assert_eq!(start("last_event_id=earliest", &[]), Start::Earliest);
        assert_eq!(start("last=3", &[]), Start::Last(3));
        assert_eq!(start("last=3", &[b"b-2"]), after(b"b-2"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (query, ids, needle) in [
            ("", &[&b"a"[..], b"b"][..], "`Last-Event-ID`"),
            ("", &[&[b'a'; 4097][..]], "4096"),
            ("last=many", &[], "`last`"),
            ("gap=newest", &[], "`gap`"),
            ("topic=", &[], "`topic`"),
            ("topic=a*", &[], "`orders.*`"),
            ("topic=*.a", &[], "`orders.*`"),
            ("event=a%0Ab", &[], "`event`"),
            ("session=%00", &[], "`session`"),
            ("session=a&session=b", &[], "two different sessions"),
            (&"topic=a&".repeat(65), &[], "`topic`"),
        ] {
            let problem = ask(query, ids).unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
            assert!(problem.detail().contains(needle), "{}", problem.detail());
        }
        assert!(ask("", &[&[b'a'; 4096]]).is_ok());
    }

    #[test]
    fn the_filter_comes_from_the_query() {
        let filter = ask("topic=a&topic=b.*&event=tick&session=s%20t&_=17", &[])
            .unwrap()
            .wish
            .filter;
        assert_eq!(filter.topics, ["a", "b.*"].map(TopicPattern::new));
        assert_eq!(filter.event_types, ["tick"]);
        assert_eq!(filter.session.as_deref(), Some("s t"));
    }
}
