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

/// What job control asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// To stop.
    Stop,
    /// To go on, after others stopped it.
    GoOn,
}

/// Being stopped by job control, and going on.
///
/// While this exists SIGTSTP does not stop the process: it has to give the
/// terminal back first, and then calls [`stop`](Self::stop).
#[derive(Debug)]
pub(crate) struct JobControl {
    #[cfg(unix)]
    asked: tokio::signal::unix::Signal,
    #[cfg(unix)]
    resumed: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl JobControl {
    pub(crate) fn new() -> io::Result<Self> {
        use rustix::process::Signal;
        use tokio::signal::unix::{SignalKind, signal};
        let [asked, resumed] = [Signal::TSTP, Signal::CONT]
            .map(|number| signal(SignalKind::from_raw(number.as_raw())));
        Ok(Self {
            asked: asked?,
            resumed: resumed?,
        })
    }

    /// Asks the whole job to stop, this process among it, as Ctrl-Z does in a
    /// terminal that is not raw.
    pub(crate) fn ask_all() -> io::Result<()> {
        Ok(rustix::process::kill_current_process_group(
            rustix::process::Signal::TSTP,
        )?)
    }

    /// Whether somebody can let this process go on once it is stopped. One that
    /// nobody can is not stopped by SIGTSTP (POSIX, orphaned process groups). A
    /// shell that can has given its job a group of its own, and lives in the same
    /// session.
    pub(crate) fn can_stop() -> bool {
        use rustix::process::{getpgrp, getppid, getsid};
        let Ok(session) = getsid(None) else {
            return false;
        };
        let parent = getppid().and_then(|parent| getsid(Some(parent)).ok());
        getpgrp() != session && parent == Some(session)
    }

    /// SIGTSTP or SIGCONT came. Cancel-safe.
    pub(crate) async fn told(&mut self) -> Told {
        tokio::select! {
            biased;
            Some(()) = self.resumed.recv() => Told::GoOn,
            Some(()) = self.asked.recv() => Told::Stop,
            else => std::future::pending().await,
        }
    }

    /// Stops this process until SIGCONT.
    pub(crate) async fn stop(&mut self) -> io::Result<()> {
        use futures_util::FutureExt as _;
        // The signal may take a moment to get to all threads.
        const SOON: std::time::Duration = std::time::Duration::from_millis(500);
        // One that came meanwhile takes the request back.
        if self.resumed.recv().now_or_never().is_none() {
            rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::STOP,
            )?;
            let _ = tokio::time::timeout(SOON, self.resumed.recv()).await;
        }
        // What asked for the same while it was done.
        while self.asked.recv().now_or_never().is_some() {}
        Ok(())
    }

    /// SIGCONT came, after it was stopped by others. Cancel-safe.
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

    pub(crate) fn ask_all() -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn can_stop() -> bool {
        false
    }

    pub(crate) async fn told(&mut self) -> Told {
        std::future::pending().await
    }

    pub(crate) async fn stop(&mut self) -> io::Result<()> {
        Ok(())
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
