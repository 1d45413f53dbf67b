//! V06, V14-V16, V18, V42: events of our own, and what becomes of them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::leg::Event;
use super::robustness::injected;
use super::site::{AT_ONCE, Publishing, Shared};
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};
use crate::units::seconds;

const LINES: &str =
    "HTML Living Standard §9.2.6: a line end in a value ends its line; one data line each";
const EXACT: &str =
    "HTML Living Standard §9.2.6: one space behind the colon and the last LF are removed";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::live(
            "V06/published",
            "what is published arrives at once",
            "practice: nothing on the way collects",
            |site| Box::pin(latency(site)),
        ),
        Case::live("V14", "data of two lines", LINES, |site| {
            Box::pin(round_trip(site, "one\ntwo", true))
        }),
        Case::live(
            "V15/cr",
            "data with a CR makes no line of its own",
            LINES,
            |site| {
                Box::pin(round_trip(
                    site,
                    "one\revent: FORGED\rdata: FORGED\r\rtwo",
                    true,
                ))
            },
        ),
        Case::live(
            "V15/crlf",
            "data with CRLF makes no line of its own",
            LINES,
            |site| {
                let data = "one\r\nevent: FORGED\r\ndata: FORGED\r\n\r\ntwo";
                Box::pin(round_trip(site, data, true))
            },
        ),
        Case::live(
            "V15/lf",
            "data with a blank line makes no event of its own",
            LINES,
            |site| {
                Box::pin(round_trip(
                    site,
                    "one\n\nevent: FORGED\ndata: FORGED\n\ntwo",
                    true,
                ))
            },
        ),
        Case::live(
            "V16",
            "a type with a line end makes no line of its own",
            LINES,
            |site| Box::pin(type_with_lines(site)),
        ),
        Case::live("V18/space", "a leading space arrives", EXACT, |site| {
            Box::pin(round_trip(site, " spaced", false))
        }),
        Case::live("V18/feed", "a trailing line feed arrives", EXACT, |site| {
            Box::pin(round_trip(site, "fed\n", false))
        }),
        Case::live(
            "V42/published",
            "characters beyond ASCII arrive",
            "HTML Living Standard §9.2.5: always UTF-8",
            |site| Box::pin(round_trip(site, "\u{2713} \u{1f600} \u{feff}", true)),
        ),
    ]
}

fn publishing(site: &Shared) -> Result<&Publishing, Verdict> {
    let publishing = site.publishing.as_ref();
    publishing.ok_or_else(|| Verdict::not_applicable("needs --publish-url"))
}

/// What is told apart from what others publish.
fn marker() -> String {
    format!("conform-{:016x}", fastrand::u64(..))
}

/// What only the publication of this marker can have forged.
fn forged(marker: &str) -> String {
    marker.replace("conform", "forged")
}

struct Arrival {
    event: Option<Event>,
    /// From the acknowledgement.
    after: Duration,
    injected: bool,
}

/// Publishes, and waits for the event that has the marker. `Err` with the status
/// of a refusal.
async fn publish(
    site: &Shared,
    event: &str,
    data: &str,
    marker: &str,
) -> Result<Result<Arrival, http::StatusCode>, Verdict> {
    let publishing = publishing(site)?;
    let mut leg = site.stream().await?;
    // What is there already is not what is to come.
    leg.watch_for(Duration::from_millis(100)).await;
    let before = leg.age();
    let answer = publishing.publish(event, data, site.patience).await;
    let status =
        answer.map_err(|none| Verdict::not_applicable(format_args!("publishing: {none}")))?;
    if !status.is_success() {
        return Ok(Err(status));
    }
    let found = |leg: &super::leg::Leg| leg.events().position(|event| event.data.contains(marker));
    leg.watch(site.deadline(), |leg| found(leg).is_some()).await;
    let after = leg.age().saturating_sub(before);
    leg.watch(Instant::now() + Duration::from_millis(300), |_| false)
        .await;
    let event = leg
        .events()
        .find(|event| event.data.contains(marker))
        .cloned();
    Ok(Ok(Arrival {
        event,
        after,
        injected: injected(&leg, &forged(marker)),
    }))
}

