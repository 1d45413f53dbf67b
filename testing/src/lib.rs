//! What the tests of this workspace start and wait for, each with an end: a test
//! that waits for ever says nothing, and holds up all that would follow.

mod program;

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub use program::{Program, output, status};

/// For one thing to happen. Longer than anything takes, so that a hang is a
/// failure and not a wait.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// For a program that has work to do, on a machine that has other work too.
pub const LONG: Duration = Duration::from_secs(300);

/// Asks again until it holds.
///
/// # Panics
/// If it does not within [`PATIENCE`].
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What a thread of the test says next.
///
/// # Panics
/// If it says nothing within [`PATIENCE`].
#[track_caller]
pub fn receive<T>(from: &Receiver<T>, what: &str) -> T {
    from.recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("waited in vain for {what}: {error}"))
}

/// All that it says from now on, up to its end.
///
/// # Panics
/// If neither more nor the end comes within [`PATIENCE`].
#[track_caller]
pub fn rest<T>(from: &Receiver<T>, what: &str) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match from.recv_timeout(PATIENCE) {
            Ok(one) => all.push(one),
            Err(RecvTimeoutError::Disconnected) => return all,
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for the end of {what}"),
        }
    }
}

/// One read, which a signal does not end: those with a timeout are not begun again
/// by the system, not even after a process was stopped and continued.
pub fn read(mut from: impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// The lines of a pipe as they come, without their ends.
pub fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (told, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = told.send(line);
        }
    });
    lines
}

/// The next connection, whose reads have an end too.
///
/// # Panics
/// If nobody connects within [`PATIENCE`].
#[track_caller]
pub fn accept(listener: &TcpListener) -> TcpStream {
    let mut accepted = None;
    listener.set_nonblocking(true).expect("a socket");
    until("a connection", || match listener.accept() {
        Ok((stream, _)) => {
            accepted = Some(stream);
            true
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    });
    let stream = accepted.expect("a connection");
    // Which some systems pass on.
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}
