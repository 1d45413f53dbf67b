//! The hub in another program's own router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::request::Parts;

use crate::config::{Config, Store, WhenFull};
use crate::error::StartError;
use crate::http::auth::Authenticator;
use crate::http::peer::Peer;
use crate::http::subscribe::{self, Asked};
use crate::http::{check_path, cors};
use crate::hub::{Hub, Subscribe, TopicPattern};
use crate::log::{OpenError, Options, SqliteLog};

/// The hub over the store that is configured, to publish through and to serve with
/// [`router`]. [`Hub::new`] is one in memory.
///
/// # Errors
/// [`OpenError`] if the store cannot be used.
pub fn open_hub(config: &Config) -> Result<Hub, OpenError> {
    let hub = config.hub.clone();
    let Store::Sqlite {
        path,
        durability,
        memory,
    } = &config.store
    else {
        return Ok(Hub::new(hub));
    };
    let options = Options {
        path: path.clone(),
        durability: *durability,
        memory: *memory,
    };
    let log = SqliteLog::open(&options, hub.retention, &hub.topics)?;
    Ok(Hub::over(Box::new(log), hub))
}

/// All that a [`Server`](crate::Server) answers, to be nested or merged into a
/// router of the program's own and served by it.
///
/// Of the configuration it heeds the path, CORS, authentication, the sizes of
/// bodies and events, and [`Config::when_full`]. What belongs to a connection, as
/// timeouts, TLS and the refusal of foreign hosts on loopback, is the program's.
/// Peers are known where it is served with
/// [`into_make_service_with_connect_info`](Router::into_make_service_with_connect_info);
/// without, nobody is taken to be on this machine, and without authentication
/// `/connections` and `/topics` are for nobody.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = sse_serve::Hub::new(sse_serve::HubConfig::default());
/// let sse = sse_serve::router(hub.clone(), &sse_serve::Config::default())?;
/// let app: axum::Router = axum::Router::new().nest("/sse", sse);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`StartError`] if the path cannot be routed, an origin is none, or a secret
/// cannot be read.
pub fn router(hub: Hub, config: &Config) -> Result<Router, StartError> {
    check_path(&config.path).map_err(|problem| StartError::Path {
        path: config.path.clone(),
        problem,
    })?;
    cors::check(&config.cors)?;
    let auth = Authenticator::new(&config.auth)?.map(Arc::new);
    Ok(super::router::router(hub, config, false, auth))
}

/// A request for an event stream, as an extractor for handlers of the program's
/// own: what its query and headers ask for, which the handler may narrow before it
/// opens the stream.
///
/// The query and `Last-Event-ID` mean what they do at `/events`. What cannot be is
/// refused before the handler: 406 where `Accept` does not allow an event stream,
/// 400 otherwise.
///
/// ```
/// use axum::extract::State;
/// use axum::response::Response;
/// use sse_serve::{EventStreamRequest, Hub};
///
/// // The middleware of the program has found out who asks.
/// #[derive(Clone)]
/// struct User(String);
///
/// async fn orders(
///     State(hub): State<Hub>,
///     axum::Extension(user): axum::Extension<User>,
///     request: EventStreamRequest,
/// ) -> Response {
///     request.with_topics(["orders.*"]).with_session(user.0).open(&hub)
/// }
/// # let hub = Hub::new(sse_serve::HubConfig::default());
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(orders)).with_state(hub);
/// ```
#[derive(Debug)]
pub struct EventStreamRequest {
    asked: Asked,
    method: Method,
    peer: Option<SocketAddr>,
    when_full: WhenFull,
    expires: Option<Instant>,
}

impl EventStreamRequest {
    /// Topics, and patterns such as `orders.*`, in place of those asked for.
    #[must_use]
    pub fn with_topics(mut self, topics: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let patterns = topics
            .into_iter()
            .map(|topic| TopicPattern::new(topic.as_ref()));
        self.asked.wish.filter.topics = patterns.collect();
        self
    }

    /// Event types in place of those asked for; none is all.
    #[must_use]
    pub fn with_event_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.asked.wish.filter.event_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// The session whose events it gets, in place of the one asked for.
    #[must_use]
    pub fn with_session(mut self, session: impl Into<String>) -> Self {
        self.asked.wish.filter.session = Some(session.into());
        self
    }

    /// Nothing but what is targeted at the session.
    #[must_use]
    pub fn targeted_only(mut self) -> Self {
        self.asked.wish.filter.targeted_only = true;
        self
    }

    /// When the stream ends, as with the credential that it was opened with.
    #[must_use]
    pub fn until(mut self, expires: Instant) -> Self {
        self.expires = Some(expires);
        self
    }

    /// The answer where there is no place. Default [`WhenFull::Reject`].
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// The topics asked for.
    pub fn topics(&self) -> Vec<String> {
        let topics = &self.asked.wish.filter.topics;
        topics.iter().map(ToString::to_string).collect()
    }

    /// The session asked for.
    pub fn session(&self) -> Option<&str> {
        self.asked.wish.filter.session.as_deref()
    }

    /// The stream, or the refusal where there is no place. To HEAD it answers
    /// without a subscriber behind it.
    pub fn open(self, hub: &Hub) -> Response {
        if self.method == Method::HEAD {
            return subscribe::head();
        }
        let request = Subscribe {
            filter: self.asked.wish.filter,
            start: self.asked.start,
            gap: self.asked.gap,
            peer: self.peer,
            expires: self.expires,
            replaces: None,
        };
        match hub.subscribe(request) {
            Ok(subscription) => subscribe::stream(subscription),
            Err(refused) => subscribe::refusal(hub, self.when_full, refused),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for EventStreamRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let asked = subscribe::request(&parts.uri, &parts.headers);
        let asked = asked.map_err(IntoResponse::into_response)?;
        Ok(Self {
            asked,
            method: parts.method.clone(),
            peer: Peer::of(parts).0,
            when_full: WhenFull::default(),
            expires: None,
        })
    }
}
