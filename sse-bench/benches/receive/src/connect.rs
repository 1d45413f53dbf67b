//! How fast connections are opened.

use std::time::Duration;

use crate::Readers;
use crate::process::{Reading, Sender};
use crate::table::{median, print};

#[derive(Debug, clap::Args)]
pub struct Connect {
    #[command(flatten)]
    readers: Readers,
    #[arg(long, default_value_t = 10_000)]
    connections: u64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Connect {
    pub fn run(self) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for &kind in &self.readers.kinds {
            let (mut rates, mut own, mut others) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..self.rounds {
                let mut sender = Sender::start()?;
                let hold = Duration::from_secs(1);
                let reading = Reading::start(&self.readers, kind, &sender, self.connections, hold)?;
                let took = sender.wait_for(self.connections)?;
                let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.connections as f64;
                rates.push(self.connections as f64 / took.as_secs_f64());
                own.push(each(reading.cpu()?));
                others.push(each(sender.cpu()?));
                reading.finish()?;
            }
            rows.push(vec![
                format!("{kind:?}").to_lowercase(),
                format!("{:.0}", median(rates)),
                format!("{:.1}", median(own)),
                format!("{:.1}", median(others)),
            ]);
        }
        print(
            &["", "connects/s", "CPU µs each", "server CPU µs each"],
            &rows,
        );
        Ok(())
    }
}
