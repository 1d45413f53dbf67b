//! A running server, and the raw sockets that talk to it.

mod connection;
mod stream;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use connection::{Connection, Response};
pub(crate) use stream::{Block, Event, Stream};

/// Longer than anything takes, so that a hang is a failure and not a wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A spawned `sse-serve demo`, killed when dropped.
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sse-serve"))
}

impl Server {
    /// A demo that has published its first tick and status and then keeps
    /// quiet, so that a test's own events are the only ones.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let quiet = ["--tick-interval", "1h", "--status-interval", "1h"];
        let server = Self::start_demo(&[&quiet[..], flags].concat());
        let mut stream = server.subscribe("?last_event_id=earliest&topic=*");
        stream.event_of_type("tick");
        stream.event_of_type("status");
        drop(stream);
        server.wait_for_connections(0);
        server
    }

    pub(crate) fn start_demo(flags: &[&str]) -> Self {
        Self::spawn(command().arg("demo").args(free_port(flags)).args(flags))
    }

    /// A hub without a publisher of its own.
    pub(crate) fn start_hub(flags: &[&str]) -> Self {
        Self::spawn(command().arg("hub").args(free_port(flags)).args(flags))
    }

    /// Starts what ends in a command line of this program.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on http://");
        Self {
            child,
            addr: addr.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap(),
            _stdout: stdout,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.addr)
    }

    /// Subscribes with this query (`?topic=a`), and reads up to `connected`.
    pub(crate) fn subscribe(&self, query: &str) -> Stream {
        self.subscribe_with(query, "")
    }

    /// The same with more header lines, each ended by CRLF.
    pub(crate) fn subscribe_with(&self, query: &str, headers: &str) -> Stream {
        let mut stream = self.open_stream(query, headers);
        stream.event_of_type("connected");
        stream
    }

    /// Subscribes, and leaves everything after the head to be read.
    pub(crate) fn open_stream(&self, query: &str, headers: &str) -> Stream {
        let mut connection = self.connect();
        connection.send(format!(
            "GET /events{query} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n{headers}\r\n",
            self.addr
        ));
        connection.into_stream()
    }

    pub(crate) fn post(&self, path: &str, headers: &str, body: &[u8]) -> Response {
        self.connect().post(path, headers, body)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.connect().request("GET", path, "")
    }

    /// Publishes and returns the ids.
    pub(crate) fn publish(&self, body: &str) -> Vec<String> {
        let response = self.post("/trigger", "", body.as_bytes());
        assert_eq!(response.status, 200, "{}", response.text());
        response.ids()
    }

    /// Publishes `{"data": <number>}` for each number.
    pub(crate) fn publish_numbers(&self, numbers: std::ops::Range<u64>) -> Vec<String> {
        let events: Vec<String> = numbers.map(|n| format!("{{\"data\":{n}}}")).collect();
        self.publish(&format!("[{}]", events.join(",")))
    }

    /// A sample of `/metrics`, by its name with labels.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let response = self.get("/metrics");
        let mut samples = response.text().lines().filter_map(|line| {
            let value = line.strip_prefix("sse_serve_")?.strip_prefix(name)?;
            value.strip_prefix(' ')?.parse().ok()
        });
        samples
            .next()
            .unwrap_or_else(|| panic!("no {name} in {}", response.text()))
    }

    pub(crate) fn connections(&self) -> u64 {
        let health: Value = serde_json::from_slice(&self.get("/health").body).unwrap();
        health["connections"].as_u64().unwrap()
    }

    pub(crate) fn wait_for_connections(&self, expected: u64) {
        until("the number of connections", || {
            self.connections() == expected
        });
    }

    /// Ends it as a power cut would: nothing of it runs any more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The exit code once the process has ended.
    #[cfg(unix)]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        until("the end of the process", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port(flags: &[&str]) -> &'static [&'static str] {
    if flags.contains(&"--listen") {
        &[]
    } else {
        &["--listen", "127.0.0.1:0"]
    }
}

/// Asks again until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
