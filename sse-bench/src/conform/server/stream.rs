//! V06, V17-V21, V28, V42: what the first stream said while it was watched.

#![expect(clippy::unnecessary_wraps, reason = "checks have one signature")]

use std::time::Duration;

use sse_core::lint::LintKind;

use super::leg::{End, Leg, What};
use super::lints;
use super::site::{AT_ONCE, Site};
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};
use crate::units::seconds;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::judge(
            "V06/whole",
            "no event lies half sent",
            "HTML Living Standard §9.2.6: an event is dispatched when its blank line is there",
            whole,
        ),
        Case::judge(
            "V17",
            "no id holds a NUL",
            "HTML Living Standard §9.2.6: such an id is ignored, and the one before it stands",
            nul_in_id,
        ),
        Case::judge(
            "V19",
            "each event has an id, so that a client can resume behind it",
            "HTML Living Standard §9.2.4; practice",
            ids,
        ),
        Case::judge(
            "V20",
            "the stream ends behind a blank line",
            "HTML Living Standard §9.2.6: an unfinished event is discarded at the end",
            unfinished,
        ),
        Case::judge(
            "V21",
            "silence is broken by a comment",
            "HTML Living Standard §9.2.7: a comment every 15 seconds or so, for proxies",
            heartbeat,
        ),
        Case::judge(
            "V28/digits",
            "retry is plain digits",
            "HTML Living Standard §9.2.6: any other value is ignored",
            retry_digits,
        ),
        Case::judge(
            "V28/sane",
            "the reconnection time is sane",
            "practice: from half a second to two minutes",
            retry_sane,
        ),
        Case::judge(
            "V42/utf8",
            "the stream is UTF-8",
            "HTML Living Standard §9.2.5: always",
            utf8,
        ),
        Case::judge(
            "V42/mark",
            "no byte order mark but at the start",
            "HTML Living Standard §9.2.6: a later one is part of a field name, and the line lost",
            mark,
        ),
        Case::judge(
            "V42/fields",
            "all fields have names that the standard knows",
            "HTML Living Standard §9.2.6: others are ignored; case and spaces count",
            fields,
        ),
        Case::judge(
            "V42/data",
            "each event has data",
            "HTML Living Standard §9.2.6: a block without it dispatches nothing",
            data,
        ),
    ]
}

/// Any coding is acceptable where none is named (RFC 9110 §12.5.3), and hides the stream.
fn needs_plain(leg: &Leg) -> Result<(), Verdict> {
    match leg.text("content-encoding") {
        Some(coding) if !coding.trim().eq_ignore_ascii_case("identity") => {
            let text = format_args!("Content-Encoding: {coding}, unasked: see V38");
            Err(Verdict::not_applicable(text))
        }
        _ => Ok(()),
    }
}

/// Nothing can be said of a stream that says nothing.
fn needs_bytes(site: &Site, leg: &Leg) -> Result<(), Verdict> {
    needs_plain(leg)?;
    if leg.body.is_empty() {
        let patience = humantime::format_duration(site.patience);
        let text = format_args!("nothing came within --patience {patience}");
        return Err(Verdict::not_applicable(text));
    }
    Ok(())
}

fn needs_events(site: &Site, leg: &Leg) -> Result<(), Verdict> {
    needs_plain(leg)?;
    if leg.events().next().is_none() {
        let patience = humantime::format_duration(site.patience);
        let text = format_args!("no event came within --patience {patience}");
        return Err(Verdict::not_applicable(text));
    }
    Ok(())
}

