//! The least that a server can do: no HTTP but the bytes it needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::Arc;

use mio::{Events, Interest, Poll, Token, Waker};

use super::announce;
use crate::payload::lines;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n";

const WAKER: Token = Token(usize::MAX);

/// Bytes of the log before what everybody has is let go.
const TRIM: usize = 8 << 20;

enum Left {
    Socket(TcpStream),
    /// Encoded and framed.
    Events(Vec<u8>),
}

pub fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (leave, left) = channel();
    announce(listener.local_addr()?)?;
    std::thread::spawn(move || write(poll, &left));
    let mut seq = Arc::new(std::sync::atomic::AtomicU64::new(0));
    for stream in listener.incoming().flatten() {
        let (leave, waker) = (leave.clone(), Arc::clone(&waker));
        let seq = Arc::clone(&mut seq);
        stream.set_nodelay(true)?;
        let mut first = [0; 4];
        stream.peek(&mut first)?;
        if first.starts_with(b"GET") {
            // Read at once, so that one thread takes thousands of them.
            let _ = accept(stream, &leave, &waker);
        } else {
            std::thread::spawn(move || publish(stream, &leave, &waker, &seq));
        }
    }
    Ok(())
}

fn accept(mut stream: TcpStream, leave: &Sender<Left>, waker: &Waker) -> anyhow::Result<()> {
    let mut head = [0; 4096];
    let mut length = 0;
    while !head[..length].ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut head[length..])?;
        anyhow::ensure!(read > 0, "no request");
        length += read;
    }
    stream.write_all(HEAD)?;
    stream.set_nonblocking(true)?;
    leave.send(Left::Socket(stream))?;
    Ok(waker.wake()?)
}

fn publish(
    stream: TcpStream,
    leave: &Sender<Left>,
    waker: &Waker,
    seq: &std::sync::atomic::AtomicU64,
) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "closed");
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut blocks = Vec::new();
        for data in lines(&body) {
            let seq = seq.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            write!(blocks, "id: raw-{seq}\ndata: ")?;
            blocks.extend_from_slice(data);
            blocks.extend_from_slice(b"\n\n");
        }
        let mut events = format!("{:x}\r\n", blocks.len()).into_bytes();
        events.append(&mut blocks);
        events.extend_from_slice(b"\r\n");
        leave.send(Left::Events(events))?;
        waker.wake()?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
    }
}

struct Socket {
    stream: mio::net::TcpStream,
    /// Bytes of the log that it has.
    cursor: usize,
}

fn write(mut poll: Poll, left: &Receiver<Left>) {
    let mut events = Events::with_capacity(1024);
    let mut sockets: Vec<Option<Socket>> = Vec::new();
    let mut log: Vec<u8> = Vec::new();
    loop {
        if poll.poll(&mut events, None).is_err() {
            continue;
        }
        for event in &events {
            if let Some(slot) = sockets.get_mut(event.token().0) {
                let gone = event.is_read_closed() || slot.as_mut().is_some_and(|s| !flush(s, &log));
                if gone {
                    *slot = None;
                }
            }
        }
        let before = log.len();
        for left in left.try_iter() {
            match left {
                Left::Socket(stream) => {
                    let mut stream = mio::net::TcpStream::from_std(stream);
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    let token = Token(sockets.len());
                    if poll.registry().register(&mut stream, token, interest).is_ok() {
                        sockets.push(Some(Socket { stream, cursor: before }));
                    }
                }
                Left::Events(bytes) => log.extend_from_slice(&bytes),
            }
        }
        if log.len() > before {
            for slot in &mut sockets {
                if slot.as_mut().is_some_and(|socket| !flush(socket, &log)) {
                    *slot = None;
                }
            }
        }
        if log.len() > TRIM {
            let least = sockets.iter().flatten().map(|socket| socket.cursor).min();
            let least = least.unwrap_or(log.len());
            log.drain(..least);
            for socket in sockets.iter_mut().flatten() {
                socket.cursor -= least;
            }
        }
    }
}

/// Whether the socket lives.
fn flush(socket: &mut Socket, log: &[u8]) -> bool {
    while socket.cursor < log.len() {
        match socket.stream.write(&log[socket.cursor..]) {
            Ok(written) => socket.cursor += written,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
    true
}
