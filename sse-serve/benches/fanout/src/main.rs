//! Measures what it costs to deliver events to many connections: the servers, the
//! client and the publisher are processes of their own.

mod baseline;
mod client;
mod payload;
mod process;
mod publisher;
mod run;
mod soak;
mod table;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Benchmarks of sse-serve's delivery against plain writers")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure CPU and latency at set rates, in interleaved rounds.
    Rates(run::Rates),
    /// Find the most deliveries per second with p99 under 45 ms.
    Ceiling(run::Ceiling),
    /// Measure the memory of idle connections.
    Idle(run::Idle),
    /// Measure a replay of 500 events to all connections at once.
    Replay(run::Replay),
    /// Measure what a reader that does not read does to the others.
    Stall(run::Stall),
    /// Let connections come and go, and watch memory and gauges.
    Soak(soak::Soak),
    /// A baseline (used by the others).
    Serve {
        kind: baseline::Kind,
    },
    /// A reader of many connections (used by the others).
    Client(client::Client),
}

/// Where the hub's binary is.
#[derive(Debug, Clone, clap::Args)]
struct HubBinary {
    /// The binary of sse-serve.
    #[arg(long, value_name = "FILE", default_value = "target/release/sse-serve")]
    hub: PathBuf,
    /// More flags for it, separated by spaces.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    hub_flags: String,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Rates(rates) => rates.run(),
        Command::Ceiling(ceiling) => ceiling.run(),
        Command::Idle(idle) => idle.run(),
        Command::Replay(replay) => replay.run(),
        Command::Stall(stall) => stall.run(),
        Command::Soak(soak) => soak.run(),
        Command::Serve { kind } => baseline::serve(kind),
        Command::Client(client) => client.run(),
    }
}
