//! V03, V04, V08-V10, V38, V44: methods, versions, negotiation, credentials.

use std::io::Read;

use flate2::read::GzDecoder;
use tokio::time::Instant;

use super::leg::{Leg, Missing, What};
use super::site::{AT_ONCE, Shared};
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};

/// What is decompressed, in bytes: a server may send what grows without end.
const MOST_DECODED: u64 = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::live(
            "V03/absent",
            "a request without Accept gets the stream",
            "RFC 9110 §12.5.1: without it, any type is acceptable",
            |site| Box::pin(accept(site, None)),
        ),
        Case::live(
            "V03/any",
            "a request that accepts */* gets the stream",
            "RFC 9110 §12.5.1",
            |site| Box::pin(accept(site, Some("*/*"))),
        ),
        Case::live(
            "V04",
            "a request that accepts only text/html does not get the stream",
            "RFC 9110 §15.5.7: 406, or disregard",
            |site| Box::pin(html_only(site)),
        ),
        Case::live(
            "V08",
            "HTTP/1.0 is answered without chunks",
            "RFC 9112 §6.1: Transfer-Encoding must not be sent to a client of HTTP/1.0",
            |site| Box::pin(http_1_0(site)),
        ),
        Case::live(
            "V09/content",
            "HEAD is answered without content",
            "RFC 9110 §9.3.2: content must not be sent",
            |site| Box::pin(head_content(site)),
        ),
        Case::live(
            "V09/fields",
            "HEAD is answered as GET would be",
            "RFC 9110 §9.1: GET and HEAD must be supported; §9.3.2: the same fields should be sent",
            |site| Box::pin(head_fields(site)),
        ),
        Case::live(
            "V10",
            "a method that is not for it is refused, saying which are",
            "RFC 9110 §15.5.6: a 405 must have Allow; §9.1: else 501. Asked with PROPFIND",
            |site| Box::pin(method(site)),
        ),
        Case::live(
            "V38/unasked",
            "the stream is not compressed unasked",
            "RFC 9110 §12.5.3; practice: few clients but browsers decode it",
            |site| Box::pin(unasked(site)),
        ),
        Case::live(
            "V38/gzip",
            "where gzip is accepted, each event is flushed",
            "practice: a compressor that is not flushed holds events back",
            |site| Box::pin(gzip(site)),
        ),
        Case::live(
            "V44/absent",
            "without the credentials that were given, no stream",
            "RFC 9110 §15.5.2: a 401 must have WWW-Authenticate",
            |site| Box::pin(credentials(site, None)),
        ),
        Case::live(
            "V44/wrong",
            "with wrong credentials, no stream",
            "RFC 9110 §15.5.2: a 401 must have WWW-Authenticate",
            |site| Box::pin(credentials(site, Some("Bearer sse-bench-conform"))),
        ),
    ]
}

async fn accept(site: Shared, value: Option<&str>) -> Outcome {
    let ask = site.ask().without("accept");
    let ask = value.map_or(ask.clone(), |value| ask.and("accept", value));
    Ok(match site.send(&ask).await {
        Ok(leg) if leg.is_stream() => Verdict::ok(),
        Ok(leg) => Verdict::non_strict(leg.summary()),
        Err(none) => Verdict::non_strict(none),
    })
}

async fn html_only(site: Shared) -> Outcome {
    let ask = site.ask().with("accept", "text/html");
    Ok(match site.send(&ask).await {
        Ok(leg) if leg.is_stream() => Verdict::informational("the stream: Accept is disregarded"),
        Ok(leg) if leg.status.is_server_error() => Verdict::non_strict(leg.summary()),
        Ok(leg) => Verdict::new(Grade::Ok, leg.summary()),
        Err(none) => Verdict::non_strict(none),
    })
}

async fn http_1_0(site: Shared) -> Outcome {
    let ask = site.ask().http_1_0();
    let leg = match site.send(&ask).await {
        Ok(leg) => leg,
        Err(none) if none.kind == Missing::Broken => return Ok(Verdict::failed(none)),
        Err(none) => return Ok(Verdict::non_strict(none)),
    };
    Ok(match leg.text("transfer-encoding") {
        Some(coding) => Verdict::failed(format_args!("Transfer-Encoding: {coding}")),
        None if leg.is_stream() => Verdict::ok(),
        None => Verdict::informational(leg.summary()),
    })
}

async fn head_content(site: Shared) -> Outcome {
    let mut leg = answer_to_head(&site).await?;
    leg.watch_for(AT_ONCE).await;
    Ok(match leg.wire.len() {
        0 => Verdict::ok(),
        _ => {
            let start = &leg.wire[..leg.wire.len().min(40)];
            let start = String::from_utf8_lossy(start);
            Verdict::failed(format_args!("{start:?} after the head"))
        }
    })
}

