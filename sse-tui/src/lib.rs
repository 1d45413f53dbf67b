//! A terminal dashboard for Server-Sent Events streams, and their printing for
//! pipes.
//!
//! [`run`] is the whole program for those who have a tokio runtime and
//! [`Options`]; [`main`] is the binary. Inside, [`ingest`] reads the streams and
//! knows no screen, [`app`] holds the state and knows no terminal, [`ui`] draws
//! it, [`dashboard`] ties them to a terminal and [`mod@print`] to a pipe.

pub mod app;
pub mod audit;
pub mod charts;
pub mod cli;
mod config;
pub mod connection;
pub mod continuity;
pub mod curl;
pub mod cursor;
pub mod dashboard;
pub mod detail;
pub mod export;
pub mod filter;
pub mod find;
pub mod format;
pub mod ingest;
pub mod json;
pub mod keymap;
pub mod lints;
pub mod listing;
pub mod llm;
pub mod message;
pub mod mouse;
pub mod ndjson;
pub mod options;
pub mod print;
pub mod prompt;
pub mod record;
pub mod replay;
pub mod sanitize;
pub mod screens;
pub mod screenshot;
pub mod stats;
pub mod store;
mod svg;
mod sys;
mod terminal;
pub mod theme;
pub mod timings;
pub mod transcript;
pub mod ui;
pub mod view;
pub mod wire;
pub mod wrap;

use std::io::{IsTerminal, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

use clap::ColorChoice;

use cli::{Asked, Failure};

pub use options::{Column, Options, Output, Replay, Screenshot, Source};

/// Runs until the user quits or the streams end.
///
/// A TLS provider must be installed (see [`sse_core::client`]). Reading
/// standard input takes a thread that cannot be stopped: end the process, or
/// shut the runtime down in the background, rather than wait for it. From the
/// first call on, SIGINT, SIGTERM and SIGHUP no longer end the process by
/// themselves; they end a run.
///
/// # Errors
/// What is wrong with the options or the terminal, in one line for people.
/// Failures of a stream are printed on stderr and are in the exit code.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let streams = ingest::open(&options)?;
    if let Some(screenshot) = options.screenshot.clone() {
        return screenshot::take(&options, &screenshot, streams).await;
    }
    match options.output.unwrap_or_else(Output::for_stdout) {
        Output::Tui => dashboard::run(&options, streams).await,
        Output::Ndjson => print::run(&options, streams, print::Format::Ndjson).await,
        Output::Raw => print::run(&options, streams, print::Format::Raw).await,
        Output::Text => {
            let format = print::Format::Text(print::Text {
                time_zone: options.time_zone.clone(),
                ascii: options
                    .ascii
                    .unwrap_or_else(|| std::io::stdout().is_terminal() && !sys::takes_utf8()),
                colour: match options.color {
                    ColorChoice::Always => true,
                    ColorChoice::Never => false,
                    ColorChoice::Auto => {
                        std::io::stdout().is_terminal() && options.theme != theme::ThemeName::Plain
                    }
                },
            });
            print::run(&options, streams, format).await
        }
    }
}

/// The binary: parses the command line, runs, reports.
pub fn main() -> ExitCode {
    let options = match cli::parse(std::env::args_os().collect()) {
        Ok(Asked::Run(options)) => *options,
        Ok(Asked::Document(text)) => {
            // Who closes the pipe has read enough.
            let _ = std::io::stdout().write_all(&text);
            return ExitCode::SUCCESS;
        }
        Err(Failure::Usage(error)) => error.exit(),
        Err(Failure::Config(message)) => {
            sys::complain(&message);
            return ExitCode::from(2);
        }
    };
    let on_screen = options.screenshot.is_none()
        && options.output.unwrap_or_else(Output::for_stdout) == Output::Tui;
    if !(on_screen && std::io::stderr().is_terminal()) {
        log_to_stderr();
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(options))));
    // A read of standard input may never return, and must not be waited for.
    runtime.shutdown_background();
    match result {
        Ok(result) => result.unwrap_or_else(|error| fail(&error)),
        Err(panic) => resume_unwind(panic),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    sys::complain(&format!("{error:#}"));
    ExitCode::FAILURE
}

/// Only what `RUST_LOG` asks for: stderr is for people.
fn log_to_stderr() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}