async fn latency(site: Shared) -> Outcome {
    let marker = marker();
    let arrival = match publish(&site, "conform", &marker, &marker).await? {
        Ok(arrival) => arrival,
        Err(status) => {
            let seen = format_args!("publishing was answered with {status}");
            return Err(Verdict::not_applicable(seen));
        }
    };
    let after = seconds(arrival.after);
    Ok(match arrival.event {
        None => Verdict::non_strict(format_args!(
            "accepted, and not received on an open stream within {after}"
        )),
        Some(_) if arrival.after > AT_ONCE => {
            Verdict::non_strict(format_args!("received {after} after it was sent"))
        }
        Some(_) => Verdict::new(
            Grade::Ok,
            format_args!("received {after} after it was sent"),
        ),
    })
}

/// `strict` where it breaks a rule that text other than line ends is lost.
async fn round_trip(site: Shared, data: &str, strict: bool) -> Outcome {
    let marker = marker();
    // The marker stands where no encoder cuts: inside the first word.
    let data = match data.strip_prefix(' ') {
        Some(rest) => format!(" {marker}{rest}"),
        None => format!("{marker}{data}"),
    };
    let data = data.replace("FORGED", &forged(&marker));
    let arrival = match publish(&site, "conform", &data, &marker).await? {
        Ok(arrival) => arrival,
        Err(status) if status.is_client_error() => {
            return Ok(Verdict::new(
                Grade::Ok,
                format_args!("refused with {status}"),
            ));
        }
        Err(status) => return Ok(Verdict::non_strict(format_args!("answered with {status}"))),
    };
    if arrival.injected {
        return Ok(Verdict::failed(
            "a line of the data became a line of the stream: whoever publishes can forge events",
        ));
    }
    let Some(event) = arrival.event else {
        return Ok(Verdict::not_applicable(
            "accepted, and not received: see V06",
        ));
    };
    if is_same(&event.data, &data) {
        return Ok(Verdict::ok());
    }
    let seen = format_args!("{:?} arrived as {:?}", data, event.data);
    let words = |text: &str| text.replace(['\r', '\n'], "");
    let only_ends_differ = words(&event.data) == words(&data);
    Ok(if strict && !only_ends_differ {
        Verdict::failed(seen)
    } else {
        Verdict::non_strict(seen)
    })
}

/// As text, or anywhere in a JSON value; line ends of any kind are line ends.
fn is_same(arrived: &str, sent: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    let is_in_json = serde_json::from_str::<Value>(arrived)
        .is_ok_and(|value| holds(&value, &|text| plain(text) == plain(sent)));
    is_in_json || plain(arrived) == plain(sent)
}

fn holds(value: &Value, wanted: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => wanted(text),
        Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
        Value::Object(members) => members.values().any(|member| holds(member, wanted)),
        _ => false,
    }
}

async fn type_with_lines(site: Shared) -> Outcome {
    if !publishing(&site)?.names_types() {
        return Err(Verdict::not_applicable("needs {{event}} in --publish-body"));
    }
    let marker = marker();
    let event = "a\nid: FORGED\ndata: FORGED\n\nevent: b".replace("FORGED", &forged(&marker));
    let arrival = match publish(&site, &event, &marker, &marker).await? {
        Ok(arrival) => arrival,
        Err(status) => {
            return Ok(Verdict::new(
                Grade::Ok,
                format_args!("refused with {status}"),
            ));
        }
    };
    Ok(if arrival.injected {
        Verdict::failed(
            "a line of the type became a line of the stream: whoever publishes can forge events",
        )
    } else {
        Verdict::ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_arrives_as_text_or_in_json() {
        for (arrived, sent, same) in [
            ("a\nb", "a\r\nb", true),
            ("\"a\\nb\"", "a\rb", true),
            (r#"{"x":[{"y":" a"}]}"#, " a", true),
            ("a", " a", false),
            (r#"{"x":"a"}"#, "a\n", false),
        ] {
            assert_eq!(is_same(arrived, sent), same, "{arrived:?} {sent:?}");
        }
    }
}
