//! `POST /ticket`: from a credential to one that can stand in a URL.

use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Serialize;

use crate::http::auth::{Caller, NoTicket};
use crate::http::problem::Problem;
use crate::http::publish::discard_rest;
use crate::http::router::App;
use crate::http::status::no_store;
use crate::metrics::Refusal;

#[derive(Debug, Serialize)]
struct Given {
    ticket: String,
    /// Seconds, rounded down.
    expires_in: u64,
    /// Seconds in which it must open its stream, rounded down.
    open_within: u64,
}

pub(super) async fn give(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Problem> {
    discard_rest(body).await;
    let grant = caller.ticket().map_err(|cause| app.forbid(&cause))?;
    let (Some(auth), Some(grant)) = (&app.auth, grant) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "there is no authentication here, and no need of a ticket; subscribe without",
        ));
    };
    let now = Instant::now();
    let seconds = |time: Instant| time.saturating_duration_since(now).as_secs();
    match auth.tickets().give(grant, now) {
        Ok((ticket, expires)) => {
            let expires_in = seconds(expires);
            let open_within = app.open_within.as_secs().min(expires_in);
            Ok(no_store(Given {
                ticket,
                expires_in,
                open_within,
            })
            .into_response())
        }
        Err(NoTicket::Full(next)) => {
            app.hub.metrics().refuse(Refusal::Tickets);
            let detail = "there are as many tickets as there may be; come back after \
                          `Retry-After` seconds, or raise --max-tickets";
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            Ok(later(problem, seconds(next)))
        }
        Err(NoTicket::Share(next)) => {
            app.hub.metrics().refuse(Refusal::Tickets);
            let detail = "the credential has as many tickets as are left for all others; use \
                          those again, or come back after `Retry-After` seconds, or raise \
                          --max-tickets";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
            Ok(later(problem, seconds(next)))
        }
        Err(NoTicket::Random) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the system gives no random numbers; try again later",
        )),
    }
}

fn later(problem: Problem, seconds: u64) -> Response {
    let mut response = problem.into_response();
    let wait = (seconds + 1).min(Duration::from_secs(60).as_secs());
    response.headers_mut().insert(RETRY_AFTER, wait.into());
    response
}
