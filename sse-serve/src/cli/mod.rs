//! The command line. Help, man page and completions come from this definition.

mod auth;
mod file;
mod hangup;
mod layers;
mod logging;
mod options;
mod print_config;
mod token;
mod usage;
pub(crate) mod value;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::demo::{self, DemoConfig};
use crate::error::StartError;
use crate::http::Server;
use crate::publish::{self, Ended, PublishArgs};
use crate::{shutdown, sys};
use options::HubArgs;

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
    Hub(HubCommand),
    /// Serve a hub with a publisher of ticks and statuses.
    Demo(DemoArgs),
    /// Publish events to a running hub and print their ids.
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
struct HubCommand {
    #[command(flatten)]
    hub: HubArgs,
}

const HUB_EXAMPLES: &str = "\
Examples:
  sse-serve hub --store sqlite:events.db --log-events 1000000 --log-bytes 1GiB --log-age 24h
  sse-serve hub --config hub.toml --log-format json
  sse-serve hub --print-config > hub.toml
  sse-serve hub --listen 0.0.0.0:8080 --auth-token 'ci:file=ci.token,publish=builds.*'
  SSE_SERVE_HEARTBEAT=5s sse-serve hub --listen 127.0.0.1:0";

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

/// Runs the program: exit code 0, 1 for a failure, 2 for a usage error.
pub fn run() -> ExitCode {
    let parsed = match layers::parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    let done = match parsed.printed_config() {
        // Also one that cannot be had: it shows where each value comes from.
        Some(text) => print(text.as_bytes()).and_then(|()| check(parsed.cli.command)),
        None => execute(parsed.cli.command),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            usage::say(&format!("{error:#}"));
            let is_usage = error.downcast_ref().is_some_and(StartError::is_usage);
            ExitCode::from(if is_usage { 2 } else { 1 })
        }
    }
}

fn check(command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Hub(HubCommand { hub }) | Command::Demo(DemoArgs { hub, .. }) = command {
        hub.into_config()?.check()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Publish(args) => return publish(args),
        Command::Hub(args) => runtime()?.block_on(serve(args.hub, None)),
        Command::Demo(args) => {
            let publisher = DemoConfig {
                tick_interval: args.tick_interval,
                status_interval: args.status_interval,
                rate: args.rate,
            };
            runtime()?.block_on(serve(args.hub, Some(publisher)))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut layers::command(), "sse-serve", &mut script);
            print(&script)
        }
        Command::Man { directory: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(layers::command()).render(&mut page)?;
            print(&page)
        }
        Command::Man {
            directory: Some(directory),
        } => clap_mangen::generate_to(layers::command(), &directory)
            .with_context(|| format!("cannot write to {}", directory.display())),
    }
    .map(|()| ExitCode::SUCCESS)
}

fn publish(args: PublishArgs) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let ended = runtime.block_on(publish::run(args));
    // A read of stdin that still waits would hold it back.
    runtime.shutdown_background();
    Ok(match ended? {
        Ended::Published => ExitCode::SUCCESS,
        Ended::Interrupted { before } => {
            usage::say(&format!("interrupted before event {before}"));
            ExitCode::from(130)
        }
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn serve(args: HubArgs, publisher: Option<DemoConfig>) -> anyhow::Result<()> {
    logging::begin(args.log_format);
    let files = sys::raise_open_files();
    let config = args.into_config()?;
    let places = config.hub.max_connections;
    let authentication = config.auth.is_on();
    let server = Server::bind(config).await?;
    tracing::info!(
        address = %server.local_addr(),
        authentication,
        max_connections = places,
        open_files = files.map(|(_, now)| now),
        open_files_before = files.map(|(before, _)| before),
        "listening"
    );
    let hangups = sys::Hangups::new().context("cannot handle SIGHUP")?;
    let hangup = hangup::handle(hangups, server.tls());
    // Whoever started it may not care to read on.
    let line = format!(
        "listening on {}://{}\n",
        server.scheme(),
        server.local_addr()
    );
    let _ = print(line.as_bytes());
    if let Some(publisher) = publisher {
        tokio::spawn(demo::publish(server.hub(), publisher));
    }
    let end = async {
        tokio::select! {
            () = shutdown::signal() => {}
            () = hangup => {}
        }
    };
    server.run(end).await;
    Ok(())
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
    use clap::CommandFactory;

    use super::*;
    use crate::config::Config;

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
        assert_eq!(args.hub.into_config().unwrap(), Config::default());
    }
}
