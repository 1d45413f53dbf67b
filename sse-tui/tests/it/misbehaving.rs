//! Servers that do everything wrong, met by the program in a pipe and on a terminal.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::escapes::Asked;
use crate::print::run;
use crate::server::stream;
use crate::terminal::Tmux;

/// What a terminal would obey, or a reader be misled by: a title, the clipboard, a
/// C1 control, a turned direction, a reset.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{7}\u{9b}2J\u{202e}txt\u{1b}c";

/// What a server does with one connection, counted from 0.
enum Server {
    /// Sends this and closes.
    Says(Vec<u8>),
    /// Sends this and keeps the connection open.
    Holds(Vec<u8>),
    /// Sends this, then that for ever.
    Floods(Vec<u8>, Vec<u8>),
    /// Sends this byte by byte.
    Drips(Vec<u8>),
    /// Sends this and resets the connection.
    Resets(Vec<u8>),
    /// The first with its first connection, the second with all others.
    Then(Box<Server>, Box<Server>),
}

struct Scenario {
    name: &'static str,
    server: Server,
    /// The `data` of the events in a pipe.
    events: &'static [&'static str],
    /// What stderr says; nothing said is the end asked for.
    says: &'static str,
    /// What the screen of the dashboard shows.
    shows: &'static [&'static str],
}

