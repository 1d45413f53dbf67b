//! The publish time that a payload carries, found by a JSON pointer (RFC 6901).

use std::fmt;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use crate::payloads::Payloads;

/// What the number found counts, or that it was text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Seconds since the Unix epoch.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// An RFC 3339 date and time.
    Rfc3339,
}

impl Unit {
    /// All units, in the order of their discriminants.
    pub const ALL: [Self; 5] = [
        Self::Seconds,
        Self::Millis,
        Self::Micros,
        Self::Nanos,
        Self::Rfc3339,
    ];

    /// The name a report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
            Self::Rfc3339 => "RFC 3339",
        }
    }
}

/// A publish time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// How the payload wrote it.
    pub unit: Unit,
}

/// A JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// A text that is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a JSON pointer is empty or starts with \"/\", such as /at or /meta/sent (RFC 6901)")]
pub struct InvalidPointer;

impl std::str::FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        let mut parts = text.split('/');
        if parts.next() != Some("") {
            return Err(InvalidPointer);
        }
        Ok(Self {
            text: text.to_owned(),
            tokens: parts
                .map(|token| token.replace("~1", "/").replace("~0", "~"))
                .collect(),
        })
    }
}

impl Pointer {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Finds timestamps in payloads.
#[derive(Debug)]
pub struct Extractor {
    pointer: Pointer,
    payloads: Payloads<Timestamp>,
}

impl Extractor {
    /// An extractor for one thread.
    pub fn new(pointer: Pointer) -> Self {
        Self {
            pointer,
            payloads: Payloads::default(),
        }
    }

