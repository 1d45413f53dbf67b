//! A server that gives every connection the same stream: what is framed once is
//! written to each.
//!
//! Commands on stdin, one line of answer each: `open` says how many streams are
//! open and how many microseconds lie between the first connection and the last
//! head; `send WRITES_PER_SECOND MILLISECONDS BATCH`
//! writes so many events at once to each and says how many events that were and
//! the longest delay of a write, in microseconds.

use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use socket2::{Domain, Socket, Type};

const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Fills the data of an event up to some 100 bytes.
const FILL: &str = "a tick of the usual length, as servers send it";

struct Peer {
    stream: TcpStream,
    /// How much of the empty line that ends the request was seen.
    matched: usize,
    is_open: bool,
}

struct Sender {
    poll: Poll,
    listener: TcpListener,
    peers: Slab<Peer>,
    open: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    seq: u64,
    buffer: Vec<u8>,
}

pub fn run() -> anyhow::Result<()> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let mut listener = listen()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on http://{}", listener.local_addr()?);
    let (command, commands) = channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let _ = command.send(line);
            let _ = waker.wake();
        }
        std::process::exit(0);
    });
    let sender = Sender {
        poll,
        listener,
        peers: Slab::new(),
        open: 0,
        first: None,
        last: None,
        seq: 0,
        buffer: vec![0; 4096],
    };
    sender.serve(&commands)
}

/// With room for all that connect at once.
fn listen() -> anyhow::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Sender {
    fn serve(mut self, commands: &Receiver<String>) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.turn(&mut events, None)?;
            for command in commands.try_iter() {
                let words: Vec<&str> = command.split_whitespace().collect();
                match words[..] {
                    ["open"] => {
                        let took = self.last.zip(self.first).map(|(last, first)| last - first);
                        println!("{} {}", self.open, took.unwrap_or_default().as_micros());
                    }
                    ["send", rate, millis, batch] => {
                        let time = Duration::from_millis(millis.parse()?);
                        let (sent, late) =
                            self.send(rate.parse()?, time, batch.parse()?, &mut events)?;
                        println!("{sent} {}", late.as_micros());
                    }
                    _ => anyhow::bail!("no command: {command}"),
                }
                io::stdout().flush()?;
            }
        }
    }

    fn turn(&mut self, events: &mut Events, wait: Option<Duration>) -> anyhow::Result<()> {
        match self.poll.poll(events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &*events {
            match event.token() {
                WAKER => {}
                LISTENER => self.accept()?,
                Token(key) => self.hear(key)?,
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    self.first.get_or_insert_with(Instant::now);
                    stream.set_nodelay(true)?;
                    let entry = self.peers.vacant_entry();
                    let key = entry.key();
                    self.poll
                        .registry()
                        .register(&mut stream, Token(key), Interest::READABLE)?;
                    entry.insert(Peer {
                        stream,
                        matched: 0,
                        is_open: false,
                    });
                    self.hear(key)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hear(&mut self, key: usize) -> anyhow::Result<()> {
        let Some(peer) = self.peers.get_mut(key) else {
            return Ok(());
        };
        loop {
            match peer.stream.read(&mut self.buffer) {
                Ok(length) if length > 0 => {
                    for byte in &self.buffer[..length] {
                        let wanted = b"\r\n\r\n"[peer.matched.min(3)];
                        peer.matched = match *byte {
                            byte if byte == wanted => peer.matched + 1,
                            b'\r' => 1,
                            _ => 0,
                        };
                        if peer.matched == 4 {
                            peer.stream.write_all(HEAD)?;
                            peer.is_open = true;
                            self.open += 1;
                            self.last = Some(Instant::now());
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                _ => {
                    self.open -= usize::from(peer.is_open);
                    self.peers.remove(key);
                    return Ok(());
                }
            }
        }
    }

    fn send(
        &mut self,
        rate: f64,
        time: Duration,
        batch: u64,
        events: &mut Events,
    ) -> anyhow::Result<(u64, Duration)> {
        let start = Instant::now();
        let mut late = Duration::ZERO;
        let mut sent = 0;
        for number in 0_u32.. {
            let due = Duration::from_secs_f64(f64::from(number) / rate);
            if due >= time {
                break;
            }
            while let Some(wait) = due.checked_sub(start.elapsed()) {
                std::thread::sleep(wait);
            }
            late = late.max(start.elapsed() - due);
            let bytes = self.frame(batch)?;
            for (_, peer) in &mut self.peers {
                if peer.is_open {
                    write_whole(&mut peer.stream, &bytes)?;
                    sent += batch;
                }
            }
        }
        self.turn(events, Some(Duration::ZERO))?;
        Ok((sent, late))
    }

    /// So many events in one chunk (RFC 9112 §7.1).
    fn frame(&mut self, batch: u64) -> anyhow::Result<Vec<u8>> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock")?;
        let mut blocks = String::new();
        for _ in 0..batch {
            self.seq += 1;
            let (seq, at) = (self.seq, now.as_nanos());
            blocks.push_str(&format!(
                "id: q2x81bd0-{seq}\nevent: tick\ndata: {{\"seq\":{seq},\"at\":{at},\"text\":\"{FILL}\"}}\n\n"
            ));
        }
        Ok(format!("{:x}\r\n{blocks}\r\n", blocks.len()).into_bytes())
    }
}

/// Readers are meant to keep up: where one does not, all wait for it, which the
/// delay of the writes after it shows.
fn write_whole(stream: &mut TcpStream, mut bytes: &[u8]) -> anyhow::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
