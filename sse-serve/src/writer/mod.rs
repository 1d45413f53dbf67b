//! Threads that write the event streams of plain connections: each owns many
//! sockets, and wakes up once for what is due to all of them.
//!
//! A connection of its own task and its own buffers costs tens of times as much
//! memory, and half as much time again.

mod framing;
mod group;
mod inbox;
mod socket;
mod sweep;
mod thread;

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::hub::{Hub, Subscription};
use crate::metrics::OpenSocket;
pub(crate) use framing::Framing;
use inbox::Inbox;

/// How the threads write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) threads: usize,
    /// The time a write may stand still before the connection is closed.
    pub(crate) write_timeout: Duration,
    /// The pause after a write of what was published.
    pub(crate) flush_interval: Duration,
}

/// A connection whose request was read and is answered from here on with its
/// stream alone.
#[derive(Debug)]
pub(crate) struct Handover {
    /// Does not block.
    pub(crate) stream: TcpStream,
    /// The head of the response.
    pub(crate) head: Bytes,
    pub(crate) framing: Framing,
    pub(crate) subscription: Subscription,
    pub(crate) open: OpenSocket,
}

/// The threads; they end when it is dropped, and cut what is still open.
#[derive(Debug)]
pub(crate) struct Writers {
    threads: Vec<Thread>,
    next: AtomicUsize,
    open: Arc<watch::Sender<usize>>,
}

#[derive(Debug)]
struct Thread {
    inbox: Arc<Inbox>,
    handle: Option<JoinHandle<()>>,
}

impl Writers {
    pub(crate) fn start(hub: &Hub, options: Options) -> io::Result<Self> {
        let open = Arc::new(watch::Sender::new(0));
        let threads = (0..options.threads).map(|_| Thread::start(hub, options, &open));
        Ok(Self {
            threads: threads.collect::<io::Result<_>>()?,
            next: AtomicUsize::new(0),
            open,
        })
    }

    pub(crate) fn take(&self, handover: Handover) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(thread) = self.threads.get(next % self.threads.len().max(1)) {
            self.open.send_modify(|open| *open += 1);
            thread.inbox.hand_over(handover);
        }
    }

    /// Connections that they write to.
    pub(crate) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Returns once there are none.
    pub(crate) async fn emptied(&self) {
        let mut open = self.open.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = open.wait_for(|open| *open == 0).await;
    }
}

impl Thread {
    fn start(hub: &Hub, options: Options, open: &Arc<watch::Sender<usize>>) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let inbox = Arc::new(Inbox::new(mio::Waker::new(poll.registry(), inbox::WAKER)?));
        let writer = thread::Writer::new(
            poll,
            Arc::clone(&inbox),
            hub.clone(),
            options,
            Arc::clone(open),
        );
        let handle = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run())?;
        Ok(Self {
            inbox,
            handle: Some(handle),
        })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.inbox.stop();
        let ended = self.handle.take().map(JoinHandle::join);
        if ended.is_some_and(|ended| ended.is_err()) {
            tracing::error!("a writer thread had panicked");
        }
    }
}
