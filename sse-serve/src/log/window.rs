//! What a log retains: a pool for each budget, and an index over them by lane.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::log::evicted::{EvictedMarks, Evictions, Loss};
use crate::log::merge::{self, Source};
use crate::log::retention::Budgets;
use crate::log::selection::{Lane, Scope, from_prefix, has_prefix};
use crate::log::{ConnectionId, Key, Record};

/// As few events after a cursor are read one by one: cheaper than to look up
/// every lane of a pattern.
const NEAR: u64 = 64;

/// The retained part of a sequence that counts from 1.
#[derive(Debug)]
pub(crate) struct Window {
    budgets: Budgets,
    pools: Vec<Pool>,
    lanes: BTreeMap<Lane, VecDeque<Place>>,
    /// Lanes of topics.
    topics: usize,
    /// Lanes of connections.
    connections: usize,
    /// Events that came and went.
    evicted: u64,
    /// Events with a target.
    targeted: usize,
    keys: HashMap<Arc<Key>, Keyed>,
    marks: EvictedMarks,
    head: u64,
    resident: Resident,
}

/// What is retained of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicWindow {
    pub(crate) topic: String,
    pub(crate) events: usize,
    /// Sequence numbers.
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
}

/// The records under one budget, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) records: VecDeque<(u64, Record)>,
    bytes: usize,
    /// How many came and went before the first.
    gone: u64,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) pool: usize,
    /// Counts the records of the pool.
    pub(super) ordinal: u64,
}

/// The event that a key was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keyed {
    pub(super) seq: u64,
    pub(super) content: u64,
}

/// The blocks in memory that can be fetched again, oldest first; some of them
/// evicted since.
#[derive(Debug)]
struct Resident {
    places: VecDeque<Place>,
    bytes: usize,
    /// `None` where memory is all there is.
    limit: Option<usize>,
}

impl Pool {
    pub(super) fn get(&self, ordinal: u64) -> Option<&Record> {
        let index = ordinal.checked_sub(self.gone)?;
        self.records.get(index as usize).map(|(_, record)| record)
    }

    fn get_mut(&mut self, ordinal: u64) -> Option<&mut Record> {
        let index = ordinal.checked_sub(self.gone)?;
        let found = self.records.get_mut(index as usize);
        found.map(|(_, record)| record)
    }
}

impl Window {
    /// An empty one. Beyond `resident` bytes it keeps the index of an event but
    /// not its block.
    pub(super) fn new(budgets: Budgets, resident: Option<usize>) -> Self {
        Self {
            pools: (0..budgets.count()).map(|_| Pool::default()).collect(),
            budgets,
            lanes: BTreeMap::new(),
            topics: 0,
            connections: 0,
            evicted: 0,
            targeted: 0,
            keys: HashMap::new(),
            marks: EvictedMarks::new(),
            head: 0,
            resident: Resident {
                places: VecDeque::new(),
                bytes: 0,
                limit: resident,
            },
        }
    }

    /// Takes a record in; what no longer fits goes to `evicted`.
    pub(super) fn push(
        &mut self,
        seq: u64,
        record: Record,
        content: Option<u64>,
        evicted: &mut Vec<(u64, Record)>,
    ) {
        let at = self.budgets.of(record.envelope.topic.as_deref());
        let pool = &mut self.pools[at];
        let place = Place {
            seq,
            pool: at,
            ordinal: pool.gone + pool.records.len() as u64,
        };
        let lane = Lane::of(&record.envelope);
        let is_topic = matches!(lane, Lane::Topic(_));
        let is_connection = matches!(lane, Lane::Connection(_));
        let lane = self.lanes.entry(lane).or_default();
        self.topics += usize::from(is_topic && lane.is_empty());
        self.connections += usize::from(is_connection && lane.is_empty());
        self.targeted += usize::from(!is_topic);
        lane.push_back(place);
        if let (Some(key), Some(content)) = (&record.key, content) {
            self.keys.insert(Arc::clone(key), Keyed { seq, content });
        }
        if can_go(&record) {
            self.resident.places.push_back(place);
            self.resident.bytes += record.length;
        }
        pool.bytes += record.length;
        pool.records.push_back((seq, record));
        self.head = self.head.max(seq);
        let limits = *self.budgets.limits(at);
        while self.pools[at].records.len() > limits.events || self.pools[at].bytes > limits.bytes {
            self.evict(at, evicted);
        }
        self.let_go();
    }

