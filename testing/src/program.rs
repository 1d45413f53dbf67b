use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::ops::{Deref, DerefMut};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{LONG, PATIENCE, receive};

/// A program that a test has started: killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// As it was called.
    call: String,
}

impl Program {
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let call = format!("{command:?}");
        let child = command.spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{call}: {error}")),
            call,
        }
    }

    /// The first line that it prints, without its end, and what follows. Its stdout
    /// is to be piped.
    ///
    /// # Panics
    /// If there is none within [`PATIENCE`].
    #[track_caller]
    pub fn first_line(&mut self) -> (String, BufReader<ChildStdout>) {
        let mut stdout = BufReader::new(self.child.stdout.take().expect("a pipe"));
        let (told, line) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = stdout.read_line(&mut line);
            let _ = told.send(read.map(|_| (line, stdout)));
        });
        let line = receive(&line, &format!("the first line of {}", self.call));
        let (line, stdout) = line.expect("a line of UTF-8");
        (line.trim_end().to_owned(), stdout)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it has none within [`PATIENCE`].
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let Some(status) = self.ended(PATIENCE) else {
            panic!("waited in vain for the end of {}", self.call)
        };
        status
    }

    /// Waits for its end, and has all that it wrote into pipes.
    ///
    /// # Panics
    /// If it does not end within [`LONG`].
    #[track_caller]
    pub fn output(mut self) -> Output {
        drop(self.child.stdin.take());
        let stdout = Gathered::from(self.child.stdout.take());
        let stderr = Gathered::from(self.child.stderr.take());
        let status = self.ended(LONG);
        // Somebody else may still hold the other end of a pipe.
        let is_whole = status.is_some() && stdout.ended() && stderr.ended();
        let (stdout, stderr) = (stdout.bytes(), stderr.bytes());
        match status {
            Some(status) if is_whole => Output {
                status,
                stdout,
                stderr,
            },
            _ => panic!(
                "{} does not end ({status:?})\nstdout: {}\nstderr: {}",
                self.call,
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            ),
        }
    }

    fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of this process") {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// As [`Command::output`], with an end; nothing comes on its stdin.
///
/// # Panics
/// If it cannot be started, or does not end within [`LONG`].
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Program::spawn(command).output()
}

/// As [`Command::status`], with an end.
///
/// # Panics
/// If it cannot be started, or does not end within [`PATIENCE`].
#[track_caller]
pub fn status(command: &mut Command) -> ExitStatus {
    Program::spawn(command).wait()
}

impl Deref for Program {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a pipe, read by a thread, so that a full one stops nobody.
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Gathered {
    fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let thread = pipe.map(|mut pipe| {
            thread::spawn(move || {
                let mut buffer = [0; 16 << 10];
                loop {
                    match pipe.read(&mut buffer) {
                        Ok(length @ 1..) => {
                            let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                            bytes.extend_from_slice(&buffer[..length]);
                        }
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        _ => return,
                    }
                }
            })
        });
        Self { bytes, thread }
    }

    /// Whether its end came.
    fn ended(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.thread.as_ref().is_some_and(|it| !it.is_finished()) {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut bytes)
    }
}
