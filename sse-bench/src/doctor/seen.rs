//! What the watch says: the lints, and what is as it should be.

use std::fmt::Write;
use std::time::Duration;

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sse_core::Cause;
use sse_core::lint::LintKind;

use super::finding::{Area, Finding, Grade};
use super::watch::Watched;
use crate::failure::Kind;
use crate::report::head::us;
use crate::units::{micros, seconds, thousands};

/// The findings of a watch.
pub(super) fn findings(watched: &Watched) -> Vec<Finding> {
    let mut findings: Vec<Finding> = watched.lints.iter().map(Finding::from).collect();
    if let Some(refused) = refused(watched) {
        let known = |finding: &Finding| finding.grade == Grade::Problem;
        if !findings.iter().any(known) {
            findings.push(refused);
        }
        return findings;
    }
    for (area, finding) in [
        (Area::Answer, answer(watched)),
        (Area::Cache, cache(watched)),
        (Area::Flush, Some(flush(watched))),
        (Area::Heartbeat, Some(heartbeat(watched))),
        (Area::Ids, ids(watched)),
        (Area::Retry, retry(watched)),
        (Area::Text, text(watched)),
    ] {
        let told = findings.iter().any(|told| told.area == area);
        // How it was answered is always worth a line.
        if let Some(finding) = finding.filter(|_| !told || area == Area::Answer) {
            findings.push(finding);
        }
    }
    findings
}

/// Why there was no event stream.
fn refused(watched: &Watched) -> Option<Finding> {
    if watched.opened() {
        return None;
    }
    let listened = watched.listened.as_ref()?;
    let status = listened.head.as_ref().map(|(_, status, _)| *status);
    let evidence = match (&listened.failure, status, &listened.end) {
        (_, Some(StatusCode::NO_CONTENT), _) => {
            "204 No Content, which tells clients to stop".to_owned()
        }
        (Some(failure), ..) => failure.detail.clone(),
        (None, _, Some((cause, _))) => cause.to_string(),
        (None, _, None) => "no answer".to_owned(),
    };
    let finding = Finding::new(Grade::Problem, Area::Answer, "no event stream", evidence);
    let failure = listened.failure.as_ref();
    let is_late = failure.is_some_and(|failure| failure.kind == Kind::Timeout);
    Some(match listened.connected {
        Some(_) if is_late => finding.mend(
            "flush the head before the first event, and let nothing on the way collect it \
             (X-Accel-Buffering: no); --patience waits longer",
            LintKind::NginxBuffering.source(),
        ),
        _ => finding,
    })
}

fn time(duration: Duration) -> String {
    micros(us(duration))
}

fn answer(watched: &Watched) -> Option<Finding> {
    let listened = watched.listened.as_ref()?;
    let (head, status, headers) = listened.head.as_ref()?;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let what = format!("{} {}", status.as_u16(), kind.unwrap_or_default());
    let mut evidence = match listened.connected {
        Some(connected) => format!(
            "connected after {}, head after {}",
            time(connected),
            time(*head)
        ),
        None => format!("head after {}", time(*head)),
    };
    if listened.redirects > 0 {
        let (number, url) = (listened.redirects, &listened.url);
        let _ = write!(evidence, "; {number} redirects led to {url}");
    }
    let events = thousands(watched.events);
    let _ = write!(evidence, "; {events} events in {}", seconds(watched.length));
    let mut grade = Grade::Ok;
    if let Some((cause, _)) = &listened.end {
        let _ = write!(evidence, "; ended: {cause}");
        grade = match cause {
            Cause::EndOfStream => Grade::Ok,
            // No client reads on.
            Cause::Limit(_) => Grade::Problem,
            _ => Grade::Warning,
        };
    }
    Some(Finding::new(grade, Area::Answer, &what, evidence))
}

fn cache(watched: &Watched) -> Option<Finding> {
    let (_, _, headers) = watched.listened.as_ref()?.head.as_ref()?;
    let value = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    let evidence = format!("Cache-Control: {value}");
    Some(Finding::new(Grade::Ok, Area::Cache, "not stored", evidence))
}

fn flush(watched: &Watched) -> Finding {
    let Some(first) = watched.first_event else {
        let what = "cannot tell: no event came";
        return Finding::new(Grade::Note, Area::Flush, what, String::new());
    };
    let Watched {
        events,
        reads,
        most_in_a_read,
        ..
    } = watched;
    let evidence = format!(
        "first event {} after the request; {} events in {} reads, at most {most_in_a_read} in one",
        time(first),
        thousands(*events),
        thousands(*reads)
    );
    if *reads == 1 && *events > 1 {
        let what = "cannot tell: all events came in one read";
        return Finding::new(Grade::Note, Area::Flush, what, evidence);
    }
    let what = "nothing seems to wait on the way";
    Finding::new(Grade::Ok, Area::Flush, what, evidence)
}

fn heartbeat(watched: &Watched) -> Finding {
    let (silence, length) = (seconds(watched.silence), seconds(watched.length));
    let evidence = format!("longest silence {silence}, in {length}");
    let (grade, what) = match watched.comments {
        0 if watched.events > 0 && watched.silence * 2 < watched.length => {
            (Grade::Ok, "not needed: events came all the time".to_owned())
        }
        0 if watched.ended() => (Grade::Note, "none seen before the stream ended".to_owned()),
        0 => (
            Grade::Note,
            "none seen; watch for longer (--watch 2m)".to_owned(),
        ),
        1 => (Grade::Ok, "1 comment".to_owned()),
        comments => (Grade::Ok, format!("{} comments", thousands(comments))),
    };
    Finding::new(grade, Area::Heartbeat, &what, evidence)
}

fn ids(watched: &Watched) -> Option<Finding> {
    let (with_id, events) = (thousands(watched.with_id), thousands(watched.events));
    let what = format!("{with_id} of {events} events have an id");
    if watched.events == 0 {
        return None;
    }
    if watched.with_id == 0 {
        let evidence = "a client that lost its connection cannot say where it was";
        return Some(Finding::new(Grade::Note, Area::Ids, &what, evidence));
    }
    Some(Finding::new(Grade::Ok, Area::Ids, &what, String::new()))
}

fn retry(watched: &Watched) -> Option<Finding> {
    let time = watched.retry?;
    let evidence = format!("retry: {}", time.as_millis());
    Some(Finding::new(
        Grade::Ok,
        Area::Retry,
        "clients know when to come back",
        evidence,
    ))
}

fn text(watched: &Watched) -> Option<Finding> {
    let what = "no field is ignored, all is UTF-8";
    (watched.events > 0).then(|| Finding::new(Grade::Ok, Area::Text, what, String::new()))
}
