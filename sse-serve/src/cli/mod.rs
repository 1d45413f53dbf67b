//! The command line. Help, man page and completions come from this definition.

mod usage;
mod value;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{Config, Store, WhenFull};
use crate::demo::{self, DemoConfig};
use crate::http::Server;
use crate::hub::{GapPolicy, HubConfig};
use crate::log::{Durability, Retention};
use crate::publish::{self, PublishArgs};
use crate::{shutdown, sys};

/// A Server-Sent Events hub with replay.
#[derive(Debug, Parser)]
#[command(name = "sse-serve", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sse-serve demo
  sse-serve hub --store sqlite:events.db
  curl -N http://127.0.0.1:8080/events
  sse-serve publish --event note --data 'hello'";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a hub.
    Hub(ServeArgs),
    /// Serve a hub with a publisher of ticks and statuses.
    Demo(DemoArgs),
    /// Publish one event to a running hub and print its id.
    Publish(PublishArgs),
    /// Print a completion script.
    Completions {
        /// The shell it is for.
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each command.
    Man {
        /// The directory to write them to.
        #[arg(long, value_name = "DIRECTORY")]
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = HUB_EXAMPLES)]
struct ServeArgs {
    #[command(flatten)]
    hub: HubArgs,
}

const HUB_EXAMPLES: &str = "\
Examples:
  sse-serve hub --listen 127.0.0.1:9000
  sse-serve hub --store sqlite:events.db --log-events 1000000 --log-bytes 1GiB --log-age 24h";