fn answer(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

fn refusal(line: &str) -> Server {
    Server::Says(
        format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into(),
    )
}

fn sends(body: &str) -> Vec<u8> {
    stream(body).into_bytes()
}

/// Every line of text of an event, and what else has room for text.
fn evil_fields() -> Vec<u8> {
    let field = format!("X-Evil: {}\r\nConnection: close\r\n", "\u{9b}2J\u{202e}");
    let body = format!(
        "event: {EVIL}\nid: {EVIL}\n: {EVIL}\n{EVIL}: {EVIL}\nretry: {EVIL}\ndata: {EVIL}\n\n"
    );
    answer(&field, body.as_bytes())
}

fn scenarios() -> Vec<Scenario> {
    use Server::{Drips, Floods, Holds, Resets, Says, Then};
    let gzip = answer(
        "Content-Encoding: gzip\r\nConnection: close\r\n",
        b"\x1f\x8b\x08\0",
    );
    let chunked = answer(
        "Transfer-Encoding: chunked\r\n",
        b"f\r\ndata: in time\n\n\r\nZZ\r\n",
    );
    vec![
        Scenario {
            name: "a line without end",
            server: Floods(sends("data: "), vec![b'x'; 1 << 16]),
            events: &[],
            says: "a line exceeds the limit of 16777216 bytes",
            shows: &["a line exceeds the limit", "exit=1"],
        },
        Scenario {
            name: "an event without end",
            server: Floods(sends(""), [b"data: ", &[b'y'; 1 << 16][..], b"\n"].concat()),
            events: &[],
            says: "the data of one event exceeds the limit of 16777216 bytes",
            shows: &["the data of one event exceeds the limit", "exit=1"],
        },
        Scenario {
            name: "a header field without end",
            server: Floods(b"HTTP/1.1 200 OK\r\nX-Long: ".into(), vec![b'a'; 1 << 16]),
            events: &[],
            says: "message head is too large",
            shows: &["message head is too large", "OFFLINE"],
        },
        Scenario {
            name: "header fields without end",
            server: Floods(b"HTTP/1.1 200 OK\r\n".into(), b"X-A: b\r\n".repeat(1000)),
            events: &[],
            says: "message head is too large",
            shows: &["message head is too large", "OFFLINE"],
        },
        Scenario {
            name: "bytes that are no UTF-8",
            server: Holds([&sends("data: a")[..], b"\xff\xfeb\xe2\x82\n\n"].concat()),
            events: &["a\u{fffd}\u{fffd}b\u{fffd}"],
            says: "",
            shows: &["a\u{fffd}\u{fffd}b\u{fffd}", "LIVE"],
        },
        Scenario {
            name: "NUL in every field",
            server: Holds(sends("id: a\0b\nevent: n\0l\ndata: x\0y\n\n")),
            events: &["x\0y"],
            says: "",
            shows: &["n␀l", "x␀y", "lint"],
        },
        Scenario {
            name: "another type",
            server: refusal("200 OK\r\nContent-Type: text/html"),
            events: &[],
            says: "answered with Content-Type \"text/html\", not text/event-stream",
            shows: &["\"text/html\"", "exit=1"],
        },
        Scenario {
            name: "a type that no terminal should see",
            server: refusal("200 OK\r\nContent-Type: text/\u{9b}2J\u{202e}"),
            events: &[],
            says: "text/\\u{9b}2J\\u{202e}",
            shows: &["text/\\u{9b}2J\\u{202e}", "exit=1"],
        },
        Scenario {
            name: "a header field with an escape",
            server: refusal("200 OK\r\nContent-Type: text/\u{1b}[2J"),
            events: &[],
            says: "the answer is not HTTP",
            shows: &["the answer is not HTTP", "OFFLINE"],
        },
        Scenario {
            name: "an error of the server",
            server: refusal("500 Oops"),
            events: &[],
            says: "answered 500 Internal Server Error, not 200",
            shows: &["500 Internal Server Error", "exit=1"],
        },
        Scenario {
            name: "a reason that no terminal should see",
            server: refusal("404 \u{9b}31m\u{202e}No"),
            events: &[],
            says: "answered 404 Not Found, not 200",
            shows: &["404 Not Found", "exit=1"],
        },
        Scenario {
            name: "a redirect to itself",
            server: refusal("302 Found\r\nLocation: /again"),
            events: &[],
            says: "redirected more than 20 times",
            shows: &["redirected more than 20 times", "exit=1"],
        },
        Scenario {
            name: "a redirect to what is no URL of HTTP",
            server: refusal("302 Found\r\nLocation: javascript:alert(1)"),
            events: &[],
            says: "a Location that cannot be followed: \"javascript:alert(1)\"",
            shows: &["cannot be followed", "exit=1"],
        },
        Scenario {
            name: "a redirect to a place that no terminal should see",
            server: Then(
                Box::new(refusal("302 Found\r\nLocation: /\u{202e}\u{9b}2J")),
                Box::new(Holds(sends("data: there\n\n"))),
            ),
            events: &["there"],
            says: "",
            shows: &["there", "LIVE"],
        },
        Scenario {
            name: "a reset in the middle of an event",
            server: Resets(sends("retry: 60000\nid: 1\ndata: whole\n\ndata: half")),
            events: &["whole"],
            says: "connection reset; an unfinished event was discarded",
            shows: &["whole", "connection reset", "OFFLINE", "lint"],
        },
        Scenario {
            name: "silence",
            server: Holds(sends("")),
            events: &[],
            says: "",
            shows: &["no event yet", "connected · HTTP", "LIVE"],
        },
        Scenario {
            name: "a compressed stream that nobody asked for",
            server: Holds(gzip),
            events: &[],
            says: "the response is compressed (gzip)",
            shows: &["compressed (gzip)", "exit=1"],
        },
        Scenario {
            name: "one byte at a time",
            server: Drips(sends("event: slow\r\ndata: drip\r\n\r\n")),
            events: &["drip"],
            says: "",
            shows: &["slow", "drip"],
        },
        Scenario {
            name: "a BOM and every kind of line end",
            server: Holds(sends(
                "\u{feff}data: bom\r\r\ndata: cr\r\rdata: crlf\r\n\r\ndata: mix\r\ndata: ed\rdata: up\n\n",
            )),
            events: &["bom", "cr", "crlf", "mix\ned\nup"],
            says: "",
            shows: &["bom", "crlf", "mix␊ed␊up"],
        },
        Scenario {
            name: "no content",
            server: refusal("204 No Content"),
            events: &[],
            says: "",
            shows: &["exit=0"],
        },
        Scenario {
            name: "a reconnection time without end",
            server: Holds(sends("retry: 99999999999999999999\ndata: r\n\n")),
            events: &["r"],
            says: "",
            shows: &["1h00m, the server asks for more", "lint"],
        },
        Scenario {
            name: "a storm of comments",
            server: Floods(
                sends("data: before\n\n"),
                b": zzzzzzzzzzzzzzzzzzzz\n".repeat(1000),
            ),
            events: &["before"],
            says: "",
            shows: &["before", "LIVE", "heartbeat"],
        },
        Scenario {
            name: "an end at once, again and again",
            server: Says(sends("retry: 1\n\n")),
            events: &[],
            says: "",
            // Not their number, which goes on while it is waited for.
            shows: &["connected after", "the server ended the stream"],
        },
        Scenario {
            name: "an id that no header can carry",
            server: Then(
                Box::new(Says(sends("retry: 100\nid: a\u{1b}b\ndata: one\n\n"))),
                Box::new(Holds(sends("data: two\n\n"))),
            ),
            events: &["one"],
            says: "",
            shows: &["a␛b", "cannot be sent", "two"],
        },
        Scenario {
            name: "controls in every field",
            server: Holds(evil_fields()),
            events: &[EVIL],
            says: "",
            shows: &["␛]0;owned␇␛]52;c;b3duZWQ=␇⟨U+009B⟩", "⟩2J⟨RLO⟩txt␛c"],
        },
        Scenario {
            name: "another protocol",
            server: Says(b"\x16\x03\x01\x1b]0;owned\x07\r\n\r\n".into()),
            events: &[],
            says: "the answer is not HTTP",
            shows: &["the answer is not HTTP", "OFFLINE"],
        },
        Scenario {
            name: "chunks that are none",
            server: Says(chunked),
            events: &["in time"],
            says: "the connection failed: Invalid chunk size line",
            shows: &["in time", "connection lost"],
        },
        Scenario {
            name: "nothing at all",
            server: Says(Vec::new()),
            events: &[],
            says: "the connection ended before the response was complete",
            shows: &["the connection ended before", "OFFLINE"],
        },
    ]
}

impl Server {
    /// Serves on a free port; the URL.
    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let server = std::sync::Arc::new(self);
        thread::spawn(move || {
            for (number, connection) in listener.incoming().flatten().enumerate() {
                let server = server.clone();
                thread::spawn(move || server.serve(number, connection));
            }
        });
        url
    }

    /// Until either end is done; that the client has gone is no failure.
    fn serve(&self, number: usize, mut connection: TcpStream) {
        match self {
            Self::Then(first, other) => {
                let server = if number == 0 { first } else { other };
                return server.serve(number, connection);
            }
            Self::Resets(bytes) => {
                // What is left unread when it is closed resets a connection.
                let _ = connection.read(&mut [0; 1]);
                let _ = connection.write_all(bytes);
                // The client has to read this first.
                thread::sleep(Duration::from_millis(300));
                return;
            }
            _ => {}
        }
        let _ = connection.read(&mut [0; 1 << 14]);
        match self {
            Self::Says(bytes) => drop(connection.write_all(bytes)),
            Self::Holds(bytes) => {
                let _ = connection.write_all(bytes);
                let _ = connection.read(&mut [0]);
            }
            Self::Floods(bytes, flood) => {
                let _ = connection.write_all(bytes);
                while connection.write_all(flood).is_ok() {}
            }
            Self::Drips(bytes) => {
                let _ = connection.set_nodelay(true);
                let all = bytes
                    .chunks(1)
                    .all(|byte| connection.write_all(byte).is_ok());
                assert!(all || number > 0);
                let _ = connection.read(&mut [0]);
            }
            Self::Resets(_) | Self::Then(..) => {}
        }
        let _ = connection.shutdown(Shutdown::Write);
    }
}

