//! The event log in memory.

use std::collections::VecDeque;

use crate::log::evicted::EvictedMarks;
use crate::log::{Envelope, Loss, Record, Retention};

/// A window over a contiguous sequence that counts from 1.
#[derive(Debug)]
pub(crate) struct MemoryLog {
    records: VecDeque<Record>,
    head: u64,
    bytes: usize,
    retention: Retention,
    evicted: EvictedMarks,
}

impl MemoryLog {
    pub(crate) fn new(retention: Retention) -> Self {
        Self {
            records: VecDeque::new(),
            head: 0,
            bytes: 0,
            retention,
            evicted: EvictedMarks::new(),
        }
    }

    /// Appends at `head() + 1` and evicts what no longer fits. An evicted record
    /// that `is_owed` to nobody is no loss.
    pub(crate) fn append(&mut self, record: Record, is_owed: impl Fn(&Record) -> bool) {
        self.head += 1;
        self.bytes += record.block.len();
        self.records.push_back(record);
        while self.records.len() > self.retention.events || self.bytes > self.retention.bytes {
            self.evict(&is_owed);
        }
    }

    pub(crate) fn forget_connection(&mut self, connection: &str) {
        self.evicted.forget_connection(connection);
    }

    /// The sequence number of the newest event ever appended, 0 before the first.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The cursor just before the oldest retained event; the head if none is.
    pub(crate) fn floor(&self) -> u64 {
        self.head - self.records.len() as u64
    }

    /// The retained records after `cursor`, oldest first.
    pub(crate) fn after(
        &self,
        cursor: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, &Record)> + ExactSizeIterator {
        let floor = self.floor();
        let start = cursor.clamp(floor, self.head) - floor;
        self.records
            .range(start as usize..)
            .enumerate()
            .map(move |(index, record)| (floor + start + index as u64 + 1, record))
    }

    /// What was evicted after `cursor` of the events that `admits` lets pass.
    pub(crate) fn loss_after(
        &self,
        cursor: u64,
        admits: impl Fn(&Envelope) -> bool,
    ) -> Option<Loss> {
        if cursor >= self.floor() {
            return None;
        }
        self.evicted.loss_after(cursor, admits)
    }

    fn evict(&mut self, is_owed: impl Fn(&Record) -> bool) {
        let seq = self.floor() + 1;
        if let Some(record) = self.records.pop_front() {
            self.bytes -= record.block.len();
            if is_owed(&record) {
                self.evicted.mark(&record.envelope, seq);
            } else {
                self.evicted.pass_over();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;

    fn record(topic: &str, length: usize) -> Record {
        Record {
            envelope: Arc::new(Envelope {
                topic: Some(topic.into()),
                event_type: "message".into(),
                session: None,
                connection: None,
            }),
            block: Bytes::from(vec![b'x'; length]),
            expires: None,
        }
    }

    fn log(events: usize, bytes: usize) -> MemoryLog {
        MemoryLog::new(Retention { events, bytes })
    }

    fn retained(log: &MemoryLog) -> Vec<u64> {
        log.after(0).map(|(seq, _)| seq).collect()
    }

    #[test]
    fn sequence_numbers_are_contiguous_from_one() {
        let mut log = log(10, 1000);
        assert_eq!((log.head(), log.floor()), (0, 0));
        for _ in 0..3 {
            log.append(record("t", 1), |_| true);
        }
        assert_eq!(retained(&log), [1, 2, 3]);
        assert_eq!(log.after(2).map(|(seq, _)| seq).collect::<Vec<_>>(), [3]);
        assert_eq!(log.after(3).count(), 0);
        assert_eq!(log.after(99).count(), 0);
    }

    #[test]
    fn the_oldest_go_first_by_count() {
        let mut log = log(2, 1000);
        for _ in 0..5 {
            log.append(record("t", 1), |_| true);
        }
        assert_eq!(retained(&log), [4, 5]);
        assert_eq!(log.loss_after(2, |_| true).unwrap().newest, 3);
        assert_eq!(log.loss_after(3, |_| true), None);
    }

    #[test]
    fn the_oldest_go_first_by_bytes() {
        let mut log = log(100, 10);
        for length in [4, 4, 4] {
            log.append(record("t", length), |_| true);
        }
        assert_eq!(retained(&log), [2, 3]);
        log.append(record("t", 11), |_| true);
        assert_eq!(retained(&log), Vec::<u64>::new());
        assert_eq!((log.head(), log.floor()), (4, 4));
    }

    #[test]
    fn an_event_owed_to_nobody_leaves_no_loss_behind() {
        let mut log = log(1, 1000);
        log.append(record("t", 1), |_| true);
        log.append(record("t", 1), |_| false);
        assert_eq!(retained(&log), [2]);
        assert_eq!(log.loss_after(0, |_| true), None);
    }
}
