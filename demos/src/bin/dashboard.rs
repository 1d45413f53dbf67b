//! Hub, demo publisher and dashboard in one process and one terminal. Piped,
//! it prints NDJSON.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use sse_serve::demo::{self, DemoConfig};
use sse_serve::{Config, Server};
use sse_tui::{Options, Output};
use tokio::sync::oneshot;

/// A hub, a publisher of ticks and statuses, and the dashboard that watches
/// them, in one terminal.
#[derive(Parser)]
#[command(
    version,
    after_help = "The hub listens while the dashboard runs: try `curl -N URL` with the URL it shows."
)]
struct Args {
    /// Address and port of the hub; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: String,
    /// Time between two ticks
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    tick_interval: Duration,
    /// Time between two statuses
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = interval)]
    status_interval: Duration,
    /// How to show the events [default: tui on a terminal, else ndjson]
    #[arg(long)]
    output: Option<Output>,
    /// End after this many events
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    events: Option<u64>,
}

fn main() -> ExitCode {
    // Fails only where a provider is installed already, which will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(run(args));
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "dashboard: {error:#}");
    ExitCode::FAILURE
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut config = Config::default();
    config.listen = args.listen;
    // Nobody is to be spread out: the only client ends with the process.
    config.hub.drain = Duration::ZERO;
    let path = config.path.clone();
    let server = Server::bind(config).await?;
    let url = format!("http://{}{path}?last=100", server.local_addr())
        .parse()
        .context("the hub's own URL")?;

    tokio::spawn(demo::publish(
        server.hub(),
        DemoConfig {
            tick_interval: args.tick_interval,
            status_interval: args.status_interval,
            ..DemoConfig::default()
        },
    ));
    // The publisher has spoken before the dashboard connects: hence the last events above.
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));

    let mut options = Options::new(url);
    options.output = args.output;
    options.events = args.events;
    let result = sse_tui::run(options).await;
    drop(stop);
    serving.await.context("the hub ended before its time")?;
    result
}

fn interval(text: &str) -> Result<Duration, String> {
    match text.parse::<humantime::Duration>() {
        Ok(duration) if duration.as_millis() > 0 => Ok(*duration),
        Ok(_) => Err("give at least 1ms".to_owned()),
        Err(error) => Err(format!("{error}; give a duration such as 500ms, 5s or 2m")),
    }
}
