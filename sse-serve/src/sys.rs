//! What only some operating systems offer.

use std::time::Duration;

use tokio::net::TcpStream;

/// Descriptors left for everything but subscribers.
#[cfg(unix)]
const RESERVED_FILES: u64 = 256;

/// The open-file limit, `None` where there is none.
#[cfg(unix)]
pub(crate) fn open_files_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(crate) fn open_files_max() -> Option<u64> {
    None
}

/// The subscribers that the open-file limit leaves room for.
#[cfg(unix)]
pub(crate) fn connection_capacity() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    usize::try_from(limit.saturating_sub(RESERVED_FILES).max(16)).ok()
}

#[cfg(not(unix))]
pub(crate) fn connection_capacity() -> Option<usize> {
    None
}

/// The resident memory of this process in bytes, where the system tells.
pub(crate) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Raises this process's open-file limit as far as it may. Returns what it was
/// and what it is, `None` where the system has no such limit.
#[cfg(unix)]
pub(crate) fn raise_open_files() -> Option<(u64, u64)> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current?;
    // macOS says that there is no hard limit and refuses more than OPEN_MAX.
    let wishes = [limit.maximum, limit.maximum.or(Some(OPEN_MAX))];
    for wish in wishes {
        let raised = Rlimit {
            current: wish,
            maximum: limit.maximum,
        };
        if wish.is_none_or(|wish| wish > before) && setrlimit(Resource::Nofile, raised).is_ok() {
            break;
        }
    }
    Some((before, open_files_max().unwrap_or(u64::MAX)))
}

#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

#[cfg(not(unix))]
pub(crate) fn raise_open_files() -> Option<(u64, u64)> {
    None
}

/// Readies an accepted socket: every write is sent at once, and a peer that
/// acknowledges nothing is given up.
///
/// Unacknowledged bytes are waited for no longer than `patience`, where the
/// system can tell (`TCP_USER_TIMEOUT`, RFC 5482). Where nothing is sent,
/// keep-alive probes (RFC 9293 §3.8.4) are the bytes that are not acknowledged.
pub(crate) fn prepare(stream: &TcpStream, patience: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let second = Duration::from_secs(1);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time((patience / 2).max(second))
        .with_interval((patience / 8).max(second));
    #[cfg(not(target_os = "windows"))]
    let keepalive = keepalive.with_retries(4);
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}

/// Every SIGHUP since it was made, the sign to read files again. Without signals
/// none comes.
#[derive(Debug)]
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    #[cfg(unix)]
    pub(crate) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())?;
        Ok(Self { signal })
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        self.signal.recv().await;
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}
