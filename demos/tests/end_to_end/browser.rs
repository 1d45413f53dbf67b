//! A real browser's `EventSource`: live events, a server killed and restarted,
//! the loss told in band.

use std::io::{BufRead as _, BufReader, Read as _, Write as _, copy};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testing::Program;

use crate::programs::{binary, program, start_server};

/// Reports every event it is dispatched to `/seen`.
const PAGE: &str = r#"<!doctype html><title>EventSource</title><script>
const source = new EventSource("/events");
let reports = Promise.resolve();
const report = what => reports = reports.then(() => fetch("/seen", { method: "POST", body: JSON.stringify(what) }));
for (const type of ["tick", "status", "connected", "gap"])
  source.addEventListener(type, e => report({ type, id: e.lastEventId, data: JSON.parse(e.data) }));
source.onerror = () => report({ type: "error", state: source.readyState });
</script>"#;

/// Long enough for a browser to start on a busy machine; reached only in failure.
const PATIENCE: Duration = Duration::from_secs(120);

const OPTIONS: [&str; 4] = ["--tick-interval", "50ms", "--retry", "200ms"];

/// V43
#[test]
fn a_browser_resumes_after_a_restart_and_is_told_of_the_gap() {
    let (Some(server), Some(browser)) = (
        binary("sse-serve"),
        program(&["chromium", "chromium-browser", "google-chrome"]),
    ) else {
        return;
    };
    let (running, address) = start_server(&server, "127.0.0.1:0", &OPTIONS);
    let (page, seen) = serve_page(address.clone());
    let profile = tempfile::tempdir().expect("a directory");
    let _browser = open(&browser, profile.path(), &page);

    let first = next(&seen, "connected");
    assert_eq!(
        first["id"], first["data"]["cursor"],
        "the id is where the connection starts"
    );
    let ticks: Vec<Value> = (0..5).map(|_| next(&seen, "tick")).collect();
    for pair in ticks.windows(2) {
        let number = |tick: &Value| tick["data"]["seq"].as_u64().expect("a number");
        assert_eq!(
            number(&pair[1]),
            number(&pair[0]) + 1,
            "ticks arrive in order, each once"
        );
    }

    drop(running);
    assert_eq!(
        next(&seen, "error")["state"],
        0,
        "EventSource is connecting again"
    );
    let (_running, _) = start_server(&server, &address, &OPTIONS);

    let gap = next(&seen, "gap");
    let requested = gap["data"]["requested"].as_str().expect("an id");
    assert!(
        requested.starts_with(epoch(&ticks[0])),
        "it came back with an id of the lost log: {gap}"
    );
    assert_ne!(
        epoch(&gap),
        epoch(&ticks[0]),
        "a log that lost its history has a new epoch"
    );
    let second = next(&seen, "connected");
    assert_eq!(
        second["id"], gap["id"],
        "delivery continues where the gap says"
    );
    assert_eq!(epoch(&next(&seen, "tick")), epoch(&gap));
}

fn epoch(event: &Value) -> &str {
    event["id"]
        .as_str()
        .and_then(|id| id.split_once('-'))
        .expect("an id of two parts")
        .0
}

/// The next report of this type.
fn next(seen: &Receiver<Value>, event_type: &str) -> Value {
    loop {
        let event = seen
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no {event_type}"));
        if event["type"] == event_type {
            return event;
        }
    }
}

fn open(browser: &Path, profile: &Path, page: &str) -> Program {
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        // Keeps a headless browser open; nobody connects to it.
        .arg("--remote-debugging-port=0")
        .arg(page)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Program::spawn(&mut command)
}

/// An origin that serves the page, takes its reports, and passes `/events` on,
/// so that the page needs no leave to read it.
fn serve_page(upstream: String) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (reports, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (upstream, reports) = (upstream.clone(), reports.clone());
            // A browser closes connections as it likes.
            thread::spawn(move || answer(stream, &upstream, &reports));
        }
    });
    (url, seen)
}

fn answer(mut stream: TcpStream, upstream: &str, reports: &Sender<Value>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if let Some(value) = head[start..]
            .to_ascii_lowercase()
            .strip_prefix("content-length:")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let body = match head.split_whitespace().nth(1)? {
        "/events" => {
            let mut server = TcpStream::connect(upstream).ok()?;
            server.write_all(head.as_bytes()).ok()?;
            copy(&mut server, &mut stream).ok()?;
            return None;
        }
        "/seen" => {
            let mut report = vec![0; length];
            reader.read_exact(&mut report).ok()?;
            reports.send(serde_json::from_slice(&report).ok()?).ok()?;
            ""
        }
        "/" => PAGE,
        _ => "",
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).ok()
}
