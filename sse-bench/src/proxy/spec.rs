//! Faults as they are written: text on the command line, tables in a scenario,
//! objects on the control address. All three are a kind with keys and values.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use thiserror::Error;

use super::fault::{Cut, Fault, Kind, Origin, Scope, When};
use super::keys::{Keys, unknown};
use super::select::{Pick, Which};
use crate::units::{parse_duration, parse_size};

/// The longest name of a fault, in bytes.
const LONGEST_NAME: usize = 64;
/// The most that a buffer holds where no size is given, in bytes.
const BUFFER: usize = 1 << 20;
/// The most that a buffer may be given, in bytes.
const LARGEST_BUFFER: usize = 64 << 20;
/// The most copies of an event, and the farthest that one is put back.
const MOST: u32 = 1000;

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// What is wrong with a fault as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(super) struct SpecError(String);

/// A kind, and keys with values, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spec {
    kind: String,
    given: Vec<(String, String)>,
}

impl Spec {
    /// `KIND[,KEY=VALUE]...`; a key alone is the same as `KEY=true`.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.split(',').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_owned();
        let given = parts.map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, "true"));
            (key.trim().to_owned(), value.trim().to_owned())
        });
        let given = given.collect();
        Self { kind, given }
    }

    /// From a table or object, whose key `fault` names the kind.
    pub(super) fn collect(
        entries: impl IntoIterator<Item = (String, Option<String>)>,
    ) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        for (key, value) in entries {
            let value = value.ok_or_else(|| {
                SpecError(format!(
                    "{key:?} of a fault is a text, a number, true or false"
                ))
            })?;
            if key == "fault" {
                spec.kind = value;
            } else {
                spec.given.push((key, value));
            }
        }
        Ok(spec)
    }

    pub(super) fn set_name(&mut self, name: &str) {
        self.given.retain(|(key, _)| key != "name");
        self.given.push(("name".to_owned(), name.to_owned()));
    }

    /// Checks it all and makes a fault of it.
    pub(super) fn into_fault(self, origin: Origin) -> Result<Fault, SpecError> {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let label = match self.kind.as_str() {
            "" => "a fault".to_owned(),
            kind => format!("fault {kind}"),
        };
        let parsed = parse(&self.kind, &self.given);
        let (kind, scope, name) =
            parsed.map_err(|problem| SpecError(format!("{label}: {problem}")))?;
        let mut given = self.given;
        given.retain(|(key, _)| key != "name");
        Ok(Fault {
            name: name.unwrap_or_default(),
            kind,
            scope,
            given,
            origin,
            serial,
            acted: AtomicU64::new(0),
        })
    }
}

fn parse(
    kind_name: &str,
    given: &[(String, String)],
) -> Result<(Kind, Scope, Option<String>), String> {
    let mut keys = Keys::of(given);
    let kind = kind(kind_name, &mut keys)?;
    let scope = scope(&mut keys)?;
    let name = keys.take("name").map(str::to_owned);
    if let Some(name) = &name
        && (name.is_empty() || name.len() > LONGEST_NAME || name.contains(['/', '?', '#']))
    {
        return Err(format!(
            "name={name}: a name has 1 to {LONGEST_NAME} bytes and none of / ? #"
        ));
    }
    keys.finish()?;
    Ok((kind, scope, name))
}

