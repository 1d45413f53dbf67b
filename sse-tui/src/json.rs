//! JSON laid out for reading, as tokens that a screen can colour.
//!
//! The text of each value is kept as it was sent: a number such as `1.10`
//! stays `1.10`, an escape stays an escape.

use serde::de::IgnoredAny;

use crate::filter::{Path, Step};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Name of an object's member, with its quotes.
    Key,
    /// A string, with its quotes.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
    /// Braces, brackets, commas, colons, indentation.
    Punctuation,
    /// Text that is no JSON.
    Text,
    /// Stands for something that cannot be shown.
    Mark,
    /// A remark of this program.
    Note,
}

/// A piece of one line.
pub type Token = (Kind, String);

/// Deeper levels are drawn at this depth.
const MAX_INDENT: usize = 24;
/// A text that would fill more lines than this is not laid out.
const MAX_LINES: usize = 50_000;

/// Whether a text is a JSON object or array.
pub fn is_container(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// One line of a text laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// What stands on it.
    pub tokens: Vec<Token>,
    /// The line of the object or array that the value on this line is in.
    pub parent: Option<usize>,
    /// The way from there to the value on this line; `None` on a line that only
    /// closes, and for the outermost value.
    pub step: Option<Step>,
    /// The line that closes what this one opens.
    pub end: Option<usize>,
}

/// Lays out an object or array, one member a line. `None` if the text is
/// neither, or is too long to lay out.
pub fn pretty(text: &str) -> Option<Vec<Line>> {
    if !is_container(text) {
        return None;
    }
    let mut layout = Layout::default();
    for (kind, token) in tokens(text) {
        layout.token(kind, token);
        if layout.lines.len() > MAX_LINES {
            return None;
        }
    }
    layout.lines.push(layout.line);
    Some(layout.lines)
}

/// The way to the value on a line.
pub fn path(lines: &[Line], line: usize) -> Path {
    let mut steps = Vec::new();
    let mut at = lines.get(line);
    while let Some(line) = at
        && let (Some(step), Some(parent)) = (&line.step, line.parent)
    {
        steps.push(step.clone());
        at = lines.get(parent);
    }
    steps.reverse();
    Path(steps)
}

/// The tokens of a JSON text without the white space between them. Reads
/// anything, so that a text which was cut can still be coloured.
pub fn tokens(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest
                .find([',', ':', '{', '}', '[', ']', ' ', '\t', '\r', '\n'])
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        let kind = match token {
            "{" | "}" | "[" | "]" | "," | ":" => Kind::Punctuation,
            "true" | "false" => Kind::Bool,
            "null" => Kind::Null,
            _ if first != '"' => Kind::Number,
            _ if rest.starts_with(':') => Kind::Key,
            _ => Kind::String,
        };
        Some((kind, token))
    })
}

/// Bytes of the string that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return position + 1,
            _ => {}
        }
    }
    text.len()
}

#[derive(Default)]
struct Layout {
    lines: Vec<Line>,
    line: Line,
    open: Vec<Open>,
    /// The last token opened a container: the next one decides where it stands.
    just_opened: bool,
}

/// An object or array that is not closed yet.
struct Open {
    line: usize,
    /// The next element, in an array.
    index: usize,
    key: Option<String>,
}

impl Layout {
    fn token(&mut self, kind: Kind, token: &str) {
        match (kind, token) {
            (Kind::Punctuation, "{" | "[") => {
                self.value(kind, token);
                self.open.push(Open {
                    line: self.lines.len(),
                    index: 0,
                    key: None,
                });
                self.just_opened = true;
            }
            (Kind::Punctuation, "}" | "]") => {
                let opened = self.open.pop();
                if !std::mem::take(&mut self.just_opened) {
                    self.new_line();
                    let here = self.lines.len();
                    if let Some(line) = opened.and_then(|open| self.lines.get_mut(open.line)) {
                        line.end = Some(here);
                    }
                }
                self.push(kind, token);
            }
            (Kind::Punctuation, ",") => {
                self.push(kind, token);
                self.new_line();
            }
            (Kind::Punctuation, _) => self.push(kind, ": "),
            (Kind::Key, _) => {
                self.open_line();
                self.push(kind, token);
                if let Some(open) = self.open.last_mut() {
                    open.key = serde_json::from_str(token).ok();
                }
            }
            _ => self.value(kind, token),
        }
    }

