//! `POST /trigger`: from a body to events in the log.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;

use crate::http::auth::Caller;
use crate::http::bodies::Room;
use crate::http::payload;
use crate::http::problem::Problem;
use crate::http::router::App;
use crate::hub::PublishError;
use crate::metrics::Refusal;

/// What is still read of a refused request, so that the answer is not lost to
/// a reset: bytes, and time.
const DISCARD_MAX: usize = 64 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// The time a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize)]
pub(super) struct Published {
    status: &'static str,
    ids: Vec<String>,
}

pub(super) async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Published>, Problem> {
    if let Err(cause) = caller.is_publisher() {
        discard_rest(body).await;
        return Err(app.forbid(&cause));
    }
    let limits = &app.limits;
    let metrics = app.hub.metrics();
    // Held until the events are in the log.
    let mut room = app.bodies.room();
    let reading = read(&headers, body, limits.body_bytes, &mut room);
    let body = tokio::time::timeout(BODY_TIME, reading)
        .await
        .map_err(|_| {
            metrics.refuse(Refusal::BodyTime);
            let detail = format!("the body took longer than {} s", BODY_TIME.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?
        .inspect_err(|problem| match problem.status() {
            StatusCode::PAYLOAD_TOO_LARGE => metrics.refuse(Refusal::BodySize),
            StatusCode::SERVICE_UNAVAILABLE => metrics.refuse(Refusal::BodyMemory),
            _ => {}
        })?;
    let mut events =
        payload::parse(&body, is_ndjson(&headers), limits.event_bytes).inspect_err(|problem| {
            if problem.status() == StatusCode::PAYLOAD_TOO_LARGE {
                metrics.refuse(Refusal::EventSize);
            }
        })?;
    caller
        .publish(&events)
        .map_err(|cause| app.forbid(&cause))?;
    if let Some(identity) = caller.identity() {
        for event in &mut events {
            event.publish_as(identity);
        }
    }
    let ids = app.hub.publish(&events).await.map_err(|error| {
        let status = match error {
            PublishError::Draining | PublishError::Unavailable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            PublishError::NoSuchConnection(_) => StatusCode::NOT_FOUND,
            PublishError::KeyTaken(_) => StatusCode::CONFLICT,
            PublishError::TooLarge { .. } => {
                metrics.refuse(Refusal::EventSize);
                StatusCode::PAYLOAD_TOO_LARGE
            }
            PublishError::TooManyTopics(_) => {
                metrics.refuse(Refusal::Topics);
                StatusCode::TOO_MANY_REQUESTS
            }
        };
        Problem::new(status, error.to_string())
    })?;
    Ok(Json(Published { status: "ok", ids }))
}

/// Reads and forgets the rest of a request that is refused, within bounds.
pub(super) async fn discard_rest(mut body: Body) {
    let mut discarded = 0;
    let drain = async {
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, bytes::Bytes::len);
            if discarded > DISCARD_MAX {
                return;
            }
        }
    };
    // Late or not, the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIME, drain).await;
}

async fn read(
    headers: &HeaderMap,
    mut body: Body,
    max: usize,
    room: &mut Room,
) -> Result<BytesMut, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is over {max} bytes; publish in several requests"),
        )
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Who expects 100 has sent nothing yet (RFC 9110 §10.1.1).
    if headers.contains_key(EXPECT) && announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::bad_request(format!("the body broke off: {error}; send it again"))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > max {
            drop(bytes);
            discard_rest(body).await;
            return Err(too_large());
        }
        if room.reserve(bytes.len() + data.len()).is_err() {
            drop((bytes, data));
            discard_rest(body).await;
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "other requests hold all the memory that is set aside for bodies; publish again \
                 in a while, or raise --max-body-memory. Nothing was published",
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn is_ndjson(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok()?.parse::<mime::Mime>().ok());
    essence.is_some_and(|mime| {
        [
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
        ]
        .contains(&mime.essence_str())
    })
}
