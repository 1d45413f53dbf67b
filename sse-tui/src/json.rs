//! JSON laid out for reading, as tokens that a screen can colour.
//!
//! The text of each value is kept as it was sent: a number such as `1.10`
//! stays `1.10`, an escape stays an escape.

use serde::de::IgnoredAny;

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

/// Lays out an object or array, one member a line. `None` if the text is
/// neither, or is too long to lay out.
pub fn pretty(text: &str) -> Option<Vec<Vec<Token>>> {
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
    lines: Vec<Vec<Token>>,
    line: Vec<Token>,
    depth: usize,
    /// The last token opened a container: the next one decides where it stands.
    just_opened: bool,
}

impl Layout {
    fn token(&mut self, kind: Kind, token: &str) {
        if kind != Kind::Punctuation {
            self.open_line();
            self.push(kind, token);
            return;
        }
        match token {
            "{" | "[" => {
                self.open_line();
                self.push(kind, token);
                self.depth += 1;
                self.just_opened = true;
            }
            "}" | "]" => {
                self.depth = self.depth.saturating_sub(1);
                if !std::mem::take(&mut self.just_opened) {
                    self.new_line();
                }
                self.push(kind, token);
            }
            "," => {
                self.push(kind, token);
                self.new_line();
            }
            _ => self.push(kind, ": "),
        }
    }

    fn open_line(&mut self) {
        if std::mem::take(&mut self.just_opened) {
            self.new_line();
        }
    }

    fn push(&mut self, kind: Kind, text: &str) {
        self.line.push((kind, text.to_owned()));
    }

    fn new_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        if self.depth > 0 {
            let indent = "  ".repeat(self.depth.min(MAX_INDENT));
            self.line.push((Kind::Punctuation, indent));
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
            .map(|line| line.iter().map(|(_, text)| text.as_str()).collect())
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
        assert!(lines[1].contains(&(Kind::Key, "\"key\"".into())));
        assert!(lines[1].contains(&(Kind::String, "\"value\"".into())));
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
