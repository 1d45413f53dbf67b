//! Which path does what.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use http::header::ACCESS_CONTROL_REQUEST_METHOD;
use ipnet::IpNet;
use url::Url;

use crate::config::{Config, Cors, Limits, WhenFull};
use crate::http::auth::{Authenticator, Forbidden};
use crate::http::bodies::Bodies;
use crate::http::problem::Problem;
use crate::http::publish::{discard_rest, publish};
use crate::http::subscribe::{subscribe, subscribe_session};
use crate::http::{admin, cors, guard, page, status, ticket};
use crate::hub::Hub;
use crate::metrics::Refusal;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) hub: Hub,
    pub(super) when_full: WhenFull,
    pub(super) limits: Limits,
    pub(super) cors: Arc<Cors>,
    pub(super) on_loopback: bool,
    /// `None` while it is off.
    pub(super) auth: Option<Arc<Authenticator>>,
    /// The time a ticket has to open its stream.
    pub(super) open_within: Duration,
    pub(super) trusted_proxies: Arc<[IpNet]>,
    pub(super) bodies: Bodies,
    endpoints: Arc<str>,
}

impl App {
    /// The answer to a caller who is known and may not do what it asks.
    pub(super) fn forbid(&self, cause: &Forbidden) -> Problem {
        self.hub.metrics().refuse(Refusal::Forbidden);
        Problem::new(StatusCode::FORBIDDEN, cause.detail())
            .with_challenge(r#"Bearer realm="sse-serve", error="insufficient_scope""#)
    }
}

/// Paths with a meaning of their own.
const TAKEN: [&str; 11] = [
    "/trigger",
    "/events/trigger",
    "/events/stream",
    "/sse/event-stream",
    "/notifications",
    "/ticket",
    "/health",
    "/ready",
    "/metrics",
    "/connections",
    "/topics",
];

/// Refuses a stream path that could not be routed.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let problem = if !path.starts_with('/') {
        "does not start with a slash"
    } else if TAKEN.contains(&path)
        || page::is_at(path)
        || path.starts_with("/notifications/")
        || path.starts_with("/connections/")
    {
        "is another endpoint's"
    } else if path.contains(['{', '}', '*', '?', '#']) || path.contains(char::is_whitespace) {
        "may not contain braces, an asterisk, `?`, `#` or a space"
    } else if !is_of_url(path) {
        "is not as clients send it; leave out `.` and `..`, and write what is not ASCII as %XX"
    } else {
        return Ok(());
    };
    Err(problem)
}

/// Whether a URL with this path has it as it is (URL Standard §4.4).
fn is_of_url(path: &str) -> bool {
    let url = Url::parse(&format!("http://hub{path}"));
    url.is_ok_and(|url| url.path() == path)
}

pub(super) fn router(
    hub: Hub,
    config: &Config,
    on_loopback: bool,
    auth: Option<Arc<Authenticator>>,
) -> Router {
    let app = App {
        hub,
        when_full: config.when_full,
        limits: config.limits,
        cors: Arc::new(config.cors.clone()),
        on_loopback,
        auth,
        open_within: config.auth.tickets.open_within,
        trusted_proxies: config.trusted_proxies.as_slice().into(),
        bodies: Bodies::new(config.limits.body_memory),
        endpoints: format!(
            "GET {0} subscribes, POST {0} publishes, GET /health tells how it is",
            config.path
        )
        .into(),
    };
    let stream = || -> MethodRouter<App> { get(subscribe) };
    let router = Router::new()
        .route(&config.path, stream().post(publish))
        .route("/events/stream", stream())
        .route("/sse/event-stream", stream())
        .route("/notifications", get(subscribe_session))
        .route("/notifications/{session}", get(subscribe_session))
        .route("/trigger", axum::routing::post(publish))
        .route("/events/trigger", axum::routing::post(publish))
        .route("/ticket", axum::routing::post(ticket::give))
        .route("/health", get(status::health))
        .route("/ready", get(status::ready))
        .route("/metrics", get(admin::metrics))
        .route("/topics", get(admin::topics))
        .route("/connections", get(admin::connections))
        .route(
            "/connections/{id}",
            axum::routing::delete(admin::disconnect),
        )
        .merge(page::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
        .with_state(app);
    // Outermost: preflights come before any refusal, and refusals carry its marks.
    match cors::layer(&config.cors) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

async fn not_found(
    axum::extract::State(app): axum::extract::State<App>,
    request: Request,
) -> Problem {
    let detail = format!("nothing is at {}; {}", request.uri().path(), app.endpoints);
    discard_rest(request.into_body()).await;
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn method_not_allowed(request: Request) -> Problem {
    let is_preflight = request
        .headers()
        .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mend = if is_preflight {
        "allow pages of that origin with --cors-origin"
    } else {
        "`Allow` lists what it takes"
    };
    let (path, method) = (request.uri().path(), request.method());
    let detail = format!("{path} does not take {method}; {mend}");
    discard_rest(request.into_body()).await;
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