fn kind(name: &str, keys: &mut Keys<'_>) -> Result<Kind, String> {
    Ok(match name {
        "latency" => Kind::Latency {
            delay: keys.needed("delay", parse_time)?,
            jitter: keys.optional("jitter", parse_time)?.unwrap_or_default(),
        },
        "bandwidth" => Kind::Bandwidth {
            bytes_per_second: keys.needed("rate", |text| {
                let text = text.strip_suffix("/s").unwrap_or(text);
                parse_size(text)
                    .map(|rate| rate as u64)
                    .map_err(|error| error.to_string())
            })?,
        },
        "split" => Kind::Split {
            bytes: keys
                .optional("bytes", |text| {
                    parse_size(text).map_err(|error| error.to_string())
                })?
                .unwrap_or(1),
            pause: keys.optional("pause", parse_time)?.unwrap_or_default(),
        },
        "cut" => Kind::Cut {
            when: when(keys)?.ok_or(
                "it needs one of at=request, at=head, after-events=N, after-bytes=N, after=TIME",
            )?,
            how: keys.optional("how", Cut::parse)?.unwrap_or(Cut::Fin),
        },
        "black-hole" => Kind::BlackHole {
            when: when(keys)?.unwrap_or(When::Request),
            lasting: keys.optional("for", parse_time)?,
        },
        "buffer" => {
            let lasting = keys.optional("for", parse_time)?;
            let bytes = keys.optional("bytes", |text| {
                let size = parse_size(text).map_err(|error| error.to_string())?;
                match size {
                    ..=LARGEST_BUFFER => Ok(size),
                    _ => Err(format!("at most {LARGEST_BUFFER} bytes")),
                }
            })?;
            if lasting.is_none() && bytes.is_none() {
                return Err("it needs for=TIME, bytes=SIZE, or both".to_owned());
            }
            let bytes = bytes.unwrap_or(BUFFER);
            Kind::Buffer { lasting, bytes }
        }
        "drop" => Kind::Drop(pick(keys)?),
        "duplicate" => Kind::Duplicate {
            pick: pick(keys)?,
            times: keys.optional("times", up_to_most)?.unwrap_or(1),
        },
        "reorder" => Kind::Reorder {
            pick: pick(keys)?,
            by: keys.optional("by", up_to_most)?.unwrap_or(1),
        },
        "strip-id" => Kind::StripId(pick(keys)?),
        "ignore-last-event-id" => Kind::IgnoreLastEventId,
        "status" => Kind::Status {
            code: keys.needed("code", |text| {
                StatusCode::from_bytes(text.as_bytes())
                    .ok()
                    .filter(|code| (200..600).contains(&code.as_u16()))
                    .ok_or_else(|| "a status is a number from 200 to 599".to_owned())
            })?,
            retry_after: keys.optional("retry-after", |text| {
                text.trim_end_matches('s')
                    .parse()
                    .map_err(|_| "a number of seconds".to_owned())
            })?,
        },
        "content-type" => Kind::ContentType(keys.needed("value", |text| {
            match text {
                "none" => Ok(None),
                _ => HeaderValue::from_str(text)
                    .map(Some)
                    .map_err(|_| "no valid header value".to_owned()),
            }
        })?),
        "compress" => Kind::Compress {
            flush: keys.optional("flush", parse_bool)?.unwrap_or(true),
            force: keys.optional("force", parse_bool)?.unwrap_or(false),
        },
        "" => return Err("it has no kind".to_owned()),
        other => return Err(unknown(other, &Kind::NAMES, "there is no such fault")),
    })
}

fn scope(keys: &mut Keys<'_>) -> Result<Scope, String> {
    Ok(Scope {
        connections: keys
            .optional("connections", Which::parse)?
            .unwrap_or(Which::All),
        path: keys.take("path").map(str::to_owned),
        all_responses: keys
            .optional("responses", |text| match text {
                "sse" => Ok(false),
                "all" => Ok(true),
                _ => Err("sse or all".to_owned()),
            })?
            .unwrap_or(false),
    })
}

fn when(keys: &mut Keys<'_>) -> Result<Option<When>, String> {
    let mid_event = keys
        .optional("where", |text| match text {
            "boundary" => Ok(false),
            "mid-event" => Ok(true),
            _ => Err("boundary or mid-event".to_owned()),
        })?
        .unwrap_or(false);
    let at = keys.optional("at", |text| match text {
        "request" => Ok(When::Request),
        "head" => Ok(When::Head),
        _ => Err("request or head".to_owned()),
    })?;
    let events = keys.optional("after-events", |text| {
        text.parse()
            .map(|count| When::Events { count, mid_event })
            .map_err(|_| "a number of events".to_owned())
    })?;
    let bytes = keys.optional("after-bytes", |text| {
        parse_size(text)
            .map(|size| When::Bytes(size as u64))
            .map_err(|error| error.to_string())
    })?;
    let time = keys.optional("after", |text| {
        parse_time(text).map(|after| When::Time { after, mid_event })
    })?;
    let mut given = [at, events, bytes, time].into_iter().flatten();
    let when = given.next();
    if given.next().is_some() {
        return Err("only one of at, after-events, after-bytes, after".to_owned());
    }
    if mid_event && !when.is_some_and(When::inside_an_event) {
        return Err("where=mid-event goes with after-events or after".to_owned());
    }
    Ok(when)
}

