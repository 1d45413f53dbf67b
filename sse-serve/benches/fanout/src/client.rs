//! One thread that reads many connections, and stamps when each event came.
//!
//! Commands on stdin: `report` prints what came since the last one and forgets it;
//! the end of it ends the client.

use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::payload::{self, DIGITS, LENGTH, MARK};

const WAKER: Token = Token(usize::MAX);

/// Connections being opened at the same time.
const OPENING_MAX: usize = 200;

#[derive(Debug, clap::Args)]
pub struct Client {
    address: SocketAddr,
    #[arg(long, default_value = "/events")]
    path: String,
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Opens all of them at once.
    #[arg(long)]
    at_once: bool,
}

struct Connection {
    stream: mio::net::TcpStream,
    state: State,
}

enum State {
    Connecting,
    /// How much of the empty line that ends it was seen.
    Head(usize),
    Body(Scan),
}

/// Where in the stream a connection is.
#[derive(Default)]
struct Scan {
    /// Bytes that tell nothing.
    skip: usize,
    /// Digits of a time that is not whole yet.
    digits: Option<(usize, u64)>,
}

pub struct Seen {
    latencies: Histogram<u32>,
    count: u64,
    ready: usize,
    closed: usize,
}

impl Client {
    pub fn run(self) -> anyhow::Result<()> {
        let mut poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (command, commands) = channel();
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let _ = command.send(line);
                let _ = waker.wake();
            }
            std::process::exit(0);
        });
        let mut connections: Vec<Connection> = Vec::with_capacity(self.connections);
        let mut seen = Seen {
            latencies: Histogram::new_with_bounds(1, 60_000_000, 3)?,
            count: 0,
            ready: 0,
            closed: 0,
        };
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 256 << 10];
        let most = if self.at_once { usize::MAX } else { OPENING_MAX };
        let mut was_ready = false;
        loop {
            while connections.len() < self.connections && connections.len() - seen.ready < most {
                let mut stream = mio::net::TcpStream::connect(self.address)?;
                let token = Token(connections.len());
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut stream, token, interest)?;
                connections.push(Connection {
                    stream,
                    state: State::Connecting,
                });
            }
            if seen.ready == self.connections && !was_ready {
                was_ready = true;
                println!("ready");
            }
            match poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            for event in &events {
                if event.token() != WAKER {
                    let connection = &mut connections[event.token().0];
                    self.drive(connection, &mut seen, &mut buffer)?;
                }
            }
            report(&commands, &mut seen)?;
        }
    }

    fn drive(&self, it: &mut Connection, seen: &mut Seen, buffer: &mut [u8]) -> anyhow::Result<()> {
        if matches!(it.state, State::Connecting) {
            if it.stream.peer_addr().is_err() {
                return Ok(());
            }
            let (path, address) = (&self.path, self.address);
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            it.stream.write_all(request.as_bytes())?;
            it.state = State::Head(0);
        }
        loop {
            match it.stream.read(buffer) {
                Ok(0) => {
                    seen.closed += 1;
                    return Ok(());
                }
                Ok(length) => it.state.take(&buffer[..length], payload::now(), seen),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    seen.closed += 1;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl State {
    fn take(&mut self, mut bytes: &[u8], now: u64, seen: &mut Seen) {
        if let Self::Head(matched) = self {
            let mut at = 0;
            while at < bytes.len() && *matched < 4 {
                let expected = b"\r\n\r\n"[*matched];
                *matched = if bytes[at] == expected {
                    *matched + 1
                } else {
                    usize::from(bytes[at] == b'\r')
                };
                at += 1;
            }
            if *matched < 4 {
                return;
            }
            bytes = &bytes[at..];
            seen.ready += 1;
            *self = Self::Body(Scan::default());
        }
        if let Self::Body(scan) = self {
            scan.take(bytes, now, seen);
        }
    }
}

impl Scan {
    fn take(&mut self, mut bytes: &[u8], now: u64, seen: &mut Seen) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.digits.is_none() {
                let Some(mark) = memchr::memchr(MARK, bytes) else {
                    return;
                };
                bytes = &bytes[mark + 1..];
                self.digits = Some((0, 0));
            }
            if let Some((count, time)) = &mut self.digits {
                let take = (DIGITS - *count).min(bytes.len());
                for digit in &bytes[..take] {
                    *time = *time * 10 + u64::from(digit - b'0');
                }
                *count += take;
                bytes = &bytes[take..];
                if *count < DIGITS {
                    return;
                }
                let micros = now.saturating_sub(*time) / 1000;
                seen.latencies.saturating_record(micros.max(1));
                seen.count += 1;
                self.digits = None;
                self.skip = LENGTH - 1 - DIGITS;
            }
        }
    }
}

fn report(commands: &Receiver<String>, seen: &mut Seen) -> anyhow::Result<()> {
    for command in commands.try_iter() {
        if command == "report" {
            let at = |quantile| seen.latencies.value_at_quantile(quantile);
            println!(
                "{} {} {} {} {}",
                seen.count,
                at(0.5),
                at(0.99),
                seen.latencies.max(),
                seen.closed
            );
            io::stdout().flush()?;
            seen.latencies.reset();
            seen.count = 0;
        }
    }
    Ok(())
}
