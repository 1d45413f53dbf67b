//! A spawned server that can be killed and started again at its address.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use testing::{PATIENCE, Program};

pub(crate) struct Server {
    program: Program,
    pub(crate) address: String,
    options: Vec<String>,
}

impl Server {
    /// A demo with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let (program, address) = spawn("127.0.0.1:0", &options);
        Self {
            program,
            address,
            options,
        }
    }

    /// A demo that says nothing after its first tick and status.
    pub(crate) fn quiet() -> Self {
        Self::start(&[
            "--tick-interval",
            "1h",
            "--status-interval",
            "1h",
            "--retry",
            "100ms",
        ])
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// SIGKILL, where there is such a thing.
    pub(crate) fn kill(&mut self) {
        self.program.kill().unwrap();
        self.program.wait();
    }

    pub(crate) fn restart(&mut self) {
        self.program = spawn(&self.address, &self.options).0;
    }

    /// Sends a request as it stands and returns the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        let host = &self.address;
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        ))
    }

    pub(crate) fn publish(&self, body: &str) {
        let (host, length) = (&self.address, body.len());
        let answer = self.ask(&format!(
            "POST /trigger HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// A line to a server that can be cut while the server goes on.
pub(crate) struct Line {
    pub(crate) address: String,
    state: Arc<Mutex<LineState>>,
}

#[derive(Default)]
struct LineState {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Line {
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(LineState::default()));
        let (shared, server) = (Arc::clone(&state), server.to_owned());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A browser closes connections as it likes.
                let _ = join(near, &server, &shared);
            }
        });
        Self { address, state }
    }

    /// Ends every connection, and each new one at once.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_cut = true;
        for socket in state.open.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_cut = false;
    }
}

fn join(near: TcpStream, server: &str, state: &Mutex<LineState>) -> io::Result<()> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.is_cut {
        return near.shutdown(Shutdown::Both);
    }
    let far = TcpStream::connect(server)?;
    state.open.extend([near.try_clone()?, far.try_clone()?]);
    for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}

fn spawn(listen: &str, options: &[String]) -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-serve"));
    command
        .args(["demo", "--listen", listen])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut program = Program::spawn(&mut command);
    let (line, _) = program.first_line();
    let (_, address) = line.split_once("://").unwrap();
    (program, address.to_owned())
}
