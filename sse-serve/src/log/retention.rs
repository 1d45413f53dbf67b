//! How much history is kept.

use std::time::Duration;

use crate::log::TopicPattern;
use crate::log::clock::millis;

/// How much history a log keeps; what is reached first evicts the oldest events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most events, at least 1. Default 100,000.
    pub events: usize,
    /// The most bytes of encoded events. Default 64 MiB.
    pub bytes: usize,
    /// The longest time an event is kept. Default none.
    pub age: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            events: 100_000,
            bytes: 64 << 20,
            age: None,
        }
    }
}

/// A budget of their own for the topics of a pattern, shared by them: what is
/// published elsewhere evicts none of their events, nor they another's.
///
/// Where several match, an exact name goes before a pattern and a longer one
/// before a shorter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicRetention {
    /// A topic, or a pattern such as `orders.*`. One that could match nothing is
    /// refused by [`TopicRetention::check`].
    pub topics: String,
    /// `None` takes the number that holds overall.
    pub events: Option<usize>,
    /// `None` takes the size that holds overall.
    pub bytes: Option<usize>,
    /// `None` takes the age that holds overall.
    pub age: Option<Duration>,
}

impl TopicRetention {
    /// Whether the pattern is a topic, `*`, or ends in `.*`; else what is wrong
    /// with it, to be read after its name.
    pub fn check(&self) -> Result<(), &'static str> {
        TopicPattern::parse(&self.topics).map(drop)
    }
}

/// The budgets, by what they are for. The last is for all that have none.
#[derive(Debug)]
pub(super) struct Budgets {
    patterns: Vec<TopicPattern>,
    overall: Retention,
    limits: Vec<Retention>,
}

impl Budgets {
    pub(super) fn new(overall: Retention, topics: &[TopicRetention]) -> Self {
        let mut topics: Vec<(TopicPattern, &TopicRetention)> = topics
            .iter()
            .map(|topic| (TopicPattern::new(&topic.topics), topic))
            .collect();
        topics.sort_by_key(|(pattern, topic)| {
            let is_pattern = !matches!(pattern, TopicPattern::Exact(_));
            (is_pattern, std::cmp::Reverse(topic.topics.len()))
        });
        let limits = topics.iter().map(|(_, topic)| Retention {
            events: topic.events.unwrap_or(overall.events).max(1),
            bytes: topic.bytes.unwrap_or(overall.bytes),
            age: topic.age.or(overall.age),
        });
        Self {
            limits: limits.collect(),
            patterns: topics.into_iter().map(|(pattern, _)| pattern).collect(),
            overall: Retention {
                events: overall.events.max(1),
                ..overall
            },
        }
    }

    pub(super) fn count(&self) -> usize {
        self.limits.len() + 1
    }

    /// Whose budget an event of this topic takes from.
    pub(super) fn of(&self, topic: Option<&str>) -> usize {
        let own = topic.and_then(|topic| {
            self.patterns
                .iter()
                .position(|pattern| pattern.matches(topic))
        });
        own.unwrap_or(self.limits.len())
    }

    pub(super) fn limits(&self, budget: usize) -> &Retention {
        self.limits.get(budget).unwrap_or(&self.overall)
    }

    /// Whether anything is evicted for its age.
    pub(super) fn have_age(&self) -> bool {
        let mut all = self.limits.iter().chain([&self.overall]);
        all.any(|limits| limits.age.is_some())
    }

    /// Events published before this moment are too old.
    pub(super) fn oldest(&self, budget: usize, now: u64) -> Option<u64> {
        let age = self.limits(budget).age?;
        now.checked_sub(millis(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_pattern_holds() {
        let topic = |topics: &str, events| TopicRetention {
            topics: topics.into(),
            events: Some(events),
            ..TopicRetention::default()
        };
        let topics = [
            topic("orders.*", 2),
            topic("orders.eu", 4),
            topic("orders.eu.*", 3),
        ];
        let budgets = Budgets::new(Retention::default(), &topics);
        for (name, events) in [
            (Some("orders.us"), 2),
            (Some("orders.eu.de"), 3),
            (Some("orders.eu"), 4),
            (Some("orders"), 100_000),
            (None, 100_000),
        ] {
            assert_eq!(budgets.limits(budgets.of(name)).events, events, "{name:?}");
        }
    }
}
