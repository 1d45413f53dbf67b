//! `sse-bench conform`: whether a client or a server keeps to the rules, check
//! by check.

mod args;
mod client;
mod expected;
mod gather;
mod grade;
mod page;
mod report;
mod server;

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

pub use args::{ClientArgs, CommonArgs, ConformArgs, ServerArgs, Subject};

use crate::exit::Exit;
use crate::sys;
use args::CommonArgs as Common;
use expected::Expected;
use grade::Finding;
use report::{Report, Side};

/// Runs the checks and reports.
pub fn run(args: &ConformArgs) -> Result<Exit> {
    match &args.subject {
        Subject::Client(args) => conform_client(args),
        Subject::Server(args) => conform_server(args),
    }
}

fn conform_client(args: &ClientArgs) -> Result<Exit> {
    let expected = expected_failures(&args.common)?;
    let cases = client::cases(args)?;
    expected.check_names(&cases.iter().map(|case| case.name.as_str()))?;
    let runtime = Runtime::new().context("cannot start")?;
    let found = runtime.block_on(async {
        let interrupted = tokio::spawn(sys::interrupted());
        client::run(cases, args, interrupted, progress).await
    });
    runtime.shutdown_background();
    let side = Side::Client(args.command.join(" "));
    report(side, found?, &expected, &args.common)
}

fn conform_server(args: &ServerArgs) -> Result<Exit> {
    let expected = expected_failures(&args.common)?;
    let cases = server::cases(args)?;
    expected.check_names(&cases.iter().map(|case| case.name))?;
    let runtime = Runtime::new().context("cannot start")?;
    let found = runtime.block_on(async {
        let interrupted = tokio::spawn(sys::interrupted());
        server::run(cases, args, interrupted, progress).await
    });
    runtime.shutdown_background();
    let url = server::shown_url(&args.url);
    report(Side::Server(url), found?, &expected, &args.common)
}

fn expected_failures(args: &Common) -> Result<Expected> {
    let expected = args.expected_failures.as_deref().map(Expected::read);
    Ok(expected.transpose()?.unwrap_or_default())
}

fn report(
    side: Side,
    (findings, interrupted): (Vec<Finding>, bool),
    expected: &Expected,
    args: &Common,
) -> Result<Exit> {
    clear_progress();
    let report = Report::new(side, findings, expected, interrupted);
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
