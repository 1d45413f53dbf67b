//! What differs between platforms: signals; and stderr, which may be closed.

use std::io::{self, Write};
use std::process::ExitCode;

/// A line on stderr for people. A closed stderr is no reason to fail.
pub(crate) fn complain(text: &str) {
    let text = crate::sanitize::sanitize(text);
    let _ = writeln!(io::stderr(), "sse-tui: {text}");
}

/// Signals that ask the program to end.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on these signals are received here instead of killing the process.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The exit code that the next signal asks for: 0 after Ctrl-C, else 128 and
    /// its number, as shells count. Cancel-safe.
    pub(crate) async fn received(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::SUCCESS,
            _ = self.terminate.recv() => ExitCode::from(128 + 15),
            _ = self.hang_up.recv() => ExitCode::from(128 + 1),
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn received(&mut self) -> ExitCode {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        ExitCode::SUCCESS
    }
}
