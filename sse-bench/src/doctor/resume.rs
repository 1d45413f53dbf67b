//! What a client gets that comes back with a last event ID.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use http::StatusCode;
use sse_core::{Cause, EventId, Item};

use super::finding::{Area, Finding, Grade};
use super::listen::{Heard, Line};
use super::watch::{Watched, is_control};

/// How many events before the newest the reconnect begins.
const BACK: usize = 10;
/// An id that no server gave.
const UNKNOWN: &str = "sse-bench-doctor-0";
const SOURCE: &str = "HTML §9.2.6, id; §9.2.4, Last-Event-ID";

/// What came after a reconnect.
#[derive(Debug, Default)]
struct Came {
    /// Ids of events, in order.
    ids: Vec<String>,
    /// The data of the event that announces a gap.
    gap: Option<String>,
    events: u64,
    refused: Option<String>,
    opened: bool,
}

/// Comes back after one of the last events, and looks what is replayed.
pub(super) async fn resume(
    line: &Line,
    watched: &Watched,
    gap_events: &[String],
    patience: Duration,
) -> Finding {
    let ids = &watched.ids;
    let back = BACK.min(ids.len().saturating_sub(1));
    let at = ids.len().saturating_sub(back + 1);
    let (Some(cursor), true) = (ids.get(at), back > 0) else {
        let what = "not tried: fewer than two events had an id";
        return Finding::new(Grade::Note, Area::Resume, what, String::new());
    };
    let owed: Vec<&str> = ids.range(at + 1..).map(String::as_str).collect();
    let names: HashSet<&str> = ids.range(at..).map(String::as_str).collect();
    if names.len() <= owed.len() {
        let what = "cannot tell: ids repeat";
        let evidence = format!("{} ids of the last {} events", names.len(), back + 1);
        return Finding::new(Grade::Note, Area::Resume, what, evidence);
    }
    let came = come_back(line, cursor, gap_events, patience, owed.len()).await;
    let older = |id: &str| {
        ids.range(..at)
            .chain(&watched.first_id)
            .any(|known| known == id)
    };
    judge(&came, cursor, &owed, older)
}

fn judge(came: &Came, cursor: &str, owed: &[&str], older: impl Fn(&str) -> bool) -> Finding {
    let (area, number) = (Area::Resume, owed.len());
    let after = format!("after {}", shown(cursor));
    let first = came.ids.first().map(String::as_str);
    let kept = came
        .ids
        .iter()
        .zip(owed)
        .take_while(|(a, b)| a == *b)
        .count();
    if let Some(refused) = &came.refused {
        let what = "a reconnect is refused";
        return Finding::new(Grade::Problem, area, what, format!("{after}: {refused}"))
            .mend("answer 200 and go on, whatever Last-Event-ID says", SOURCE);
    }
    if kept == number {
        let evidence = format!("{after}: the {number} events since then came again, in order");
        return Finding::new(
            Grade::Ok,
            area,
            "a reconnect goes on where it was",
            evidence,
        );
    }
    if let Some(gap) = &came.gap {
        let evidence = format!("{after}, {number} events ago, a gap is announced: {gap}");
        return Finding::new(
            Grade::Warning,
            area,
            "replay reaches back hardly at all",
            evidence,
        )
        .mend("keep more events for replay", SOURCE);
    }
    if first == Some(cursor) {
        let evidence = format!("{after}: it came first, again");
        return Finding::new(
            Grade::Warning,
            area,
            "each reconnect repeats an event",
            evidence,
        )
        .mend("begin with the event after Last-Event-ID", SOURCE);
    }
    if let Some(first) = first.filter(|first| older(first)) {
        let evidence = format!("{after}: it began with {}", shown(first));
        let what = "a reconnect repeats events that were delivered";
        return Finding::new(Grade::Warning, area, what, evidence)
            .mend("begin with the event after Last-Event-ID", SOURCE);
    }
    if kept > 0 {
        let evidence = format!("{after}: {kept} of the {number} events since then came in order");
        return Finding::new(Grade::Warning, area, "replay is incomplete", evidence).mend(
            "replay all that is newer than Last-Event-ID, in order",
            SOURCE,
        );
    }
    let evidence = match first {
        Some(first) => format!(
            "{after}: it went on with {}; the {number} events between did not come",
            shown(first)
        ),
        None => format!("{after}: no event with an id came; {number} were owed"),
    };
    Finding::new(
        Grade::Warning,
        area,
        "events of an outage are lost",
        evidence,
    )
    .mend("replay what is newer than Last-Event-ID", SOURCE)
}

