//! What differs between platforms: signals; and stderr, which may be closed.

use std::io::{self, Write};
use std::process::ExitCode;

/// A line on stderr for people. A closed stderr is no reason to fail.
pub(crate) fn complain(text: &str) {
    let text = crate::sanitize::sanitize(text);
    let _ = writeln!(io::stderr(), "sse-tui: {text}");
}

/// Whether the terminal takes UTF-8, as far as the environment says: the first
/// of these that is set and not empty names the locale (POSIX.1-2024, 8.2).
/// Where none is set, it is taken to be so.
pub(crate) fn takes_utf8() -> bool {
    let value = |name: &&str| std::env::var_os(name).filter(|value| !value.is_empty());
    let set = ["LC_ALL", "LC_CTYPE", "LANG"];
    set.iter()
        .find_map(value)
        .is_none_or(|locale| is_utf8(&locale.to_string_lossy()))
}

/// `en_GB.UTF-8`, `C.utf8@modifier`; macOS knows `UTF-8` alone.
fn is_utf8(locale: &str) -> bool {
    let charset = locale.split('@').next().unwrap_or_default();
    let charset = charset.rsplit('.').next().unwrap_or_default();
    ["UTF-8", "UTF8"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(charset))
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

/// Being stopped by a shell's job control, and going on.
#[derive(Debug)]
pub(crate) struct JobControl {
    #[cfg(unix)]
    resumed: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl JobControl {
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let number = rustix::process::Signal::CONT.as_raw();
        Ok(Self {
            resumed: signal(SignalKind::from_raw(number))?,
        })
    }

    /// Stops the whole job, as Ctrl-Z does in a terminal that is not raw, until
    /// the shell lets it go on. False if nobody stopped it: a job that no shell
    /// could let go on is not stopped (POSIX, orphaned process groups).
    pub(crate) async fn stop(&mut self) -> io::Result<bool> {
        use rustix::process::{Signal, kill_current_process_group};
        // The signal may take a moment to get to all threads.
        const SOON: std::time::Duration = std::time::Duration::from_millis(500);
        kill_current_process_group(Signal::TSTP)?;
        Ok(tokio::time::timeout(SOON, self.resumed.recv())
            .await
            .is_ok())
    }

    /// After it was stopped by others. Cancel-safe.
    pub(crate) async fn resumed(&mut self) {
        if self.resumed.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
impl JobControl {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn stop(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    pub(crate) async fn resumed(&mut self) {
        std::future::pending::<()>().await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_character_set() {
        for locale in ["en_GB.UTF-8", "C.utf8", "de_DE.UTF-8@euro", "UTF-8"] {
            assert!(is_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "de_DE.ISO-8859-1", "de_DE@euro", "UTF-16"] {
            assert!(!is_utf8(locale), "{locale}");
        }
    }
}
