//! A plain reader: an epoll loop with one read for each readiness, which counts
//! bytes, or parses them too. Prints its reads and bytes whenever a line comes
//! on stdin, and ends with it.

use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use sse_core::{Item, Parser};

/// Connections being opened at the same time, by each thread.
const OPENING_MAX: usize = 512;

#[derive(Debug, Clone, clap::Args)]
pub struct Reader {
    address: SocketAddr,
    #[arg(long)]
    connections: usize,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[arg(long)]
    parse: bool,
}

#[derive(Debug, Default)]
struct Counts {
    reads: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
}

struct Connection {
    stream: TcpStream,
    asked: bool,
    body: Option<Body>,
}

impl Reader {
    pub fn run(self) -> anyhow::Result<()> {
        let counts: Vec<Arc<Counts>> = (0..self.threads).map(|_| Arc::default()).collect();
        for (number, counts) in counts.iter().enumerate() {
            let (reader, counts) = (self.clone(), Arc::clone(counts));
            let share = self.connections / self.threads
                + usize::from(number < self.connections % self.threads);
            std::thread::spawn(move || reader.read(share, &counts));
        }
        for line in io::stdin().lock().lines() {
            line?;
            let sum = |of: fn(&Counts) -> &AtomicU64| -> u64 {
                counts
                    .iter()
                    .map(|counts| of(counts).load(Ordering::Relaxed))
                    .sum()
            };
            println!(
                "{} {} {}",
                sum(|it| &it.reads),
                sum(|it| &it.bytes),
                sum(|it| &it.events)
            );
            io::stdout().flush()?;
        }
        Ok(())
    }

    fn read(&self, share: usize, counts: &Counts) -> anyhow::Result<()> {
        let mut poll = Poll::new()?;
        let mut connections: Vec<Connection> = Vec::with_capacity(share);
        let mut open = 0;
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 << 10];
        loop {
            while connections.len() < share && connections.len() - open < OPENING_MAX {
                let mut stream = TcpStream::connect(self.address)?;
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry()
                    .register(&mut stream, Token(connections.len()), interest)?;
                connections.push(Connection {
                    stream,
                    asked: false,
                    body: None,
                });
            }
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(error.into());
                }
                _ => {}
            }
            for event in &events {
                let it = &mut connections[event.token().0];
                if !it.asked {
                    it.asked = true;
                    let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
                    it.stream.write_all(request.as_bytes())?;
                    continue;
                }
                if !event.is_readable() {
                    continue;
                }
                let length = match it.stream.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error.into()),
                };
                add(&counts.reads, 1);
                add(&counts.bytes, length as u64);
                match &mut it.body {
                    // The sender writes its head in one go, alone.
                    None => {
                        open += 1;
                        it.body = Some(Body::default());
                    }
                    Some(body) if self.parse => add(&counts.events, body.take(&buffer[..length])?),
                    Some(_) => {}
                }
            }
        }
    }
}

/// This thread alone writes.
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

/// A chunked body (RFC 9112 §7.1) of a sender that is known.
#[derive(Default)]
struct Body {
    parser: Parser,
    /// Of the current chunk, its CR LF included.
    left: usize,
    /// The size line that is being read.
    size: usize,
}

impl Body {
    fn take(&mut self, mut bytes: &[u8]) -> anyhow::Result<u64> {
        let mut count = 0;
        while let [first, rest @ ..] = bytes {
            if self.left == 0 {
                bytes = rest;
                match first {
                    b'\r' => {}
                    b'\n' => (self.left, self.size) = (self.size + 2, 0),
                    digit => {
                        let digit = char::from(*digit).to_digit(16);
                        self.size = self.size * 16 + digit.unwrap_or_default() as usize;
                    }
                }
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.left));
            self.left -= now.len();
            bytes = later;
            // The CR LF at the end is no part of the data.
            let framing = 2_usize.saturating_sub(self.left).min(now.len());
            let mut items = self.parser.feed(&now[..now.len() - framing]);
            while let Some(item) = items.next()? {
                count += u64::from(matches!(item, Item::Event(_)));
            }
        }
        Ok(count)
    }
}
