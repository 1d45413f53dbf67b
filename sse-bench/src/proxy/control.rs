//! The control address: state, faults and cuts by HTTP.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::fault::{Cut, Fault, Origin};
use super::response::problem;
use super::shared::Shared;
use super::spec::{Spec, SpecError};

const HELP: &str = "\
sse-bench proxy, control address

GET    /state          upstream, faults in force, counters (JSON)
GET    /faults         the faults in force
PUT    /faults         these faults instead of those in force: a JSON array
POST   /faults         one fault more: a JSON object, or a line such as drop,every=3
DELETE /faults         no faults
DELETE /faults/NAME    not this one
POST   /cut?how=rst    cut all that is open now: fin, rst or end
";

/// Serves for ever.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/", get(async || HELP))
        .route("/state", get(state))
        .route(
            "/faults",
            get(list).put(replace).post(add).delete(remove_all),
        )
        .route("/faults/{name}", delete(remove))
        .route("/cut", post(cut))
        .fallback(async || refusal(StatusCode::NOT_FOUND, "there is no such path; see GET /"))
        .layer(from_fn(not_from_pages))
        .with_state(shared);
    // Returns only where accepting fails for good.
    let _ = axum::serve(listener, router).await;
}

/// A page in a browser must not command the proxy: whatever it sends that could
/// change something carries an `Origin`.
async fn not_from_pages(request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        return refusal(
            StatusCode::FORBIDDEN,
            "requests of web pages (with Origin) are refused",
        );
    }
    next.run(request).await
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.state_json())
}

async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.faults_json())
}

async fn replace(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Ok(Value::Array(list)) = serde_json::from_slice(&body) else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "the body must be a JSON array of faults",
        );
    };
    let faults: Result<Vec<_>, _> = list.into_iter().map(from_json).collect();
    set(&shared, faults, |_| true, StatusCode::OK)
}

async fn add(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let fault = match serde_json::from_slice(&body) {
        Ok(value) => from_json(value),
        Err(_) => {
            let text = String::from_utf8_lossy(&body);
            Spec::parse(text.trim()).into_fault(Origin::Control)
        }
    };
    let faults = fault.map(|fault| vec![fault]);
    set(&shared, faults, |_| false, StatusCode::CREATED)
}

fn set(
    shared: &Shared,
    faults: Result<Vec<Fault>, SpecError>,
    replaced: impl Fn(&Fault) -> bool,
    status: StatusCode,
) -> Response {
    let faults = match faults {
        Ok(faults) => faults,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match shared.set(faults, replaced) {
        Ok(()) => (status, Json(shared.faults_json())).into_response(),
        Err(problem) => refusal(StatusCode::CONFLICT, &problem),
    }
}

async fn remove_all(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "removed": shared.remove(|_| true) }))
}

async fn remove(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match shared.remove(|fault| fault.name == name) {
        0 => refusal(StatusCode::NOT_FOUND, "no fault of this name is in force"),
        removed => Json(json!({ "removed": removed })).into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct How {
    how: Option<String>,
}

async fn cut(State(shared): State<Arc<Shared>>, Query(query): Query<How>) -> Response {
    match Cut::parse(query.how.as_deref().unwrap_or("rst")) {
        Ok(how) => Json(json!({ "cut": shared.cut_all(how) })).into_response(),
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &format!("how: {problem}")),
    }
}

fn from_json(value: Value) -> Result<Fault, SpecError> {
    let spec = match value {
        Value::Object(map) => Spec::collect(map.into_iter().map(|(key, value)| {
            let text = match value {
                Value::String(text) => Some(text),
                Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
                _ => None,
            };
            (key, text)
        }))?,
        Value::String(text) => Spec::parse(&text),
        _ => Spec::default(),
    };
    spec.into_fault(Origin::Control)
}

fn refusal(status: StatusCode, detail: &str) -> Response {
    let json = [(CONTENT_TYPE, "application/problem+json")];
    (status, json, problem(status, detail)).into_response()
}
