//! C29-C34: the last event ID.

use super::Case;
use super::bench::{Bench, STREAM};
use crate::conform::grade::{Outcome, Verdict};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new(
        "C29",
        "an id lasts over connections that set none",
        |bench| Box::pin(lasts(bench)),
    )];
    for (name, about, body, sent) in [
        (
            "C30",
            "an empty id takes the header away",
            "id: 7\ndata: a\n\nid\ndata: b\n\n",
            None,
        ),
        (
            "C31/none",
            "an id in an unfinished event is not sent",
            "id: 7\ndata: a\n",
            None,
        ),
        (
            "C31/earlier",
            "the id before an unfinished event is sent",
            "id: 6\ndata: a\n\nid: 7\ndata: b\n",
            Some("6"),
        ),
        (
            "C32",
            "an id in a block without data is sent",
            "id: 7\n\n",
            Some("7"),
        ),
        (
            "C33",
            "an id is sent as raw UTF-8",
            "id: \u{2713}\ndata: a\n\n",
            Some("\u{2713}"),
        ),
        (
            "C34",
            "an id with a NUL leaves the old one",
            "id: 7\ndata: a\n\nid: 8\09\ndata: b\n\n",
            Some("7"),
        ),
    ] {
        cases.push(Case::new(name, about, move |bench| {
            Box::pin(id_after(bench, body, sent))
        }));
    }
    cases
}

async fn id_after(bench: &mut Bench, body: &str, sent: Option<&str>) -> Outcome {
    bench.answer("retry: 100\n\n").await?;
    bench.answer(body).await?;
    bench.request().await?.expect_last_event_id(sent)?;
    Ok(Verdict::ok())
}

async fn lasts(bench: &mut Bench) -> Outcome {
    bench.answer("retry: 100\nid: 7\ndata: a\n\n").await?;
    let mut ids = vec![bench.expect("a").await?.id];
    for _ in 0..3 {
        let mut peer = bench.request().await?;
        peer.expect_last_event_id(Some("7"))?;
        peer.send(STREAM).await;
        peer.send("data: b\n\n").await;
        peer.end().await;
        ids.push(bench.expect("b").await?.id);
    }
    let wrong = ids.iter().flatten().find(|id| *id != "7");
    Ok(wrong.map_or_else(Verdict::ok, |id| {
        Verdict::failed(format_args!(
            "an event with last event ID {id:?} instead of \"7\""
        ))
    }))
}
