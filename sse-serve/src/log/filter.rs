//! Which events a subscription admits.

use std::fmt;

use crate::log::Envelope;

/// A topic, or a pattern over topics.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TopicPattern {
    /// `*`
    All,
    /// `orders.*`: the part before the asterisk.
    Prefix(String),
    /// Any other text, literally.
    Exact(String),
}

/// The most bytes of an event type, a topic, a session, a connection id or a key.
pub(crate) const NAME_MAX: usize = 256;

impl TopicPattern {
    pub(crate) fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some("") => Self::All,
            Some(prefix) if prefix.ends_with('.') => Self::Prefix(prefix.to_owned()),
            _ => Self::Exact(text.to_owned()),
        }
    }

    /// Refuses what would never match: a name that no topic can have, and an
    /// asterisk elsewhere than alone or after a last dot.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let pattern = Self::new(text);
        let literal = match &pattern {
            Self::All => "*",
            Self::Prefix(literal) | Self::Exact(literal) => literal,
        };
        if text.is_empty() || text.len() > NAME_MAX {
            Err("must be 1 to 256 bytes long")
        } else if text.contains(['\r', '\n', '\0']) {
            Err("may not contain a carriage return, a line feed or a NUL; remove it")
        } else if literal.contains('*') && pattern != Self::All {
            Err("takes `*` alone or after a last dot, as in `orders.*`; name the topics, or that")
        } else {
            Ok(pattern)
        }
    }

    /// Whether it matches every topic that `other` matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Prefix(wide), Self::Prefix(narrow)) => narrow.starts_with(wide.as_str()),
            (_, Self::Exact(topic)) => self.matches(topic),
            _ => false,
        }
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => topic.starts_with(prefix.as_str()),
            Self::Exact(exact) => topic == exact,
        }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("*"),
            Self::Prefix(prefix) => write!(formatter, "{prefix}*"),
            Self::Exact(exact) => formatter.write_str(exact),
        }
    }
}

/// What a subscription asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    pub(crate) topics: Vec<TopicPattern>,
    /// Empty admits every type.
    pub(crate) event_types: Vec<String>,
    pub(crate) session: Option<String>,
    /// Only what is targeted at the session.
    pub(crate) targeted_only: bool,
}

impl Default for Filter {
    /// Every type of the topic `default`.
    fn default() -> Self {
        Self {
            topics: vec![TopicPattern::Exact(DEFAULT_TOPIC.to_owned())],
            event_types: Vec::new(),
            session: None,
            targeted_only: false,
        }
    }
}

/// The topic of events and subscriptions that name none.
pub(crate) const DEFAULT_TOPIC: &str = "default";

