//! `sse-serve publish` of many events.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use testing::Program;

use crate::support::{Server, command};

struct Publisher {
    program: Program,
    input: Option<ChildStdin>,
    ids: Receiver<String>,
}

impl Publisher {
    fn start(server: &str, flags: &[&str]) -> Self {
        let mut command = command();
        command.args(["publish", "--server", server]).args(flags);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = Program::spawn(&mut command);
        Self {
            input: program.stdin.take(),
            ids: testing::lines(program.stdout.take().unwrap()),
            program,
        }
    }

    fn write(&mut self, text: impl AsRef<[u8]>) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(text.as_ref())
            .unwrap();
    }

    /// The next id that it prints.
    fn id(&mut self) -> String {
        testing::receive(&self.ids, "an id")
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.program);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// The exit code, the ids that were still to come, and what it said.
    fn end(mut self) -> (Option<i32>, Vec<String>, String) {
        drop(self.input.take());
        self.wait()
    }

    /// The same while more could still be written to it.
    fn wait(self) -> (Option<i32>, Vec<String>, String) {
        let ids = testing::rest(&self.ids, "the ids");
        let output = self.program.output();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), ids, said)
    }
}

#[test]
fn each_line_is_an_event_as_it_comes() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("?event=line");
    let mut publisher = Publisher::start(&server.url(), &["--lines", "--event", "line"]);
    for text in ["one", "two\r", "", " {\"a\":1} "] {
        publisher.write(format!("{text}\n"));
        let event = stream.event();
        assert_eq!(event.data, text.trim_end_matches('\r'));
        assert_eq!(publisher.id(), event.id);
    }
    publisher.write("the last, without an end");
    let (code, ids, said) = publisher.end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let event = stream.event();
    assert_eq!(event.data, "the last, without an end");
    assert_eq!(ids, [event.id]);
}

#[test]
fn many_lines_keep_their_order() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
    let text = lines.join("\n");
    std::fs::write(file.path(), text).unwrap();
    let data = format!("@{}", file.path().display());
    let publisher = Publisher::start(&server.url(), &["--lines", "--data", &data]);
    let (code, ids, said) = publisher.end();
    assert_eq!((code, ids.len()), (Some(0), 5000), "{said}");
    for (n, event) in stream.events(5000).iter().enumerate() {
        assert_eq!(event.data, n.to_string());
        assert_eq!(event.id, ids[n]);
    }
}

#[test]
fn a_line_that_is_refused_is_named_and_those_before_it_are_published() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    let mut refused = |flags: &[&str], input: &[u8], before: usize| {
        let mut publisher = Publisher::start(&server.url(), flags);
        publisher.write(input);
        let (code, ids, said) = publisher.end();
        assert_eq!((code, ids.len()), (Some(1), before), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let published = stream.events(before);
        assert!(published.iter().map(|event| &event.id).eq(&ids));
        said
    };
    let said = refused(&["--lines", "--format", "json"], b"1\n2\n3\n{\n5\n", 3);
    assert!(said.contains("line 4: ") && said.contains("JSON"), "{said}");
    let said = refused(&["--lines"], b"1\n\xff\n3\n", 1);
    assert!(said.contains("line 2 is not UTF-8"), "{said}");
    let said = refused(&["--lines", "--event", "gap"], b"1\n", 0);
    assert!(said.contains("line 1: "), "{said}");
    server.publish(r#"{"data":"last"}"#);
    assert_eq!(stream.event().data, "last");
}

#[test]
fn a_hub_that_goes_away_leaves_the_line_to_go_on_with() {
    let server = Server::start(&[]);
    let mut publisher = Publisher::start(&server.url(), &["--lines"]);
    for n in 1..=3 {
        publisher.write(format!("{n}\n"));
        publisher.id();
    }
    server.kill();
    publisher.write("4\n");
    // Its input is still open: it does not wait for more.
    let (code, ids, said) = publisher.wait();
    assert_eq!((code, ids.len()), (Some(1), 0), "{said}");
    assert!(said.contains("line 4: "), "{said}");
    assert!(said.contains("the lines before are published"), "{said}");
}

/// A hub that reads one request and gives this answer once it is told to.
struct Fake {
    listener: TcpListener,
}

impl Fake {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { listener }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }
}

/// Reads a request and returns its body.
fn body(socket: &mut impl BufRead) -> Option<serde_json::Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

