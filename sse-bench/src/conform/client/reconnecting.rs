//! C17-C28, C45: what makes a client come back, and when.

use std::time::Duration;

use super::Case;
use super::bench::{Bench, STREAM, head};
use crate::conform::grade::{Grade, Outcome, Verdict};

/// How much later than asked a client may come, for jitter and a busy machine.
const SLACK: Duration = Duration::from_millis(1500);
/// How much earlier, for clocks that round.
const EARLY: Duration = Duration::from_millis(15);
/// Failures in a row that C45 looks at.
const DROPS: usize = 6;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "C17",
            "a reset before the response is retried, twice",
            |bench| {
                Box::pin(async move {
                    for _ in 0..2 {
                        bench.request().await?.reset();
                    }
                    opens(bench).await
                })
            },
        ),
        Case::new(
            "C18",
            "a connection closed without a byte is retried",
            |bench| {
                Box::pin(async move {
                    bench.request().await?.end().await;
                    opens(bench).await
                })
            },
        ),
        Case::new("C19", "a refused port is tried until it opens", |bench| {
            Box::pin(async move {
                bench.refuse_at_first(Duration::from_secs(1)).await?;
                opens(bench).await
            })
        }),
        Case::new(
            "C20",
            "a reset in the body is resumed with the last event ID",
            |bench| Box::pin(reset_in_body(bench)),
        ),
        Case::new(
            "C21",
            "a truncated chunked body is resumed with the last event ID",
            |bench| Box::pin(truncated(bench)),
        ),
        Case::new("C22", "an empty body opens, then reconnects", |bench| {
            Box::pin(async move {
                let fields = ["Content-Type: text/event-stream", "Content-Length: 0"];
                let mut peer = bench.request().await?;
                peer.send(head("200 OK", &fields)).await;
                peer.end().await;
                opens(bench).await
            })
        }),
        Case::new("C23", "the server sets the reconnection time", |bench| {
            Box::pin(delay_of_300(bench, "retry: 300\n\n"))
        }),
        Case::new(
            "C24",
            "without retry, a delay of the client's own",
            |bench| {
                Box::pin(async move {
                    let first = bench.answer("data: a\n\n").await?;
                    let again = bench.request().await?;
                    let waited = again.at.duration_since(first.ended).as_millis();
                    Ok(Verdict::informational(format_args!(
                        "it came back after {waited} ms"
                    )))
                })
            },
        ),
        Case::new("C26", "retry: 0 is no hot loop", |bench| {
            Box::pin(retry_of_0(bench))
        }),
        Case::new(
            "C27",
            "a retry of 40 digits is ignored or clamped",
            |bench| Box::pin(huge_retry(bench)),
        ),
        Case::new(
            "C28",
            "the reconnection time outlives a connection that sets none",
            |bench| {
                Box::pin(async move {
                    bench.answer("retry: 300\n\n").await?;
                    delay_of_300(bench, "data: a\n\n").await
                })
            },
        ),
        Case::new("C45", "repeated failures back off", |bench| {
            Box::pin(backs_off(bench))
        }),
    ];
    for (name, bogus) in [
        ("letters", "12x"),
        ("minus", "-1"),
        ("plus", "+5"),
        ("fraction", "1.5"),
        ("empty", ""),
    ] {
        let about = format!("retry: {bogus:?} leaves the one before it");
        let body = format!("retry: 300\nretry: {bogus}\n\n");
        cases.push(Case::new(format!("C25/{name}"), about, move |bench| {
            Box::pin(async move { delay_of_300(bench, &body).await })
        }));
    }
    cases
}

async fn opens(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("data: open\n\n").await;
    bench.expect("open").await?;
    Ok(Verdict::ok())
}

async fn reset_in_body(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("retry: 100\nid: 7\ndata: a\n\ndata: cut").await;
    // It has read what came before the reset.
    bench.expect("a").await?;
    peer.reset();
    let peer = bench.request().await?;
    peer.expect_last_event_id(Some("7"))?;
    Ok(Verdict::ok())
}

