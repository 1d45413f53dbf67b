//! C13-C16: redirects.

use std::time::Duration;

use tokio::time::Instant;

use super::Case;
use super::bench::{Bench, STREAM, head};
use crate::conform::grade::{Outcome, Verdict};

/// Requests from which on a client is in a loop.
const LOOP: usize = 100;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let about = format!("{status} is followed");
        cases.push(Case::new(format!("C13/{status}"), about, move |bench| {
            Box::pin(followed(bench, status))
        }));
    }
    cases.push(Case::new(
        "C14",
        "the target of a redirect is asked again",
        |bench| Box::pin(remembered(bench)),
    ));
    for (name, about, field) in [
        (
            "C15/missing",
            "a redirect without Location ends in an error",
            "X-A: b",
        ),
        (
            "C15/empty",
            "a redirect with an empty Location ends in an error",
            "Location: ",
        ),
    ] {
        cases.push(Case::new(name, about, move |bench| {
            Box::pin(bounded(bench, head("302 Found", &[field])))
        }));
    }
    cases.push(Case::new(
        "C16",
        "a redirect loop is bounded and fails",
        |bench| Box::pin(bounded(bench, head("302 Found", &["Location: /events"]))),
    ));
    cases
}

async fn followed(bench: &mut Bench, status: u16) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(head(
        &format!("{status} Moved"),
        &["Location: /target?a=b", "Content-Length: 0"],
    ))
    .await;
    peer.end().await;
    let mut peer = bench.request().await?;
    if peer.request.target != "/target?a=b" {
        let seen = format_args!("it asked for {}", peer.request.target);
        return Ok(Verdict::failed(seen));
    }
    peer.send(STREAM).await;
    peer.send("data: there\n\n").await;
    bench.expect("there").await?;
    if !peer.request.has_token("accept", "text/event-stream") {
        return Ok(Verdict::non_strict("Accept was not sent to the target"));
    }
    Ok(Verdict::ok())
}

async fn remembered(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(head(
        "307 Moved",
        &["Location: /target", "Content-Length: 0"],
    ))
    .await;
    peer.end().await;
    bench.answer("retry: 100\nid: 7\ndata: a\n\n").await?;
    let peer = bench.request().await?;
    peer.expect_last_event_id(Some("7"))?;
    Ok(match peer.request.target.as_str() {
        "/target" => Verdict::ok(),
        "/events" => Verdict::non_strict("it went back to the first URL"),
        other => Verdict::failed(format_args!("it asked for {other}")),
    })
}

/// Answers everything alike until the client stops.
async fn bounded(bench: &mut Bench, response: String) -> Outcome {
    let mut peer = bench.request().await?;
    let mut requests = 1;
    let mut last = Instant::now();
    let mut longest_pause = Duration::ZERO;
    loop {
        peer.send(&response).await;
        peer.end().await;
        match bench.stopped().await {
            Ok(()) => break,
            Err(again) => peer = again,
        }
        requests += 1;
        longest_pause = longest_pause.max(last.elapsed());
        last = Instant::now();
        if requests >= LOOP {
            return Ok(Verdict::failed(format_args!(
                "{requests} requests and no end"
            )));
        }
        if longest_pause > Duration::from_millis(90) && requests > 3 {
            let ms = longest_pause.as_millis();
            let seen = format_args!("it tried again after {ms} ms instead of failing");
            return Ok(Verdict::non_strict(seen));
        }
    }
    Ok(Verdict::ok())
}
