//! V25-V27, V31, V32, V36, V37: clients that are broken, hurried or hostile.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::ask::Ask;
use super::leg::{Leg, Missing, NoAnswer};
use super::site::{AT_ONCE, Shared};
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};
use crate::units::seconds;

/// Connections that come and go.
const VISITS: usize = 50;
/// How long a half-closed connection is watched.
const HALF_CLOSED: Duration = Duration::from_secs(5);
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::live(
            "V25/utf8",
            "an id of UTF-8 beyond ASCII is served",
            "HTML Living Standard §9.2.3: clients send it as raw UTF-8",
            |site| Box::pin(odd_id(site, "\u{2713}\u{e9}".as_bytes().to_vec(), false)),
        ),
        Case::live(
            "V25/invalid",
            "an id of bytes that are no UTF-8 harms nobody",
            "RFC 9110 §5.5: such octets are opaque data",
            |site| Box::pin(odd_id(site, b"\xff\xc3".to_vec(), true)),
        ),
        Case::live(
            "V26/empty",
            "an empty id is as good as none",
            "HTML Living Standard §9.2.3: an empty one is never sent",
            |site| Box::pin(odd_id(site, Vec::new(), false)),
        ),
        Case::live(
            "V26/long",
            "an id of 64 KiB harms nobody",
            "RFC 6585 §5: 431 is the answer to fields that are too large",
            |site| Box::pin(odd_id(site, vec![b'7'; 64 << 10], true)),
        ),
        Case::live(
            "V26/folded",
            "an id folded over two lines harms nobody",
            "RFC 9112 §5.2: refused with 400, or the fold replaced by spaces",
            |site| Box::pin(odd_id(site, b"7\r\n 8".to_vec(), true)),
        ),
        Case::live(
            "V26/control",
            "CR and NUL in an id harm nobody",
            "RFC 9110 §5.5: the message is refused, or they are replaced by spaces",
            |site| {
                Box::pin(odd_id(
                    site,
                    b"7\0\revent: injected\rdata: injected\r\r".to_vec(),
                    true,
                ))
            },
        ),
        Case::live(
            "V27",
            "two ids are answered the same way each time",
            "RFC 9110 §5.3: such a message is malformed",
            |site| Box::pin(two_ids(site)),
        ),
        Case::live(
            "V31",
            "clients that reset, again and again, shut nobody out",
            "practice; HTML Living Standard §9.2.3: a refusal ends an EventSource for good",
            |site| Box::pin(visits(site)),
        ),
        Case::live(
            "V32/half-close",
            "a client that closes its half",
            "RFC 9112 §9.6: the other half may go on",
            |site| Box::pin(half_close(site)),
        ),
        Case::live(
            "V32/garbage",
            "garbage behind the request harms nobody",
            "RFC 9112 §9.3.2: what is pipelined waits for its turn",
            |site| Box::pin(garbage(site)),
        ),
        Case::live(
            "V36",
            "a head that never ends is given up",
            "RFC 9110 §15.5.9: 408; practice: such connections cost nothing to make",
            |site| Box::pin(slow_head(site)),
        ),
        Case::live(
            "V37",
            "a head of 256 KiB is refused",
            "RFC 6585 §5: 431",
            |site| Box::pin(large_head(site)),
        ),
    ]
}

/// An id that no server sends; `refusable` where a refusal is as good.
async fn odd_id(site: Shared, id: Vec<u8>, refusable: bool) -> Outcome {
    let answer = site.send(&site.ask().with(LAST_EVENT_ID, id)).await;
    let verdict = match answer {
        Ok(mut leg) if leg.is_stream() => {
            leg.watch_for(AT_ONCE).await;
            if injected(&leg, "injected") {
                return Ok(Verdict::failed(
                    "a line of the id came back as a line of the stream",
                ));
            }
            Verdict::ok()
        }
        answer => refusal(answer, refusable),
    };
    site.survives().await?;
    Ok(verdict)
}

/// Whether what was sent as a value came back as an event.
pub(super) fn injected(leg: &Leg, value: &str) -> bool {
    let named = |event: &super::leg::Event| {
        event.event_type == value || event.data == value || event.id.as_deref() == Some(value)
    };
    leg.events().any(named)
}

fn refusal(answer: Result<Leg, NoAnswer>, refusable: bool) -> Verdict {
    match answer {
        Ok(leg) if leg.status.is_client_error() && refusable => Verdict::new(Grade::Ok, leg.status),
        Ok(leg) => Verdict::non_strict(leg.summary()),
        Err(none) if none.kind == Missing::Closed && refusable => Verdict::informational(none),
        Err(none) => Verdict::non_strict(none),
    }
}

