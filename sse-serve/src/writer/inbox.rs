//! What others leave for a writer thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::log::WakeQueue;
use crate::writer::Handover;

/// The event of the waker. Sockets have smaller tokens.
pub(super) const WAKER: mio::Token = mio::Token(usize::MAX);

#[derive(Debug)]
pub(super) struct Inbox {
    left: Mutex<Left>,
    /// Whether the thread waits, or is about to.
    sleeps: AtomicBool,
    waker: mio::Waker,
}

#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) handovers: Vec<Handover>,
    /// Of tails that were woken. Each is there once at most.
    pub(super) tokens: Vec<usize>,
    pub(super) stop: bool,
}

impl Inbox {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Self {
            left: Mutex::default(),
            sleeps: AtomicBool::new(false),
            waker,
        }
    }

    pub(super) fn hand_over(&self, handover: Handover) {
        self.left().handovers.push(handover);
        self.wake();
    }

    pub(super) fn stop(&self) {
        self.left().stop = true;
        self.wake();
    }

    /// Takes what is there. `left` is empty, and keeps its memory in use.
    pub(super) fn swap(&self, left: &mut Left) {
        std::mem::swap(&mut *self.left(), left);
    }

    /// Says that the thread will wait; `false` if there is something to do.
    pub(super) fn will_sleep(&self) -> bool {
        self.sleeps.store(true, Ordering::SeqCst);
        let left = self.left();
        let is_empty = left.handovers.is_empty() && left.tokens.is_empty() && !left.stop;
        if !is_empty {
            self.sleeps.store(false, Ordering::SeqCst);
        }
        is_empty
    }

    pub(super) fn is_awake(&self) {
        self.sleeps.store(false, Ordering::SeqCst);
    }

    fn wake(&self) {
        if self.sleeps.swap(false, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "cannot wake a writer thread");
        }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WakeQueue for Inbox {
    fn push(&self, token: usize) {
        self.left().tokens.push(token);
        self.wake();
    }
}
