//! Streams and what they dispatch, from the files that sse-core is tested with.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::Case;
use super::bench::{Bench, Peer, STREAM};
use crate::conform::grade::{Outcome, Verdict};

const PUBLIC: &str = include_str!("../../../../sse-core/tests/vectors/public.json");
const OWN: &str = include_str!("../../../../sse-core/tests/vectors/own.json");
/// Ends the events of a vector: on a connection of its own.
const LAST: &str = "the last one";
/// The longest reconnection time that is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The pause between pieces, so that they arrive as such.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Deserialize)]
struct Vector {
    name: String,
    input: String,
    chunking: Value,
    expected: Vec<Expected>,
    expected_retry: Option<u64>,
    final_last_event_id: String,
    rule: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Expected {
    event: String,
    data: String,
    id: String,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, data, id } = self;
        write!(f, "{event:?} {data:?} id {id:?}")
    }
}

pub(super) fn cases(all: bool) -> Result<Vec<Case>> {
    let mut vectors: Vec<Vector> = serde_json::from_str(PUBLIC).context("public vectors")?;
    if all {
        let own: Vec<Vector> = serde_json::from_str(OWN).context("own vectors")?;
        vectors.extend(own);
    }
    vectors
        .into_iter()
        .map(|vector| {
            let input = BASE64_STANDARD.decode(&vector.input);
            let input = input.with_context(|| vector.name.clone())?;
            let name = format!("vector/{}", vector.name);
            Ok(Case::new(name, vector.rule.clone(), move |bench| {
                Box::pin(async move { play(bench, &vector, &input).await })
            }))
        })
        .collect()
}

async fn play(bench: &mut Bench, vector: &Vector, input: &[u8]) -> Outcome {
    if bench.once {
        stream(bench, vector, input).await?;
        let seen = bench.events_to_the_end().await?;
        let seen: Vec<_> = seen.into_iter().map(to_expected).collect();
        return Ok(compare(&vector.expected, &seen));
    }
    // A connection before it sets a short reconnection time; the parser starts anew.
    bench.answer("retry: 100\n\n").await?;
    let peer = stream(bench, vector, input).await?;
    let retry = vector.expected_retry.map(Duration::from_millis);
    if retry.is_some_and(|retry| retry > LONGEST_WAIT) {
        let seen = first_events(bench, vector.expected.len()).await?;
        return Ok(compare(&vector.expected, &seen));
    }
    let again = bench.answer(&format!("data: {LAST}\n\n")).await?;
    let seen = bench.events_before(LAST).await?;
    let id = Some(vector.final_last_event_id.as_str()).filter(|id| !id.is_empty());
    again.expect_last_event_id(id)?;
    let waited = again.at.duration_since(peer.ended);
    if let Some(retry) = retry
        && waited + Duration::from_millis(15) < retry
        && retry >= Duration::from_millis(100)
    {
        let (waited, retry) = (waited.as_millis(), retry.as_millis());
        let seen = format_args!("it came back after {waited} ms instead of {retry} ms");
        return Ok(Verdict::failed(seen));
    }
    let seen: Vec<_> = seen.into_iter().map(to_expected).collect();
    Ok(compare(&vector.expected, &seen))
}

/// Answers the next request with the vector.
async fn stream(bench: &mut Bench, vector: &Vector, input: &[u8]) -> Result<Peer, Verdict> {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    for piece in pieces(input, &vector.chunking) {
        peer.send(piece).await;
        sleep(PAUSE).await;
    }
    peer.end().await;
    Ok(peer)
}

async fn first_events(bench: &mut Bench, count: usize) -> Result<Vec<(Expected, bool)>, Verdict> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(to_expected(bench.event().await?));
    }
    Ok(events)
}

/// An event as it was printed, and whether its id was.
fn to_expected(event: super::program::Event) -> (Expected, bool) {
    let has_id = event.id.is_some();
    let expected = Expected {
        event: event.event_type,
        data: event.data,
        id: event.id.unwrap_or_default(),
    };
    (expected, has_id)
}

fn compare(wanted: &[Expected], seen: &[(Expected, bool)]) -> Verdict {
    if wanted.len() != seen.len() {
        let (seen, wanted) = (seen.len(), wanted.len());
        let text = format_args!("{seen} events instead of {wanted}");
        return Verdict::failed(text);
    }
    for (index, (wanted, (seen, has_id))) in wanted.iter().zip(seen).enumerate() {
        let same_id = !has_id || seen.id == wanted.id;
        if seen.event != wanted.event || seen.data != wanted.data || !same_id {
            let number = index + 1;
            let text = format_args!("event {number} is {seen} instead of {wanted}");
            return Verdict::failed(text);
        }
    }
    Verdict::ok()
}

/// `all`, `bytewise`, or the offsets at which to cut.
fn pieces<'a>(input: &'a [u8], chunking: &Value) -> Vec<&'a [u8]> {
    match chunking {
        Value::String(how) if how == "bytewise" => input.chunks(1).collect(),
        Value::Array(offsets) => {
            let mut pieces = Vec::new();
            let mut start = 0;
            for offset in offsets.iter().filter_map(Value::as_u64) {
                let offset = (offset as usize).clamp(start, input.len());
                pieces.push(&input[start..offset]);
                start = offset;
            }
            pieces.push(&input[start..]);
            pieces
        }
        _ => vec![input],
    }
}
