//! Events on their way into the log: numbered and encoded, not yet to be seen.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::BytesMut;
use sse_core::EventId;

use crate::log::selection::Lane;
use crate::log::window::{Keyed, Window};
use crate::log::{AppendError, Draft, Envelope, History, Key, Record};

/// Envelopes remembered before the memory starts over.
const ENVELOPES_MAX: usize = 1024;

/// What a log appends next.
#[derive(Debug)]
pub(super) struct Stage {
    head: u64,
    /// In the order of their numbers.
    pub(super) records: Vec<Staged>,
    keys: HashMap<Arc<Key>, Keyed>,
    /// Topics that have events only here, once their number matters.
    new_topics: Option<HashSet<String>>,
}

#[derive(Debug)]
pub(super) struct Staged {
    pub(super) seq: u64,
    pub(super) record: Record,
    /// Of an event with a key: what tells its content from another's.
    pub(super) content: Option<u64>,
}

/// The envelopes seen lately, so that alike events share one.
#[derive(Debug, Default)]
pub(super) struct Envelopes(HashSet<Arc<Envelope>>);

impl Envelopes {
    pub(super) fn share(&mut self, envelope: Envelope) -> Arc<Envelope> {
        if let Some(known) = self.0.get(&envelope) {
            return Arc::clone(known);
        }
        if self.0.len() >= ENVELOPES_MAX {
            self.0.clear();
        }
        let envelope = Arc::new(envelope);
        self.0.insert(Arc::clone(&envelope));
        envelope
    }
}

impl Stage {
    /// After all that the history holds. One at a time: two would give the same
    /// numbers.
    pub(super) fn new(history: &History) -> Self {
        Self {
            head: history.window().head(),
            records: Vec::new(),
            keys: HashMap::new(),
            new_topics: None,
        }
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// All of a batch or nothing. An event whose key is known gets the number of
    /// the first.
    pub(super) fn add(
        &mut self,
        history: &History,
        envelopes: &mut Envelopes,
        drafts: Vec<Draft>,
    ) -> Result<Vec<u64>, AppendError> {
        let before = (self.head, self.records.len());
        let mut seqs = Vec::with_capacity(drafts.len());
        let now = history.clock().now();
        for draft in drafts {
            match self.place(history, envelopes, draft, now) {
                Ok(seq) => seqs.push(seq),
                Err(error) => {
                    for staged in self.records.drain(before.1..) {
                        if let Some(key) = staged.record.key {
                            self.keys.remove(&key);
                        }
                    }
                    self.head = before.0;
                    self.new_topics = None;
                    return Err(error);
                }
            }
        }
        Ok(seqs)
    }

    fn place(
        &mut self,
        history: &History,
        envelopes: &mut Envelopes,
        draft: Draft,
        now: u64,
    ) -> Result<u64, AppendError> {
        let seq = self.head + 1;
        let mut event = draft.event;
        if let Ok(id) = EventId::new(history.epoch().id(seq)) {
            event = event.with_id(id);
        }
        let mut block = BytesMut::with_capacity(event.data().map_or(0, str::len) + 64);
        event.encode(&mut block);
        let content = draft
            .key
            .is_some()
            .then(|| history.digest(&block, &draft.envelope));
        if let (Some(key), Some(content)) = (&draft.key, content) {
            let known = self.keys.get(key).copied();
            if let Some(first) = known.or_else(|| history.window().keyed(key)) {
                return if first.content == content {
                    Ok(first.seq)
                } else {
                    Err(AppendError::KeyTaken(key.key.clone()))
                };
            }
        }
        self.check(
            &history.window(),
            &draft.envelope,
            block.len(),
            history.max_topics(),
        )?;
        self.head = seq;
        let key = draft.key.map(Arc::new);
        if let (Some(key), Some(content)) = (&key, content) {
            self.keys.insert(Arc::clone(key), Keyed { seq, content });
        }
        let lifetime = draft.time_to_live.map(super::clock::millis);
        let record = Record {
            envelope: envelopes.share(draft.envelope),
            length: block.len(),
            block: Some(block.freeze()),
            published: now,
            expires: lifetime.map(|lifetime| now.saturating_add(lifetime)),
            key,
        };
        self.records.push(Staged {
            seq,
            record,
            content,
        });
        Ok(seq)
    }

    /// Refuses what the log could not hold, or not beside what it holds.
    fn check(
        &mut self,
        window: &Window,
        envelope: &Envelope,
        length: usize,
        max_topics: usize,
    ) -> Result<(), AppendError> {
        let max = window.max_length(envelope.topic.as_deref());
        if length > max {
            return Err(AppendError::TooLarge { length, max });
        }
        let Lane::Topic(topic) = Lane::of(envelope) else {
            return Ok(());
        };
        // Each staged event might be of another topic.
        if window.topics() + self.records.len() < max_topics && self.new_topics.is_none() {
            return Ok(());
        }
        let new = self.new_topics.get_or_insert_with(|| {
            let staged = self.records.iter();
            let lanes = staged.map(|staged| Lane::of(&staged.record.envelope));
            let topics = lanes.filter_map(|lane| match lane {
                Lane::Topic(topic) => Some(topic),
                _ => None,
            });
            topics.filter(|topic| !window.has_topic(topic)).collect()
        });
        if !window.has_topic(&topic) && !new.contains(&topic) {
            if window.topics() + new.len() >= max_topics {
                return Err(AppendError::TooManyTopics(topic));
            }
            new.insert(topic);
        }
        Ok(())
    }
}