async fn two_ids(site: Shared) -> Outcome {
    let ask = site.ask().with(LAST_EVENT_ID, "1").and(LAST_EVENT_ID, "2");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let status = site.send(&ask).await.map(|leg| leg.status.as_u16());
        seen.push(status.map_err(|none| none.kind));
    }
    let text = match &seen[0] {
        Ok(status) => format!("answered with {status}"),
        Err(_) => "not answered".to_owned(),
    };
    let same = seen.iter().all(|other| *other == seen[0]);
    site.survives().await?;
    Ok(match seen[0] {
        _ if !same => Verdict::non_strict(format_args!("not the same each time: {seen:?}")),
        Ok(400..=499) => Verdict::new(Grade::Ok, text),
        Ok(200) => Verdict::informational(text),
        _ => Verdict::non_strict(text),
    })
}

async fn visits(site: Shared) -> Outcome {
    let deadline = site.deadline();
    let mut answers = BTreeMap::<String, usize>::new();
    let mut made = 0;
    while made < VISITS && Instant::now() < deadline {
        let answer = match site.send(&site.ask()).await {
            Ok(leg) => {
                let answer = leg.status.to_string();
                leg.reset();
                answer
            }
            Err(none) => none.text,
        };
        *answers.entry(answer).or_default() += 1;
        made += 1;
    }
    site.survives().await?;
    answers.remove("200 OK");
    Ok(if answers.is_empty() {
        Verdict::new(Grade::Ok, format_args!("{made} connections, all served"))
    } else {
        let refused: Vec<_> = answers
            .iter()
            .map(|(what, times)| format!("{times} times {what}"))
            .collect();
        let refused = refused.join(", ");
        Verdict::non_strict(format_args!("of {made} connections {refused}"))
    })
}

async fn half_close(site: Shared) -> Outcome {
    let mut leg = site.stream().await?;
    leg.half_close().await;
    let closed_at = leg.age();
    let before = leg.body.len();
    leg.watch(Instant::now() + HALF_CLOSED.min(site.patience), |_| false)
        .await;
    let seen = match &leg.end {
        None if leg.body.len() > before => "the stream goes on".to_owned(),
        None => "nothing more came, and the connection stays".to_owned(),
        Some(_) => {
            let after = leg.age().saturating_sub(closed_at);
            format!("the stream ended, {} later", seconds(after))
        }
    };
    site.survives().await?;
    Ok(Verdict::informational(seen))
}

async fn garbage(site: Shared) -> Outcome {
    let mut leg = site.stream().await?;
    let taken = leg.send(&b"\0\xff GET\r\n".repeat(4096)).await;
    leg.watch_for(AT_ONCE).await;
    let seen = match &leg.end {
        Some(_) => "it closes the stream",
        None if taken => "it goes on with the stream",
        None => "it goes on with the stream and takes no more",
    };
    site.survives().await?;
    Ok(Verdict::new(Grade::Ok, seen))
}

async fn slow_head(site: Shared) -> Outcome {
    let unfinished = site.ask().encode_unfinished();
    let connected = site.connect().await;
    let mut stream = connected.map_err(Verdict::not_applicable)?;
    let begun = Instant::now();
    let _ = stream.write_all(&unfinished).await;
    let _ = stream.flush().await;
    let mut buffer = [0; 64];
    let read = timeout(site.patience, stream.read(&mut buffer)).await;
    let after = seconds(begun.elapsed());
    Ok(match read {
        Err(_) => Verdict::informational(format_args!("it still waits after {after}")),
        Ok(Ok(length @ 1..)) => {
            let line = String::from_utf8_lossy(&buffer[..length]);
            let line = line.lines().next().unwrap_or_default();
            if line.contains(" 200") {
                Verdict::failed(format_args!("answered before the head was whole: {line}"))
            } else {
                Verdict::new(Grade::Ok, format_args!("{line} after {after}"))
            }
        }
        Ok(_) => Verdict::new(Grade::Ok, format_args!("closed after {after}")),
    })
}

async fn large_head(site: Shared) -> Outcome {
    let mut ask: Ask = site.ask();
    for number in 0..64 {
        ask = ask.and(&format!("x-conform-{number}"), vec![b'x'; 4 << 10]);
    }
    let verdict = match site.send(&ask).await {
        Ok(leg) if leg.is_stream() => Verdict::informational("the stream: no limit was met"),
        answer => refusal(answer, true),
    };
    site.survives().await?;
    Ok(verdict)
}
