//! The subscriptions that are open now.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::log::random_name;

/// The ids of the open subscriptions, at most `capacity`.
#[derive(Debug)]
pub(super) struct Registry {
    open: Mutex<HashSet<String>>,
    capacity: usize,
}

impl Registry {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            open: Mutex::new(HashSet::new()),
            capacity,
        }
    }

    /// A fresh id, `None` when all places are taken.
    pub(super) fn open(&self) -> Option<String> {
        let mut open = self.lock();
        if open.len() >= self.capacity {
            return None;
        }
        let id = random_name(16);
        open.insert(id.clone()).then_some(id)
    }

    pub(super) fn close(&self, id: &str) {
        self.lock().remove(id);
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.lock().contains(id)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
