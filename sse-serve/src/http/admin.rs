//! `GET /metrics`, who is connected, and which topics there are.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, StatusCode, Uri};
use serde::Serialize;
use url::form_urlencoded;

use crate::http::auth::Caller;
use crate::http::peer::Peer;
use crate::http::problem::Problem;
use crate::http::router::App;
use crate::http::status::{NoStore, no_store};
use crate::hub::{Connection, Hub};
use crate::metrics::Refusal;

/// Connections of one page.
const PAGE: usize = 1000;
const PAGE_MAX: usize = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct Connections {
    /// All that are open, on whatever page.
    total: usize,
    connections: Vec<Entry>,
    /// What `after` takes for the next page.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    session: Option<String>,
    peer: Option<SocketAddr>,
    filter: Filter,
    cursor: String,
    /// Events between the cursor and the head of the log.
    lag: u64,
    events: u64,
    bytes: u64,
    gaps: u64,
    /// RFC 3339.
    since: String,
}

#[derive(Debug, Serialize)]
struct Filter {
    topics: Vec<String>,
    /// Empty for all.
    events: Vec<String>,
    targeted_only: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Topics {
    /// All that have retained events, on whatever page.
    total: usize,
    topics: Vec<Topic>,
    /// Retained events with a target, whatever their topic: they stand in none
    /// of the windows.
    targeted: usize,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Topic {
    topic: String,
    /// Retained.
    events: usize,
    oldest: String,
    newest: String,
    subscriptions: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Disconnected {
    status: &'static str,
}

type Text = ([(HeaderName, &'static str); 2], String);

/// Open to everybody without authentication, as what scrapes it is elsewhere.
pub(super) async fn metrics(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Text, Problem> {
    caller.administer().map_err(|cause| app.forbid(&cause))?;
    let headers = [
        (
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, app.hub.metrics().text(&app.hub.reading())))
}

pub(super) async fn connections(
    State(app): State<App>,
    Peer(peer): Peer,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<NoStore<Connections>, Problem> {
    admit(&app, &caller, peer)?;
    let (after, limit) = page(&uri)?;
    // One more, to know whether there is a next page.
    let mut page = app.hub.page(after.as_deref(), limit + 1);
    let has_next = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| has_next);
    Ok(no_store(Connections {
        total: app.hub.connections(),
        next: next.map(|last| last.id().to_owned()),
        connections: page
            .iter()
            .map(|connection| entry(&app.hub, connection))
            .collect(),
    }))
}

pub(super) async fn topics(
    State(app): State<App>,
    Peer(peer): Peer,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<NoStore<Topics>, Problem> {
    admit(&app, &caller, peer)?;
    let hub = &app.hub;
    let (after, limit) = page(&uri)?;
    let mut page = hub.topics(after.as_deref(), limit + 1);
    let has_next = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| has_next);
    Ok(no_store(Topics {
        total: hub.topic_count(),
        targeted: hub.targeted(),
        next: next.map(|(last, _)| last.topic.clone()),
        topics: page
            .into_iter()
            .map(|(window, subscriptions)| Topic {
                oldest: hub.id(window.oldest),
                newest: hub.id(window.newest),
                topic: window.topic,
                events: window.events,
                subscriptions,
            })
            .collect(),
    }))
}

pub(super) async fn disconnect(
    State(app): State<App>,
    Peer(peer): Peer,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Result<NoStore<Disconnected>, Problem> {
    admit(&app, &caller, peer)?;
    // No id is anything but ASCII.
    if let Ok(Path(id)) = id
        && app.hub.disconnect(&id)
    {
        tracing::info!(connection = id, "closed by an operator");
        return Ok(no_store(Disconnected { status: "ok" }));
    }
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "no such connection; GET /connections lists those that are open",
    ))
}

/// Addresses of visitors, and the power to disconnect them, are for this machine
/// alone while nobody has to say who he is.
fn admit(app: &App, caller: &Caller, peer: Option<SocketAddr>) -> Result<(), Problem> {
    if app.auth.is_some() {
        return caller.administer().map_err(|cause| app.forbid(&cause));
    }
    if peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return Ok(());
    }
    app.hub.metrics().refuse(Refusal::Admin);
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "without authentication this is only for the machine that the server runs on; ask from \
         there",
    ))
}

fn page(uri: &Uri) -> Result<(Option<String>, usize), Problem> {
    let (mut after, mut limit) = (None, PAGE);
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*key {
            "after" => after = Some(value.into_owned()),
            "limit" => {
                let given = value.parse().ok();
                limit = given
                    .filter(|limit| (1..=PAGE_MAX).contains(limit))
                    .ok_or_else(|| {
                        Problem::bad_request(format!("`limit` must be a number, 1 to {PAGE_MAX}"))
                    })?;
            }
            _ => {}
        }
    }
    Ok((after, limit))
}

fn entry(hub: &Hub, connection: &Connection) -> Entry {
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let head = hub.head();
    let cursor = connection.position(head);
    let filter = connection.filter();
    Entry {
        id: connection.id().to_owned(),
        session: filter.session.clone(),
        peer: connection.peer,
        filter: Filter {
            topics: filter.topics.iter().map(ToString::to_string).collect(),
            events: filter.event_types.clone(),
            targeted_only: filter.targeted_only,
        },
        cursor: hub.id(cursor),
        lag: head.saturating_sub(cursor),
        events: load(&connection.events),
        bytes: load(&connection.bytes),
        gaps: load(&connection.gaps),
        since: connection.since.to_string(),
    }
}
