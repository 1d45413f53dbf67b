//! The measurements.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::HubBinary;
use crate::baseline::Kind;
use crate::process::{Readers, Report, Server};
use crate::publisher::Publisher;
use crate::table::{median, print};

/// The hub keeps as little as the others.
const FLAGS: [&str; 4] = ["--log-events", "16384", "--heartbeat", "60s"];

/// The last events may be this late.
const SETTLE: Duration = Duration::from_millis(400);

const P99_MAX: u64 = 45_000;

#[derive(Debug, clap::Args)]
pub struct Rates {
    #[command(flatten)]
    hub: HubBinary,
    /// Events per second.
    #[arg(long, value_delimiter = ',', default_value = "10,200,1600,3200")]
    rates: Vec<f64>,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Of each round at each rate.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Beside raw and the hub.
    #[arg(long, value_delimiter = ',', default_value = "axum,broadcast")]
    baselines: Vec<Kind>,
    /// Another hub with this flush interval.
    #[arg(long, default_value = "10ms")]
    flush_interval: String,
}

/// A server with its readers.
struct Bench {
    server: Server,
    readers: Readers,
    connections: usize,
}

struct Round {
    /// Seconds of CPU for a million deliveries.
    cpu: f64,
    report: Report,
    /// Deliveries per second while events were published.
    per_second: f64,
    is_whole: bool,
}

impl Bench {
    fn new(server: Server, connections: usize) -> anyhow::Result<Self> {
        let readers = Readers::connect(server.address, connections)?;
        Ok(Self { server, readers, connections })
    }

    fn round(&mut self, rate: f64, time: Duration) -> anyhow::Result<Round> {
        self.readers.report()?;
        // Anew, as servers close what is idle between two rounds.
        let mut publisher = Publisher::connect(self.server.address)?;
        let (cpu, start) = (self.server.cpu()?, Instant::now());
        let published = publisher.run(rate, time)?;
        let took = start.elapsed();
        std::thread::sleep(SETTLE);
        let report = self.readers.report()?;
        let cpu = self.server.cpu()? - cpu;
        anyhow::ensure!(report.closed == 0, "{} closed connections", self.server.name);
        Ok(Round {
            cpu: cpu.as_secs_f64() / (report.count.max(1) as f64 / 1e6),
            per_second: report.count as f64 / took.as_secs_f64(),
            is_whole: report.count == published * self.connections as u64,
            report,
        })
    }
}

impl Rates {
    pub fn run(self) -> anyhow::Result<()> {
        let mut benches = vec![("raw", Server::baseline(Kind::Raw)?)];
        benches.push(("sse-serve", Server::hub(&self.hub, &FLAGS)?));
        if self.flush_interval != "0s" {
            let flags = [&FLAGS[..], &["--flush-interval", &self.flush_interval]].concat();
            benches.push(("sse-serve, pause", Server::hub(&self.hub, &flags)?));
        }
        for &kind in &self.baselines {
            let server = Server::baseline(kind)?;
            benches.push((server.name, server));
        }
        let mut benches: Vec<(&str, Bench)> = benches
            .into_iter()
            .map(|(name, server)| Ok((name, Bench::new(server, self.connections)?)))
            .collect::<anyhow::Result<_>>()?;
        let mut rows = Vec::new();
        for &rate in &self.rates {
            let mut rounds: Vec<Vec<Round>> = benches.iter().map(|_| Vec::new()).collect();
            for round in 0..self.rounds {
                for turn in 0..benches.len() {
                    // Each goes first as often.
                    let at = (turn + round) % benches.len();
                    let time = Duration::from_secs_f64(self.seconds);
                    rounds[at].push(benches[at].1.round(rate, time)?);
                }
            }
            for ((name, _), of) in benches.iter().zip(&rounds) {
                let figure = |figure: fn(&Round) -> f64| median(of.iter().map(figure).collect());
                let ratio = |figure: fn(&Round) -> f64| {
                    let pairs = of.iter().zip(&rounds[0]);
                    median(pairs.map(|(own, raw)| figure(own) / figure(raw)).collect())
                };
                let whole = of.iter().all(|round| round.is_whole);
                rows.push(vec![
                    format!("{rate} events/s, {name}{}", if whole { "" } else { " (incomplete)" }),
                    format!("{:.2}", figure(|round| round.cpu)),
                    format!("{:.2}", ratio(|round| round.cpu)),
                    format!("{:.1}", figure(|round| round.report.p50 as f64 / 1e3)),
                    format!("{:.1}", figure(|round| round.report.p99 as f64 / 1e3)),
                    format!("{:.2}", ratio(|round| round.report.p99 as f64)),
                ]);
            }
        }
        let header = ["", "CPU s/1M", "ratio to raw", "p50 ms", "p99 ms", "ratio to raw"];
        print(&header, &rows);
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
pub struct Ceiling {
    #[command(flatten)]
    hub: HubBinary,
    /// Events per second, rising.
    #[arg(long, value_delimiter = ',', default_value = "4500,5000,5500,6000,6500,7000,8000")]
    rates: Vec<f64>,
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, value_delimiter = ',', default_value = "axum,broadcast")]
    baselines: Vec<Kind>,
}

