//! What a connection costs in memory.

use std::time::Duration;

use crate::Readers;
use crate::process::{Reading, Sender};
use crate::table::print;

const SETTLE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub struct Idle {
    #[command(flatten)]
    readers: Readers,
    /// Connections; memory is compared with that of the first number.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,5000,19000")]
    connections: Vec<u64>,
    /// Events that each receives before memory is read.
    #[arg(long, default_value_t = 20)]
    events: u64,
}

impl Idle {
    pub fn run(self) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for &kind in &self.readers.kinds {
            let mut first = None;
            for &connections in &self.connections {
                let mut sender = Sender::start()?;
                let rate = 10.0;
                let time = Duration::from_secs_f64(self.events as f64 / rate);
                let hold = time * 2 + Duration::from_secs(6);
                let reading = Reading::start(&self.readers, kind, &sender, connections, hold)?;
                sender.wait_for(connections)?;
                std::thread::sleep(SETTLE);
                let opened = reading.resident()?;
                sender.send(rate, time, 1)?;
                std::thread::sleep(SETTLE);
                let resident = reading.resident()?;
                let (_, _, verdict) = reading.finish()?;
                let (few, base) = *first.get_or_insert((connections, resident));
                let each = resident.saturating_sub(base) as f64 / (connections - few) as f64;
                rows.push(vec![
                    format!("{kind:?}").to_lowercase(),
                    connections.to_string(),
                    opened.to_string(),
                    resident.to_string(),
                    format!("{each:.2}"),
                    verdict,
                ]);
            }
        }
        let header = [
            "",
            "connections",
            "KiB when open",
            "KiB after events",
            "KiB per connection",
            "verdict",
        ];
        print(&header, &rows);
        Ok(())
    }
}
