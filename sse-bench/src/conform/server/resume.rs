//! V22-V24, V29, V40: what two connections of one client, or of two, have in common.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::leg::{End, Event, Leg};
use super::site::{AT_ONCE, Shared};
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};

/// Events that two connections are compared by, at most.
const COMPARED: usize = 20;
/// How often two connections are read in turn.
const SLICE: Duration = Duration::from_millis(50);
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::live(
            "V22",
            "after Last-Event-ID comes what followed that event, in order, once",
            "HTML Living Standard §9.2.4: what the id is for; the server's choice",
            |site| Box::pin(replay(site)),
        ),
        Case::live(
            "V23",
            "between replay and live nothing is lost or repeated",
            "practice; `sse-bench verify` proves it over many reconnects",
            |site| Box::pin(seam(site)),
        ),
        Case::live(
            "V24",
            "an id that is unknown is answered with the stream, saying so",
            "practice; HTML Living Standard §9.2.3: a refusal ends an EventSource for good",
            |site| Box::pin(unknown_id(site)),
        ),
        Case::live(
            "V29",
            "a stream that has ended stops its clients",
            "HTML Living Standard §9.2.1: they reconnect until they get 204",
            |site| Box::pin(finished(site)),
        ),
        Case::live(
            "V40",
            "two subscribers get the same ids in the same order",
            "practice: an id names one event",
            |site| Box::pin(two_subscribers(site)),
        ),
    ]
}

/// What a client got that resumed behind `from` while another stayed.
#[derive(Debug)]
struct Resumed {
    from: String,
    /// Of the one that stayed, behind `from`, until the other came.
    missed: Vec<String>,
    /// And what it got since.
    live: Vec<String>,
    /// Of the one that resumed, but what greets each connection.
    got: Vec<String>,
    /// Where in `got` the first owed stands.
    start: Option<usize>,
    /// Events known from before `from` that were sent again.
    again: usize,
}

async fn resumed(site: &Shared) -> Result<Resumed, Verdict> {
    if !site.serves_two {
        return Err(Verdict::not_applicable("needs two streams at once"));
    }
    let mut stays = site.stream().await?;
    let deadline = site.deadline();
    // The first may be what greets a connection, and is no event to resume behind.
    stays.watch(deadline, |leg| leg.keyed().count() >= 4).await;
    let known: Vec<(String, Event)> = owned(&stays);
    if known.len() < 3 {
        let (events, ids) = (stays.events().count(), known.len());
        return Err(Verdict::not_applicable(format_args!(
            "needs 3 events with ids; {events} events came, {ids} with ids"
        )));
    }
    let from = known[1].0.clone();
    let answer = site.send(&site.ask().with(LAST_EVENT_ID, &from)).await;
    let mut comes = match answer {
        Ok(leg) if leg.is_stream() => leg,
        Ok(leg) => {
            let seen = leg.summary();
            return Err(Verdict::non_strict(format_args!(
                "Last-Event-ID: {from}: {seen}"
            )));
        }
        Err(none) => {
            return Err(Verdict::non_strict(format_args!(
                "Last-Event-ID: {from}: {none}"
            )));
        }
    };
    let had = known.len();
    // What came before the other did is read; what follows is live for both.
    stays.watch_for(SLICE).await;
    let live = stays.keyed().count() + 3;
    let until = site.deadline();
    while Instant::now() < until {
        let slice = Instant::now() + SLICE;
        let limit = live + COMPARED;
        tokio::join!(
            stays.watch(slice, |leg| leg.keyed().count() >= limit),
            comes.watch(slice, |leg| leg.keyed().count() >= 2 * limit),
        );
        let last = stays.keyed().last().map(|(id, _)| id.to_owned());
        let caught_up = comes.keyed().any(|(id, _)| Some(id) == last.as_deref());
        if stays.keyed().count() >= live && caught_up {
            break;
        }
    }
    // What is in flight on one of them is not charged to the other.
    comes.watch_for(SLICE * 4).await;
    Ok(compare(&owned(&stays), had, &from, &owned(&comes)))
}