    /// Evicts what is too old by now.
    pub(super) fn age(&mut self, now: u64, evicted: &mut Vec<(u64, Record)>) {
        for at in 0..self.pools.len() {
            while self.is_aged(at, now) {
                self.evict(at, evicted);
            }
        }
    }

    pub(super) fn has_aged(&self, now: u64) -> bool {
        (0..self.pools.len()).any(|at| self.is_aged(at, now))
    }

    fn is_aged(&self, at: usize, now: u64) -> bool {
        let first = self.pools[at].records.front();
        let oldest = self.budgets.oldest(at, now);
        first
            .zip(oldest)
            .is_some_and(|((_, record), oldest)| record.published < oldest)
    }

    fn evict(&mut self, at: usize, evicted: &mut Vec<(u64, Record)>) {
        let pool = &mut self.pools[at];
        let Some((seq, record)) = pool.records.pop_front() else {
            return;
        };
        pool.gone += 1;
        pool.bytes -= record.length;
        if can_go(&record) {
            self.resident.bytes -= record.length;
        }
        let lane = Lane::of(&record.envelope);
        self.targeted -= usize::from(!matches!(lane, Lane::Topic(_)));
        if let Some(places) = self.lanes.get_mut(&lane) {
            // Not the first only where a session's events have several budgets.
            if let Ok(index) = places.binary_search_by_key(&seq, |place| place.seq) {
                places.remove(index);
            }
            if places.is_empty() {
                self.lanes.remove(&lane);
                self.topics -= usize::from(matches!(lane, Lane::Topic(_)));
                self.connections -= usize::from(matches!(lane, Lane::Connection(_)));
            }
        }
        if let Some(key) = &record.key
            && self.keys.get(key).is_some_and(|keyed| keyed.seq == seq)
        {
            self.keys.remove(key);
        }
        self.evicted += 1;
        evicted.push((seq, record));
    }

    /// Lets the oldest blocks go where they can be fetched again.
    fn let_go(&mut self) {
        while let Some(place) = self.resident.places.front().copied() {
            if let Some(record) = self.pools[place.pool].get_mut(place.ordinal) {
                let limit = self.resident.limit;
                if limit.is_none_or(|limit| self.resident.bytes <= limit) {
                    return;
                }
                if record.block.take().is_some() {
                    self.resident.bytes -= record.length;
                }
            }
            self.resident.places.pop_front();
        }
    }

    pub(super) fn keyed(&self, key: &Key) -> Option<Keyed> {
        self.keys.get(key).copied()
    }

    pub(super) fn marks_mut(&mut self) -> &mut EvictedMarks {
        &mut self.marks
    }

    pub(crate) fn marks(&self) -> &EvictedMarks {
        &self.marks
    }

    pub(super) fn set_head(&mut self, head: u64) {
        self.head = head;
    }

    pub(super) fn set_block(&mut self, seq: u64, block: Bytes) {
        for pool in &mut self.pools {
            if let Ok(index) = pool.records.binary_search_by_key(&seq, |(seq, _)| *seq) {
                pool.records[index].1.block = Some(block);
                return;
            }
        }
    }

    /// Takes stock of the blocks that [`Window::set_block`] filled in.
    pub(super) fn count_resident(&mut self) {
        let mut places = Vec::new();
        self.resident.bytes = 0;
        for (at, pool) in self.pools.iter().enumerate() {
            for (ordinal, (seq, record)) in (pool.gone..).zip(&pool.records) {
                if can_go(record) {
                    self.resident.bytes += record.length;
                    places.push(Place {
                        seq: *seq,
                        pool: at,
                        ordinal,
                    });
                }
            }
        }
        places.sort_by_key(|place| place.seq);
        self.resident.places = places.into();
    }

    /// The sequence number of the newest event ever appended, 0 before the first.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The cursor just before the oldest retained event; the head if none is.
    pub(crate) fn floor(&self) -> u64 {
        let oldest = self.pools.iter().filter_map(|pool| pool.records.front());
        oldest.map(|(seq, _)| seq - 1).min().unwrap_or(self.head)
    }

    /// Retained events.
    pub(crate) fn len(&self) -> usize {
        self.pools.iter().map(|pool| pool.records.len()).sum()
    }

    /// Topics with retained events.
    pub(crate) fn topics(&self) -> usize {
        self.topics
    }

    /// Whether anything is evicted for its age.
    pub(super) fn ages(&self) -> bool {
        self.budgets.have_age()
    }