/// Comes back with an id that the server cannot know.
pub(super) async fn expired(line: &Line, gap_events: &[String], patience: Duration) -> Finding {
    let area = Area::Expired;
    let came = come_back(line, UNKNOWN, gap_events, patience, 1).await;
    if let Some(refused) = &came.refused {
        let what = "a client with an unknown id is turned away";
        let evidence = format!("Last-Event-ID: {UNKNOWN} is answered with {refused}");
        return Finding::new(Grade::Warning, area, what, evidence).mend(
            "answer 200 and announce the gap in the stream: an EventSource gives up for good",
            SOURCE,
        );
    }
    if let Some(gap) = &came.gap {
        let what = "a gap is announced";
        return Finding::new(
            Grade::Ok,
            area,
            what,
            format!("in answer to {UNKNOWN}: {gap}"),
        );
    }
    if !came.opened {
        return Finding::new(Grade::Note, area, "cannot tell", "there was no answer");
    }
    let what = "a client with an unknown id is not told";
    let evidence = match came.ids.first() {
        Some(first) => format!(
            "Last-Event-ID: {UNKNOWN} is answered as if nothing was missing, with {}",
            shown(first)
        ),
        None => format!(
            "Last-Event-ID: {UNKNOWN} is answered with {} events without a word of a gap",
            came.events
        ),
    };
    Finding::new(Grade::Warning, area, what, evidence).mend(
        "send an event that says so, and the client can load afresh",
        SOURCE,
    )
}

/// Until so many ids came, a gap, or for that long.
async fn come_back(
    line: &Line,
    cursor: &str,
    gap_events: &[String],
    patience: Duration,
    enough: usize,
) -> Came {
    let mut came = Came::default();
    let id = EventId::new(cursor.to_owned()).unwrap_or_default();
    let listened = line
        .listen(id, tokio::time::sleep(patience), |_, heard| {
            match heard {
                Heard::Open(_) => came.opened = true,
                Heard::Item(Item::Event(event)) => {
                    came.events += 1;
                    if gap_events.iter().any(|name| name == event.event_type) {
                        came.gap.get_or_insert_with(|| shown(event.data));
                    } else if event.has_id()
                        && !is_control(event, gap_events)
                        && came.ids.len() < enough
                    {
                        came.ids.push(event.last_event_id.to_owned());
                    }
                }
                _ => {}
            }
            // After a gap there may be more, but nothing to learn from it.
            if came.gap.is_some() || came.ids.len() >= enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
    if !came.opened {
        came.refused = match (&listened.head, &listened.end, &listened.failure) {
            (Some((_, StatusCode::NO_CONTENT, _)), ..) => {
                Some("204 No Content, which tells clients to stop".to_owned())
            }
            (_, _, Some(failure)) => Some(failure.detail.clone()),
            (_, Some((cause, _)), None) if *cause != Cause::Closed => Some(cause.to_string()),
            _ => None,
        };
    }
    came
}

/// At most so many characters.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWED: [&str; 3] = ["5", "6", "7"];

    fn grade(ids: &[&str], gap: Option<&str>) -> (Grade, String) {
        let came = Came {
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            gap: gap.map(str::to_owned),
            opened: true,
            ..Came::default()
        };
        let finding = judge(&came, "4", &OWED, |id| ["2", "3"].contains(&id));
        (finding.grade, finding.what)
    }

    #[test]
    fn each_way_to_resume_has_its_words() {
        for (ids, gap, words) in [
            (&["5", "6", "7"][..], None, "goes on where it was"),
            (&["4", "5", "6"], None, "repeats an event"),
            (&["2", "3", "4"], None, "repeats events that were"),
            (&["5", "7", "8"], None, "incomplete"),
            (&["9"], None, "events of an outage are lost"),
            (&[], None, "events of an outage are lost"),
            (&[], Some("{}"), "reaches back hardly"),
        ] {
            let (grade, what) = grade(ids, gap);
            assert!(what.contains(words), "{ids:?}: {what}");
            assert_eq!(grade == Grade::Ok, words.starts_with("goes on"), "{ids:?}");
        }
    }
}