#[test]
fn lines_that_come_while_an_answer_is_awaited_go_together() {
    let fake = Fake::new();
    let mut publisher = Publisher::start(&fake.url(), &["--lines"]);
    publisher.write("0\n");
    let socket = testing::accept(&fake.listener);
    let mut reader = BufReader::new(&socket);
    assert_eq!(body(&mut reader).unwrap()["data"], "0");
    for n in 1..=500 {
        publisher.write(format!("{n}\n"));
    }
    drop(publisher.input.take());
    let mut answer = "{\"ids\":[\"a-0\"]}".to_owned();
    let mut requests = 0;
    let mut published = 0;
    while published < 500 {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        (&socket).write_all((head + &answer).as_bytes()).unwrap();
        let events = body(&mut reader).unwrap();
        let events = events.as_array().cloned().unwrap_or(vec![events]);
        let numbers: Vec<_> = events.iter().map(|event| event["data"].clone()).collect();
        let expected = (1..).skip(published).map(|n: usize| n.to_string());
        assert!(
            numbers
                .iter()
                .zip(expected)
                .all(|(one, other)| *one == other)
        );
        let ids: Vec<_> = numbers
            .iter()
            .map(|n| format!("a-{}", n.as_str().unwrap()))
            .collect();
        answer = serde_json::json!({ "ids": ids }).to_string();
        requests += 1;
        published += events.len();
    }
    assert!(requests < 100, "{requests} requests for 500 lines");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    (&socket).write_all((head + &answer).as_bytes()).unwrap();
    let (code, ids, said) = publisher.wait();
    assert_eq!((code, ids.len()), (Some(0), 501), "{said}");
}

#[test]
fn an_answer_that_does_not_come_is_not_taken_for_a_refusal() {
    let fake = Fake::new();
    let mut publisher = Publisher::start(&fake.url(), &["--lines"]);
    publisher.write("1\n");
    let socket = testing::accept(&fake.listener);
    let mut reader = BufReader::new(socket);
    body(&mut reader).unwrap();
    drop(reader);
    let (code, ids, said) = publisher.wait();
    assert_eq!((code, ids.len()), (Some(1), 0), "{said}");
    assert!(
        said.contains("line 1: ") && said.contains("no answer"),
        "{said}"
    );
}

#[test]
fn one_datum_is_published_so_many_times_at_its_rate() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    let begun = Instant::now();
    let flags = ["--data", "load", "--rate", "50", "--count", "26"];
    let publisher = Publisher::start(&server.url(), &flags);
    let (code, ids, said) = publisher.end();
    assert_eq!((code, ids.len()), (Some(0), 26), "{said}");
    assert!(begun.elapsed() >= Duration::from_millis(500));
    let events = stream.events(26);
    assert!(events.iter().all(|event| event.data == "load"));
    let flags = ["--data", "load", "--count", "3"];
    let (code, ids, _) = Publisher::start(&server.url(), &flags).end();
    assert_eq!((code, ids.len()), (Some(0), 3));
    let mut publisher = Publisher::start(&server.url(), &["--lines", "--count", "2"]);
    publisher.write("1\n2\n3\n");
    let (code, ids, _) = publisher.wait();
    assert_eq!((code, ids.len()), (Some(0), 2));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_what_has_no_end_and_interrupts_what_has() {
    let server = Server::start(&[]);
    let before = server.metric("events_published_total");
    let mut publisher = Publisher::start(&server.url(), &["--data", "x", "--rate", "200"]);
    for _ in 0..5 {
        publisher.id();
    }
    publisher.interrupt();
    let (code, ids, said) = publisher.wait();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    // Every event that the hub took has its id on stdout.
    let published = server.metric("events_published_total") - before;
    assert_eq!(ids.len() as u64 + 5, published);

    let mut publisher = Publisher::start(&server.url(), &["--lines"]);
    publisher.write("1\n");
    publisher.id();
    publisher.interrupt();
    // Its input is still open.
    let (code, ids, said) = publisher.wait();
    assert_eq!((code, ids.len()), (Some(130), 0), "{said}");
    assert!(said.contains("interrupted before event 2"), "{said}");
}

/// Publishes to a server that answers with this head and body.
fn publish_to(answer: String) -> (Option<i32>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut socket = testing::accept(&listener);
        let mut head = BufReader::new(socket.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            head.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        head.read_exact(&mut vec![0; length]).unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
    });
    let publisher = Publisher::start(&url, &["--data", "x"]);
    let (code, ids, said) = publisher.end();
    server.join().unwrap();
    assert_eq!(ids, [""; 0]);
    (code, said)
}

#[test]
fn a_redirect_is_said_and_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("http://{}/trigger", elsewhere.local_addr().unwrap());
    let (code, said) = publish_to(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&location) && said.contains("--server"),
        "{said}"
    );
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "nobody came");
}

#[test]
fn what_a_server_says_commands_no_terminal() {
    let body = r#"{"detail":"\u001b[2Jgone"}"#;
    let (code, said) = publish_to(format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("gone") && !said.contains('\u{1b}'),
        "{said:?}"
    );
}
