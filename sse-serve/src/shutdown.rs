//! Signals that end a server.

/// Returns on the first SIGTERM or Ctrl-C. From then on another Ctrl-C ends the
/// process at once, with exit code 130.
///
/// Where the system takes no handler, it never returns, and the system's own
/// way to end a process applies.
#[cfg(unix)]
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        interrupt.recv().await;
        std::process::exit(INTERRUPTED);
    });
}

/// Returns on the first Ctrl-C. Another one ends the process at once, with exit
/// code 130.
#[cfg(not(unix))]
pub async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
}

/// As a shell reports a process that SIGINT ended.
const INTERRUPTED: i32 = 130;
