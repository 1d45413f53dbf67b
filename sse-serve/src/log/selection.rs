//! Where in the log a subscription's events stand.

use std::ops::Bound;

use crate::log::{ConnectionId, Envelope, Filter, TopicPattern};

/// What the log and those who wait for it are indexed by. Each event stands in
/// one lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    /// What is targeted at nobody.
    Topic(String),
    /// What is targeted at a session.
    Session(String),
    /// What is targeted at a connection.
    Connection(String),
}

impl Lane {
    pub(super) fn of(envelope: &Envelope) -> Self {
        if let Some(connection) = &envelope.connection {
            Self::Connection(connection.clone())
        } else if let Some(session) = &envelope.session {
            Self::Session(session.clone())
        } else {
            Self::Topic(envelope.topic.clone().unwrap_or_default())
        }
    }
}

/// A filter, with the lanes that can hold what it admits: each lane once. The
/// subscriptions of one filter share it.
#[derive(Debug)]
pub(crate) struct Selection {
    filter: Filter,
    lanes: Vec<Lane>,
    prefixes: Vec<String>,
    all_topics: bool,
}

impl Selection {
    pub(crate) fn new(filter: Filter) -> Self {
        let mut selection = Self {
            lanes: Vec::new(),
            prefixes: Vec::new(),
            all_topics: false,
            filter,
        };
        if let Some(session) = &selection.filter.session {
            selection.lanes.push(Lane::Session(session.clone()));
        }
        if selection.filter.targeted_only {
            return selection;
        }
        let topics = &selection.filter.topics;
        if topics.contains(&TopicPattern::All) {
            selection.all_topics = true;
            return selection;
        }
        for pattern in topics {
            let is_covered = topics.iter().any(|other| match (other, pattern) {
                (TopicPattern::Prefix(wide), TopicPattern::Prefix(narrow)) => {
                    wide != narrow && narrow.starts_with(wide.as_str())
                }
                (TopicPattern::Prefix(wide), TopicPattern::Exact(topic)) => {
                    topic.starts_with(wide.as_str())
                }
                _ => false,
            });
            match pattern {
                _ if is_covered => {}
                TopicPattern::Exact(topic) => selection.lanes.push(Lane::Topic(topic.clone())),
                TopicPattern::Prefix(prefix) => selection.prefixes.push(prefix.clone()),
                TopicPattern::All => {}
            }
        }
        selection.lanes.sort();
        selection.lanes.dedup();
        selection.prefixes.sort();
        selection.prefixes.dedup();
        selection
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The lanes known by name.
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Beginnings of topics, none within another.
    pub(super) fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    pub(super) fn all_topics(&self) -> bool {
        self.all_topics
    }

    /// Whether its lanes are all known by name.
    pub(super) fn is_exact(&self) -> bool {
        !self.all_topics && self.prefixes.is_empty()
    }
}

/// What is read at once: what a selection admits and, where it is read for one
/// connection, what is targeted at that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) connection: Option<&'a ConnectionId>,
}

impl Scope<'_> {
    pub(crate) fn admits(&self, envelope: &Envelope) -> bool {
        let connection = self.connection.map(ConnectionId::as_str);
        self.selection.filter.admits(envelope, connection)
    }

    /// The lane of what is targeted at the connection.
    pub(super) fn own_lane(&self) -> Option<Lane> {
        let id = self.connection?;
        Some(Lane::Connection(id.as_str().to_owned()))
    }
}

/// Where the lanes of the topics with this beginning start.
pub(super) fn from_prefix(prefix: &str) -> (Bound<Lane>, Bound<Lane>) {
    (
        Bound::Included(Lane::Topic(prefix.to_owned())),
        Bound::Unbounded,
    )
}

pub(super) fn has_prefix(lane: &Lane, prefix: &str) -> bool {
    matches!(lane, Lane::Topic(topic) if topic.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(topics: &[&str]) -> Selection {
        let filter = Filter {
            topics: topics.iter().map(|text| TopicPattern::new(text)).collect(),
            ..Filter::default()
        };
        Selection::new(filter)
    }

    #[test]
    fn no_lane_is_read_twice() {
        let selection = selection(&["a.*", "a.b", "a.b.*", "a.*", "b", "b"]);
        assert_eq!(selection.prefixes(), ["a."]);
        let topics: Vec<_> = selection
            .lanes()
            .iter()
            .filter(|lane| matches!(lane, Lane::Topic(_)))
            .collect();
        assert_eq!(topics, [&Lane::Topic("b".into())]);
    }

    #[test]
    fn all_topics_need_no_names() {
        let selection = selection(&["a", "*", "b.*"]);
        assert!(selection.all_topics());
        assert_eq!(selection.lanes(), []);
        assert!(selection.prefixes().is_empty());
    }
}
