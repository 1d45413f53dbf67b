//! What an event is told from others by.

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use regex::Regex;
use serde_json::Value;

use super::{Counts, Settings};

/// An event as a connection received it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Its data.
    pub data: &'a str,
    /// The value of its own `id` field; `None` without one.
    pub id: Option<&'a str>,
}

/// Where a number stands that counts without holes.
#[derive(Debug, Clone)]
pub enum Sequence {
    /// In the id: the first group of the expression, else all that it matches. What is
    /// left of the id names the series.
    Id(Regex),
    /// In the data, at this JSON pointer (RFC 6901).
    Data(KeyPointer),
}

/// A JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPointer(pub String);

impl std::str::FromStr for KeyPointer {
    type Err = crate::timestamp::InvalidPointer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<crate::timestamp::Pointer>()?;
        Ok(Self(text.to_owned()))
    }
}

impl KeyPointer {
    /// The integer that it leads to, a number or a text.
    pub fn integer(&self, data: &str) -> Option<u64> {
        integer(&self.find(data)?)
    }

    fn find(&self, data: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(data).ok()?;
        value.pointer(&self.0).cloned()
    }
}

/// What tells an event from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity<'a> {
    Text(Cow<'a, str>),
    /// Of a value in the data.
    Value(Cow<'a, str>),
    /// Of type and data.
    Hash(u64),
}

/// An event that can be told from others.
#[derive(Debug)]
pub(super) struct Identified<'a> {
    pub(super) identity: Identity<'a>,
    /// Series and number, where the sequence has one for it.
    pub(super) number: Option<(String, u64)>,
    pub(super) has_id: bool,
}

/// `None`: the event is owed to nobody.
pub(super) fn identify<'a>(
    settings: &Settings,
    counts: &mut Counts,
    arrival: &Arrival<'a>,
) -> Option<Identified<'a>> {
    let id = arrival.id.filter(|id| !id.is_empty());
    let has_id = id.is_some();
    let of = |identity, number| Identified {
        identity,
        number,
        has_id,
    };
    match &settings.sequence {
        Some(Sequence::Data(pointer)) => {
            let marker = settings.marker.as_deref().unwrap_or_default();
            let number = arrival
                .data
                .contains(marker)
                .then(|| pointer.integer(arrival.data));
            if let Some(number) = number.flatten() {
                counts.numbered += 1;
                let text = Cow::Owned(format!("#{number}"));
                return Some(of(Identity::Text(text), Some((String::new(), number))));
            }
            counts.unnumbered += 1;
        }
        Some(Sequence::Id(expression)) => {
            let id = id?;
            let number = number_in(expression, id);
            match number {
                Some(_) => counts.numbered += 1,
                None => counts.unnumbered += 1,
            }
            return Some(of(Identity::Text(Cow::Borrowed(id)), number));
        }
        None => {}
    }
    if settings.sequence.is_none()
        && let Some(pointer) = &settings.key_pointer
    {
        let value = pointer.find(arrival.data)?;
        return Some(of(Identity::Value(Cow::Owned(format!("@{value}"))), None));
    }
    if let Some(id) = id {
        return Some(of(Identity::Text(Cow::Borrowed(id)), None));
    }
    if settings.sequence.is_some() {
        return None;
    }
    Some(of(Identity::Hash(content(arrival)), None))
}

/// A hash of type and data.
pub(super) fn content(arrival: &Arrival<'_>) -> u64 {
    FixedState::default().hash_one((arrival.event_type, arrival.data))
}

/// How many events an announcement says are missing: data that is a number, or
/// `missed` in JSON.
pub(super) fn announced(data: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(data.trim()).ok()?;
    integer(&value).or_else(|| integer(value.get("missed")?))
}

fn integer(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn number_in(expression: &Regex, id: &str) -> Option<(String, u64)> {
    let captures = expression.captures(id)?;
    let found = captures.get(1).or_else(|| captures.get(0))?;
    let number = found.as_str().parse().ok()?;
    let series = [&id[..found.start()], &id[found.end()..]].concat();
    Some((series, number))
}
