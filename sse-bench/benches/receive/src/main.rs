//! Measures what it costs to receive events on many connections: the sender and
//! each reader are processes of their own.

mod connect;
mod deliver;
mod idle;
mod process;
mod reader;
mod sender;
mod table;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(about = "Benchmarks of sse-bench's receive side against a plain epoll reader")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure CPU per delivery, in interleaved rounds.
    Deliver(deliver::Deliver),
    /// Measure the memory of connections.
    Idle(idle::Idle),
    /// Measure how fast connections are opened.
    Connect(connect::Connect),
    /// The sender (used by the others).
    Send,
    /// A plain reader (used by the others).
    Read(reader::Reader),
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An epoll loop that counts bytes.
    Raw,
    /// The same, and sse-core's parser on what it reads.
    Parser,
    /// `sse-bench load`.
    Load,
    /// `sse-bench verify`.
    Verify,
}

/// What reads, and how many of it.
#[derive(Debug, Clone, clap::Args)]
struct Readers {
    /// The binary of sse-bench.
    #[arg(long, value_name = "FILE", default_value = "target/release/sse-bench")]
    bench: PathBuf,
    /// Who reads, the one that the others are compared with first.
    #[arg(long, value_delimiter = ',', default_value = "raw,parser,load,verify")]
    kinds: Vec<Kind>,
    /// Threads of each reader.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Deliver(deliver) => deliver.run(),
        Command::Idle(idle) => idle.run(),
        Command::Connect(connect) => connect.run(),
        Command::Send => sender::run(),
        Command::Read(reader) => reader.run(),
    }
}
