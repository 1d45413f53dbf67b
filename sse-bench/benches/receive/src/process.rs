//! The processes of a run, and what the system says of them.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use crate::{Kind, Readers};

/// How long a reader may take to open its connections.
const OPENING: Duration = Duration::from_secs(60);

/// A process of ours, ended when dropped.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        Ok(Self {
            child,
            stdin,
            stdout,
        })
    }

    fn ask(&mut self, command: &str) -> anyhow::Result<Vec<u64>> {
        writeln!(self.stdin, "{command}")?;
        let line = self.line()?;
        line.split_whitespace()
            .map(|word| Ok(word.parse()?))
            .collect()
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }

    /// Time of its threads on a processor so far.
    fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let times = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Sender {
    process: Process,
    address: String,
}

/// What was sent.
pub struct Sent {
    pub events: u64,
    /// The longest that a write was late.
    pub late: Duration,
}

impl Sender {
    pub fn start() -> anyhow::Result<Self> {
        let mut process = Process::spawn(Command::new(std::env::current_exe()?).arg("send"))?;
        let line = process.line()?;
        let address = line
            .trim()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        Ok(Self { process, address })
    }

    /// Streams open now, and the time from the first connection to the last head.
    pub fn open(&mut self) -> anyhow::Result<(u64, Duration)> {
        match self.process.ask("open")?[..] {
            [open, took] => Ok((open, Duration::from_micros(took))),
            _ => anyhow::bail!("the sender is gone"),
        }
    }

    pub fn wait_for(&mut self, connections: u64) -> anyhow::Result<Duration> {
        let start = Instant::now();
        loop {
            let (open, took) = self.open()?;
            if open == connections {
                return Ok(took);
            }
            anyhow::ensure!(
                start.elapsed() < OPENING,
                "{open} of {connections} connections are open"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn send(&mut self, rate: f64, time: Duration, batch: u64) -> anyhow::Result<Sent> {
        let command = format!("send {rate} {} {batch}", time.as_millis());
        match self.process.ask(&command)?[..] {
            [events, late] => Ok(Sent {
                events,
                late: Duration::from_micros(late),
            }),
            _ => anyhow::bail!("the sender is gone"),
        }
    }

    pub fn cpu(&self) -> anyhow::Result<Duration> {
        self.process.cpu()
    }
}

/// One that reads many connections.
pub struct Reading {
    process: Process,
    report: Option<PathBuf>,
}

impl Reading {
    /// `hold` is how long sse-bench is to go on after its connections are open.
    pub fn start(
        readers: &Readers,
        kind: Kind,
        sender: &Sender,
        connections: u64,
        hold: Duration,
    ) -> anyhow::Result<Self> {
        let connections = connections.to_string();
        let threads = readers.threads.to_string();
        if matches!(kind, Kind::Raw | Kind::Parser) {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["read", &sender.address, "--connections", &connections]);
            command.args(["--threads", &threads]);
            command.args((kind == Kind::Parser).then_some("--parse"));
            let process = Process::spawn(&mut command)?;
            return Ok(Self {
                process,
                report: None,
            });
        }
        let report = std::env::temp_dir().join(format!("receive-{}.json", std::process::id()));
        let _ = std::fs::remove_file(&report);
        let mut command = Command::new(&readers.bench);
        let url = format!("http://{}/events", sender.address);
        command.arg(format!("{kind:?}").to_lowercase()).arg(url);
        command.args(["-c", &connections, "--output-format"]);
        command.arg(format!("json={}", report.display()));
        if kind == Kind::Load {
            let hold = format!("{}ms", hold.as_millis());
            command.args([
                "--threads",
                &threads,
                "--connect-rate",
                "1000000",
                "-z",
                &hold,
            ]);
        } else {
            // It opens its connections over a sixth of its time, at most 5 s.
            let whole = (hold * 6 / 5).min(hold + Duration::from_secs(5)) + Duration::from_secs(1);
            let whole = format!("{}ms", whole.as_millis());
            command.args(["--cut", "none", "--drain", "500ms", "-z", &whole]);
            command.args(["--threads", &threads]);
        }
        let process = Process::spawn(&mut command)?;
        Ok(Self {
            process,
            report: Some(report),
        })
    }

    pub fn cpu(&self) -> anyhow::Result<Duration> {
        self.process.cpu()
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.context("no VmRSS")?.trim().parse()?)
    }

    /// Waits for its end: reads and events, and its verdict.
    pub fn finish(mut self) -> anyhow::Result<(u64, Option<u64>, String)> {
        let Some(report) = &self.report else {
            return match self.process.ask("")?[..] {
                [reads, _, events] => Ok((reads, (events > 0).then_some(events), "–".to_owned())),
                _ => anyhow::bail!("the reader is gone"),
            };
        };
        let status = self.process.child.wait()?;
        let text =
            std::fs::read_to_string(report).with_context(|| format!("sse-bench: {status}"))?;
        let json: Value = serde_json::from_str(&text)?;
        let number = |pointer: &str| json.pointer(pointer).and_then(Value::as_u64);
        let reads = number("/reads/total").or(number("/deliveries/reads"));
        let verdict = json["verdict"].as_str().unwrap_or_default().to_owned();
        Ok((
            reads.unwrap_or_default(),
            number("/deliveries/total"),
            verdict,
        ))
    }
}
