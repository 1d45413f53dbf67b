//! `sse-bench conform`: whether a client keeps to the rules, check by check.

mod args;
mod client;
mod expected;
mod grade;
mod report;

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};

pub use args::{ClientArgs, ConformArgs, Subject};

use crate::exit::Exit;
use crate::sys;
use expected::Expected;
use report::Report;

/// Runs the checks and reports.
pub fn run(args: &ConformArgs) -> Result<Exit> {
    match &args.subject {
        Subject::Client(args) => conform_client(args),
    }
}

fn conform_client(args: &ClientArgs) -> Result<Exit> {
    let expected = args.expected_failures.as_deref().map(Expected::read);
    let expected = expected.transpose()?.unwrap_or_default();
    let cases = client::cases(args)?;
    expected.check_names(&cases)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let (findings, interrupted) = runtime.block_on(async {
        let interrupted = tokio::spawn(sys::interrupted());
        client::run(cases, args, interrupted, progress).await
    })?;
    clear_progress();
    runtime.shutdown_background();
    let report = Report::new(&args.command, findings, &expected, interrupted);
    let text = report.render(args.output_format)?;
    match &args.output {
        Some(path) => {
            let cannot = || format!("cannot write {}", path.display());
            std::fs::write(path, text).with_context(cannot)?;
        }
        None => match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        },
    }
    Ok(report.exit())
}

fn progress(done: usize, all: usize) {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r{done} of {all} checks");
    }
}

fn clear_progress() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}
