//! `GET /health` and `GET /ready`.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::http::router::App;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    uptime_s: u64,
    connections: usize,
    events: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Ready {
    status: &'static str,
}

pub(super) type NoStore<T> = ([(http::HeaderName, &'static str); 1], Json<T>);

pub(super) async fn health(State(app): State<App>) -> NoStore<Health> {
    let draining = app.hub.is_draining();
    no_store(Health {
        status: if draining { "draining" } else { "ok" },
        uptime_s: app.hub.uptime().as_secs(),
        connections: app.hub.connections(),
        events: app.hub.events(),
    })
}

pub(super) async fn ready(State(app): State<App>) -> Result<NoStore<Ready>, Problem> {
    if app.hub.is_draining() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is shutting down; connect to another, or when it is back",
        ));
    }
    if !app.hub.is_log_available() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the log cannot be written; streams are served, publishing is refused",
        ));
    }
    Ok(no_store(Ready { status: "ready" }))
}

pub(super) fn no_store<T>(body: T) -> NoStore<T> {
    ([(CACHE_CONTROL, "no-store")], Json(body))
}
