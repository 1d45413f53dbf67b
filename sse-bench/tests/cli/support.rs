//! A scripted server on a real socket, and the binary against it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use testing::Program;

pub(crate) const SSE_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn read(stream: impl Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader
                .read_line(&mut line)
                .ok()
                .filter(|length| *length > 0)?;
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let mut request = Self {
            line: lines.remove(0),
            headers: lines
                .iter()
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| {
                    (
                        name.to_ascii_lowercase(),
                        value.trim_start_matches(' ').to_owned(),
                    )
                })
                .collect(),
            body: Vec::new(),
        };
        let length = request
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

/// Answers each connection, numbered from 0, by a script; closes it when the
/// script returns.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(
        script: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen, script) =
                    (stream.unwrap(), Arc::clone(&seen), Arc::clone(&script));
                stream.set_nodelay(true).unwrap();
                thread::spawn(move || {
                    let Some(request) = Request::read(&stream) else {
                        return;
                    };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    script(number, &request, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    /// Answers every connection with the same bytes and closes.
    pub(crate) fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |_, _, stream| send(stream, &response))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers the first request, then each that follows on the connection.
pub(crate) fn each(
    first: &Request,
    stream: &mut TcpStream,
    mut answer: impl FnMut(&Request, &mut TcpStream),
) {
    answer(first, stream);
    while let Some(request) = Request::read(&mut *stream) {
        answer(&request, stream);
    }
}

/// The client may be gone before all is sent: that is its own choice.
pub(crate) fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    let _ = stream.write_all(bytes.as_ref());
}

/// Returns once the client has closed.
pub(crate) fn hold(stream: &mut TcpStream) {
    let _ = testing::read(stream, &mut [0; 64]);
}

pub(crate) fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

pub(crate) fn chunked(pieces: &[&str]) -> String {
    let mut wire = format!("{SSE_HEAD}Transfer-Encoding: chunked\r\n\r\n");
    for piece in pieces {
        wire.push_str(&chunk(piece));
    }
    wire + "0\r\n\r\n"
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-bench"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What the binary printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Starts it with what it writes in pipes; [`Program::output`] has that.
pub(crate) fn start(mut command: Command) -> Program {
    Program::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Ends it as Ctrl-C does.
#[cfg(unix)]
pub(crate) fn interrupt(program: &Program) {
    let id = program.id().to_string();
    assert!(testing::status(Command::new("kill").args(["-INT", &id])).success());
}

pub(crate) fn run(arguments: &[&str]) -> Run {
    testing::output(&mut command(arguments)).into()
}

/// `sse-bench load URL --output-format json` and more.
pub(crate) fn load(server: &Server, arguments: &[&str]) -> Run {
    let url = server.url();
    let mut all = vec!["load", &url, "--output-format", "json"];
    all.extend(arguments);
    run(&all)
}

/// One event of each kind that counts, and what does not.
pub(crate) const STREAM: &str = "event: tick\ndata: 1\n\nevent: tick\r\ndata: 2\r\n\r\ndata: 3\n\n: comment\n\n\
                      event: status\ndata: {}\n\nid: 9\n\n";

/// What STREAM dispatches, on this many connections.
pub(crate) fn expect_stream(report: &Value, connections: u64) {
    assert_eq!(report["deliveries"]["total"], 4 * connections, "{report:#}");
    let by_type = json!({
        "tick": 2 * connections, "message": connections, "status": connections
    });
    assert_eq!(report["deliveries"]["by_type"], by_type);
    assert_eq!(report["connections"]["opened"], connections);
    assert_eq!(report["connections"]["clean_ends"], connections);
    assert_eq!(report["errors"]["total"], 0, "{report:#}");
}
