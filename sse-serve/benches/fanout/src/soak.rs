//! Connections that come and go, in all the ways they do.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::HubBinary;
use crate::process::Server;
use crate::publisher::Publisher;

#[derive(Debug, clap::Args)]
pub struct Soak {
    #[command(flatten)]
    hub: HubBinary,
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Threads that open connections, each about 20 at a time.
    #[arg(long, default_value_t = 4)]
    threads: usize,
    /// Events per second.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Memory may grow by so much from the first tenth to the end.
    #[arg(long, default_value_t = 8.0)]
    growth_mib: f64,
}

impl Soak {
    pub fn run(self) -> anyhow::Result<()> {
        // A small log, or memory would grow until it is full.
        let flags = ["--log-events", "2000", "--heartbeat", "1s", "--write-timeout", "2s"];
        let server = Server::hub(&self.hub, &flags)?;
        let end = Instant::now() + Duration::from_secs_f64(self.minutes * 60.0);
        let stop = Arc::new(AtomicBool::new(false));
        let opened = Arc::new(AtomicU64::new(0));
        let address = server.address;
        let mut threads: Vec<_> = (0..self.threads)
            .map(|thread| {
                let (stop, opened) = (Arc::clone(&stop), Arc::clone(&opened));
                std::thread::spawn(move || come_and_go(address, thread, &stop, &opened))
            })
            .collect();
        let rate = self.rate;
        let stopped = Arc::clone(&stop);
        threads.push(std::thread::spawn(move || {
            let mut publisher = Publisher::connect(address)?;
            while !stopped.load(Ordering::Relaxed) {
                publisher.run(rate, Duration::from_secs(1))?;
            }
            Ok(())
        }));
        let step = Duration::from_secs_f64((self.minutes * 6.0).clamp(1.0, 60.0));
        let mut resident = Vec::new();
        while Instant::now() < end {
            std::thread::sleep(step.min(end.saturating_duration_since(Instant::now())));
            let kib = server.resident()?;
            let gauges = Gauges::read(address)?;
            println!(
                "{} connections opened, {} open, {} sockets, {kib} KiB resident",
                opened.load(Ordering::Relaxed), gauges.connections, gauges.sockets
            );
            resident.push(kib);
        }
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let gauges = Gauges::read(address)?;
            // The one that asks is left.
            if gauges.connections == 0 && gauges.sockets == 1 && gauges.lag == 0 {
                break;
            }
            anyhow::ensure!(Instant::now() < patience, "left open: {gauges:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        let first = *resident.get(resident.len() / 10).context("no figures")?;
        let last = server.resident()?;
        let growth = (last as f64 - first as f64) / 1024.0;
        println!("gauges are back at 0; memory {first} -> {last} KiB");
        anyhow::ensure!(growth <= self.growth_mib, "memory grew by {growth:.1} MiB");
        Ok(())
    }
}

#[derive(Debug)]
struct Gauges {
    connections: u64,
    sockets: u64,
    lag: u64,
}

impl Gauges {
    fn read(address: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let sample = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            anyhow::Ok(value.with_context(|| format!("no {name}"))?.parse()?)
        };
        Ok(Self {
            connections: sample("sse_serve_connections")?,
            sockets: sample("sse_serve_sockets")?,
            lag: sample("sse_serve_lag_events")?,
        })
    }
}

const PATHS: [&str; 6] = [
    "/events",
    "/events?last_event_id=earliest",
    "/events?topic=*&event=message",
    "/notifications/alice",
    "/health",
    "/nowhere",
];

/// Half of them read, some reset, some stall, some say half of a request.
fn come_and_go(
    address: SocketAddr,
    thread: usize,
    stop: &AtomicBool,
    opened: &AtomicU64,
) -> anyhow::Result<()> {
    let mut open: Vec<TcpStream> = Vec::new();
    let mut turn = thread;
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let mut stream = TcpStream::connect(address)?;
        opened.fetch_add(1, Ordering::Relaxed);
        stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        let path = PATHS[turn % PATHS.len()];
        // Of its own topic now and then, so that selections come and go too.
        let path = if turn % 7 == 0 { format!("/events?topic=t{turn}") } else { path.to_owned() };
        let version = if turn % 5 == 0 { "1.0" } else { "1.1" };
        let request = format!("GET {path} HTTP/{version}\r\nHost: {address}\r\n\r\n");
        let sent = if turn % 11 == 0 { request.len() / 2 } else { request.len() };
        stream.write_all(&request.as_bytes()[..sent])?;
        open.push(stream);
        if open.len() > 20 {
            // Those that do not read for long, the server closes.
            let mut stream = open.swap_remove((turn * 7) % open.len());
            if turn % 2 == 0 {
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
            }
            if turn % 3 == 0 {
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
