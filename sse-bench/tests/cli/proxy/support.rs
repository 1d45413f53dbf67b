//! The proxy as a process, and a client that keeps what it saw on the socket.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Receiver;

use serde_json::Value;
use testing::{PATIENCE, Program};

use crate::support::{Server, command, start};

/// A running proxy.
pub(crate) struct Proxy {
    program: Program,
    #[cfg_attr(not(unix), expect(dead_code, reason = "read where signals end it"))]
    stdout: Receiver<String>,
    pub(crate) address: SocketAddr,
    pub(crate) control: SocketAddr,
    log: Receiver<String>,
}

impl Proxy {
    pub(crate) fn start(server: &Server, options: &[&str]) -> Self {
        Self::before(&format!("http://{}", server.address), options)
    }

    /// In front of a server, with these faults.
    pub(crate) fn with(server: &Server, faults: &[&str]) -> Self {
        let options: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
        Self::start(server, &options)
    }

    pub(crate) fn before(upstream: &str, options: &[&str]) -> Self {
        let mut command = command(&["proxy", "--upstream", upstream, "--control", "127.0.0.1:0"]);
        command.args(options);
        let mut program = start(command);
        let log = testing::lines(program.stderr.take().unwrap());
        let stdout = testing::lines(program.stdout.take().unwrap());
        let address = |what: &str| -> SocketAddr {
            let line = testing::receive(&stdout, what);
            let address = line.strip_prefix(what);
            address.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        let listening = address("listening on http://");
        let control = address("control on http://");
        Self {
            program,
            address: listening,
            control,
            stdout,
            log,
        }
    }

    /// Waits for a line of the log that contains all of these.
    pub(crate) fn logged(&self, parts: &[&str]) -> String {
        loop {
            let line = testing::receive(&self.log, &format!("a line with {parts:?}"));
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    /// A GET of `/events` that asks for an event stream.
    pub(crate) fn get(&self) -> Response {
        Response::open(self.address, "GET /events", &["Accept: text/event-stream"])
    }

    /// A request to the control address, and the JSON it is answered with.
    pub(crate) fn command(&self, request: &str, body: &str) -> (u16, Value) {
        let length = format!("Content-Length: {}", body.len());
        let fields = [length.as_str(), "Connection: close"];
        let mut response = Response::open_with(self.control, request, &fields, body.as_bytes());
        let (body, _) = response.rest();
        (response.status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) fn counter(&self, pointer: &str) -> u64 {
        let (_, state) = self.command("GET /state", "");
        let found = state.pointer(&format!("/counters{pointer}"));
        found.map_or(0, |value| value.as_u64().unwrap())
    }

    /// Ends it as Ctrl-C does; its exit code and what it printed at the end.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        crate::support::interrupt(&self.program);
        let printed = testing::rest(&self.stdout, "what it prints").join("\n");
        (self.program.wait().code(), printed)
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The body was whole.
    Whole,
    /// Closed before its end.
    Closed,
    Reset,
}

/// A response as it comes in.
pub(crate) struct Response {
    pub(crate) socket: TcpStream,
    pub(crate) status: u16,
    pub(crate) head: String,
    wire: Vec<u8>,
    /// The sizes of the chunks read so far.
    pub(crate) chunks: Vec<usize>,
}

impl Response {
    pub(crate) fn open(address: SocketAddr, request: &str, fields: &[&str]) -> Self {
        Self::open_with(address, request, fields, b"")
    }

    pub(crate) fn open_with(
        address: SocketAddr,
        request: &str,
        fields: &[&str],
        body: &[u8],
    ) -> Self {
        let mut response = Self::asking(address, request, fields, body);
        response.read_head().unwrap();
        response
    }

    /// Sends the request; the head is not read yet.
    pub(crate) fn asking(address: SocketAddr, request: &str, fields: &[&str], body: &[u8]) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut response = Self {
            socket,
            status: 0,
            head: String::new(),
            wire: Vec::new(),
            chunks: Vec::new(),
        };
        response.ask(request, fields, body);
        response
    }

    pub(crate) fn ask(&mut self, request: &str, fields: &[&str], body: &[u8]) {
        let mut head = format!("{request} HTTP/1.1\r\nHost: proxy\r\n");
        for field in fields {
            head.push_str(field);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.socket.write_all(head.as_bytes()).unwrap();
        self.socket.write_all(body).unwrap();
    }

    /// Reads the head, or tells how the connection ended before it.
    pub(crate) fn read_head(&mut self) -> Result<(), Ended> {
        self.chunks.clear();
        loop {
            if let Some(end) = find(&self.wire, b"\r\n\r\n") {
                let head: Vec<u8> = self.wire.drain(..end + 4).collect();
                self.head = String::from_utf8(head).unwrap();
                self.status = self.head[9..12].parse().unwrap();
                return Ok(());
            }
            self.read()?;
        }
    }

    /// One read, or how it ended.
    fn read(&mut self) -> Result<usize, Ended> {
        let mut buffer = [0; 16 << 10];
        match testing::read(&self.socket, &mut buffer) {
            Ok(0) => Err(Ended::Closed),
            Ok(length) => {
                self.wire.extend_from_slice(&buffer[..length]);
                Ok(length)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Ended::Reset),
            Err(error) => panic!("{error}; so far {:?}", String::from_utf8_lossy(&self.wire)),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The next chunk of a chunked body; `None` at its end.
    pub(crate) fn chunk(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        loop {
            if let Some(end) = find(&self.wire, b"\r\n") {
                let size = std::str::from_utf8(&self.wire[..end]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                if self.wire.len() >= end + 2 + size + 2 {
                    let mut chunk: Vec<u8> = self.wire.drain(..end + size + 4).collect();
                    assert!(chunk.ends_with(b"\r\n"));
                    chunk.truncate(end + 2 + size);
                    self.chunks.push(size);
                    return Ok((size > 0).then(|| chunk.split_off(end + 2)));
                }
            }
            self.read()?;
        }
    }

    /// Reads until the body contains this, which is then all that was read.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut body = Vec::new();
        while find(&body, text.as_bytes()).is_none() {
            let chunk = self.chunk().unwrap();
            body.extend(chunk.unwrap_or_else(|| panic!("ended before {text:?}: {body:?}")));
        }
        String::from_utf8(body).unwrap()
    }

    /// The rest of the body, and how it ended.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, Ended) {
        let mut body = Vec::new();
        if let Some(length) = self.field("content-length") {
            let length: usize = length.parse().unwrap();
            while self.wire.len() < length {
                if let Err(ended) = self.read() {
                    return (std::mem::take(&mut self.wire), ended);
                }
            }
            return (self.wire.drain(..length).collect(), Ended::Whole);
        }
        if self.field("transfer-encoding").is_none() {
            while self.read().is_ok() {}
            return (std::mem::take(&mut self.wire), Ended::Closed);
        }
        loop {
            match self.chunk() {
                Ok(Some(chunk)) => body.extend(chunk),
                Ok(None) => return (body, Ended::Whole),
                Err(ended) => {
                    // A chunk that was cut in two.
                    let start = find(&self.wire, b"\r\n").map_or(self.wire.len(), |end| end + 2);
                    body.extend(&self.wire[start..]);
                    return (body, ended);
                }
            }
        }
    }

    pub(crate) fn text(&mut self) -> (String, Ended) {
        let (body, ended) = self.rest();
        (String::from_utf8(body).unwrap(), ended)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Events with these numbers as ids and data.
pub(crate) fn events(numbers: &[u32]) -> String {
    let one = |number| format!("id: {number}\ndata: {number}\n\n");
    numbers.iter().map(one).collect::<Vec<_>>().concat()
}