impl Ceiling {
    pub fn run(self) -> anyhow::Result<()> {
        let mut servers = vec![Server::baseline(Kind::Raw)?, Server::hub(&self.hub, &FLAGS)?];
        for &kind in &self.baselines {
            servers.push(Server::baseline(kind)?);
        }
        let mut rows = Vec::new();
        for server in servers {
            let mut bench = Bench::new(server, 1000)?;
            let mut best = (0.0, 0.0);
            for &rate in &self.rates {
                let time = Duration::from_secs_f64(self.seconds);
                let rounds: Vec<Round> = (0..self.rounds)
                    .map(|_| bench.round(rate, time))
                    .collect::<anyhow::Result<_>>()?;
                let p99 = median(rounds.iter().map(|round| round.report.p99 as f64).collect());
                let per_second = median(rounds.iter().map(|round| round.per_second).collect());
                if p99 > P99_MAX as f64 || !rounds.iter().all(|round| round.is_whole) {
                    break;
                }
                best = (per_second, p99);
            }
            rows.push(vec![
                bench.server.name.to_owned(),
                format!("{:.2}", best.0 / 1e6),
                format!("{:.1}", best.1 / 1e3),
            ]);
        }
        print(&["", "M deliveries/s", "p99 ms"], &rows);
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
pub struct Idle {
    #[command(flatten)]
    hub: HubBinary,
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

impl Idle {
    pub fn run(self) -> anyhow::Result<()> {
        let servers = [
            Server::baseline(Kind::Raw)?,
            Server::hub(&self.hub, &["--heartbeat", "10m"])?,
            Server::baseline(Kind::Axum)?,
            Server::baseline(Kind::Broadcast)?,
        ];
        let mut rows = Vec::new();
        for server in servers {
            // What it takes once, whatever the number.
            drop(Readers::connect(server.address, 10)?);
            std::thread::sleep(SETTLE);
            let before = server.resident()?;
            let readers = Readers::connect(server.address, self.connections)?;
            std::thread::sleep(SETTLE);
            let after = server.resident()?;
            let each = (after - before) as f64 / self.connections as f64;
            rows.push(vec![
                server.name.to_owned(),
                format!("{before}"),
                format!("{after}"),
                format!("{each:.2}"),
            ]);
            drop(readers);
        }
        print(&["", "KiB before", "KiB after", "KiB per connection"], &rows);
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    hub: HubBinary,
    #[arg(long, default_value_t = 500)]
    events: u64,
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

impl Replay {
    pub fn run(self) -> anyhow::Result<()> {
        let server = Server::hub(&self.hub, &FLAGS)?;
        Publisher::connect(server.address)?.publish(self.events)?;
        let expected = self.events * self.connections as u64;
        let (mut times, mut after_open) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let path = "/events?last_event_id=earliest";
            let flags = ["--path", path, "--at-once"];
            let start = Instant::now();
            let mut readers = Readers::spawn(server.address, self.connections, &flags)?;
            readers.wait()?;
            let opened = start.elapsed();
            let mut count = 0;
            while count < expected {
                count += readers.report()?.count;
                anyhow::ensure!(start.elapsed() < Duration::from_secs(60), "{count} came");
            }
            times.push(start.elapsed().as_secs_f64());
            after_open.push((start.elapsed() - opened).as_secs_f64());
        }
        print(
            &["", "s from the first connect", "s after the last head"],
            &[vec![
                format!("{} events to {} at once", self.events, self.connections),
                format!("{:.3}", median(times)),
                format!("{:.3}", median(after_open)),
            ]],
        );
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
pub struct Stall {
    #[command(flatten)]
    hub: HubBinary,
    #[arg(long, default_value_t = 1600.0)]
    rate: f64,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
}

impl Stall {
    pub fn run(self) -> anyhow::Result<()> {
        let mut bench = Bench::new(Server::hub(&self.hub, &FLAGS)?, 999)?;
        let time = Duration::from_secs_f64(self.seconds);
        let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        bench.round(self.rate, time)?;
        for _ in 0..self.rounds {
            let before = bench.round(self.rate, time)?.report.p99 as f64;
            let mut stalled = TcpStream::connect(bench.server.address)?;
            let host = bench.server.address;
            write!(stalled, "GET /events?last_event_id=earliest HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
            // It reads its head and no more.
            stalled.read_exact(&mut [0; 64])?;
            let after = bench.round(self.rate, time)?.report.p99 as f64;
            drop(stalled);
            without.push(before / 1e3);
            with.push(after / 1e3);
            ratios.push(after / before);
        }
        let row = vec![
            format!("{} events/s", self.rate),
            format!("{:.1}", median(without)),
            format!("{:.1}", median(with)),
            format!("{:.2}", median(ratios)),
        ];
        print(&["", "p99 ms", "p99 ms with a stalled reader", "ratio"], &[row]);
        Ok(())
    }
}