fn owned(leg: &Leg) -> Vec<(String, Event)> {
    let keyed = leg.keyed();
    keyed
        .map(|(id, event)| (id.to_owned(), event.clone()))
        .collect()
}

fn compare(
    stays: &[(String, Event)],
    had: usize,
    from: &str,
    comes: &[(String, Event)],
) -> Resumed {
    let after = stays.iter().skip(2).map(|(id, _)| id.clone());
    let after: Vec<String> = after.collect();
    let missed = after.iter().take(had - 2).cloned().collect();
    let live = after.iter().skip(had - 2).cloned().collect();
    let contents: HashMap<&str, &Event> = stays
        .iter()
        .map(|(id, event)| (id.as_str(), event))
        .collect();
    let is_greeting = |id: &str, event: &Event| {
        // It has the id of another event, or a type that greeted the first connection.
        let other = contents.get(id).is_some_and(|known| *known != event);
        let greeted = stays
            .first()
            .is_some_and(|(_, first)| first.event_type == event.event_type && greets(stays, first));
        other || greeted
    };
    let mut lead = comes;
    while let [(id, event), rest @ ..] = lead
        && is_greeting(id, event)
    {
        lead = rest;
    }
    let got: Vec<String> = lead.iter().map(|(id, _)| id.clone()).collect();
    let start = after
        .first()
        .and_then(|first| got.iter().position(|id| id == first));
    let before = got.iter().take(start.unwrap_or(got.len()));
    let again = before.filter(|id| !after.contains(id)).count();
    Resumed {
        from: from.to_owned(),
        missed,
        live,
        got,
        start,
        again,
    }
}

/// Whether a connection began with this event, and had no other of its type.
fn greets(events: &[(String, Event)], first: &Event) -> bool {
    let same = events
        .iter()
        .filter(|(_, event)| event.event_type == first.event_type);
    events.first().is_some_and(|(_, event)| event == first) && same.count() == 1
}

fn shown(ids: &[String]) -> String {
    let first: Vec<_> = ids.iter().take(5).map(|id| format!("{id:?}")).collect();
    match ids.len() {
        0 => "nothing".to_owned(),
        1..=5 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), more - 5),
    }
}

async fn replay(site: Shared) -> Outcome {
    let seen = resumed(&site).await?;
    Ok(judge_replay(&seen))
}

fn judge_replay(seen: &Resumed) -> Verdict {
    let Resumed {
        from, missed, got, ..
    } = seen;
    let Some(start) = seen.start else {
        let (missed, got) = (shown(missed), shown(got));
        return Verdict::non_strict(format_args!(
            "after {from:?} came {got}; {missed} was not sent again"
        ));
    };
    if seen.again > 0 {
        let (got, count) = (shown(got), seen.again);
        return Verdict::non_strict(format_args!(
            "after {from:?} came {got}: {count} events at or before it"
        ));
    }
    let replayed = got.iter().skip(start).take(missed.len());
    if !replayed.eq(missed.iter()) {
        let (missed, got) = (shown(missed), shown(&got[start..]));
        return Verdict::non_strict(format_args!(
            "after {from:?} came {got} instead of {missed}"
        ));
    }
    let count = missed.len();
    Verdict::new(Grade::Ok, format_args!("{count} events after {from:?}"))
}

