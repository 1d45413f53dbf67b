//! `sse-bench proxy`: a proxy that knows event streams, and spoils them on order.
//!
//! Plain HTTP/1.1 in, http or https out, one upstream connection for each
//! request. Requests (`client.rs`) and responses pass with their bodies byte for
//! byte; what faults change is done in `delivery.rs`. Nothing is held
//! without bound, and a client that reads slowly slows the upstream.

mod args;
pub(crate) mod client;
mod control;
mod delivery;
mod exchange;
mod fault;
mod keys;
mod log;
mod output;
mod response;
mod scenario;
mod segment;
mod select;
mod server;
mod shared;
mod spec;
mod upstream;
mod view;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::sleep;
use url::Url;

pub use args::ProxyArgs;

use crate::exit::Exit;
use crate::sys;
use crate::units::thousands;
use fault::Origin;
use log::Log;
use scenario::Scenario;
use shared::{Settings, Shared};

/// Open files that are not of connections.
const OWN_FILES: u64 = 32;

/// Runs the proxy until its time is over or it is interrupted.
pub fn run(args: &ProxyArgs) -> Result<Exit> {
    let upstream = parse_upstream(&args.upstream)?;
    let tls = upstream::tls_for(&upstream, args.cacert.as_deref(), args.insecure)?;
    let scenario = args.scenario.as_deref().map(Scenario::read).transpose()?;
    let seed = args
        .seed
        .or_else(|| scenario.as_ref().and_then(|scenario| scenario.seed))
        .unwrap_or_else(|| fastrand::u64(..1 << 32));
    let settings = Settings {
        connect_timeout: args.connect_timeout,
        max_event_size: args.max_event_size,
        preserve_host: args.preserve_host,
    };
    let shared = Shared::new(upstream, tls, seed, settings, Log::new(args.quiet));
    let faults = args.faults.iter().cloned();
    let faults = faults.map(|spec| spec.into_fault(Origin::CommandLine));
    shared
        .set(faults.collect::<Result<_, _>>()?, |_| false)
        .map_err(|problem| anyhow!("--fault: {problem}"))?;
    if let Some(problem) = too_many(args.max_connections, sys::raise_open_files()) {
        shared.log.line(problem);
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let shared = Arc::new(shared);
    runtime.block_on(serve(args, scenario, &shared))?;
    runtime.shutdown_timeout(Duration::from_millis(100));
    let summary = summary(&shared.counters_json());
    // Whoever closed standard output does not want it.
    let _ = io::stdout().write_all(summary.as_bytes());
    Ok(Exit::Pass)
}

fn parse_upstream(text: &str) -> Result<Url> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        bail!("--upstream {text}: give a URL such as http://127.0.0.1:8080");
    };
    if url.query().is_some() || url.fragment().is_some() {
        bail!("--upstream {text}: without query and fragment; those of each request are passed on");
    }
    Ok(url)
}

/// What the system has not enough open files for.
fn too_many(connections: u32, open_files: Option<u64>) -> Option<String> {
    let open_files = open_files?;
    let room = open_files.saturating_sub(OWN_FILES) / 2;
    (u64::from(connections) > room).then(|| {
        format!(
            "warning: {open_files} open files allow for {room} of --max-connections \
             {connections}, two each: raise the limit (ulimit -n)"
        )
    })
}

async fn serve(args: &ProxyArgs, scenario: Option<Scenario>, shared: &Arc<Shared>) -> Result<()> {
    // Before anyone is told the address, so that no signal comes too early.
    let interrupted = tokio::spawn(sys::interrupted());
    let listener = bind(args.listen, "--listen").await?;
    let control = match args.control {
        Some(address) => Some(bind(address, "--control").await?),
        None => None,
    };
    announce("listening", &listener)?;
    if let Some(listener) = control {
        announce("control", &listener)?;
        tokio::spawn(control::serve(listener, Arc::clone(shared)));
    }
    shared.log.line(format_args!("seed {}", shared.seed));
    tokio::spawn(warn_if_unreachable(Arc::clone(shared)));
    if let Some(scenario) = scenario {
        tokio::spawn(scenario.play(Arc::clone(shared)));
    }
    let most = args.max_connections as usize;
    tokio::select! {
        () = server::serve(listener, most, Arc::clone(shared)) => {}
        result = interrupted => result?.context("cannot listen for signals")?,
        () = sleep(args.duration.unwrap_or(Duration::MAX)) => {}
    }
    Ok(())
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{option} {address}"))
}

fn announce(what: &str, listener: &TcpListener) -> Result<()> {
    let address = listener.local_addr()?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{what} on http://{address}")
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}

async fn warn_if_unreachable(shared: Arc<Shared>) {
    let patience = shared.settings.connect_timeout;
    if let Err(failure) = upstream::connect(&shared.upstream, &shared.tls, patience).await {
        shared.log.line(format_args!(
            "warning: upstream {}: {}; requests are answered 502 until it is there",
            shared.upstream, failure.detail
        ));
    }
}

/// The counters for people: those that are not 0.
fn summary(counters: &Value) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &Value| {
        if let Some(number) = value.as_u64().filter(|number| *number > 0) {
            let name = name.replace('_', " ");
            let _ = writeln!(text, "{name:<22}{:>14}", thousands(number));
        }
    };
    for (name, value) in counters.as_object().into_iter().flatten() {
        put(name, value);
        for (kind, number) in value.as_object().into_iter().flatten() {
            put(&format!("  {kind}"), number);
        }
    }
    if text.is_empty() {
        text.push_str("no connections\n");
    }
    text
}
