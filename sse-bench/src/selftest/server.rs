//! A small event stream server on a real socket, which may be told to commit
//! one fault.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::fault::{Fault, Ids};

/// Events are published so many at once, and so often: 250 each second.
const BATCH: usize = 5;
const INTERVAL: Duration = Duration::from_millis(20);
/// The connection that a fault strikes while it is connected, and the event
/// from which on it may.
const STRUCK: usize = 3;
const STRIKES_AT: usize = 300;
/// Events that a reconnect must be owed before a fault strikes it.
const FEWEST_OWED: usize = 5;
/// The longest head of a request.
const LONGEST_REQUEST: usize = 16 << 10;
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\nretry: 100\n\n";

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    hub: Arc<Hub>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What the connections of a server have in common.
#[derive(Debug)]
struct Hub {
    fault: Fault,
    ids: Ids,
    /// The ids of all events, oldest first.
    log: Mutex<Vec<String>>,
    length: watch::Sender<usize>,
    connections: AtomicUsize,
    /// The longest that it published late, in microseconds.
    late: AtomicU64,
    struck: AtomicBool,
}

impl Server {
    pub(super) async fn start(fault: Fault, ids: Ids) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let hub = Arc::new(Hub {
            fault,
            ids,
            log: Mutex::default(),
            length: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            late: AtomicU64::new(0),
            struck: AtomicBool::new(false),
        });
        let publisher = tokio::spawn(publish(Arc::clone(&hub)));
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&hub)));
        Ok(Self {
            address,
            hub,
            tasks: vec![publisher.abort_handle(), acceptor.abort_handle()],
        })
    }

    /// The longest that it published late: how slow it was itself.
    pub(super) fn late(&self) -> Duration {
        Duration::from_micros(self.hub.late.load(Ordering::Relaxed))
    }
}

async fn publish(hub: Arc<Hub>) {
    let mut tick = tokio::time::interval(INTERVAL);
    loop {
        let late = tick.tick().await.elapsed().as_micros();
        let late = u64::try_from(late).unwrap_or(u64::MAX);
        hub.late.fetch_max(late, Ordering::Relaxed);
        let length = {
            let mut log = hub.log.lock().unwrap_or_else(PoisonError::into_inner);
            for _ in 0..BATCH {
                let position = log.len();
                log.push(hub.ids.of(position));
            }
            log.len()
        };
        hub.length.send_replace(length);
    }
}

async fn accept(listener: TcpListener, hub: Arc<Hub>) {
    // Dropped with the task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let number = hub.connections.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            hub: Arc::clone(&hub),
            number,
            socket,
        };
        // The client's end is the usual end.
        connections.spawn(async move { connection.serve().await.is_ok() });
        while connections.try_join_next().is_some() {}
    }
}