    fn value(&mut self, kind: Kind, token: &str) {
        self.open_line();
        self.push(kind, token);
        if let Some(open) = self.open.last_mut() {
            self.line.parent = Some(open.line);
            self.line.step = Some(match open.key.take() {
                Some(key) => Step::Key(key),
                None => Step::Index(open.index),
            });
            open.index += 1;
        }
    }

    fn open_line(&mut self) {
        if std::mem::take(&mut self.just_opened) {
            self.new_line();
        }
    }

    fn push(&mut self, kind: Kind, text: &str) {
        self.line.tokens.push((kind, text.to_owned()));
    }

    fn new_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        if !self.open.is_empty() {
            let indent = "  ".repeat(self.open.len().min(MAX_INDENT));
            self.push(Kind::Punctuation, &indent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let lines: Vec<String> = pretty(json)
            .expect("JSON")
            .iter()
            .map(|line| line.tokens.iter().map(|(_, text)| text.as_str()).collect())
            .collect();
        lines.join("\n")
    }

    #[test]
    fn nested_values_stand_one_a_line() {
        assert_eq!(
            text(r#" {"a":1.10,"b":[true,null,{}],"c":{"d":"x, \"y\": {"}, "e":[]} "#),
            "{\n  \"a\": 1.10,\n  \"b\": [\n    true,\n    null,\n    {}\n  ],\n  \"c\": {\n    \"d\": \"x, \\\"y\\\": {\"\n  },\n  \"e\": []\n}"
        );
    }

    #[test]
    fn layout_changes_nothing_but_white_space() {
        let json = r#"{"numbers":[0,-1,1e5,1.10,12345678901234567890],"s":"\u00e9\\","":{"k":[[],[[1]]]}}"#;
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text(json)).unwrap(),
            value
        );
        let compact: String = text(json).split_whitespace().collect();
        assert_eq!(compact, json);
    }

    #[test]
    fn members_are_told_from_strings() {
        let lines = pretty(r#"{"key":"value"}"#).unwrap();
        assert!(lines[1].tokens.contains(&(Kind::Key, "\"key\"".into())));
        assert!(
            lines[1]
                .tokens
                .contains(&(Kind::String, "\"value\"".into()))
        );
    }

    #[test]
    fn each_line_knows_the_way_to_its_value_and_where_it_closes() {
        let lines = pretty(r#"{"a":{"b c":[1,{"d":2}],"e":{}},"f":3}"#).unwrap();
        let shown: Vec<_> = (0..lines.len())
            .map(|line| (path(&lines, line).to_string(), lines[line].end))
            .collect();
        let shown: Vec<_> = shown
            .iter()
            .map(|(path, end)| (path.as_str(), *end))
            .collect();
        assert_eq!(
            shown,
            [
                (".", Some(11)),
                (".a", Some(9)),
                (".a.\"b c\"", Some(7)),
                (".a.\"b c\"[0]", None),
                (".a.\"b c\"[1]", Some(6)),
                (".a.\"b c\"[1].d", None),
                (".", None),
                (".", None),
                (".a.e", None),
                (".", None),
                (".f", None),
                (".", None),
            ]
        );
    }

    #[test]
    fn what_is_no_json_container_is_left_alone() {
        for other in ["", "plain", "42", "\"text\"", "{\"a\":", "{'a':1}", "[1,]"] {
            assert_eq!(pretty(other), None, "{other}");
        }
    }

    #[test]
    fn hostile_depth_costs_little() {
        let depth = 200_000;
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(pretty(&deep).is_none_or(|lines| lines.len() <= MAX_LINES));
    }
}
