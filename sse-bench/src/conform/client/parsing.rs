//! C35-C39: what of the parser shows only over connections, and in time.

use super::Case;
use super::bench::{Bench, STREAM};
use crate::conform::grade::{Outcome, Verdict};

/// Ends a list of events.
const LAST: &str = "the last one";

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (
            "C35",
            "data does not outlive its connection",
            "data: a\n",
            "\ndata: b\n\n",
            &[("message", "b")][..],
        ),
        (
            "C36",
            "a type does not outlive its connection",
            "event: k\n",
            "data: b\n\n",
            &[("message", "b")],
        ),
        (
            "C37",
            "a CR does not outlive its connection",
            "data: a\r\r",
            "\ndata: b\n\n",
            &[("message", "a"), ("message", "b")],
        ),
        (
            "C38",
            "a byte order mark is stripped from each response",
            "\u{feff}data: a\n\n",
            "\u{feff}data: b\n\n",
            &[("message", "a"), ("message", "b")],
        ),
    ]
    .into_iter()
    .map(|(name, about, first, second, wanted)| {
        Case::new(name, about, move |bench| {
            Box::pin(over_two(bench, first, second, wanted))
        })
    })
    .collect();
    cases.push(Case::new(
        "C39",
        "an event that ends in CR CR is dispatched at once",
        |bench| {
            Box::pin(async move {
                let mut peer = bench.request().await?;
                peer.send(STREAM).await;
                peer.send("data: a\r\r").await;
                bench.expect("a").await?;
                Ok(Verdict::ok())
            })
        },
    ));
    cases
}

async fn over_two(
    bench: &mut Bench,
    first: &str,
    second: &str,
    wanted: &[(&str, &str)],
) -> Outcome {
    bench.answer("retry: 100\n\n").await?;
    bench.answer(first).await?;
    bench.answer(&format!("{second}data: {LAST}\n\n")).await?;
    let seen = bench.events_before(LAST).await?;
    let seen: Vec<_> = seen
        .iter()
        .map(|event| (event.event_type.as_str(), event.data.as_str()))
        .collect();
    Ok(if seen == wanted {
        Verdict::ok()
    } else {
        Verdict::failed(format_args!("{seen:?} instead of {wanted:?}"))
    })
}