async fn seam(site: Shared) -> Outcome {
    let seen = resumed(&site).await?;
    if judge_replay(&seen).grade != Grade::Ok {
        return Err(Verdict::not_applicable("nothing was replayed: see V22"));
    }
    if seen.live.is_empty() {
        return Err(Verdict::not_applicable("no event came after the replay"));
    }
    let got = seen
        .got
        .iter()
        .skip(seen.start.unwrap_or_default() + seen.missed.len());
    let got: Vec<String> = got.cloned().collect();
    let both = got.len().min(seen.live.len());
    let (live, count) = (shown(&seen.live), seen.live.len());
    Ok(if got[..both] != seen.live[..both] {
        let got = shown(&got);
        Verdict::non_strict(format_args!("{got} instead of {live}"))
    } else if both == 0 {
        Verdict::non_strict(format_args!("nothing after the replay instead of {live}"))
    } else {
        Verdict::new(
            Grade::Ok,
            format_args!("{both} of {count} events after the replay"),
        )
    })
}

/// What comes at once, or until the first event.
async fn beginning(site: &Shared, id: Option<&str>) -> Result<Leg, Verdict> {
    let ask = site.ask();
    let ask = id.map_or(ask.clone(), |id| ask.with(LAST_EVENT_ID, id));
    let mut leg = match site.send(&ask).await {
        Ok(leg) if leg.is_stream() => leg,
        Ok(leg) => return Err(Verdict::non_strict(leg.summary())),
        Err(none) => return Err(Verdict::non_strict(none)),
    };
    leg.watch_for(AT_ONCE).await;
    leg.watch(site.deadline(), |leg| leg.events().next().is_some())
        .await;
    Ok(leg)
}

async fn unknown_id(site: Shared) -> Outcome {
    let fresh = beginning(&site, None).await?;
    if fresh.keyed().next().is_none() {
        return Err(Verdict::not_applicable("the stream has no ids"));
    }
    let usual: BTreeSet<&str> = fresh
        .events()
        .map(|event| event.event_type.as_str())
        .collect();
    let mut told: Option<BTreeSet<String>> = None;
    // Twice, since any stream may begin with a type that was not seen before.
    for id in ["conform-no-such-id-0", "conform-no-such-id-1"] {
        let unknown = beginning(&site, Some(id)).await?;
        let lead = unknown.events().map(|event| event.event_type.as_str());
        let lead = lead.take_while(|name| !usual.contains(name));
        let lead: BTreeSet<String> = lead.map(str::to_owned).collect();
        told = Some(told.map_or(lead.clone(), |told| &told & &lead));
    }
    let told: Vec<String> = told.into_iter().flatten().collect();
    Ok(if told.is_empty() {
        Verdict::informational("the stream goes on without a word of what may be missing")
    } else {
        Verdict::new(
            Grade::Ok,
            format_args!("told by an event of type {}", told.join(", ")),
        )
    })
}

async fn finished(site: Shared) -> Outcome {
    let mut leg = site.stream().await?;
    leg.watch(site.deadline(), |_| false).await;
    if !matches!(leg.end, Some(End::Clean)) {
        return Err(Verdict::not_applicable("the stream did not end by itself"));
    }
    let last = leg.keyed().last().map(|(id, _)| id.to_owned());
    let ask = site.ask();
    let ask = last.map_or(ask.clone(), |id| ask.with(LAST_EVENT_ID, id));
    let after = leg.age();
    let answer = site.send(&ask).await;
    let answer = answer.map_or_else(|none| none.to_string(), |leg| leg.status.to_string());
    let after = crate::units::seconds(after);
    let seen = format_args!("it ended after {after}; who comes back gets {answer}");
    Ok(Verdict::informational(seen))
}

