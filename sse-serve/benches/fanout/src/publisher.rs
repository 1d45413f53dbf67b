//! Publishes at a set rate over one connection, in batches where events are closer
//! together than 5 ms.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::payload;

const STEP: Duration = Duration::from_millis(5);

pub struct Publisher {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Publisher {
    pub fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader, address })
    }

    /// So many events at once.
    pub fn publish(&mut self, count: u64) -> anyhow::Result<()> {
        let mut body = Vec::new();
        for _ in 0..count {
            payload::put_line(&mut body, payload::now());
        }
        let mut request = format!(
            "POST /trigger HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-ndjson\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .into_bytes();
        request.append(&mut body);
        self.stream.write_all(&request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "not published: {line:?}");
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().context("Content-Length")?;
            }
        }
        let mut answer = vec![0; length];
        Ok(self.reader.read_exact(&mut answer)?)
    }

    /// Returns how many it published.
    pub fn run(&mut self, per_second: f64, time: Duration) -> anyhow::Result<u64> {
        let start = Instant::now();
        let step = STEP.max(Duration::from_secs_f64(per_second.recip()));
        let mut published = 0;
        let mut next = start + step;
        while next <= start + time {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            let due = (next - start).as_secs_f64() * per_second + 0.5;
            let count = due as u64 - published;
            if count > 0 {
                self.publish(count)?;
                published += count;
            }
            next += step;
        }
        Ok(published)
    }
}
