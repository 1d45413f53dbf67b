//! What one look at the log gives, to whoever stands at that place.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::hub::batch::{BATCH_MAX, Batch};
use crate::log::{Blocks, Scope, Selection, Window};
use crate::metrics::Observations;

/// Records looked at before the log is let go for others.
pub(super) const SCAN_MAX: usize = 4096;

/// Portions kept in case somebody else stands at the same place.
const KEPT_MAX: usize = 32;

/// As many records looked at in vain are not looked at again for the next reader.
const VAIN_MIN: u64 = 256;

/// The events after a position, in one piece.
#[derive(Debug)]
pub(crate) struct Portion {
    pub(super) from: u64,
    /// Everything up to here is in it, or was not for its readers.
    pub(super) to: u64,
    /// Numbers of the events in it.
    pub(super) seqs: Vec<u64>,
    /// Admitted events that were past their time.
    pub(super) expired: u64,
    /// Events that come next and are not in memory.
    pub(super) wanted: Vec<u64>,
    /// Whether there is more after it already.
    pub(super) has_more: bool,
    pub(super) looked_at: u64,
    blocks: Bytes,
    wire: OnceLock<Wire>,
    validity: Validity,
}

/// Blocks as a transport writes them: at most three pieces, the unused ones empty.
pub(crate) type Wire = [Bytes; 3];

/// How long a portion is what another look would give.
#[derive(Debug)]
struct Validity {
    head: u64,
    evicted: u64,
    /// Of the log's clock; the first time that one of its events expires.
    expires: Option<u64>,
}

impl Portion {
    /// Reads on from `from`, up to a bound. `fetched` are blocks that are not in
    /// memory.
    pub(super) fn read(
        window: &Window,
        scope: Scope<'_>,
        from: u64,
        moment: u64,
        fetched: &Blocks,
    ) -> Self {
        let mut batch = Batch::default();
        let mut wanted = Wanted::default();
        let mut seqs = Vec::new();
        let (mut to, mut expired, mut looked_at) = (from, 0, 0);
        let mut expires: Option<u64> = None;
        let mut has_more = false;
        for (seq, record) in window.after(from, scope) {
            if looked_at == SCAN_MAX {
                has_more = true;
                break;
            }
            looked_at += 1;
            let is_admitted = scope.admits(&record.envelope);
            if !is_admitted || record.expired(moment) {
                if wanted.seqs.is_empty() {
                    to = seq;
                    expired += u64::from(is_admitted);
                }
                continue;
            }
            let block = record.block.as_ref().or_else(|| find(fetched, seq));
            match block {
                Some(block) if wanted.seqs.is_empty() && batch.has_room(block.len()) => {
                    batch.push(block);
                    seqs.push(seq);
                    to = seq;
                    let next = record.expires.into_iter().chain(expires);
                    expires = next.min();
                }
                None if batch.is_empty() && wanted.has_room(record.length) => {
                    wanted.push(seq, record.length);
                }
                _ => {
                    has_more = true;
                    break;
                }
            }
        }
        has_more |= !wanted.seqs.is_empty();
        Self {
            from,
            to: if has_more { to } else { window.head().max(to) },
            seqs,
            expired,
            wanted: wanted.seqs,
            has_more,
            looked_at: looked_at as u64,
            blocks: batch.finish(),
            wire: OnceLock::new(),
            validity: Validity {
                head: window.head(),
                evicted: window.evicted(),
                expires,
            },
        }
    }

    /// Whole blocks; empty if nothing is due.
    pub(crate) fn blocks(&self) -> &Bytes {
        &self.blocks
    }

    /// The blocks as the first who asked framed them: to be asked by one kind of
    /// transport only.
    pub(crate) fn wire(&self, frame: impl FnOnce(&Bytes) -> Wire) -> &Wire {
        self.wire.get_or_init(|| frame(&self.blocks))
    }

