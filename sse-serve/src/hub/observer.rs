//! Telling a program that embeds the hub when a stream opens and closes.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::metrics::counter::Counter;

use crate::hub::registry::Connection;
use crate::metrics::Closed;

/// Notices that may wait for one observer.
const WAITING_MAX: usize = 16_384;

/// Is told of every stream that opens and closes.
///
/// Each observer has a thread of its own, on which it may take its time, wait and
/// write to a database: no delivery waits for it. What happened to one stream is
/// told in order. Up to 16,384 notices wait for it; further ones are dropped, and
/// counted in `sse_serve_observer_notices_dropped_total`. A panic is logged and
/// the next notice told. The thread ends, with all that it was told, after the
/// last clone of the hub and the last stream are gone.
///
/// ```
/// struct Presence;
///
/// impl sse_serve::Observer for Presence {
///     fn opened(&mut self, stream: &sse_serve::StreamInfo) {
///         println!("{} is here", stream.session.as_deref().unwrap_or("somebody"));
///     }
///
///     fn closed(&mut self, stream: &sse_serve::StreamInfo, end: &sse_serve::StreamEnd) {
///         println!("{} left after {:?}: {:?}", stream.connection, end.duration, end.reason);
///     }
/// }
///
/// let hub = sse_serve::Hub::new(sse_serve::HubConfig::default());
/// hub.observe(Presence)?;
/// # Ok::<_, std::io::Error>(())
/// ```
pub trait Observer: Send + 'static {
    /// A stream has its place; its first bytes are on their way.
    fn opened(&mut self, stream: &StreamInfo) {
        let _ = stream;
    }

    /// A stream has ended. One that was open before the observer came is told of
    /// here alone.
    fn closed(&mut self, stream: &StreamInfo, end: &StreamEnd) {
        let _ = (stream, end);
    }
}

/// Whose stream it is, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// The id of the connection, which `connected` told the client too.
    pub connection: String,
    /// The session whose events it gets.
    pub session: Option<String>,
    /// Where it comes from, if the server that accepted it tells.
    pub peer: Option<SocketAddr>,
    /// Topics and patterns of them.
    pub topics: Vec<String>,
    /// Event types; empty for all.
    pub event_types: Vec<String>,
    /// When it opened.
    pub since: SystemTime,
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEnd {
    /// Why it ended.
    pub reason: Closed,
    /// Events handed over to its connection.
    pub events: u64,
    /// Bytes of the stream, before any framing.
    pub bytes: u64,
    /// Gap events among them.
    pub gaps: u64,
    /// From its opening to its end.
    pub duration: Duration,
}

#[derive(Debug)]
enum Notice {
    Opened(StreamInfo),
    Closed(StreamInfo, StreamEnd),
}

/// The observers of one hub.
#[derive(Debug, Default)]
pub(super) struct Observers {
    queues: RwLock<Vec<SyncSender<Box<Notice>>>>,
}

impl Observers {
    /// Begins a thread for it.
    pub(super) fn add(&self, observer: impl Observer) -> std::io::Result<()> {
        let (queue, notices) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("sse-observer".to_owned())
            .spawn(move || tell(observer, &notices))?;
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.push(queue);
        Ok(())
    }

    pub(super) fn opened(&self, connection: &Connection, dropped: &Counter) {
        self.each(dropped, || Notice::Opened(info(connection)));
    }

    pub(super) fn closed(
        &self,
        connection: &Connection,
        opened: Instant,
        reason: Closed,
        dropped: &Counter,
    ) {
        self.each(dropped, || {
            let end = StreamEnd {
                reason,
                events: connection.events.load(Ordering::Relaxed),
                bytes: connection.bytes.load(Ordering::Relaxed),
                gaps: connection.gaps.load(Ordering::Relaxed),
                duration: opened.elapsed(),
            };
            Notice::Closed(info(connection), end)
        });
    }

    fn each(&self, dropped: &Counter, notice: impl Fn() -> Notice) {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        for queue in &*queues {
            if queue.try_send(Box::new(notice())).is_err() {
                dropped.inc();
            }
        }
    }
}

fn info(connection: &Connection) -> StreamInfo {
    let filter = connection.filter();
    StreamInfo {
        connection: connection.id().to_owned(),
        session: filter.session.clone(),
        peer: connection.peer,
        topics: filter.topics.iter().map(ToString::to_string).collect(),
        event_types: filter.event_types.clone(),
        since: connection.since.into(),
    }
}

fn tell(mut observer: impl Observer, notices: &Receiver<Box<Notice>>) {
    for notice in notices {
        let told = std::panic::catch_unwind(AssertUnwindSafe(|| match &*notice {
            Notice::Opened(stream) => observer.opened(stream),
            Notice::Closed(stream, end) => observer.closed(stream, end),
        }));
        if told.is_err() {
            tracing::error!("an observer of streams panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Filter, Hub, HubConfig, Start, Subscribe};

    /// Passes on what it is told, once it may.
    struct Slow {
        may: Receiver<()>,
        told: SyncSender<(String, Option<Closed>)>,
    }

    impl Slow {
        fn tell(&self, connection: &str, closed: Option<Closed>) {
            // When the test is over there is nobody left.
            let _ = self.may.recv();
            let _ = self.told.send((connection.to_owned(), closed));
        }
    }

    impl Observer for Slow {
        fn opened(&mut self, stream: &StreamInfo) {
            self.tell(&stream.connection, None);
            assert_ne!(stream.session.as_deref(), Some("panic"));
        }

        fn closed(&mut self, stream: &StreamInfo, end: &StreamEnd) {
            self.tell(&stream.connection, Some(end.reason));
        }
    }

    fn subscribe(session: &str) -> Subscribe {
        Subscribe {
            filter: Filter {
                session: Some(session.to_owned()),
                ..Filter::default()
            },
            start: Start::Head,
            gap: None,
            peer: None,
            expires: None,
            replaces: None,
        }
    }

    #[tokio::test]
    async fn an_observer_that_stands_still_holds_up_nobody_and_what_it_misses_is_counted() {
        let hub = Hub::new(HubConfig::default());
        let (go, may) = sync_channel(2 * WAITING_MAX);
        let (told, heard) = sync_channel(2 * WAITING_MAX);
        hub.observe(Slow { may, told }).unwrap();
        let mut opened = 0;
        while hub.metrics().notices_dropped.get() == 0 {
            drop(hub.subscribe(subscribe("a")).unwrap());
            opened += 1;
        }
        // One may be in its hands already.
        assert!(
            (2 * opened - 2..=2 * opened).contains(&(WAITING_MAX + 1)),
            "{opened}"
        );
        for _ in 0..2 * WAITING_MAX {
            go.send(()).unwrap();
        }
        let (first, closed) = testing::receive(&heard, "a notice");
        assert_eq!(closed, None);
        assert_eq!(
            testing::receive(&heard, "a notice"),
            (first, Some(Closed::Gone))
        );
    }

    #[tokio::test]
    async fn an_observer_that_panics_is_told_of_the_next() {
        let hub = Hub::new(HubConfig::default());
        let (go, may) = sync_channel(8);
        let (told, heard) = sync_channel(8);
        hub.observe(Slow { may, told }).unwrap();
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        let stream = hub.subscribe(subscribe("panic")).unwrap();
        let _other = hub.subscribe(subscribe("a")).unwrap();
        drop(stream);
        let (first, _) = testing::receive(&heard, "a notice");
        let (second, _) = testing::receive(&heard, "a notice");
        assert_ne!(first, second);
        assert_eq!(
            testing::receive(&heard, "a notice"),
            (first, Some(Closed::Gone))
        );
    }
}
