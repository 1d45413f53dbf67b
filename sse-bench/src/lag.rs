//! How long what is ready to read waits until a thread reads it: probes that wait
//! in the same queue as its sockets.

use std::cell::RefCell;
use std::io;
use std::net::UdpSocket;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::live::Live;
use crate::stats::Stats;

/// How often the lag of each thread is probed.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(10);

/// A pair of datagram sockets that know only each other: where to send probes, and
/// where the thread reads them. `None` where the system has none.
pub fn pair() -> Option<(UdpSocket, UdpSocket)> {
    let pair = || {
        let (from, to) = (
            UdpSocket::bind("127.0.0.1:0")?,
            UdpSocket::bind("127.0.0.1:0")?,
        );
        from.connect(to.local_addr()?)?;
        to.connect(from.local_addr()?)?;
        from.set_nonblocking(true)?;
        to.set_nonblocking(true)?;
        io::Result::Ok((from, to))
    };
    // Without it the report says that the lag is unknown.
    pair().ok()
}

/// Sends a datagram that holds the time since `start`.
pub fn probe(socket: &UdpSocket, start: Instant) {
    let sent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    // A full buffer means that the thread is far behind, which the datagrams
    // before this one say already.
    let _ = socket.send(&sent.to_le_bytes());
}

/// Sends probes from a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Prober {
    _stop: Sender<()>,
}

impl Prober {
    /// # Errors
    /// There can be no more threads.
    pub fn start(sockets: Vec<UdpSocket>, start: Instant) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("read-lag".into());
        thread.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PROBE_INTERVAL) {
                for socket in &sockets {
                    probe(socket, start);
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

/// Each event counts with the lag of the next datagram that this thread reads,
/// which waited in the same queue.
pub async fn measure(socket: UdpSocket, start: Instant, live: &Live, stats: &RefCell<Stats>) {
    let record = |lag, events| stats.borrow_mut().read_lag.record_times(lag, events);
    record_each(socket, start, live, record).await;
}

/// The same for who keeps no [`Stats`]: lag, and the events that count with it.
pub async fn record_each(
    socket: UdpSocket,
    start: Instant,
    live: &Live,
    mut record: impl FnMut(Duration, u64),
) {
    let Ok(socket) = tokio::net::UdpSocket::from_std(socket) else {
        return;
    };
    let mut sent = [0; 8];
    let mut counted = 0;
    while let Ok(length) = socket.recv(&mut sent).await {
        if length == sent.len() {
            let sent = Duration::from_nanos(u64::from_le_bytes(sent));
            let lag = start.elapsed().saturating_sub(sent);
            let deliveries = live.deliveries.get();
            record(lag, deliveries - counted);
            counted = deliveries;
        }
    }
}