async fn head_fields(site: Shared) -> Outcome {
    let leg = match site.send(&site.ask().method("HEAD")).await {
        Ok(leg) => leg,
        Err(none) => return Ok(Verdict::non_strict(none)),
    };
    Ok(if leg.is_stream() {
        Verdict::ok()
    } else {
        Verdict::non_strict(leg.summary())
    })
}

async fn answer_to_head(site: &Shared) -> Result<Leg, Verdict> {
    let answered = site.send(&site.ask().method("HEAD")).await;
    answered.map_err(|none| Verdict::not_applicable(format_args!("HEAD: {none}")))
}

async fn method(site: Shared) -> Outcome {
    let leg = match site.send(&site.ask().method("PROPFIND")).await {
        Ok(leg) => leg,
        Err(none) => return Ok(Verdict::non_strict(none)),
    };
    let allow = leg.text("allow");
    Ok(match (leg.status.as_u16(), allow) {
        (405, Some(allow)) => Verdict::new(Grade::Ok, format_args!("405, Allow: {allow}")),
        (405, None) => Verdict::failed("405 without Allow"),
        (501, _) => Verdict::ok(),
        (200, _) => Verdict::non_strict(leg.summary()),
        _ if leg.status.is_server_error() => Verdict::non_strict(leg.summary()),
        _ => Verdict::informational(leg.summary()),
    })
}

async fn unasked(site: Shared) -> Outcome {
    let leg = site
        .stream_by(&site.ask().without("accept-encoding"))
        .await?;
    Ok(match leg.text("content-encoding") {
        None => Verdict::ok(),
        Some(coding) if coding.eq_ignore_ascii_case("identity") => Verdict::ok(),
        Some(coding) => Verdict::non_strict(format_args!("Content-Encoding: {coding}")),
    })
}

async fn gzip(site: Shared) -> Outcome {
    let ask = site.ask().with("accept-encoding", "gzip");
    let mut packed = site.stream_by(&ask).await?;
    match packed.text("content-encoding").as_deref() {
        None | Some("identity") => {
            return Ok(Verdict::new(Grade::Ok, "it is not compressed"));
        }
        Some("gzip" | "x-gzip") => {}
        Some(other) => {
            let seen = format_args!("Content-Encoding: {other}, which was not accepted");
            return Ok(Verdict::non_strict(seen));
        }
    }
    if !site.serves_two {
        return Err(Verdict::not_applicable("needs two streams at once"));
    }
    let mut plain = site.stream().await?;
    let deadline = site.deadline();
    let has_event = |leg: &Leg| leg.events().next().is_some();
    plain.watch(deadline, has_event).await;
    if !has_event(&plain) {
        return Err(Verdict::not_applicable("no event came to be flushed"));
    }
    let until = Instant::now() + AT_ONCE * 2;
    packed
        .watch(until, |leg| decoded_events(&leg.body) > 0)
        .await;
    let (bytes, events) = (packed.body.len(), decoded_events(&packed.body));
    Ok(if events > 0 {
        Verdict::ok()
    } else {
        Verdict::non_strict(format_args!(
            "no event in the {bytes} bytes that came compressed, while one came plain"
        ))
    })
}

/// Events in what can be decompressed so far.
fn decoded_events(packed: &[u8]) -> usize {
    let mut decoder = GzDecoder::new(packed).take(MOST_DECODED);
    let mut decoded = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = decoder.read(&mut piece) {
        decoded.extend_from_slice(&piece[..length]);
    }
    let seen = super::leg::parse_all(&decoded);
    let events = seen.iter().filter(|what| matches!(what, What::Event(_)));
    events.count()
}

async fn credentials(site: Shared, value: Option<&str>) -> Outcome {
    if !site.has_credentials {
        let why = "needs credentials to leave out: -a or -H 'Authorization: ...'";
        return Err(Verdict::not_applicable(why));
    }
    let ask = site.ask().without("authorization");
    let ask = value.map_or(ask.clone(), |value| ask.and("authorization", value));
    let leg = match site.send(&ask).await {
        Ok(leg) => leg,
        Err(none) => return Ok(Verdict::non_strict(none)),
    };
    let challenged = leg.headers.contains_key("www-authenticate");
    Ok(match leg.status.as_u16() {
        401 if !challenged => Verdict::failed("401 without WWW-Authenticate"),
        401 | 403 => Verdict::ok(),
        _ if leg.is_stream() => Verdict::non_strict("the stream opens without them"),
        _ => Verdict::informational(leg.summary()),
    })
}
