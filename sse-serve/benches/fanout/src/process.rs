//! The processes of a run, and what the system says of them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::HubBinary;
use crate::baseline::Kind;

/// A server under test, ended when dropped.
pub struct Server {
    child: Child,
    pub name: &'static str,
    pub address: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub fn baseline(kind: Kind) -> anyhow::Result<Self> {
        let name = match kind {
            Kind::Raw => "raw",
            Kind::Axum => "axum",
            Kind::Broadcast => "broadcast",
        };
        Self::spawn(name, Command::new(std::env::current_exe()?).args(["serve", name]))
    }

    pub fn hub(binary: &HubBinary, flags: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(&binary.hub);
        command.args(["hub", "--listen", "127.0.0.1:0"]);
        command.args(binary.hub_flags.split_whitespace()).args(flags);
        Self::spawn("sse-serve", &mut command)
            .with_context(|| format!("cannot start {}; cargo build --release -p sse-serve", binary.hub.display()))
    }

    fn spawn(name: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default();
        let address = address.parse().with_context(|| format!("{name} says {line:?}"))?;
        Ok(Self { child, name, address, _stdout: stdout })
    }

    /// Time of its threads on a processor so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> anyhow::Result<u64> {
        resident(Path::new(&format!("/proc/{}/status", self.child.id())))
    }
}

fn resident(status: &Path) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(status)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmRSS")?.trim().parse()?)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its many readers, in another process.
pub struct Readers {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What came since the last report; latencies in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub count: u64,
    pub p50: u64,
    pub p99: u64,
    pub closed: u64,
}

impl Readers {
    /// Returns before they have connected.
    pub fn spawn(address: SocketAddr, count: usize, flags: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["client", &address.to_string(), "--connections", &count.to_string()])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    pub fn connect(address: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let mut readers = Self::spawn(address, count, &[])?;
        readers.wait()?;
        Ok(readers)
    }

    /// Until all of them have their stream.
    pub fn wait(&mut self) -> anyhow::Result<()> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        anyhow::ensure!(line == "ready\n", "the client says {line:?}");
        Ok(())
    }

    pub fn report(&mut self) -> anyhow::Result<Report> {
        self.stdin.write_all(b"report\n")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || anyhow::Ok(numbers.next().context("a short report")??);
        let (count, p50, p99, _max, closed) = (next()?, next()?, next()?, next()?, next()?);
        Ok(Report { count, p50, p99, closed })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
