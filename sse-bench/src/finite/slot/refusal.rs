//! Which responses are read, and what is told of the others.

use std::fmt::Write;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use super::Slot;
use crate::exchange::Answer;
use crate::failure::{Failure, Kind};
use crate::finite::meter::End;
use crate::finite::reader::{Front, read};
use crate::finite::rules::clip;
use crate::report::invocation::shown_url;

/// The most of a refusal's body that is looked at, and how long.
const MOST_OF_A_REFUSAL: usize = 4 << 10;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);

/// A response that is to be read.
pub(super) enum Opened {
    Stream(Answer),
    Json(Answer),
}

impl Slot {
    /// Tells a stream, or where it may be a JSON document, from a refusal.
    pub(super) async fn judge(&mut self, answer: Answer) -> Result<Opened, End> {
        let worker = Rc::clone(&self.worker);
        let url = shown_url(&worker.plan.target.url);
        let essence = essence(&answer.headers);
        let coding = answer.headers.get(CONTENT_ENCODING).cloned();
        let coding = coding.filter(|coding| !coding.is_empty() && coding != "identity");
        let is_mcp = worker.plan.call.is_some();
        match essence.as_deref() {
            _ if answer.status != StatusCode::OK => {}
            Some("text/event-stream") if coding.is_none() => return Ok(Opened::Stream(answer)),
            Some("application/json") if is_mcp && coding.is_none() => {
                return Ok(Opened::Json(answer));
            }
            _ => {}
        }
        let Answer {
            status,
            headers,
            mut leg,
        } = answer;
        let wait = retry_after(&headers);
        let mut front = Front {
            bytes: Vec::new(),
            most: MOST_OF_A_REFUSAL,
        };
        let body = tokio::time::timeout(REFUSAL_PATIENCE, read(&worker, &mut leg, &mut front));
        if let Ok(Ok(Some(_))) = body.await {
            self.keep(leg);
        }
        let (kind, mut detail) = if status != StatusCode::OK {
            (Kind::Status(status), format!("{url}: {status}"))
        } else if let Some(coding) = coding {
            let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
            (
                Kind::ContentCoding,
                format!("{url}: content coding {coding}"),
            )
        } else {
            let essence = essence.as_deref().unwrap_or("of no type");
            let mut detail = format!("{url}: the answer is {essence}, not text/event-stream");
            if essence == "application/json" {
                detail += ": does the request ask for a stream (\"stream\":true)?";
            }
            (Kind::ContentType, detail)
        };
        if let Some(wait) = wait {
            // Writing to a string cannot fail.
            let _ = write!(detail, ", Retry-After {} s", wait.as_secs());
        }
        let said = String::from_utf8_lossy(&front.bytes);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        if !said.is_empty() {
            detail += ": ";
            detail += &clip(&self.without_secrets(&said));
        }
        Err(End::Refused(Failure::new(kind, detail), wait))
    }
}

/// Type and subtype of the last `Content-Type`, in lower case.
fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get_all(CONTENT_TYPE).iter().next_back()?;
    let essence = value.to_str().ok()?.split(';').next()?.trim();
    Some(essence.to_ascii_lowercase())
}

/// Seconds or a date (RFC 9110 §10.2.3); anything else is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(
        at.duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO),
    )
}