fn whole(site: &Site, leg: &Leg) -> Outcome {
    needs_bytes(site, leg)?;
    let ends = leg.reads.iter().skip(1).map(|(at, _)| Some(*at));
    let ends = ends.chain([leg.end.is_none().then_some(leg.watched)]);
    for ((at, length), next) in leg.reads.iter().zip(ends) {
        let came = leg.body.get(..*length).unwrap_or_default();
        let whole = [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"];
        let is_whole = came.is_empty() || whole.iter().any(|end| came.ends_with(end));
        let line = came.rsplit(|byte| *byte == b'\n').nth(1);
        let stands_alone = |line: &[u8]| line.starts_with(b":") || line.starts_with(b"retry");
        let is_comment = came.ends_with(b"\n") && line.is_some_and(stands_alone);
        let lay = next.map_or(Duration::ZERO, |next| next.saturating_sub(*at));
        if !is_whole && !is_comment && lay > AT_ONCE {
            let tail = &came[came.len().saturating_sub(40)..];
            return Ok(Verdict::non_strict(format_args!(
                "{:?} at byte {length} waited {} for its rest: something collects what is sent",
                String::from_utf8_lossy(tail),
                seconds(lay)
            )));
        }
    }
    Ok(Verdict::ok())
}

fn nul_in_id(site: &Site, leg: &Leg) -> Outcome {
    let verdict = linted(site, leg, &[LintKind::IdNul])?;
    if verdict == Verdict::ok() && leg.keyed().next().is_none() {
        return Err(Verdict::not_applicable("no id came"));
    }
    Ok(verdict)
}

fn ids(site: &Site, leg: &Leg) -> Outcome {
    needs_events(site, leg)?;
    let (all, keyed) = (leg.events().count(), leg.keyed().count());
    Ok(match keyed {
        0 => Verdict::informational(format_args!(
            "{all} events and no id: what a client misses while it is away is lost"
        )),
        _ if keyed == all => Verdict::ok(),
        _ => Verdict::informational(format_args!("{keyed} of {all} events have one")),
    })
}

fn unfinished(_: &Site, leg: &Leg) -> Outcome {
    needs_plain(leg)?;
    let lost = leg.unfinished == Some(true);
    let tail = &leg.body[leg.body.len().saturating_sub(60)..];
    let seen = format!("it ends with {:?}", String::from_utf8_lossy(tail));
    Ok(match &leg.end {
        None | Some(End::Enough) => Verdict::not_applicable("the stream did not end"),
        Some(_) if !lost => Verdict::ok(),
        Some(End::Clean) => Verdict::failed(seen),
        Some(_) => Verdict::non_strict(seen),
    })
}

fn heartbeat(site: &Site, leg: &Leg) -> Outcome {
    let watched = match &leg.end {
        None => leg.watched,
        Some(_) => leg.reads.last().map_or(leg.head_after, |(at, _)| *at),
    };
    let times = leg.reads.iter().map(|(at, _)| *at);
    let (longest, _) = times
        .chain([watched])
        .fold((Duration::ZERO, leg.head_after), |(longest, last), at| {
            (longest.max(at.saturating_sub(last)), at)
        });
    let comments = leg.items.iter().filter(|seen| **seen == What::Comment);
    let comments = comments.count();
    let longest_text = seconds(longest);
    Ok(if longest >= site.silence {
        Verdict::non_strict(format_args!("silent for {longest_text}"))
    } else if comments > 0 {
        let seen = format_args!("{comments} comments, never silent for longer than {longest_text}");
        Verdict::new(Grade::Ok, seen)
    } else {
        Verdict::not_applicable(format_args!(
            "never silent for longer than {longest_text}; a comment is due after --silence {}",
            humantime::format_duration(site.silence)
        ))
    })
}

fn retry_digits(site: &Site, leg: &Leg) -> Outcome {
    let verdict = linted(site, leg, &[LintKind::RetryInvalid])?;
    if verdict == Verdict::ok() && first_retry(leg).is_none() {
        return Err(Verdict::not_applicable("no retry came"));
    }
    Ok(verdict)
}

fn retry_sane(site: &Site, leg: &Leg) -> Outcome {
    let verdict = linted(site, leg, &[LintKind::RetryShort, LintKind::RetryLong])?;
    Ok(match first_retry(leg) {
        Some(time) if verdict == Verdict::ok() => {
            let seen = format_args!("retry: {} ms", time.as_millis());
            Verdict::new(Grade::Ok, seen)
        }
        Some(_) => verdict,
        None => Verdict::informational("none is set: each client takes its own"),
    })
}

fn first_retry(leg: &Leg) -> Option<Duration> {
    leg.items.iter().find_map(|seen| match seen {
        What::Retry(time) => Some(*time),
        _ => None,
    })
}

fn utf8(site: &Site, leg: &Leg) -> Outcome {
    linted(site, leg, &[LintKind::InvalidUtf8])
}

fn mark(site: &Site, leg: &Leg) -> Outcome {
    linted(site, leg, &[LintKind::Bom])
}

fn fields(site: &Site, leg: &Leg) -> Outcome {
    linted(site, leg, &[LintKind::UnknownField])
}

fn data(site: &Site, leg: &Leg) -> Outcome {
    linted(site, leg, &[LintKind::NoData])
}

fn linted(site: &Site, leg: &Leg, kinds: &[LintKind]) -> Outcome {
    needs_bytes(site, leg)?;
    Ok(lints::judge(leg, kinds))
}