impl Filter {
    /// An event passes if its topic matches (a targeted one without a topic
    /// matches any), its type is asked for, its session, if it has one, is this
    /// subscription's, and its connection, if it has one, is `connection`.
    pub(crate) fn admits(&self, event: &Envelope, connection: Option<&str>) -> bool {
        let topic = event
            .topic
            .as_ref()
            .is_none_or(|topic| self.topics.iter().any(|pattern| pattern.matches(topic)));
        let event_type =
            self.event_types.is_empty() || self.event_types.contains(&event.event_type);
        let session = match &event.session {
            Some(session) => self.session.as_ref() == Some(session),
            None => !self.targeted_only,
        };
        let addressee = event
            .connection
            .as_deref()
            .is_none_or(|addressee| connection == Some(addressee));
        topic && event_type && session && addressee
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `topic type session connection`, `-` for none.
    fn event(line: &str) -> Envelope {
        let part = |n| line.split(' ').nth(n).filter(|text| *text != "-");
        Envelope {
            topic: part(0).map(Into::into),
            event_type: part(1).unwrap_or("message").into(),
            session: part(2).map(Into::into),
            connection: part(3).map(Into::into),
        }
    }

    /// Reads `topics types session`, lists by comma, `-` for none, `!` before
    /// the session for what is targeted only. The connection is `me`.
    fn filter(line: &str) -> Filter {
        let part = |n| line.split(' ').nth(n).filter(|text| *text != "-");
        let session = part(2);
        Filter {
            topics: part(0).map_or_else(
                || Filter::default().topics,
                |topics| topics.split(',').map(TopicPattern::new).collect(),
            ),
            event_types: part(1)
                .map(|types| types.split(',').map(Into::into).collect())
                .unwrap_or_default(),
            session: session.map(|name| name.trim_start_matches('!').into()),
            targeted_only: session.is_some_and(|name| name.starts_with('!')),
        }
    }

    #[test]
    fn a_pattern_that_could_never_match_is_refused() {
        for text in ["*", "a", "a.*", "a.b.*", ".*", "a b", "✓"] {
            assert_eq!(TopicPattern::parse(text), Ok(TopicPattern::new(text)));
        }
        let long = "a".repeat(257);
        for text in [
            "", "**", "a*", "*.a", "a.*.b", "a.**", "*.*", "a\n", "a\0", &long,
        ] {
            assert!(TopicPattern::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_table_of_covers() {
        #[rustfmt::skip]
        let table = [
            ("*",    "*",    true),  ("*",    "a.*",   true),  ("*",    "a",     true),
            ("a.*",  "*",    false), ("a.*",  "a.*",   true),  ("a.*",  "a.b.*", true),
            ("a.*",  "b.*",  false), ("a.*",  "a.b",   true),  ("a.*",  "a",     false),
            ("a.b.*","a.*",  false), ("a",    "a",     true),  ("a",    "b",     false),
            ("a",    "a.*",  false), ("a",    "*",     false), ("a*",   "ab",    false),
        ];
        for (wide, narrow, covers) in table {
            let verdict = TopicPattern::new(wide).covers(&TopicPattern::new(narrow));
            assert_eq!(verdict, covers, "{wide} over {narrow}");
        }
    }

    #[test]
    fn the_table_of_admissions() {
        #[rustfmt::skip]
        let table = [
            // subscription     event                       admitted
            ("- - -",           "default tick - -",         true),
            ("- - -",           "orders tick - -",          false),
            ("* - -",           "orders tick - -",          true),
            ("orders - -",      "orders tick - -",          true),
            ("orders - -",      "default tick - -",         false),
            ("a,b - -",         "b tick - -",               true),
            ("orders.* - -",    "orders.eu tick - -",       true),
            ("orders.* - -",    "orders.eu.de tick - -",    true),
            ("orders.* - -",    "orders tick - -",          false),
            ("orders.* - -",    "ordersx tick - -",         false),
            ("ord* - -",        "orders tick - -",          false),
            ("- tick -",        "default tick - -",         true),
            ("- tick -",        "default status - -",       false),
            ("- tick,status -", "default status - -",       true),
            ("- message -",     "default - - -",            true),
            ("- Tick -",        "default tick - -",         false),
            ("- - alice",       "default tick - -",         true),
            ("- - alice",       "default tick alice -",     true),
            ("- - bob",         "default tick alice -",     false),
            ("- - -",           "default tick alice -",     false),
            ("- - alice",       "- tick alice -",           true),
            ("orders - alice",  "- tick alice -",           true),
            ("- - alice",       "orders tick alice -",      false),
            ("- tick alice",    "- status alice -",         false),
            ("- - !alice",      "- tick alice -",           true),
            ("- - !alice",      "default tick - -",         false),
            ("- - !alice",      "- tick bob -",             false),
            ("- - !alice",      "- tick - me",              false),
            ("- - -",           "- tick - me",              true),
            ("- - -",           "- tick - other",           false),
            ("* - -",           "- tick - other",           false),
            ("- - alice",       "- tick alice me",          true),
            ("- - alice",       "- tick alice other",       false),
            ("- - alice",       "- tick bob me",            false),
            ("orders - -",      "default tick - me",        false),
        ];
        for (subscription, published, admitted) in table {
            let verdict = filter(subscription).admits(&event(published), Some("me"));
            assert_eq!(verdict, admitted, "{subscription} <- {published}");
        }
    }
}