async fn two_subscribers(site: Shared) -> Outcome {
    if !site.serves_two {
        return Ok(Verdict::non_strict(
            "while one stream was open, a second was not answered",
        ));
    }
    let (mut one, mut other) = tokio::try_join!(site.stream(), site.stream())?;
    let until = site.deadline();
    let enough = |leg: &Leg| leg.keyed().count() >= COMPARED;
    while Instant::now() < until && !(enough(&one) && enough(&other)) {
        let slice = Instant::now() + SLICE;
        tokio::join!(one.watch(slice, enough), other.watch(slice, enough));
        if one.end.is_some() && other.end.is_some() {
            break;
        }
    }
    let (one, other) = (owned(&one), owned(&other));
    let (one, other) = match (one.as_slice(), other.as_slice()) {
        ([first, rest @ ..], [second, others @ ..])
            if first.1.event_type == second.1.event_type
                && greets(&one, &first.1)
                && greets(&other, &second.1) =>
        {
            (rest, others)
        }
        both => both,
    };
    let contents: HashMap<&str, &Event> =
        one.iter().map(|(id, event)| (id.as_str(), event)).collect();
    let conflict = other.iter().find(|(id, event)| {
        let known = contents.get(id.as_str());
        known.is_some_and(|known| known.event_type == event.event_type && *known != event)
    });
    if let Some((id, event)) = conflict {
        let data = |event: &Event| event.data.chars().take(40).collect::<String>();
        let known = contents
            .get(id.as_str())
            .map_or(String::new(), |known| data(known));
        let seen = format_args!(
            "id {id:?} is {known:?} to one and {:?} to the other",
            data(event)
        );
        return Ok(Verdict::non_strict(seen));
    }
    let names: BTreeSet<&str> = other.iter().map(|(id, _)| id.as_str()).collect();
    let mine = one
        .iter()
        .map(|(id, _)| id.as_str())
        .filter(|id| names.contains(id));
    let mine: Vec<&str> = mine.collect();
    let theirs = other.iter().map(|(id, _)| id.as_str());
    let theirs: Vec<&str> = theirs.filter(|id| contents.contains_key(id)).collect();
    Ok(if mine.is_empty() {
        Verdict::not_applicable("no event with an id came to both")
    } else if mine == theirs {
        Verdict::new(Grade::Ok, format_args!("{} ids in common", mine.len()))
    } else {
        Verdict::non_strict(format_args!("{mine:?} to one and {theirs:?} to the other"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(ids: &[&str]) -> Vec<(String, Event)> {
        ids.iter()
            .map(|id| {
                let greets = id.starts_with('g');
                let id = id.trim_start_matches('g');
                let event = Event {
                    event_type: if greets { "hello" } else { "message" }.to_owned(),
                    data: format!("{greets} {id}"),
                    id: Some(id.to_owned()),
                };
                (id.to_owned(), event)
            })
            .collect()
    }

    fn graded(stays: &[&str], had: usize, from: &str, comes: &[&str]) -> (Grade, String) {
        let verdict = judge_replay(&compare(&events(stays), had, from, &events(comes)));
        (verdict.grade, verdict.seen)
    }

    #[test]
    fn a_replay_is_what_followed_and_nothing_else() {
        let stays = ["1", "2", "3", "4", "5", "6"];
        let ok = graded(&stays, 4, "2", &["3", "4", "5"]);
        assert_eq!(ok, (Grade::Ok, "2 events after \"2\"".to_owned()));
        // With what greets each connection, under the id that it starts from.
        let stays = ["g0", "1", "2", "3", "4"];
        assert_eq!(graded(&stays, 4, "1", &["g1", "2", "3", "4"]).0, Grade::Ok);
    }

    #[test]
    fn other_beginnings_are_told_apart() {
        let stays = ["1", "2", "3", "4", "5", "6"];
        for (comes, said) in [
            (&["5", "6"][..], "\"3\", \"4\" was not sent again"),
            (&[], "came nothing"),
            (&["1", "2", "3", "4"], "2 events at or before it"),
            (&["0", "3", "4"], "1 events at or before it"),
            (&["3", "3", "4"], "instead of"),
            (&["3", "5"], "instead of"),
        ] {
            let (grade, seen) = graded(&stays, 4, "2", comes);
            assert_eq!(grade, Grade::NonStrict, "{comes:?}: {seen}");
            assert!(seen.contains(said), "{comes:?}: {seen}");
        }
    }
}
