//! What a delivery costs the one that receives it.

use std::time::Duration;

use crate::process::{Reading, Sender};
use crate::table::{median, print};
use crate::{Kind, Readers};

/// The last events may be this late.
const SETTLE: Duration = Duration::from_millis(400);

#[derive(Debug, clap::Args)]
pub struct Deliver {
    #[command(flatten)]
    readers: Readers,
    #[arg(long, default_value_t = 1000)]
    connections: u64,
    /// Writes to each connection per second.
    #[arg(long, default_value_t = 25.0)]
    rate: f64,
    /// Events in one write.
    #[arg(long, default_value_t = 1)]
    batch: u64,
    /// Of each round.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

struct Round {
    /// Seconds of CPU for a million deliveries, of the reader and of the sender.
    cpu: f64,
    sender_cpu: f64,
    per_second: f64,
    per_delivery: f64,
    late: Duration,
    verdict: String,
}

impl Deliver {
    pub fn run(self) -> anyhow::Result<()> {
        let kinds = &self.readers.kinds;
        let mut rounds: Vec<Vec<Round>> = kinds.iter().map(|_| Vec::new()).collect();
        for round in 0..self.rounds {
            for turn in 0..kinds.len() {
                // Each goes first as often.
                let at = (turn + round) % kinds.len();
                rounds[at].push(self.round(kinds[at])?);
            }
        }
        let mut rows = Vec::new();
        for (kind, of) in kinds.iter().zip(&rounds) {
            let figure = |figure: fn(&Round) -> f64| median(of.iter().map(figure).collect());
            let pairs = of.iter().zip(&rounds[0]);
            let ratio = median(pairs.map(|(own, first)| own.cpu / first.cpu).collect());
            rows.push(vec![
                format!("{kind:?}").to_lowercase(),
                format!("{:.2}", figure(|round| round.cpu)),
                format!("{ratio:.2}"),
                format!("{:.3}", figure(|round| round.per_delivery)),
                format!("{:.0}", figure(|round| round.per_second)),
                format!("{:.2}", figure(|round| round.sender_cpu)),
                format!("{:.1}", figure(|round| round.late.as_secs_f64() * 1e3)),
                of.last()
                    .map(|round| round.verdict.clone())
                    .unwrap_or_default(),
            ]);
        }
        let header = [
            "",
            "CPU s/1M",
            "ratio",
            "reads/delivery",
            "deliveries/s",
            "sender CPU s/1M",
            "sender late ms",
            "verdict",
        ];
        print(&header, &rows);
        Ok(())
    }

    fn round(&self, kind: Kind) -> anyhow::Result<Round> {
        let time = Duration::from_secs_f64(self.seconds);
        let mut sender = Sender::start()?;
        let hold = time * 3 / 2 + 4 * SETTLE;
        let reading = Reading::start(&self.readers, kind, &sender, self.connections, hold)?;
        sender.wait_for(self.connections)?;
        std::thread::sleep(SETTLE);
        let (cpu, sender_cpu) = (reading.cpu()?, sender.cpu()?);
        let sent = sender.send(self.rate, time, self.batch)?;
        std::thread::sleep(SETTLE);
        let (cpu, sender_cpu) = (reading.cpu()? - cpu, sender.cpu()? - sender_cpu);
        let (reads, events, verdict) = reading.finish()?;
        if let Some(events) = events {
            anyhow::ensure!(
                events == sent.events,
                "{kind:?}: {events} of {} came",
                sent.events
            );
        }
        let millions = sent.events as f64 / 1e6;
        Ok(Round {
            cpu: cpu.as_secs_f64() / millions,
            sender_cpu: sender_cpu.as_secs_f64() / millions,
            per_second: sent.events as f64 / self.seconds,
            per_delivery: (reads.saturating_sub(self.connections)) as f64 / sent.events as f64,
            late: sent.late,
            verdict,
        })
    }
}
