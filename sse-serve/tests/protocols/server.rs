//! A spawned hub, with or without a certificate, and its clients.

use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use sse_core::{Item, Parser};
use testing::Program;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) use testing::PATIENCE;

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sse-serve"))
}

/// A spawned `sse-serve hub`, killed when dropped.
pub(crate) struct Server {
    program: Program,
    pub(crate) url: String,
    pub(crate) addr: SocketAddr,
    client: reqwest::Client,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = command();
        command.args(["hub", "--listen", "127.0.0.1:0"]).args(flags);
        Self::spawn(&mut command)
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let quiet = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = Program::spawn(quiet);
        let (line, stdout) = program.first_line();
        let url = line.strip_prefix("listening on ").unwrap();
        let (_, addr) = url.split_once("://").unwrap();
        Self {
            program,
            addr: addr.parse().unwrap(),
            url: url.to_owned(),
            client: client().danger_accept_invalid_certs(true).build().unwrap(),
            _stdout: stdout,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.url);
        self.client.get(url).send().await.unwrap()
    }

    pub(crate) async fn publish(&self, body: String) {
        let url = format!("{}/trigger", self.url);
        let answer = self.client.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Publishes `count` numbered events of about 16 KiB, one by one.
    pub(crate) async fn flood(&self, count: usize) {
        let filler = "x".repeat(16 << 10);
        for n in 0..count {
            self.publish(format!("{{\"data\":\"{n} {filler}\"}}")).await;
        }
    }

    pub(crate) async fn connections(&self) -> u64 {
        let health = self.get("/health").await.bytes().await.unwrap();
        let health: Value = serde_json::from_slice(&health).unwrap();
        health["connections"].as_u64().unwrap()
    }

    pub(crate) async fn wait_for_connections(&self, expected: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.connections().await != expected {
            assert!(Instant::now() < deadline, "not {expected} connections");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A sample of `/metrics`, by its name with labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let mut samples = text.lines().filter_map(|line| {
            let value = line.strip_prefix("sse_serve_")?.strip_prefix(name)?;
            value.strip_prefix(' ')?.parse().ok()
        });
        samples.next().unwrap()
    }

    pub(crate) async fn wait_for_metric(&self, name: &str, expected: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is = self.metric(name).await;
            if is == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{name} is {is}, not {expected}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.program);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// The exit code once the process has ended.
    #[cfg(unix)]
    pub(crate) async fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.program.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// An HTTP/2 connection without TLS, by prior knowledge.
    pub(crate) async fn http2(&self) -> Http2 {
        self.http2_with(&mut h2::client::Builder::new()).await
    }

    pub(crate) async fn http2_with(&self, settings: &mut h2::client::Builder) -> Http2 {
        let socket = TcpStream::connect(self.addr).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (requests, connection) = settings.handshake(socket).await.unwrap();
        Http2 {
            authority: self.addr.to_string(),
            requests,
            connection: tokio::spawn(connection),
        }
    }
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
}

/// One connection of an HTTP/2 client.
pub(crate) struct Http2 {
    authority: String,
    pub(crate) requests: SendRequest<Bytes>,
    /// Ends with the connection.
    pub(crate) connection: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let uri = format!("http://{}{path}", self.authority);
        Request::builder().method(method).uri(uri)
    }

    /// Waits for a place among the concurrent streams, and sends.
    pub(crate) async fn send(
        &mut self,
        request: http::request::Builder,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut requests = self.requests.clone().ready().await.unwrap();
        let request = request.body(()).unwrap();
        requests.send_request(request, true).unwrap()
    }

    /// Subscribes, and reads up to `connected`.
    pub(crate) async fn subscribe(&mut self, query: &str) -> Stream {
        let request = self.request("GET", &format!("/events{query}"));
        let (response, sending) = self.send(request).await;
        let mut stream = Stream::new(response.await.unwrap(), sending);
        assert_eq!(stream.event().await.unwrap().0, "connected");
        stream
    }
}

/// An event stream over HTTP/2.
pub(crate) struct Stream {
    pub(crate) headers: HeaderMap,
    pub(crate) sending: SendStream<Bytes>,
    pub(crate) body: RecvStream,
    parser: Parser,
    events: std::collections::VecDeque<(String, String)>,
    /// The last reconnection time.
    pub(crate) retry: Option<Duration>,
}

impl Stream {
    pub(crate) fn new(response: http::Response<RecvStream>, sending: SendStream<Bytes>) -> Self {
        assert_eq!(response.status(), 200);
        let (head, body) = response.into_parts();
        Self {
            headers: head.headers,
            sending,
            body,
            parser: Parser::new(),
            events: std::collections::VecDeque::new(),
            retry: None,
        }
    }

    /// The next event's type and data; `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<(String, String)> {
        self.next().await.unwrap()
    }

    /// The same, or why the stream was reset.
    pub(crate) async fn next(&mut self) -> Result<Option<(String, String)>, h2::Error> {
        while self.events.is_empty() {
            let data = tokio::time::timeout(PATIENCE, self.body.data());
            let Some(data) = data.await.expect("no event") else {
                return Ok(None);
            };
            let data = data?;
            let _ = self.body.flow_control().release_capacity(data.len());
            let mut items = self.parser.feed(&data);
            while let Some(item) = items.next().unwrap() {
                match item {
                    Item::Event(event) => {
                        let event = (event.event_type.to_owned(), event.data.to_owned());
                        self.events.push_back(event);
                    }
                    Item::Retry(time) => self.retry = Some(time),
                    _ => {}
                }
            }
        }
        Ok(self.events.pop_front())
    }

    /// The number that the next event begins with.
    pub(crate) async fn number(&mut self) -> usize {
        let (_, data) = self.event().await.expect("the stream ended");
        let number = data.split(' ').next().unwrap();
        number.parse().unwrap()
    }
}

/// A certificate for this machine in files of its own.
pub(crate) struct Certificate {
    directory: tempfile::TempDir,
    pub(crate) pem: String,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let certificate = Self {
            directory: tempfile::tempdir().unwrap(),
            pem: String::new(),
        };
        certificate.renewed()
    }

    /// Another certificate in the same files.
    pub(crate) fn renewed(mut self) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        self.pem = cert.pem();
        std::fs::write(self.cert(), &self.pem).unwrap();
        std::fs::write(self.key(), signing_key.serialize_pem()).unwrap();
        self
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    pub(crate) fn start(&self, flags: &[&str]) -> Server {
        let (cert, key) = (self.cert(), self.key());
        let own = ["--tls-cert", cert.to_str().unwrap()];
        let own = [&own[..], &["--tls-key", key.to_str().unwrap()], flags];
        Server::start(&own.concat())
    }

    /// A client that trusts this certificate and no other.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        client().tls_certs_only([root])
    }
}
