//! Texts with a part that each connection has of its own.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a URL (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const KNOWN: &str = "{{conn}} (the number of the connection, from 0), {{uuid}} (a version 4 UUID) \
                     and {{line:FILE}} (a line of a file, in turns)";

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Connection,
    Uuid,
    Line(Arc<[String]>),
}

/// Whose text it is.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// Its number, from 0.
    pub number: u32,
    /// What lines and UUIDs go by: the same number where a slot has one text,
    /// that of the request where each request has its own.
    pub turn: u64,
    /// The seed of the run.
    pub seed: u64,
}

impl Slot {
    /// That has one text for the whole run.
    pub fn constant(number: u32, seed: u64) -> Self {
        Self {
            number,
            turn: number.into(),
            seed,
        }
    }
}

impl Template {
    /// `place` is where the text stands, for what is said of errors.
    ///
    /// # Errors
    /// An unknown placeholder; a file that cannot be read, is empty, or holds
    /// control characters.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_placeholder(rest) {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match name.split_once(':') {
                None if name == "conn" => Part::Connection,
                None if name == "uuid" => Part::Uuid,
                Some(("line", file)) => Part::Line(lines(file, place)?),
                _ => bail!("{place}: {{{{{name}}}}} is unknown: there are {KNOWN}"),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether all connections have the same text.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// So many turns give each line of the longest of its files.
    pub fn turns(&self) -> u64 {
        let lines = self.0.iter().map(|part| match part {
            Part::Line(lines) => lines.len() as u64,
            _ => 1,
        });
        lines.max().unwrap_or(1)
    }

    /// The text of one connection.
    pub fn render(&self, slot: Slot) -> String {
        self.0.iter().map(|part| part.render(slot)).collect()
    }

    /// The text as a body: in a JSON string (RFC 8259 §7) a line is escaped as one.
    pub fn render_body(&self, slot: Slot) -> String {
        let mut body = String::new();
        let is_json = matches!(self.0.first(), Some(Part::Text(text))
            if text.trim_start().starts_with(['{', '[']));
        let mut in_string = false;
        for part in &self.0 {
            let text = part.render(slot);
            match part {
                Part::Line(_) if is_json && in_string => {
                    let quoted = serde_json::Value::from(text).to_string();
                    body.push_str(&quoted[1..quoted.len() - 1]);
                }
                Part::Text(_) => {
                    in_string = ends_in_string(&text, in_string);
                    body.push_str(&text);
                }
                _ => body.push_str(&text),
            }
        }
        body
    }

    /// The text of one connection as a URL: what comes from a file is percent-encoded,
    /// unless the URL begins with it.
    pub fn render_url(&self, slot: Slot) -> String {
        let encode = |(index, part): (usize, &Part)| match part {
            Part::Line(_) if index > 0 => {
                utf8_percent_encode(&part.render(slot), ENCODED).to_string()
            }
            _ => part.render(slot),
        };
        self.0.iter().enumerate().map(encode).collect()
    }
}

impl Part {
    fn render(&self, slot: Slot) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Connection => slot.number.to_string(),
            Self::Uuid => uuid(slot),
            Self::Line(lines) => lines[(slot.turn % lines.len() as u64) as usize].clone(),
        }
    }
}

/// Whether a part of a JSON text ends within a string, where it may begin in one.
fn ends_in_string(text: &str, mut in_string: bool) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    in_string
}

/// RFC 9562 §5.4, of the seed and the turn.
fn uuid(slot: Slot) -> String {
    let mut random = fastrand::Rng::with_seed(slot.seed);
    let seed = random.u64(..) ^ slot.turn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = [0; 16];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// What stands before the first placeholder, its name, and what follows. Braces
/// around anything but a name in lower case are text.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("{{")?;
        let inside = &text[start + 2..];
        let end = inside.find("}}")?;
        let name = &inside[..end];
        let word = name.split(':').next().unwrap_or_default();
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Some((&text[..start], name, &inside[end + 2..]));
        }
        from = start + 1;
    }
}

fn lines(file: &str, place: &str) -> Result<Arc<[String]>> {
    let text = fs::read_to_string(file).with_context(|| format!("{place}: cannot read {file}"))?;
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    ensure!(!lines.is_empty(), "{place}: {file} has no line in it");
    for (index, line) in lines.iter().enumerate() {
        let line_number = index + 1;
        let is_clean = !line.chars().any(char::is_control);
        ensure!(
            is_clean,
            "{place}: line {line_number} of {file} holds a control character"
        );
    }
    Ok(lines.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u32) -> Slot {
        Slot::constant(number, 7)
    }

    fn parse(text: &str) -> Template {
        Template::parse(text, "the URL").unwrap()
    }

    #[test]
    fn each_slot_has_its_number_and_a_uuid_that_stays() {
        let template = parse("a{{conn}}-{{uuid}}-{{conn}}");
        let (first, again, second) = (
            template.render(slot(3)),
            template.render(slot(3)),
            template.render(slot(4)),
        );
        assert_eq!(first, again);
        assert!(first.starts_with("a3-") && first.ends_with("-3"), "{first}");
        let uuid: uuid::Uuid = first[3..39].parse().unwrap();
        assert_eq!(uuid.get_version_num(), 4);
        assert_ne!(first[3..39], second[3..39]);
    }

    #[test]
    fn lines_of_a_file_take_turns_and_are_encoded_in_a_url() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"a b&c\n\nd\xc3\xa9\n").unwrap();
        let path = file.path().display();
        let template = parse(&format!("http://h/?u={{{{line:{path}}}}}"));
        assert_eq!(template.render_url(slot(0)), "http://h/?u=a%20b%26c");
        assert_eq!(template.render_url(slot(1)), "http://h/?u=d%C3%A9");
        assert_eq!(template.render(slot(2)), "http://h/?u=a b&c");
    }

    #[test]
    fn a_line_in_a_json_string_is_escaped_as_one_and_elsewhere_it_is_json() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, br#"say "hi" \o/"#).unwrap();
        let path = file.path().display();
        let body = |before: &str, after: &str| {
            let text = format!("{before}{{{{line:{path}}}}}{after}");
            parse(&text).render_body(slot(0))
        };
        assert_eq!(
            body(r#"{"n":"{{conn}}\"x","q":"a "#, r#""}"#),
            r#"{"n":"0\"x","q":"a say \"hi\" \\o/"}"#
        );
        assert_eq!(
            body(r#"{"q":"", "v":"#, "}"),
            r#"{"q":"", "v":say "hi" \o/}"#
        );
        assert_eq!(body("q=\"", ""), r#"q="say "hi" \o/"#);
    }

    #[test]
    fn braces_around_no_name_are_text() {
        for text in [
            r#"{"a":{"b":{}}}"#,
            "{{",
            "{{ conn }}",
            "{{A}}",
            "{{}}",
            "}}{{",
        ] {
            let template = parse(text);
            assert!(template.is_plain(), "{text}");
            assert_eq!(template.render(slot(0)), text);
        }
        assert_eq!(parse("{{{conn}}}").render(slot(5)), "{5}");
    }

    #[test]
    fn unknown_names_and_unusable_files_are_errors() {
        let said = |text: &str| format!("{:#}", Template::parse(text, "-d").unwrap_err());
        assert!(said("{{user}}").contains("{{line:FILE}}"));
        assert!(said("{{line:/no/such}}").contains("cannot read /no/such"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let said = said(&format!("{{{{line:{}}}}}", file.path().display()));
        assert!(said.contains("has no line in it"), "{said}");
    }
}
