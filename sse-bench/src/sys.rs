//! What only the operating system knows, with a portable answer of "unknown".

use std::io::IsTerminal;
use std::time::Duration;

use tokio::sync::Notify;

/// Raises the soft limit of open files to the hard one. The limit in force;
/// `None` where there is none or it is unknown.
#[cfg(unix)]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    // macOS refuses more than its own constant where the hard limit says "unlimited".
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(_) => before,
    }
}

/// Unknown here.
#[cfg(not(unix))]
pub fn raise_open_files() -> Option<u64> {
    None
}

/// The version of the kernel.
pub fn kernel() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
        Some(release.trim().to_owned())
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Local ports that the system hands out to connections to one address.
pub fn local_ports() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
        let mut bounds = range.split_whitespace().map(str::parse::<u64>);
        let (low, high) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
        Some((high + 1).saturating_sub(low))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Leaves the choice of a port to the moment of connecting, where the system can:
/// then a port is taken for one peer only, and not for all.
pub fn choose_port_late(socket: &tokio::net::TcpSocket) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
        // Before Linux 4.2 ports are taken earlier, and there are fewer of them.
        let _ = setsockopt(socket, IpBindAddressNoPort, &true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// The most memory this process has held, in bytes.
pub fn peak_memory() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        peak_of(&status)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// CPU time of this process, user and system.
pub fn cpu_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let seconds = u64::try_from(time.tv_sec).ok()?;
        Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    None
}

/// A command line for the shell of the system.
pub fn shell(line: &str) -> std::process::Command {
    #[cfg(windows)]
    let (shell, option) = ("cmd", "/C");
    #[cfg(not(windows))]
    let (shell, option) = ("sh", "-c");
    let mut command = std::process::Command::new(shell);
    command.args([option, line]);
    command
}

/// The user asked by a key for the run to end.
static ASKED_TO_END: Notify = Notify::const_new();

/// Completes [`interrupted`], from any thread.
pub fn ask_to_end() {
    ASKED_TO_END.notify_one();
}

/// Completes when the process is asked to end: by a key, Ctrl-C, on Unix SIGTERM,
/// and SIGHUP where a terminal can hang up; what `nohup` runs has none.
pub async fn interrupted() -> std::io::Result<()> {
    let asked = ASKED_TO_END.notified();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let has_terminal = std::io::stderr().is_terminal();
        let mut hang_up = has_terminal
            .then(|| signal(SignalKind::hangup()))
            .transpose()?;
        let hung_up = async {
            match &mut hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
            _ = hung_up => Ok(()),
            () = asked => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        () = asked => Ok(()),
    }
}

/// Whether this process may draw on the terminal of standard error: a background
/// job that does is stopped.
pub fn has_foreground() -> bool {
    #[cfg(unix)]
    {
        let group = rustix::termios::tcgetpgrp(std::io::stderr());
        group == Ok(rustix::process::getpgrp())
    }
    #[cfg(not(unix))]
    true
}

/// The most memory that another process has held, in bytes.
pub fn peak_memory_of(process: u32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        peak_of(&status)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = process;
        None
    }
}

#[cfg(target_os = "linux")]
fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Kills a process group by the id of its leader, a child of this process that
/// was not waited for. Elsewhere than on Unix, nothing: the child itself is
/// killed when its handle is dropped.
pub fn kill_group(leader: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let pid = i32::try_from(leader).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
    #[cfg(not(unix))]
    let _ = leader;
}

/// Asks a process group to end (SIGTERM), by the id of its leader. `false` where
/// there is no such way.
pub fn terminate_group(leader: u32) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let pid = i32::try_from(leader).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| kill_process_group(pid, Signal::TERM).is_ok())
    }
    #[cfg(not(unix))]
    {
        let _ = leader;
        false
    }
}
