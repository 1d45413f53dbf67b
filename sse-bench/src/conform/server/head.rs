//! V01, V02, V05, V07: the head of the stream, and how its body is framed.

#![expect(clippy::unnecessary_wraps, reason = "checks have one signature")]

use sse_core::lint::LintKind;

use super::framing::{chunk_error, head_error};
use super::leg::{End, Leg};
use super::lints;
use super::site::{AT_ONCE, Site};
use super::{Case, Verdict};
use crate::conform::grade::Outcome;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::judge(
            "V01/status",
            "a request for the stream is answered with 200",
            "HTML Living Standard §9.2.2: any other status fails the connection for good",
            status,
        ),
        Case::judge(
            "V01/type",
            "its content type is text/event-stream",
            "HTML Living Standard §9.2.2: any other type fails the connection; §9.2.5: always UTF-8",
            content_type,
        ),
        Case::judge(
            "V01/redirects",
            "it is found without redirects",
            "HTML Living Standard §9.2.1: they are followed; practice: some clients go that way each time",
            redirects,
        ),
        Case::judge(
            "V02/store",
            "the stream may not be stored",
            "RFC 9111 §4.2.2: a 200 without Cache-Control may be stored and reused",
            store,
        ),
        Case::judge(
            "V02/length",
            "no length is announced for what has none",
            "RFC 9112 §6.2, §6.3: the body ends there; beside Transfer-Encoding it is forbidden",
            length,
        ),
        Case::judge(
            "V02/proxies",
            "proxies are told not to collect it",
            "practice: nginx buffers answers unless X-Accel-Buffering: no",
            proxies,
        ),
        Case::judge(
            "V02/date",
            "the head carries a Date",
            "RFC 9110 §6.6.1: required of an origin server with a clock",
            date,
        ),
        Case::judge(
            "V05",
            "the head is sent at once, before any event",
            "HTML Living Standard §9.2.3: `open` fires with the head",
            at_once,
        ),
        Case::judge(
            "V07/head",
            "the head keeps to the grammar",
            "RFC 9112 §2.1, §5: lines end in CRLF, none is folded",
            grammar,
        ),
        Case::judge(
            "V07/chunks",
            "the body is framed in chunks, correctly",
            "RFC 9112 §6.1, §7.1",
            chunks,
        ),
        Case::judge(
            "V07/end",
            "where the stream ends, its framing says so",
            "RFC 9112 §8: without the last chunk a message is incomplete",
            end,
        ),
    ]
}

fn status(_: &Site, leg: &Leg) -> Outcome {
    Ok(match leg.status.as_u16() {
        200 => Verdict::ok(),
        _ => Verdict::failed(leg.summary()),
    })
}

fn content_type(_: &Site, leg: &Leg) -> Outcome {
    if leg.status.as_u16() != 200 {
        return Err(Verdict::not_applicable(leg.summary()));
    }
    let all = leg.headers.get_all("content-type").iter().count();
    let text = leg.text("content-type").unwrap_or_default();
    if all > 1 {
        let seen = format_args!("{all} Content-Type fields: {text}");
        return Ok(Verdict::failed(seen));
    }
    let kinds = [LintKind::ContentType, LintKind::ContentTypeParameter];
    Ok(lints::judge(leg, &kinds))
}

fn redirects(site: &Site, _: &Leg) -> Outcome {
    Ok(match site.redirects.join(", ") {
        way if way.is_empty() => Verdict::ok(),
        way => Verdict::informational(way),
    })
}

fn store(_: &Site, leg: &Leg) -> Outcome {
    Ok(lints::judge(leg, &[LintKind::Cacheable]))
}

fn length(_: &Site, leg: &Leg) -> Outcome {
    let coding = leg.text("transfer-encoding");
    Ok(match (leg.text("content-length"), coding) {
        (None, _) => Verdict::ok(),
        (Some(length), Some(coding)) => Verdict::failed(format_args!(
            "Content-Length: {length} beside Transfer-Encoding: {coding}"
        )),
        (Some(length), None) => Verdict::non_strict(format_args!(
            "Content-Length: {length}: whatever is sent after it is lost"
        )),
    })
}

fn proxies(_: &Site, leg: &Leg) -> Outcome {
    Ok(match leg.text("x-accel-buffering").as_deref() {
        Some("no") => Verdict::ok(),
        Some(other) => Verdict::informational(format_args!("X-Accel-Buffering: {other}")),
        None => Verdict::informational("no X-Accel-Buffering"),
    })
}

fn date(_: &Site, leg: &Leg) -> Outcome {
    Ok(match leg.text("date") {
        Some(_) => Verdict::ok(),
        None => Verdict::non_strict("no Date"),
    })
}

fn at_once(_: &Site, leg: &Leg) -> Outcome {
    let ms = leg.head_after.as_millis();
    let first = leg.reads.first().map(|(at, _)| at.as_millis());
    let first = first.map_or("no byte of the body".to_owned(), |at| {
        format!("the body began after {at} ms")
    });
    let seen = format!("the head came after {ms} ms, {first}");
    Ok(if leg.head_after > AT_ONCE {
        Verdict::non_strict(seen)
    } else {
        Verdict::new(crate::conform::grade::Grade::Ok, seen)
    })
}

fn grammar(_: &Site, leg: &Leg) -> Outcome {
    Ok(head_error(&leg.head).map_or_else(Verdict::ok, Verdict::failed))
}

fn chunks(_: &Site, leg: &Leg) -> Outcome {
    if !leg.has_token("transfer-encoding", "chunked") {
        return Ok(if leg.headers.contains_key("content-length") {
            Verdict::not_applicable("the body is framed by Content-Length")
        } else {
            Verdict::non_strict(
                "neither chunks nor a length: an end cannot be told from a cut connection",
            )
        });
    }
    if let Some(End::Broken(error)) = &leg.end {
        return Ok(Verdict::failed(error));
    }
    Ok(match chunk_error(&leg.wire) {
        Some(error) => Verdict::failed(error),
        None if leg.wire.is_empty() => Verdict::not_applicable("no chunk came"),
        None => Verdict::ok(),
    })
}

fn end(_: &Site, leg: &Leg) -> Outcome {
    let after = leg.reads.last().map_or(leg.head_after, |(at, _)| *at);
    let after = format!("{} ms after the request", after.as_millis());
    Ok(match &leg.end {
        None | Some(End::Enough) => Verdict::not_applicable("the stream did not end"),
        Some(End::Clean) => Verdict::ok(),
        Some(End::Cut) => {
            Verdict::non_strict(format_args!("closed in the middle of its framing, {after}"))
        }
        Some(End::Reset(error)) => Verdict::non_strict(format_args!("{error}, {after}")),
        Some(End::Broken(_)) => Verdict::not_applicable("the body cannot be read"),
    })
}
