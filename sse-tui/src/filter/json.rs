//! Members of JSON data, read without building the whole value.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Check;

/// The way to a member; empty for the data itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<Step>);

/// One step into an object or an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of this name; of several the last, as `JSON.parse` has it.
    Key(String),
    /// Counted from 0.
    Index(usize),
}

/// As a filter writes it: `.a.b[0]."other key"`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if !key.is_empty() && key.chars().all(plain) => {
                    write!(f, ".{key}")?;
                }
                Step::Key(key) => write!(f, ".{}", quoted(key))?,
                Step::Index(index) if number == 0 => write!(f, ".[{index}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a key may hold the character without quotes.
pub(super) fn plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '$' | '@')
}

/// In quotes, for a filter.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Without quotes.
    pub text: String,
    /// It stood in quotes: a string, whatever it looks like.
    pub quoted: bool,
}

/// As a filter writes it.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quoted {
            f.write_str(&quoted(&self.text))
        } else {
            f.write_str(&self.text)
        }
    }
}

pub(super) fn check(data: &str, path: &Path, check: &Check) -> bool {
    let Some(found) = find(data, &path.0) else {
        return false;
    };
    match check {
        Check::Present => true,
        Check::Matches(pattern) => match string(found) {
            Some(text) => pattern.is_in(&text),
            None => pattern.is_in(found),
        },
        Check::Is(comparison, literal) => match order(found, literal) {
            Some(order) => comparison.holds(order),
            // What cannot be compared is not equal, and neither more nor less.
            None => *comparison == super::Comparison::NotEqual,
        },
    }
}

/// The text of a member, as it is written in the data.
pub(super) fn find<'a>(data: &'a str, path: &[Step]) -> Option<&'a str> {
    // Where the name does not occur, nor could be written with escapes, the
    // data need not be read.
    if let Some(Step::Key(key)) = path.last()
        && memchr::memmem::find(data.as_bytes(), key.as_bytes()).is_none()
        && memchr::memchr(b'\\', data.as_bytes()).is_none()
    {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(data);
    Seek(path).deserialize(&mut reader).ok().flatten()
}

pub(super) fn string(found: &str) -> Option<String> {
    found
        .starts_with('"')
        .then(|| serde_json::from_str(found).ok())
        .flatten()
}

/// Numbers compare as numbers, also those in strings; strings as text; `true`,
/// `false` and `null` only with themselves.
fn order(found: &str, literal: &Literal) -> Option<Ordering> {
    if let Some(text) = string(found) {
        if !literal.quoted
            && let Some(order) = numbers(&text, &literal.text)
        {
            return Some(order);
        }
        return Some(text.as_str().cmp(&literal.text));
    }
    if literal.quoted {
        return None;
    }
    numbers(found, &literal.text).or_else(|| (found == literal.text).then_some(Ordering::Equal))
}

/// Exact where both are integers.
fn numbers(one: &str, other: &str) -> Option<Ordering> {
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return Some(one.cmp(&other));
    }
    number(one)?.partial_cmp(&number(other)?)
}

fn number(text: &str) -> Option<f64> {
    let looks_so = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    looks_so.then(|| text.parse().ok()).flatten()
}

/// Reads a value and returns the text at the end of a path.
struct Seek<'p>(&'p [Step]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return <&RawValue>::deserialize(from).map(|raw| Some(raw.get()));
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let Some((Step::Key(key), rest)) = self.0.split_first() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        while let Some(same) = map.next_key_seed(Same(key))? {
            if same {
                found = map.next_value_seed(Seek(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some((Step::Index(index), rest)) = self.0.split_first() {
            for _ in 0..*index {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = seq.next_element_seed(Seek(rest))?.flatten();
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a key is this one, without a copy of it.
struct Same<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Same<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Same<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}