    /// How many of its events were published by `head`.
    pub(super) fn up_to(&self, head: u64) -> usize {
        if self.from >= head {
            return 0;
        }
        self.seqs.partition_point(|&seq| seq <= head)
    }

    /// How long ago the events after the first `skip` were published.
    pub(super) fn observe(
        &self,
        skip: usize,
        now: Instant,
        age_of: impl Fn(u64, Instant) -> Option<std::time::Duration>,
    ) -> Observations {
        let mut observations = Observations::default();
        for &seq in &self.seqs[skip..] {
            if let Some(age) = age_of(seq, now) {
                observations.add(age);
            }
        }
        observations
    }

    fn is_valid(&self, window: &Window, moment: u64) -> bool {
        let validity = &self.validity;
        validity.evicted == window.evicted()
            && (self.has_more || validity.head == window.head())
            && validity.expires.is_none_or(|expires| moment < expires)
    }
}

fn find(fetched: &Blocks, seq: u64) -> Option<&Bytes> {
    let index = fetched.binary_search_by_key(&seq, |(seq, _)| *seq);
    index.ok().map(|index| &fetched[index].1)
}

/// Portions read lately. Bounded, whatever the number of readers.
#[derive(Debug, Default)]
pub(crate) struct Portions {
    recent: VecDeque<(Arc<Selection>, Arc<Portion>)>,
}

impl Portions {
    /// What is admitted by this selection after `from`, but for what is targeted
    /// at connections.
    pub(super) fn read(
        &mut self,
        window: &Window,
        selection: &Arc<Selection>,
        from: u64,
        moment: u64,
    ) -> (Arc<Portion>, bool) {
        let same = self.recent.iter().find(|(of, portion)| {
            portion.from == from && Arc::ptr_eq(of, selection) && portion.is_valid(window, moment)
        });
        if let Some((_, portion)) = same {
            return (Arc::clone(portion), false);
        }
        let scope = Scope {
            selection,
            connection: None,
        };
        let portion = Arc::new(Portion::read(window, scope, from, moment, &Blocks::new()));
        if !portion.blocks.is_empty() || portion.looked_at >= VAIN_MIN {
            if self.recent.len() == KEPT_MAX {
                self.recent.pop_front();
            }
            let kept = (Arc::clone(selection), Arc::clone(&portion));
            self.recent.push_back(kept);
        }
        (portion, true)
    }

    /// Lets memory go, where no reader comes any more.
    pub(crate) fn clear(&mut self) {
        self.recent.clear();
    }
}

/// Events to fetch, as many as make one write.
#[derive(Debug, Default)]
struct Wanted {
    seqs: Vec<u64>,
    bytes: usize,
}

impl Wanted {
    fn has_room(&self, length: usize) -> bool {
        self.seqs.is_empty() || self.bytes + length <= BATCH_MAX
    }

    fn push(&mut self, seq: u64, length: usize) {
        self.seqs.push(seq);
        self.bytes += length;
    }
}

/// What a stream is to write: what the hub says, events, and its last words.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) before: Bytes,
    pub(crate) portion: Option<Arc<Portion>>,
    pub(crate) after: Bytes,
}

impl Delivery {
    pub(super) fn of(before: Bytes) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    /// Bytes of blocks.
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.blocks().map_or(0, Bytes::len) + self.after.len()
    }

    /// In one piece, shared where it is one already.
    pub(crate) fn into_bytes(self) -> Bytes {
        let parts = [&self.before, self.blocks().unwrap_or(&EMPTY), &self.after];
        let mut filled = parts.into_iter().filter(|part| !part.is_empty());
        let (first, second) = (filled.next(), filled.next());
        if let (Some(only), None) = (first, second) {
            return only.clone();
        }
        let mut bytes = BytesMut::with_capacity(self.len());
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes.freeze()
    }

    fn blocks(&self) -> Option<&Bytes> {
        self.portion.as_ref().map(|portion| &portion.blocks)
    }
}

static EMPTY: Bytes = Bytes::new();
