//! The filter language: which events are listed.
//!
//! Terms next to each other must all hold; `or`, `and`, `not` and parentheses
//! do as they say, `not` binding closest and `or` least. [`SYNTAX`] has an
//! example of each kind of term.

mod json;
mod parse;
mod pattern;

use std::cmp::Ordering;
use std::time::Duration;

pub use json::{Literal, Path, Step};
pub use parse::Problem;
pub use pattern::Pattern;

use crate::store::Row;

/// An example of each kind of term, and what it selects.
pub const SYNTAX: &[(&str, &str)] = &[
    ("timeout", "in data, type or id; capitals matter if typed"),
    ("\"two words\"", "with spaces, or what is syntax otherwise"),
    (
        "/ERR [45]\\d/i",
        "regular expression; i: capitals do not matter",
    ),
    (
        "type:order.*,tick",
        "type, * for anything, commas for either",
    ),
    (".price>100", "member of JSON data: = != > >= < <="),
    (".items[0].name~/^a/", "contains, or matches"),
    (".error", "member is there"),
    ("gap:>1s", "time since the event before it"),
    ("size:>1KiB", "bytes of data"),
    ("id:42", "id contains; also data:"),
    ("source:2 leg:>1", "stream by number or URL; connection"),
    ("not (a or b)", "and stands between terms by itself"),
];

/// A condition on events.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Each must hold.
    All(Vec<Expr>),
    /// At least one must hold.
    Any(Vec<Expr>),
    /// It must not hold.
    Not(Box<Expr>),
    /// A condition of one term.
    Term(Term),
}

/// A condition on one property.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// Data, type or id.
    Text(Pattern),
    /// Data.
    Data(Pattern),
    /// The last event ID.
    Id(Pattern),
    /// The event type, as a whole; any of these.
    Type(Vec<Pattern>),
    /// The stream: its number from 1, or a part of its URL.
    Source(Source),
    /// The connection's number.
    Leg(Comparison, u64),
    /// Time since the event before it of the same stream.
    Gap(Comparison, Duration),
    /// Bytes of data.
    Size(Comparison, u64),
    /// A member of JSON data, and what must be true of it.
    Json(Path, Check),
}

/// Which stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Counted from 1.
    Number(u64),
    /// A part of the URL.
    Name(Pattern),
}

/// What must be true of a member.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// It is there.
    Present,
    /// It compares so with a value.
    Is(Comparison, Literal),
    /// A string that contains or matches this; other values are matched as
    /// they are written.
    Matches(Pattern),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

impl Comparison {
    /// Whether values in this order compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    text: String,
    expr: Expr,
}

impl Filter {
    /// Reads a filter; `None` for one that says nothing.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Option<Self>, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            expr: parse::parse(text)?,
            text: text.to_owned(),
        }))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was understood.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether an event of the stream of this name is selected.
    pub fn admits(&self, row: &Row<'_>, source: &str) -> bool {
        holds(&self.expr, row, source)
    }

    /// The text of this filter and one more term.
    pub fn with_term(before: Option<&Self>, term: &str) -> String {
        match before {
            None => term.to_owned(),
            Some(before) if matches!(before.expr, Expr::Any(_)) => {
                format!("({}) {term}", before.text)
            }
            Some(before) => format!("{} {term}", before.text),
        }
    }
}

/// The term that selects a type.
pub fn type_term(event_type: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if !event_type.is_empty() && event_type.chars().all(plain) {
        format!("type:{event_type}")
    } else {
        format!("type:{}", json::quoted(event_type))
    }
}

/// The text of a member of JSON data, as it is written there.
pub fn member<'a>(data: &'a str, path: &Path) -> Option<&'a str> {
    json::find(data, &path.0)
}

/// The term that selects a value at a path of JSON data: as it is written there.
pub fn value_term(path: &Path, value: &str) -> String {
    let simple = !value.is_empty()
        && !value.starts_with(['"', '{', '['])
        && !value.contains(|c: char| c.is_whitespace() || c == ')');
    match json::string(value) {
        Some(text) => format!("{path}={}", json::quoted(&text)),
        None if simple => format!("{path}={value}"),
        None => path.to_string(),
    }
}

fn holds(expr: &Expr, row: &Row<'_>, source: &str) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(part, row, source)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, row, source)),
        Expr::Not(part) => !holds(part, row, source),
        Expr::Term(term) => term_holds(term, row, source),
    }
}

fn term_holds(term: &Term, row: &Row<'_>, source: &str) -> bool {
    match term {
        Term::Text(pattern) => {
            pattern.is_in(row.data) || pattern.is_in(row.event_type) || pattern.is_in(row.id)
        }
        Term::Data(pattern) => pattern.is_in(row.data),
        Term::Id(pattern) => pattern.is_in(row.id),
        Term::Type(patterns) => patterns.iter().any(|one| one.is_in(row.event_type)),
        Term::Source(Source::Number(number)) => u64::from(row.source) + 1 == *number,
        Term::Source(Source::Name(pattern)) => pattern.is_in(source),
        Term::Leg(comparison, leg) => comparison.holds(row.leg.cmp(leg)),
        Term::Gap(comparison, gap) => row
            .delta
            .is_some_and(|delta| comparison.holds(delta.cmp(gap))),
        Term::Size(comparison, size) => comparison.holds((row.data.len() as u64).cmp(size)),
        Term::Json(path, check) => json::check(row.data, path, check),
    }
}

#[cfg(test)]
mod tests;