async fn truncated(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    let body = "retry: 100\nid: 7\ndata: a\n\n";
    let fields = [
        "Content-Type: text/event-stream",
        "Transfer-Encoding: chunked",
    ];
    peer.send(head("200 OK", &fields)).await;
    peer.send(format!("{:x}\r\n{body}\r\n20\r\ndata: c", body.len()))
        .await;
    peer.end().await;
    bench.expect("a").await?;
    let peer = bench.request().await?;
    peer.expect_last_event_id(Some("7"))?;
    Ok(Verdict::ok())
}

/// The delay after a stream with this body, which is to be 300 ms.
async fn delay_of_300(bench: &mut Bench, body: &str) -> Outcome {
    let asked = Duration::from_millis(300);
    let first = bench.answer(body).await?;
    let again = bench.request().await?;
    let waited = again.at.duration_since(first.ended);
    let seen = format!("it came back after {} ms", waited.as_millis());
    Ok(if waited + EARLY < asked {
        Verdict::failed(seen)
    } else if waited > asked + SLACK {
        Verdict::non_strict(seen)
    } else {
        Verdict::ok()
    })
}

async fn retry_of_0(bench: &mut Bench) -> Outcome {
    const ROUNDS: u32 = 20;
    let first = bench.answer("retry: 0\n\n").await?;
    let mut last = first.at;
    for _ in 0..ROUNDS {
        let again = bench.answer("").await?;
        last = again.at;
        // A floor or back-off has shown itself.
        if last.duration_since(first.at) > Duration::from_secs(4) {
            break;
        }
    }
    let mean = last.duration_since(first.at) / ROUNDS;
    Ok(if mean < Duration::from_millis(10) {
        Verdict::failed(format_args!(
            "{ROUNDS} requests, one each {} us",
            mean.as_micros()
        ))
    } else {
        Verdict::ok()
    })
}

async fn huge_retry(bench: &mut Bench) -> Outcome {
    const ROUNDS: usize = 4;
    let body = format!("retry: {}\n\n", "9".repeat(40));
    let mut ended = bench.answer(&body).await?.ended;
    let mut shortest = None;
    for _ in 0..ROUNDS {
        let Err(mut again) = bench.stopped().await else {
            break;
        };
        let waited = again.at.duration_since(ended);
        shortest = Some(shortest.map_or(waited, |other: Duration| other.min(waited)));
        again.send(STREAM).await;
        again.end().await;
        ended = again.ended;
    }
    Ok(match shortest {
        None => Verdict::ok(),
        Some(waited) => {
            let seen = format!("it came back after {} ms", waited.as_millis());
            let hot = waited < Duration::from_millis(50);
            Verdict::new(if hot { Grade::Failed } else { Grade::Ok }, seen)
        }
    })
}

async fn backs_off(bench: &mut Bench) -> Outcome {
    bench.answer("retry: 100\ndata: a\n\n").await?;
    let mut ended = bench.request().await?.reset();
    let mut delays = Vec::new();
    for _ in 0..DROPS {
        match bench.stopped().await {
            Ok(()) => break,
            Err(peer) => {
                delays.push(peer.at.duration_since(ended));
                ended = peer.reset();
            }
        }
    }
    let text: Vec<_> = delays
        .iter()
        .map(|delay| delay.as_millis().to_string())
        .collect();
    let seen = format!("came back after {} ms", text.join(", "));
    Ok(match (delays.first(), delays.last()) {
        (None, _) | (_, None) => Verdict::failed("it did not come back after a reset"),
        (Some(first), Some(last)) if delays.len() < DROPS || *last > *first * 2 => {
            Verdict::new(Grade::Ok, seen)
        }
        _ => Verdict::informational(seen + ": no back-off"),
    })
}