    /// `None` where the payload is not JSON, holds nothing there, or holds
    /// something that is no time.
    pub fn find(&mut self, data: &str) -> Option<Timestamp> {
        let Self { pointer, payloads } = self;
        payloads.find(data, |data| parse(pointer, data))
    }
}

fn parse(pointer: &Pointer, data: &str) -> Option<Timestamp> {
    let mut json = serde_json::Deserializer::from_str(data);
    let found = Walk(&pointer.tokens).deserialize(&mut json).ok()?;
    json.end().ok()?;
    found
}

/// The unit by magnitude: each covers three decades, and the present day stands
/// well inside (1.8e9 s). Seconds reach to the year 5138.
fn from_number(number: f64) -> Option<(Unit, f64)> {
    let (unit, scale) = match number {
        _ if !number.is_finite() || number <= 0.0 => return None,
        _ if number < 1e11 => (Unit::Seconds, 1e9),
        _ if number < 1e14 => (Unit::Millis, 1e6),
        _ if number < 1e17 => (Unit::Micros, 1e3),
        _ => (Unit::Nanos, 1.0),
    };
    Some((unit, scale))
}

fn from_integer(number: u64) -> Option<Timestamp> {
    let (unit, scale) = from_number(number as f64)?;
    let nanos = number.checked_mul(scale as u64)?;
    Some(Timestamp { nanos, unit })
}

fn from_float(number: f64) -> Option<Timestamp> {
    let (unit, scale) = from_number(number)?;
    let nanos = (number * scale) as u64;
    Some(Timestamp { nanos, unit })
}

fn from_text(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse() {
        return from_integer(number);
    }
    if let Ok(number) = text.parse() {
        return from_float(number);
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = u64::try_from(time.as_nanosecond()).ok()?;
    Some(Timestamp {
        nanos,
        unit: Unit::Rfc3339,
    })
}

/// Walks a document down the pointer and skips all else without storing it.
struct Walk<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<Timestamp>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl Walk<'_> {
    fn here(&self, timestamp: Option<Timestamp>) -> Option<Timestamp> {
        timestamp.filter(|_| self.0.is_empty())
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let (token, rest) = match self.0 {
            [token, rest @ ..] => (Some(token.as_str()), rest),
            [] => (None, &[][..]),
        };
        while let Some(named) = map.next_key_seed(Names(token))? {
            if named {
                found = map.next_value_seed(Walk(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let (wanted, rest) = match self.0 {
            [token, rest @ ..] => (token.parse::<usize>().ok(), rest),
            [] => (None, &[][..]),
        };
        let mut index = 0;
        loop {
            let step = if wanted == Some(index) {
                seq.next_element_seed(Walk(rest))?
                    .map_or(ControlFlow::Break(()), |value| {
                        found = value;
                        ControlFlow::Continue(())
                    })
            } else {
                seq.next_element::<IgnoredAny>()?
                    .map_or(ControlFlow::Break(()), |_| ControlFlow::Continue(()))
            };
            if step.is_break() {
                return Ok(found);
            }
            index += 1;
        }
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.here(from_integer(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.here(u64::try_from(number).ok().and_then(from_integer)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.here(from_float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.here(from_text(text)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a key is the wanted one.
struct Names<'p>(Option<&'p str>);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Names<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(self.0 == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pointer: &str, data: &str) -> Option<(u64, &'static str)> {
        Extractor::new(pointer.parse().unwrap())
            .find(data)
            .map(|found| (found.nanos, found.unit.name()))
    }

    #[test]
    fn the_unit_follows_from_the_magnitude() {
        let nanos = 1_790_000_000_123_456_789;
        for (number, expected, unit) in [
            ("1790000000123456789", nanos, "ns"),
            ("1790000000123456", nanos / 1000 * 1000, "us"),
            ("1790000000123", nanos / 1_000_000 * 1_000_000, "ms"),
            ("1790000000", 1_790_000_000_000_000_000, "s"),
            ("1790000000.5", 1_790_000_000_500_000_000, "s"),
            // A double holds no more than 53 bits.
            ("1790000000123.5", 1_790_000_000_123_500_032, "ms"),
        ] {
            let data = format!(r#"{{"seq":1,"at":{number},"price":1.5}}"#);
            assert_eq!(find("/at", &data), Some((expected, unit)), "{number}");
            let data = format!(r#"{{"at":"{number}"}}"#);
            assert_eq!(find("/at", &data), Some((expected, unit)), "\"{number}\"");
        }
    }

    #[test]
    fn dates_as_rfc_3339_have_any_offset_and_fraction() {
        for text in [
            "2026-09-21T14:13:20.5Z",
            "2026-09-21T16:13:20.500+02:00",
            "2026-09-21T14:13:20.500000000Z",
        ] {
            let data = format!("{{\"at\":\"{text}\"}}");
            let expected = 1_790_000_000_500_000_000;
            assert_eq!(find("/at", &data), Some((expected, "RFC 3339")), "{text}");
        }
    }

    #[test]
    fn pointers_reach_into_objects_arrays_and_escaped_names() {
        let data = r#"{"a":{"at":7,"b/c":[{"x":1},{"~t":1790000000}]},"at":"no"}"#;
        let expected = Some((1_790_000_000_000_000_000, "s"));
        assert_eq!(find("/a/b~1c/1/~0t", data), expected);
        assert_eq!(find("", "1790000000"), expected);
        for absent in ["/a/b", "/a/b~1c/2/~0t", "/a/b~1c/x", "/at", "/a", ""] {
            assert_eq!(find(absent, data), None, "{absent}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_found() {
        for data in [
            "",
            "null",
            "{",
            "{\"at\":1790000000",
            "{\"at\":1790000000} x",
            "{\"at\":-5}",
            "{\"at\":0}",
            "{\"at\":null}",
            "{\"at\":true}",
            "{\"at\":\"soon\"}",
            "{\"at\":\"NaN\"}",
            "{\"at\":[]}",
            "plain text",
        ] {
            assert_eq!(find("/at", data), None, "{data}");
        }
    }

    #[test]
    fn the_cache_never_answers_for_another_payload() {
        let mut extractor = Extractor::new("/at".parse().unwrap());
        for _ in 0..2 {
            for second in 1..2000_u64 {
                let data = format!("{{\"at\":{second}}}");
                let found = extractor.find(&data).unwrap();
                assert_eq!(found.nanos, second * 1_000_000_000);
            }
        }
    }

    #[test]
    fn a_pointer_starts_with_a_slash() {
        assert_eq!("at".parse::<Pointer>(), Err(InvalidPointer));
        assert_eq!("/at".parse::<Pointer>().unwrap().to_string(), "/at");
    }
}