struct Connection {
    hub: Arc<Hub>,
    number: usize,
    socket: TcpStream,
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        let _ = self.socket.set_nodelay(true);
        let last_event_id = self.last_event_id().await?;
        if self.hub.fault == Fault::CountsPerConnection {
            return self.count().await;
        }
        let (head, asked) = self.hub.positions(last_event_id.as_deref());
        let resumes = last_event_id.is_some();
        if resumes && self.hub.fault == Fault::Rejects && self.hub.strike() {
            let refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
            return self.socket.write_all(refusal.as_bytes()).await;
        }
        self.socket.write_all(HEAD.as_bytes()).await?;
        let (from, note) = self.hub.replay_from(asked, head, resumes);
        if resumes && self.hub.fault == Fault::SlowReplay {
            tokio::time::sleep(Duration::from_millis(3500)).await;
        }
        if self.hub.fault == Fault::Greets {
            let id = from
                .checked_sub(1)
                .map(|position| self.hub.ids.of(position));
            let greeting = format!(
                "event: hello\nid: {}\ndata: welcome\n\n",
                id.unwrap_or_default()
            );
            self.socket.write_all(greeting.as_bytes()).await?;
        }
        self.socket.write_all(note.as_bytes()).await?;
        self.stream(from).await
    }

    async fn last_event_id(&mut self) -> io::Result<Option<String>> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") && request.len() < LONGEST_REQUEST {
            if self.socket.read_buf(&mut request).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(&request).map_err(io::Error::other)?;
        let found = parsed
            .headers
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case("last-event-id"));
        Ok(found.map(|field| String::from_utf8_lossy(field.value).into_owned()))
    }

    /// Sends what is there after the cursor, and then what comes.
    async fn stream(&mut self, mut cursor: usize) -> io::Result<()> {
        let mut length = self.hub.length.subscribe();
        let ends = (self.hub.fault == Fault::ClosesEvery2s)
            .then(|| Instant::now() + Duration::from_secs(2));
        loop {
            let head = *length.borrow_and_update();
            if head > cursor {
                let mut events: Vec<usize> = (cursor..head).collect();
                let strikes = self.number == STRUCK && cursor >= STRIKES_AT && events.len() >= 3;
                if strikes && self.hub.fault.strikes_while_connected() && self.hub.strike() {
                    if self.hub.fault == Fault::Stalls {
                        tokio::time::sleep(Duration::from_millis(4500)).await;
                    }
                    self.hub.fault.disturb(&mut events);
                    let conflict = (self.hub.fault == Fault::IdConflict).then(|| events[1]);
                    self.send(&events, conflict).await?;
                } else {
                    self.send(&events, None).await?;
                }
                cursor = head;
            }
            let changed = async { length.changed().await.map_err(io::Error::other) };
            match ends {
                Some(ends) if Instant::now() >= ends => return self.socket.shutdown().await,
                Some(ends) => {
                    if let Ok(changed) = tokio::time::timeout_at(ends, changed).await {
                        changed?;
                    }
                }
                None => changed.await?,
            }
        }
    }

    async fn send(&mut self, events: &[usize], conflict: Option<usize>) -> io::Result<()> {
        let mut wire = String::new();
        for event in events {
            let other = if conflict == Some(*event) {
                "other "
            } else {
                ""
            };
            wire += &self.hub.ids.field(*event);
            // Writing to a string cannot fail.
            let _ = write!(wire, "data: {other}{{\"n\":{event}}}\n\n");
        }
        self.socket.write_all(wire.as_bytes()).await
    }

    /// A stream of its own: numbers from 1, whatever was asked for.
    async fn count(&mut self) -> io::Result<()> {
        self.socket.write_all(HEAD.as_bytes()).await?;
        let mut tick = tokio::time::interval(INTERVAL);
        for event in 1_u64.. {
            tick.tick().await;
            let wire = format!("id: {event}\ndata: {event}\n\n");
            self.socket.write_all(wire.as_bytes()).await?;
        }
        Ok(())
    }
}

impl Hub {
    /// Whether the fault strikes here: it does so once.
    fn strike(&self) -> bool {
        !self.struck.swap(true, Ordering::Relaxed)
    }

    /// The head, and the position after the last event ID.
    fn positions(&self, last_event_id: Option<&str>) -> (usize, usize) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last_event_id.and_then(|id| log.iter().rposition(|known| known == id));
        (log.len(), known.map_or(log.len(), |position| position + 1))
    }

    /// Where this stream begins, and what stands before its first event.
    fn replay_from(&self, asked: usize, head: usize, resumes: bool) -> (usize, String) {
        let mut note = String::new();
        if !resumes {
            return (asked, note);
        }
        let owed = head.saturating_sub(asked) >= FEWEST_OWED;
        let from = match self.fault {
            Fault::LiveOnly => head,
            Fault::FullReplay => 0,
            Fault::LosesOnReconnect if owed && self.strike() => asked + 2,
            Fault::Overlaps if asked >= 2 && self.strike() => asked - 2,
            Fault::Declares { announced } if owed && self.strike() => {
                note = format!("event: gap\ndata: {{\"missed\":{announced}}}\n\n");
                asked + 3
            }
            _ => asked,
        };
        (from, note)
    }
}
