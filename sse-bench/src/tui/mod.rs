//! The live view of a run on a terminal, beside its measuring.
//!
//! A thread of its own draws and reads keys, so that neither a slow terminal nor
//! a frame holds up a receiving thread. It reads counters and the series of the
//! run, and what the directing thread [tells](Feed) it; nobody waits for it but
//! who wants the terminal back.

mod draw;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod view;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::checker::{Checker, Micros};
use crate::series::Recorder;
pub use view::{Feed, Requests, Rules, StormNow, Title};

/// Events and runs of them that are judged while a run goes on, at most: they
/// are copied in the thread that checks.
const MOST_JUDGED: usize = 50_000;
/// From one judgement to the next, at least.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

/// The name of the thread that draws.
const THREAD: &str = "tui";

/// A running view. The terminal is given back when this is dropped.
#[derive(Debug)]
pub struct Tui {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Hands a verification over to be judged while it goes on.
#[derive(Debug)]
pub struct Judge {
    shared: Arc<Shared>,
    judged_at: Option<Instant>,
}

/// What the threads have in common.
#[derive(Debug, Default)]
struct Shared {
    feed: Mutex<Feed>,
    judging: Mutex<Judging>,
    stop: AtomicBool,
}

/// A verification's way from the checking thread to the judging one.
#[derive(Debug, Default)]
enum Judging {
    /// The last one is done: another may come.
    #[default]
    Wanted,
    /// As it was at this time.
    Ready(Box<Checker>, Micros),
    /// Too much is known to copy it.
    TooLarge(Micros),
    /// It is being judged.
    Underway,
}

impl Tui {
    /// Shows the run of this recorder; `None` where the terminal cannot be had.
    pub fn start(title: Title, frame: Duration, recorder: &Arc<Recorder>) -> Option<Self> {
        let shared = Arc::new(Shared::default());
        recorder.board.watch();
        let (theirs, recorder) = (Arc::clone(&shared), Arc::clone(recorder));
        let thread = std::thread::Builder::new().name(THREAD.into());
        let thread = thread.spawn(move || screen::run(&title, frame, &theirs, &recorder));
        Some(Self {
            shared,
            thread: Some(thread.ok()?),
        })
    }

    /// Where the run stands.
    pub fn feed(&self, feed: Feed) {
        *lock(&self.shared.feed) = feed;
    }

    /// For the thread that checks.
    pub fn judge(&self) -> Judge {
        Judge {
            shared: Arc::clone(&self.shared),
            judged_at: None,
        }
    }

    /// Gives the terminal back.
    pub fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic was printed, and is no failure of the run.
            let _ = thread.join();
        }
    }
}

impl Judge {
    /// Hands over a copy of what was recorded `now`, if another is wanted.
    pub fn judge(&mut self, checker: &mut Checker, now: Micros) {
        let due = self.judged_at.is_none_or(|at| at.elapsed() >= JUDGE_EVERY);
        let mut judging = lock(&self.shared.judging);
        if due && matches!(*judging, Judging::Wanted) {
            self.judged_at = Some(Instant::now());
            *judging = if checker.records() > MOST_JUDGED {
                Judging::TooLarge(now)
            } else {
                Judging::Ready(Box::new(checker.copy_to_judge()), now)
            };
        }
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether there is a terminal that can be drawn on.
pub fn is_possible() -> bool {
    terminal::is_there()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
