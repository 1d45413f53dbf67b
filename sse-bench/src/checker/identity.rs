//! What an event is told from others by.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use regex::Regex;
use serde_json::Value;

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

    pub(super) fn find(&self, data: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(data).ok()?;
        value.pointer(&self.0).cloned()
    }
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

/// The number in an id; what is left of the id goes to `series`.
pub(super) fn number_in(expression: &Regex, id: &str, series: &mut String) -> Option<u64> {
    series.clear();
    let captures = expression.captures(id)?;
    let found = captures.get(1).or_else(|| captures.get(0))?;
    let number = found.as_str().parse().ok()?;
    series.push_str(&id[..found.start()]);
    series.push_str(&id[found.end()..]);
    Some(number)
}
