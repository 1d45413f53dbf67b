//! What only some operating systems offer.

use std::time::Duration;

use tokio::net::TcpStream;

/// Descriptors left for everything but subscribers.
#[cfg(unix)]
const RESERVED_FILES: u64 = 256;

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

/// Sends every write at once, and gives up on a peer that acknowledges nothing
/// for `timeout` where the system can tell (`TCP_USER_TIMEOUT`, RFC 5482).
pub(crate) fn prepare(stream: &TcpStream, timeout: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = timeout;
    Ok(())
}
