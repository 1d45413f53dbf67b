//! A running server, and the raw sockets that talk to it.

mod connection;
mod stream;

use std::io::BufReader;
use std::net::SocketAddr;
use std::process::{ChildStdout, Command, Stdio};

use serde_json::Value;
use testing::Program;

pub(crate) use connection::{Connection, Response};
pub(crate) use stream::{Block, Event, Stream};
pub(crate) use testing::{PATIENCE, until};

/// A spawned `sse-serve demo`, killed when dropped.
pub(crate) struct Server {
    program: Program,
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
        let quiet = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = Program::spawn(quiet);
        let (line, stdout) = program.first_line();
        let addr = line.strip_prefix("listening on http://");
        Self {
            program,
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
        self.program.id()
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
        self.program.kill().unwrap();
        self.program.wait();
    }

    /// The exit code once the process has ended.
    #[cfg(unix)]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.program.wait().code()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.program), signal)
            .unwrap();
    }
}

fn free_port(flags: &[&str]) -> &'static [&'static str] {
    if flags.contains(&"--listen") {
        &[]
    } else {
        &["--listen", "127.0.0.1:0"]
    }
}
