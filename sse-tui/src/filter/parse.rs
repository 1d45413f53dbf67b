//! From text to a condition.

use std::fmt;

use bytesize::ByteSize;

use super::json::{Literal, Path, Step, plain};
use super::{Check, Comparison, Expr, Pattern, Source, Term};

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The byte at which it is seen.
    pub at: usize,
    /// Words for people.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Parentheses and `not` within one another.
const DEEPEST: usize = 64;
/// Steps of a path.
const MOST_STEPS: usize = 32;

const FIELDS: &str = "type, id, data, source, leg, gap, size";

pub(super) fn parse(text: &str) -> Result<Expr, Problem> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let expr = parser.any()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.problem("there is no ( for this )"));
    }
    Ok(expr)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.not()?];
        loop {
            self.space();
            if self.take_word("and") {
                parts.push(self.not()?);
            } else if self.rest().is_empty() || self.rest().starts_with(')') || self.sees_word("or")
            {
                return Ok(one_or(parts, Expr::All));
            } else {
                parts.push(self.not()?);
            }
        }
    }

    fn not(&mut self) -> Result<Expr, Problem> {
        self.space();
        let start = self.at;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.problem("too many parentheses within one another"));
        }
        let expr = if self.take_word("not") || self.take("!") {
            Expr::Not(Box::new(self.not()?))
        } else if self.take("(") {
            let inner = self.any()?;
            self.space();
            if !self.take(")") {
                self.at = start;
                return Err(self.problem("there is no ) for this ("));
            }
            inner
        } else {
            Expr::Term(self.term()?)
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn term(&mut self) -> Result<Term, Problem> {
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with(')') {
            return Err(self.problem("a term is missing here"));
        }
        for word in ["or", "and"] {
            if self.sees_word(word) {
                return Err(self.problem(&format!(
                    "a term is missing before {word}; put the word in quotes to look for it"
                )));
            }
        }
        if rest.starts_with('.') {
            return self.json();
        }
        if rest.starts_with(['/', '"']) {
            return Ok(Term::Text(self.pattern()?));
        }
        let name = rest.split(|c: char| !c.is_ascii_alphabetic()).next();
        let name = name.unwrap_or_default();
        let after = &rest[name.len()..];
        if !name.is_empty() && after.starts_with(':') && !after.starts_with("://") {
            return self.field(name);
        }
        Ok(Term::Text(self.pattern()?))
    }

    fn field(&mut self, name: &str) -> Result<Term, Problem> {
        let start = self.at;
        self.at += name.len() + 1;
        self.space();
        let missing = self.rest().is_empty() || self.rest().starts_with([' ', ')']);
        Ok(match name {
            "type" | "event" | "id" | "data" | "source" if missing => {
                return Err(self.problem(&format!("what should the {name} be?")));
            }
            // `event` as on the wire and on the command line.
            "type" | "event" => Term::Type(self.names()?),
            "id" => Term::Id(self.pattern()?),
            "data" => Term::Data(self.pattern()?),
            "source" => {
                let number = self.word_ahead().parse();
                match number {
                    Ok(number) => {
                        self.at += self.word_ahead().len();
                        Term::Source(Source::Number(number))
                    }
                    Err(_) => Term::Source(Source::Name(self.pattern()?)),
                }
            }
            "leg" => {
                let comparison = self.comparison().unwrap_or(Comparison::Equal);
                let number = self.value(|text| text.parse().ok(), "a number, as in leg:2")?;
                Term::Leg(comparison, number)
            }
            "gap" => {
                let mend = "a time, as in gap:>1s or gap:<20ms";
                let Some(comparison) = self.comparison() else {
                    return Err(self.problem(&format!("after gap: stands > or < and {mend}")));
                };
                let time = self.value(|text| humantime::parse_duration(text).ok(), mend)?;
                Term::Gap(comparison, time)
            }
            "size" => {
                let mend = "a size, as in size:>1KiB or size:<100";
                let Some(comparison) = self.comparison() else {
                    return Err(self.problem(&format!("after size: stands > or < and {mend}")));
                };
                let size = |text: &str| text.parse::<ByteSize>().ok().map(|size| size.as_u64());
                Term::Size(comparison, self.value(size, mend)?)
            }
            _ => {
                self.at = start;
                return Err(self.problem(&format!(
                    "there is no '{name}:'; fields are {FIELDS}; quotes look for it as text"
                )));
            }
        })
    }

    fn json(&mut self) -> Result<Term, Problem> {
        let path = self.path()?;
        self.space_before_sign();
        let check = if self.take("~") {
            self.space();
            if self.rest().is_empty() || self.rest().starts_with([' ', ')']) {
                return Err(self.problem("after ~ stands a word or a /regular expression/"));
            }
            Check::Matches(self.pattern()?)
        } else if let Some(comparison) = self.comparison() {
            self.space();
            Check::Is(comparison, self.literal()?)
        } else if self.rest().is_empty() || self.rest().starts_with([' ', ')']) {
            Check::Present
        } else {
            return Err(self.problem("after a member stands = != > >= < <= or ~"));
        };
        Ok(Term::Json(path, check))
    }

    /// From the first dot to what is no step.
    fn path(&mut self) -> Result<Path, Problem> {
        let start = self.at;
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                let rest = self.rest();
                if rest.starts_with('"') {
                    steps.push(Step::Key(self.quoted()?));
                } else {
                    let length = rest.find(|c| !plain(c)).unwrap_or(rest.len());
                    self.at += length;
                    if length > 0 {
                        steps.push(Step::Key(rest[..length].to_owned()));
                    } else if !(steps.is_empty() && rest.starts_with('[')) {
                        return Err(self.problem("after a dot stands the name of a member"));
                    }
                }
            } else if self.take("[") {
                let rest = self.rest();
                let digits = rest.find(']').map(|end| &rest[..end]);
                let Some(index) = digits.and_then(|digits| digits.parse().ok()) else {
                    return Err(self.problem("in [ ] stands a number, from 0"));
                };
                self.at += digits.map_or(0, str::len) + 1;
                steps.push(Step::Index(index));
            } else {
                break;
            }
            if steps.len() > MOST_STEPS {
                self.at = start;
                return Err(self.problem("this path is too long"));
            }
        }
        Ok(Path(steps))
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        if self.rest().starts_with('"') {
            let text = self.quoted()?;
            return Ok(Literal { text, quoted: true });
        }
        let text = self.word_ahead().to_owned();
        if text.is_empty() {
            return Err(self.problem("a value is missing here"));
        }
        self.at += text.len();
        Ok(Literal {
            text,
            quoted: false,
        })
    }

    /// `.price > 100` is `.price>100`.
    fn space_before_sign(&mut self) {
        let next = self.rest().trim_start();
        if next.starts_with(['=', '>', '<', '~']) || next.starts_with("!=") {
            self.space();
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        [
            ("!=", Comparison::NotEqual),
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ]
        .into_iter()
        .find(|(sign, _)| self.take(sign))
        .map(|(_, comparison)| comparison)
    }

    /// A value that one function understands.
    fn value<T>(&mut self, read: impl Fn(&str) -> Option<T>, mend: &str) -> Result<T, Problem> {
        self.space();
        let word = self.word_ahead();
        match read(word) {
            Some(value) => {
                self.at += word.len();
                Ok(value)
            }
            None => Err(self.problem(&format!("here stands {mend}"))),
        }
    }

    /// A word, a text in quotes, or a regular expression.
    fn pattern(&mut self) -> Result<Pattern, Problem> {
        let start = self.at;
        let pattern = if self.rest().starts_with('"') {
            Pattern::word(&self.quoted()?)
        } else if self.rest().starts_with('/') {
            self.regex()?
        } else {
            let word = self.word_ahead();
            self.at += word.len();
            Pattern::word(word)
        };
        pattern.map_err(|reason| Problem { at: start, reason })
    }

    fn regex(&mut self) -> Result<Result<Pattern, String>, Problem> {
        let inner = &self.rest()[1..];
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let end = byte == b'/' && !escaped;
            escaped = byte == b'\\' && !escaped;
            end
        });
        let Some(end) = end else {
            return Err(self.problem("the regular expression has no / at its end"));
        };
        let text = inner[..end].replace("\\/", "/");
        self.at += end + 2;
        let fold = self.take("i");
        let rest = self.rest();
        if !(rest.is_empty() || rest.starts_with([' ', ')'])) {
            return Err(self.problem("after the regular expression stands a space, or i"));
        }
        Ok(if fold {
            Pattern::regex(&format!("(?i){text}"))
        } else {
            Pattern::regex(&text)
        })
    }

    /// Names with `*`, between commas.
    fn names(&mut self) -> Result<Vec<Pattern>, Problem> {
        let start = self.at;
        let mut names = Vec::new();
        loop {
            let name = if self.rest().starts_with('"') {
                Pattern::exactly(&self.quoted()?)
            } else {
                let word = self.word_ahead();
                let word = word.split(',').next().unwrap_or_default();
                self.at += word.len();
                Pattern::name(word)
            };
            names.push(name.map_err(|reason| Problem { at: start, reason })?);
            if !self.take(",") {
                return Ok(names);
            }
        }
    }

    /// A text in quotes, in which \ takes the next character as it is.
    fn quoted(&mut self) -> Result<String, Problem> {
        let mut text = String::new();
        let mut escaped = false;
        for (position, character) in self.rest().char_indices().skip(1) {
            match character {
                _ if escaped => {
                    text.push(character);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += position + 1;
                    return Ok(text);
                }
                _ => text.push(character),
            }
        }
        Err(self.problem("there is no \" at the end of this text"))
    }

    /// What stands here up to a space or a parenthesis that closes.
    fn word_ahead(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || c == ')');
        &rest[..end.unwrap_or(rest.len())]
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, sign: &str) -> bool {
        let here = self.rest().starts_with(sign);
        if here {
            self.at += sign.len();
        }
        here
    }

    /// Whether this word stands here, and not only the beginning of a longer one.
    fn sees_word(&self, word: &str) -> bool {
        self.rest().strip_prefix(word).is_some_and(|after| {
            after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || "()".contains(c))
        })
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.space();
        let here = self.sees_word(word);
        if here {
            self.at += word.len();
        }
        here
    }

    fn problem(&self, reason: &str) -> Problem {
        Problem {
            at: self.at,
            reason: reason.to_owned(),
        }
    }
}

fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            several(parts)
        }
    }
}