fn pick(keys: &mut Keys<'_>) -> Result<Pick, String> {
    let every = keys
        .take("every")
        .map(|number| Which::parse(&format!("every:{number}")));
    let events = match (every, keys.optional("events", Which::parse)?) {
        (Some(_), Some(_)) => return Err("every or events, not both".to_owned()),
        (Some(every), None) => {
            every.map_err(|_| "every: a number of events from 1 on".to_owned())?
        }
        (None, events) => events.unwrap_or(Which::All),
    };
    let probability = keys.optional("probability", |text| {
        text.parse::<f64>()
            .ok()
            .filter(|number| (0.0..=1.0).contains(number))
            .ok_or_else(|| "a number from 0 to 1".to_owned())
    })?;
    Ok(Pick {
        events,
        probability,
        event_type: keys.take("type").map(str::to_owned),
    })
}

fn up_to_most(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=MOST).contains(number))
        .ok_or_else(|| format!("a number from 1 to {MOST}"))
}

fn parse_time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn parse_bool(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Result<Fault, String> {
        let spec = Spec::parse(text).into_fault(Origin::CommandLine);
        spec.map_err(|error| error.to_string())
    }

    #[test]
    fn a_fault_is_a_kind_with_keys() {
        let cut =
            fault("cut, after-events=3, where=mid-event, how=rst, connections=first:2, name=x");
        let cut = cut.unwrap();
        assert_eq!((cut.name.as_str(), cut.kind.name()), ("x", "cut"));
        let when = When::Events {
            count: 3,
            mid_event: true,
        };
        let how = Cut::Rst;
        assert_eq!(cut.kind, Kind::Cut { when, how });
        assert_eq!(cut.scope.connections, Which::First(2));
        let rate = fault("bandwidth,rate=10KB/s").unwrap().kind;
        let bytes_per_second = 10_000;
        assert_eq!(rate, Kind::Bandwidth { bytes_per_second });
        assert_eq!(
            fault("content-type,value=none").unwrap().kind,
            Kind::ContentType(None)
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_mend() {
        for (text, problem) in [
            ("", "a fault: it has no kind"),
            (
                "dorp",
                "fault dorp: there is no such fault as \"dorp\"; did you mean \"drop\"?",
            ),
            (
                "drop,evry=3",
                "fault drop: there is no such key as \"evry\"; did you mean \"every\"?",
            ),
            (
                "drop,every=0",
                "fault drop: every: a number of events from 1 on",
            ),
            ("drop,every=2,every=3", "fault drop: every is given twice"),
            ("latency", "fault latency: it needs delay=..."),
            (
                "latency,delay=5",
                "fault latency: delay=5: a duration is a number with a unit, such as 500ms, 5s or 2m",
            ),
            (
                "cut",
                "fault cut: it needs one of at=request, at=head, after-events=N, after-bytes=N, after=TIME",
            ),
            (
                "cut,after=1s,after-bytes=3",
                "fault cut: only one of at, after-events, after-bytes, after",
            ),
            (
                "cut,at=head,where=mid-event",
                "fault cut: where=mid-event goes with after-events or after",
            ),
            (
                "buffer",
                "fault buffer: it needs for=TIME, bytes=SIZE, or both",
            ),
            (
                "status,code=99",
                "fault status: code=99: a status is a number from 200 to 599",
            ),
            (
                "drop,probability=2",
                "fault drop: probability=2: a number from 0 to 1",
            ),
            (
                "drop,name=a/b",
                "fault drop: name=a/b: a name has 1 to 64 bytes and none of / ? #",
            ),
        ] {
            assert_eq!(fault(text).unwrap_err(), problem, "{text}");
        }
    }
}