    /// The most bytes of one event of this topic.
    pub(super) fn max_length(&self, topic: Option<&str>) -> usize {
        self.budgets.limits(self.budgets.of(topic)).bytes
    }

    /// Events that have a target.
    pub(crate) fn targeted(&self) -> usize {
        self.targeted
    }

    pub(crate) fn has_topic(&self, topic: &str) -> bool {
        self.lanes.contains_key(&Lane::Topic(topic.to_owned()))
    }

    /// At most `limit` topics with retained events, by name, after this one.
    pub(crate) fn topic_page(&self, after: Option<&str>, limit: usize) -> Vec<TopicWindow> {
        let from = match after {
            Some(topic) => Bound::Excluded(Lane::Topic(topic.to_owned())),
            None => Bound::Unbounded,
        };
        // Topics sort before what is targeted.
        let lanes = self.lanes.range((from, Bound::Unbounded));
        lanes
            .map_while(|(lane, places)| {
                let Lane::Topic(topic) = lane else {
                    return None;
                };
                Some(TopicWindow {
                    topic: topic.clone(),
                    events: places.len(),
                    oldest: places.front()?.seq,
                    newest: places.back()?.seq,
                })
            })
            .take(limit)
            .collect()
    }

    /// Bytes of the retained events, in memory or not.
    pub(crate) fn bytes(&self) -> usize {
        self.pools.iter().map(|pool| pool.bytes).sum()
    }

    /// The retained records after `cursor` that may be for this selection,
    /// oldest first.
    pub(crate) fn after<'a>(
        &'a self,
        cursor: u64,
        scope: Scope<'_>,
    ) -> impl Iterator<Item = (u64, &'a Record)> + use<'a> {
        merge::forward(self.sources(cursor, scope))
    }

    /// Those up to `end`, newest first.
    pub(crate) fn backward<'a>(
        &'a self,
        end: u64,
        scope: Scope<'_>,
    ) -> impl Iterator<Item = (u64, &'a Record)> + use<'a> {
        let mut sources = self.sources(0, scope);
        for source in &mut sources {
            source.end_at(end);
        }
        merge::backward(sources)
    }

    fn sources(&self, cursor: u64, scope: Scope<'_>) -> Vec<Source<'_>> {
        let selection = scope.selection;
        let is_near = self.head.saturating_sub(cursor) <= NEAR;
        if selection.all_topics() || (is_near && !selection.is_exact()) {
            let pools = self.pools.iter();
            return pools.map(|pool| Source::pool(pool, cursor)).collect();
        }
        let own = (self.connections > 0).then(|| scope.own_lane()).flatten();
        let named = selection
            .lanes()
            .iter()
            .chain(&own)
            .filter_map(|lane| self.lanes.get(lane));
        let mut sources: Vec<_> = named
            .map(|lane| Source::lane(lane, &self.pools, cursor))
            .collect();
        for prefix in selection.prefixes() {
            let lanes = self.lanes.range(from_prefix(prefix));
            let lanes = lanes.take_while(|(lane, _)| has_prefix(lane, prefix));
            sources.extend(lanes.map(|(_, lane)| Source::lane(lane, &self.pools, cursor)));
        }
        sources
    }

    /// What was evicted after `cursor` of the events that are admitted, but for
    /// what was `told`.
    pub(crate) fn loss_after(
        &self,
        cursor: u64,
        told: Evictions,
        scope: Scope<'_>,
    ) -> Option<Loss> {
        self.marks.loss_after(cursor, told, scope)
    }

    /// Whether anything, retained or evicted, was targeted at this connection:
    /// what is read for it is then not what is read for others.
    pub(crate) fn is_targeted(&self, connection: &ConnectionId) -> bool {
        let lane = || Lane::Connection(connection.as_str().to_owned());
        (self.connections > 0 && self.lanes.contains_key(&lane()))
            || self.marks.has_connection(connection.as_str())
    }

    /// How many events came and went.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How many events after `cursor` are retained no more.
    pub(crate) fn evicted_after(&self, cursor: u64) -> u64 {
        let retained: usize = self
            .pools
            .iter()
            .map(|pool| {
                let records = &pool.records;
                records.len() - records.partition_point(|(seq, _)| *seq <= cursor)
            })
            .sum();
        (self.head - cursor.min(self.head)).saturating_sub(retained as u64)
    }
}

/// Whether its block is in memory and can be fetched again: what is for a
/// connection is nowhere else.
fn can_go(record: &Record) -> bool {
    record.block.is_some() && record.envelope.connection.is_none()
}

#[cfg(test)]
mod tests;
