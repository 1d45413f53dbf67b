//! Text to look for.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// A compiled pattern may take as much memory.
const LARGEST: usize = 1 << 20;

/// A word, a regular expression, or a name with `*` in it.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
}

/// Equal if they find the same by the same means.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Pattern {
    /// A text as it is; capitals matter only if it has some.
    ///
    /// # Errors
    /// It is too long.
    pub fn word(text: &str) -> Result<Self, String> {
        let escaped = regex::escape(text);
        if text.chars().any(char::is_uppercase) {
            Self::regex(&escaped)
        } else {
            Self::regex(&format!("(?i){escaped}"))
        }
    }

    /// A regular expression, as the crate regex has them.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn regex(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text)
            .size_limit(LARGEST)
            .build()
            .map_err(|error| reason(&error))?;
        Ok(Self { regex })
    }

    /// All of a name, where `*` stands for anything.
    ///
    /// # Errors
    /// It is too long.
    pub fn name(text: &str) -> Result<Self, String> {
        let escaped = regex::escape(text).replace("\\*", ".*");
        Self::regex(&format!("(?s)^{escaped}$"))
    }

    /// All of a name, as it is.
    ///
    /// # Errors
    /// It is too long.
    pub fn exactly(text: &str) -> Result<Self, String> {
        Self::regex(&format!("^{}$", regex::escape(text)))
    }

    /// What find's prompt says: `/regex/`, or a word.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn typed(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').filter(|rest| rest.len() > 1);
        match inner.and_then(|rest| rest.rsplit_once('/')) {
            Some((regex, "")) => Self::regex(regex),
            Some((regex, "i")) => Self::regex(&format!("(?i){regex}")),
            _ => Self::word(text),
        }
    }

    /// Whether it occurs.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it occurs; places of no length are left out.
    pub fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.regex
            .find_iter(text)
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
    }
}

/// The last line of an error says what is wrong; those before draw it.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("invalid");
            last.trim_start_matches("error: ").to_owned()
        }
    }
}