#[derive(Debug, Args)]
#[command(after_help = DEMO_EXAMPLES)]
struct DemoArgs {
    #[command(flatten)]
    hub: HubArgs,
    /// Time between two ticks.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = value::interval)]
    tick_interval: Duration,
    /// Time between two statuses.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = value::interval)]
    status_interval: Duration,
    /// Ticks per second, in place of --tick-interval.
    #[arg(long, value_name = "N", conflicts_with = "tick_interval", value_parser = value::rate)]
    rate: Option<f64>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  sse-serve demo
  sse-serve demo --listen 127.0.0.1:0 --rate 100
  curl -N 'http://127.0.0.1:8080/events?event=tick&last=10'
  curl -N -H 'Last-Event-ID: <id of an event>' http://127.0.0.1:8080/events";

#[derive(Debug, Args)]
struct HubArgs {
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = value::address)]
    listen: String,
    /// Path of the event stream.
    #[arg(long, value_name = "PATH", default_value = "/events", value_parser = value::path)]
    path: String,
    /// Silence after which a comment keeps a stream alive.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = value::interval)]
    heartbeat: Duration,
    /// Reconnection time told to clients.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = value::pause)]
    retry: Duration,
    /// Time over which a shutdown closes the streams.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = value::pause)]
    drain: Duration,
    /// Time a write may stand still before its connection is closed.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = value::interval)]
    write_timeout: Duration,
    /// Time a client may take to send a request head.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = value::interval)]
    header_timeout: Duration,
    /// Where delivery goes on when history is missing.
    #[arg(long, value_enum, default_value_t = Gap::Oldest)]
    gap: Gap,
    /// Most events kept for replay.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value::count)]
    log_events: usize,
    /// Most bytes of events kept for replay, such as 64MiB; at least 2MiB.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = value::log_size)]
    log_bytes: ByteSize,
    /// Longest time an event is kept for replay [default: no limit].
    #[arg(long, visible_alias = "ttl", value_name = "DURATION", value_parser = value::age)]
    log_age: Option<Duration>,
    /// Where events are kept: memory, or sqlite:PATH.
    #[arg(long, value_name = "STORE", default_value = "memory", value_parser = value::store)]
    store: value::StoreKind,
    /// What an acknowledged event survives, with a store on disk.
    #[arg(long, value_enum, default_value_t = Durable::Full)]
    durability: Durable,
    /// Bytes of the newest events held in memory too, with a store on disk.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = value::memory_size)]
    log_memory: ByteSize,
    /// Most open streams [default: the open-file limit less 256].
    #[arg(long, value_name = "N", value_parser = value::count)]
    max_connections: Option<usize>,
    /// Answer to a subscriber beyond the limit.
    #[arg(long, value_enum, default_value_t = Full::Reject)]
    when_full: Full,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Gap {
    /// With the oldest event that is still kept.
    Oldest,
    /// With what is published from now on.
    Latest,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Durable {
    /// A power cut: each commit is synced to the disk.
    Full,
    /// A crash of the process, not of the machine.
    Normal,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Full {
    /// 503 with Retry-After.
    Reject,
    /// 200 with a reconnection time, which a browser comes back after.
    Retry,
}

/// Runs the program: exit code 0, 1 for a failure, 2 for a usage error.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            usage::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Hub(args) => runtime()?.block_on(hub(args)),
        Command::Demo(args) => runtime()?.block_on(demo(args)),
        Command::Publish(args) => runtime()?.block_on(publish::run(args)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sse-serve", &mut script);
            print(&script)
        }
        Command::Man { directory: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&page)
        }
        Command::Man {
            directory: Some(directory),
        } => clap_mangen::generate_to(Cli::command(), &directory)
            .with_context(|| format!("cannot write to {}", directory.display())),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn bind(args: HubArgs) -> anyhow::Result<Server> {
    log_to_stderr();
    let server = Server::bind(args.into_config()).await?;
    // Whoever started it may not care to read on.
    let _ = print(format!("listening on http://{}\n", server.local_addr()).as_bytes());
    Ok(server)
}

async fn hub(args: ServeArgs) -> anyhow::Result<()> {
    let server = bind(args.hub).await?;
    server.run(shutdown::signal()).await;
    Ok(())
}

async fn demo(args: DemoArgs) -> anyhow::Result<()> {
    let server = bind(args.hub).await?;
    tokio::spawn(demo::publish(
        server.hub(),
        DemoConfig {
            tick_interval: args.tick_interval,
            status_interval: args.status_interval,
            rate: args.rate,
        },
    ));
    server.run(shutdown::signal()).await;
    Ok(())
}

impl HubArgs {
    fn into_config(self) -> Config {
        let capacity = self.max_connections.or_else(sys::connection_capacity);
        Config {
            listen: self.listen,
            path: self.path,
            when_full: match self.when_full {
                Full::Reject => WhenFull::Reject,
                Full::Retry => WhenFull::Retry,
            },
            header_timeout: self.header_timeout,
            write_timeout: self.write_timeout,
            store: match self.store {
                value::StoreKind::Memory => Store::Memory,
                value::StoreKind::Sqlite(path) => Store::Sqlite {
                    path,
                    durability: match self.durability {
                        Durable::Full => Durability::Full,
                        Durable::Normal => Durability::Normal,
                    },
                    memory: self.log_memory.as_u64() as usize,
                },
            },
            hub: HubConfig {
                retention: Retention {
                    events: self.log_events,
                    bytes: self.log_bytes.as_u64() as usize,
                    age: self.log_age,
                },
                topics: Vec::new(),
                heartbeat: self.heartbeat,
                retry: self.retry,
                drain: self.drain,
                gap: match self.gap {
                    Gap::Oldest => GapPolicy::Oldest,
                    Gap::Latest => GapPolicy::Latest,
                },
                max_connections: capacity.unwrap_or(HubConfig::default().max_connections),
            },
        }
    }
}

fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,sse_serve=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_of_the_flags_are_those_of_the_library() {
        let cli = Cli::try_parse_from(["sse-serve", "demo", "--max-connections", "100000"]);
        let Command::Demo(args) = cli.unwrap().command else {
            panic!("not the demo");
        };
        assert_eq!(args.tick_interval, DemoConfig::default().tick_interval);
        assert_eq!(args.status_interval, DemoConfig::default().status_interval);
        assert_eq!(args.hub.into_config(), Config::default());
    }
}
