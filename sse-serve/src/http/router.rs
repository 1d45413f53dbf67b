//! Which path does what.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use crate::config::{Config, WhenFull};
use crate::http::problem::Problem;
use crate::http::publish::{discard_rest, publish};
use crate::http::subscribe::{probe, subscribe, subscribe_session};
use crate::http::{guard, page, status};
use crate::hub::Hub;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) hub: Hub,
    pub(super) when_full: WhenFull,
    pub(super) on_loopback: bool,
    endpoints: Arc<str>,
}

/// Paths with a meaning of their own.
const TAKEN: [&str; 7] = [
    "/trigger",
    "/events/trigger",
    "/events/stream",
    "/sse/event-stream",
    "/notifications",
    "/health",
    "/ready",
];

/// Refuses a stream path that could not be routed.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let problem = if !path.starts_with('/') {
        "does not start with a slash"
    } else if TAKEN.contains(&path) || page::is_at(path) || path.starts_with("/notifications/") {
        "is another endpoint's"
    } else if path.contains(['{', '}', '*', '?', '#']) || path.contains(char::is_whitespace) {
        "may not contain braces, an asterisk, `?`, `#` or a space"
    } else {
        return Ok(());
    };
    Err(problem)
}

pub(super) fn router(hub: Hub, config: &Config, on_loopback: bool) -> Router {
    let app = App {
        hub,
        when_full: config.when_full,
        on_loopback,
        endpoints: format!(
            "GET {0} subscribes, POST {0} publishes, GET /health tells how it is",
            config.path
        )
        .into(),
    };
    let stream = || -> MethodRouter<App> { get(subscribe).head(probe) };
    Router::new()
        .route(&config.path, stream().post(publish))
        .route("/events/stream", stream())
        .route("/sse/event-stream", stream())
        .route(
            "/notifications/{session}",
            get(subscribe_session).head(probe),
        )
        .route("/trigger", axum::routing::post(publish))
        .route("/events/trigger", axum::routing::post(publish))
        .route("/health", get(status::health))
        .route("/ready", get(status::ready))
        .merge(page::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
        .with_state(app)
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
    let detail = format!(
        "{} does not take {}; `Allow` lists what it takes",
        request.uri().path(),
        request.method()
    );
    discard_rest(request.into_body()).await;
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
