//! A server that says exactly what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

/// What to do with one connection after its request was read.
pub(crate) enum Answer {
    /// Send this and close.
    Close(String),
    /// Send this and keep the connection open.
    Hold(String),
    /// Send this again and again until the client has gone.
    Repeat(String, &'static str),
    /// Send this and reset the connection.
    Truncate(String),
}

/// Answers connections in turn, the last answer for all that follow.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Head and body of each request.
    pub(crate) requests: mpsc::Receiver<String>,
}

pub(crate) fn serve(answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let Ok(request) = read_request(&stream) else {
                continue;
            };
            let _ = sender.send(request);
            let answer = &answers[number.min(answers.len() - 1)];
            if let Some(stream) = respond(answer, stream) {
                held.push(stream);
            }
        }
    });
    Server { url, requests }
}

/// Answers one connection with this, and goes on when it is told how.
pub(crate) fn serve_on_request(begin: String) -> (String, mpsc::Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, more) = mpsc::channel::<&'static str>();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&stream).unwrap();
        let _ = stream.write_all(begin.as_bytes());
        for text in more {
            let _ = stream.write_all(text.as_bytes());
        }
    });
    (url, sender)
}

/// The head of an event stream of unknown length, and its beginning.
pub(crate) fn stream(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}")
}

/// A URL where nothing listens: a free port could be another test's by now, the
/// reserved one is nobody's.
pub(crate) fn refused_url() -> String {
    "http://127.0.0.1:1/events".to_owned()
}

fn respond(answer: &Answer, mut stream: TcpStream) -> Option<TcpStream> {
    match answer {
        Answer::Close(text) => {
            let _ = stream.write_all(text.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            None
        }
        Answer::Hold(text) => {
            let _ = stream.write_all(text.as_bytes());
            Some(stream)
        }
        Answer::Repeat(head, text) => {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(text.as_bytes()).is_ok() {}
            None
        }
        Answer::Truncate(text) => {
            let head = text.replace("Connection: close", "Content-Length: 100000");
            let _ = stream.write_all(head.as_bytes());
            None
        }
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            break;
        }
    }
    let length = request
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(request + &String::from_utf8_lossy(&body))
}
