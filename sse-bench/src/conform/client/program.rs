//! The client program: a process whose events are read from its output.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::conform::grade::Verdict;
use crate::sys;

/// Events that may wait to be looked at.
const QUEUE: usize = 1024;
/// The longest line, in bytes; more is cut off, and then no event.
const LONGEST_LINE: u64 = 64 << 20;
/// The most of the last words of a client, in bytes.
const LAST_WORDS: usize = 200;

/// An event as the client printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) event_type: String,
    pub(super) data: String,
    /// `None` where the client does not print it.
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(alias = "type")]
    event: Option<String>,
    data: String,
    #[serde(alias = "lastEventId", alias = "last_event_id")]
    id: Option<String>,
}

/// A running client.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    pub(super) events: mpsc::Receiver<Event>,
    last_words: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it with the URL in place of `{url}`, or behind its arguments.
    pub(super) fn start(command: &[String], extra: &str, url: &str) -> Result<Self, Verdict> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Verdict::failed("no command"))?;
        let mut process = Command::new(program.replace("{url}", url));
        for argument in arguments {
            process.arg(argument.replace("{url}", url));
        }
        process.args(extra.split_whitespace());
        if !command.iter().any(|part| part.contains("{url}")) {
            process.arg(url);
        }
        process
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        process.process_group(0);
        let mut child = process
            .spawn()
            .map_err(|error| Verdict::failed(format_args!("cannot start {program}: {error}")))?;
        let (sender, events) = mpsc::channel(QUEUE);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read_events(stdout, sender));
        }
        let last_words = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(read_words(stderr, Arc::clone(&last_words)));
        }
        Ok(Self {
            child,
            events,
            last_words,
        })
    }

    /// Returns when it has ended, with how it did, for people.
    pub(super) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match words.trim() {
            "" => format!("the client ended ({status})"),
            words => format!("the client ended ({status}), saying {words:?}"),
        }
    }

    /// Whether it has ended; what it printed may still be on its way here.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Asks it to end, with all it started; `false` where there is no way to.
    pub(super) fn terminate(&self) -> bool {
        self.child.id().is_some_and(sys::terminate_group)
    }

    /// The most memory it has held, in bytes, where the system tells.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        self.child.id().and_then(sys::peak_memory_of)
    }
}

impl Drop for Program {
    /// With all it started.
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            sys::kill_group(id);
        }
    }
}

async fn read_events(stdout: impl AsyncRead + Unpin, events: mpsc::Sender<Event>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LONGEST_LINE);
        match limited.read_until(b'\n', &mut line).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let Ok(line) = serde_json::from_slice::<Line>(&line) else {
            continue;
        };
        let event = Event {
            event_type: line.event.unwrap_or_else(|| "message".to_owned()),
            data: line.data,
            id: line.id,
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// Keeps the end of what it says.
async fn read_words(mut stderr: impl AsyncRead + Unpin, words: Arc<Mutex<String>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_str(&String::from_utf8_lossy(&buffer[..length]));
        let mut start = words.len().saturating_sub(LAST_WORDS);
        while !words.is_char_boundary(start) {
            start += 1;
        }
        words.drain(..start);
    }
}
