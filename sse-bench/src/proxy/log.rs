//! One line on standard error for each fault that acts.
//!
//! A terminal that nobody reads must not hold up connections: lines wait in a
//! bounded queue, and those that find it full are counted instead.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::failure::printable;

/// Lines that may wait.
const QUEUE: usize = 1024;

/// Where lines go.
#[derive(Debug)]
pub(super) struct Log {
    lines: Option<SyncSender<String>>,
    left_out: AtomicU64,
}

impl Log {
    pub(super) fn new(quiet: bool) -> Self {
        let lines = (!quiet).then(|| {
            let (sender, receiver) = sync_channel(QUEUE);
            thread::spawn(move || write(&receiver));
            sender
        });
        let left_out = AtomicU64::new(0);
        Self { lines, left_out }
    }

    /// Never waits.
    pub(super) fn line(&self, text: impl Display) {
        if let Some(lines) = &self.lines
            && lines.try_send(text.to_string()).is_err()
        {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that found the queue full.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

fn write(lines: &Receiver<String>) {
    for line in lines {
        let mut stderr = io::stderr().lock();
        let now = jiff::Zoned::now();
        if writeln!(
            stderr,
            "{} {}",
            now.strftime("%H:%M:%S%.3f"),
            printable(&line)
        )
        .is_err()
        {
            return;
        }
    }
}
