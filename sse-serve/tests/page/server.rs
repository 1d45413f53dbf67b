//! A spawned server that can be killed and started again at its address.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    options: Vec<String>,
}

impl Server {
    /// A demo with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let (child, address) = spawn("127.0.0.1:0", &options);
        Self {
            child,
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
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.address, &self.options).0;
    }

    /// Sends a request as it stands and returns the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
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

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

fn spawn(listen: &str, options: &[String]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sse-serve"))
        .args(["demo", "--listen", listen])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let (_, address) = line.trim().split_once("://").unwrap();
    (child, address.to_owned())
}