/// No byte that a terminal would take for anything but text.
fn assert_harmless(name: &str, text: &str) {
    let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.contains(raw), "{name}: {text:?}");
}

#[test]
fn a_pipe_gets_the_events_and_one_line_of_what_is_wrong() {
    for scenario in scenarios() {
        let Scenario {
            name,
            server,
            events,
            says,
            ..
        } = scenario;
        let url = server.start();
        // What goes on for ever is left as soon as all has come.
        let enough = events.len().max(1).to_string();
        let ends = says.is_empty() && !events.is_empty();
        if says.is_empty() && events.is_empty() {
            continue;
        }
        let mut arguments = vec!["--output", "ndjson", "--no-reconnect", &url];
        if ends {
            arguments.extend(["-n", &enough]);
        }
        let output = run(&arguments);
        let (out, err) = (output.stdout, output.stderr);
        let (out, err) = (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        );
        let data = out.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["data"].as_str().unwrap().to_owned()
        });
        assert_eq!(data.collect::<Vec<_>>(), events, "{name}");
        assert_harmless(name, &out);
        assert_harmless(name, &err);
        assert!(err.contains(says), "{name}: {err}");
        assert_eq!(err.lines().count(), usize::from(!ends), "{name}: {err}");
        assert_eq!(
            output.status.code(),
            Some(i32::from(!ends)),
            "{name}: {err}"
        );
    }
}

/// Each of every fourth scenario on a terminal of its own.
fn assert_shown(from: usize) {
    let directory = tempfile::tempdir().unwrap();
    for (number, scenario) in scenarios().into_iter().enumerate().skip(from).step_by(4) {
        let Scenario {
            name,
            server,
            shows,
            ..
        } = scenario;
        let Some(tmux) = Tmux::start(160, 40) else {
            return;
        };
        let log = directory.path().join(format!("{number}"));
        tmux.run(&["pipe-pane", "-O", &format!("cat > '{}'", log.display())]);
        tmux.launch("", &server.start());
        let screen = tmux.wait_for(shows);
        assert!(!screen.contains("panicked"), "{name}: {screen}");
        if !shows.iter().any(|words| words.starts_with("exit=")) {
            // Every other screen has to bear it too.
            for keys in [&["Up", "Enter"][..], &["w"], &["!"], &["a"], &["D"], &["t"]] {
                tmux.keys(keys);
            }
            tmux.keys(&["?"]);
            tmux.wait_for(&["╭ help"]);
            tmux.keys(&["C-c"]);
            tmux.wait_for(&["exit=0"]);
        }
        let written = std::fs::read(&log).unwrap();
        let mut terminal = vt100::Parser::new_with_callbacks(
            40.try_into().unwrap(),
            160.try_into().unwrap(),
            0,
            Asked::default(),
        );
        terminal.process(&written);
        assert_eq!(terminal.callbacks().0, Vec::<String>::new(), "{name}");
        let written = String::from_utf8_lossy(&written);
        assert!(!written.contains(['\u{9b}', '\u{202e}']), "{name}");
        assert!(!written.contains("\u{1b}c"), "{name}");
    }
}

#[test]
fn the_dashboard_bears_the_first_quarter_of_them_and_says_what_is_wrong() {
    assert_shown(0);
}

#[test]
fn the_dashboard_bears_the_second_quarter_of_them_and_says_what_is_wrong() {
    assert_shown(1);
}

#[test]
fn the_dashboard_bears_the_third_quarter_of_them_and_says_what_is_wrong() {
    assert_shown(2);
}

#[test]
fn the_dashboard_bears_the_last_quarter_of_them_and_says_what_is_wrong() {
    assert_shown(3);
}
