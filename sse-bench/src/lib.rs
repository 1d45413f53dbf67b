//! Load tests and verification of Server-Sent Events endpoints.
//!
//! **load**: a [`Plan`] says what to do. [`load::run`] carries it out on
//! [`worker`] threads, each with its own runtime and its share of the
//! [slots](connection::Slot): emulated `EventSource`s that live through one
//! physical connection (leg) after another. Threads share nothing on the
//! receive path but counters with one writer each ([`live`]). What they
//! measured ([`stats`]) is merged at the end and becomes a [`report::Report`].
//!
//! **verify**: [`verify::run`] cuts connections and tells a [`checker::Checker`]
//! what each received; its findings become a [`verify::VerifyReport`].
//! **storm**: [`storm::run`] lets the slots of `load` lose all connections at
//! once, and follows them back.
//! **selftest**: [`selftest::run`] puts that to the test.

pub mod checker;
pub mod cli;
pub mod compare;
pub mod conform;
pub mod connect;
pub mod connection;
mod cors;
pub mod crew;
pub mod doctor;
pub mod exchange;
pub mod exit;
pub mod failure;
pub mod finite;
pub mod histogram;
pub mod http;
pub mod http2;
pub mod kept;
pub mod lag;
pub mod leg;
pub mod live;
pub mod load;
pub mod local_addr;
pub mod payloads;
pub mod plan;
pub mod progress;
pub mod proxy;
pub mod publish;
pub mod ramp;
pub mod reach;
pub mod report;
pub mod selftest;
pub mod series;
pub mod slow;
pub mod stats;
pub mod storm;
pub mod stream;
pub mod sys;
pub mod target;
pub mod team;
pub mod template;
pub mod threshold;
pub mod timestamp;
mod tls;
pub mod transport;
pub mod tui;
pub mod units;
pub mod verify;
pub mod worker;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::CommandFactory;

pub use cli::Cli;
pub use exit::Exit;
pub use plan::Plan;

use cli::storm::StormArgs;
use cli::verify::VerifyArgs;
use cli::{Command, LoadArgs};
use finite::{FinitePlan, FiniteReport};
use progress::Progress;
use report::{Formats, Invocation, Render, Report, Writer};
use storm::{StormPlan, StormReport};
use verify::anomalies::AnomalyLog;
use verify::{VerifyPlan, VerifyReport};

/// Runs a parsed command line.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Load(args) => load(*args),
        Command::Verify(args) => verify(*args),
        Command::Storm(args) => storm(*args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Conform(args) => conform::run(&args),
        Command::Proxy(args) => proxy::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sse-bench", &mut script);
            print(&script)
        }
        Command::Man => manual().and_then(|page| print(&page)),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(format_args!("{error:#}"));
            Exit::Usage.into()
        }
    }
}

/// A closed standard error leaves nobody to tell, and is no failure.
fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "sse-bench: {text}");
}

fn load(args: LoadArgs) -> Result<Exit> {
    if args.finite.wanted() {
        return load_finite(args);
    }
    let output = args.output.clone();
    // Reads the baseline, which the report may be about to replace.
    let plan = Arc::new(Plan::new(args)?);
    let writer = output.open::<Report<'_>>()?;
    plan.check_machine()?;
    let mut progress = Progress::new(plan.connections).with_view(output.frame(), || plan.title());
    let invocation = Invocation::now();
    let outcome = load::run(&plan, &mut progress)?;
    finish(&Report::new(&invocation, &plan, &outcome)?, writer)
}

fn load_finite(args: LoadArgs) -> Result<Exit> {
    let output = args.output.clone();
    let plan = Arc::new(FinitePlan::new(args)?);
    let writer = output.open::<FiniteReport<'_>>()?;
    plan.check_machine()?;
    let mut progress = Progress::new(plan.connections).with_view(output.frame(), || plan.title());
    let invocation = Invocation::now();
    let outcome = finite::run(&plan, &mut progress)?;
    finish(&FiniteReport::new(&invocation, &plan, &outcome)?, writer)
}

fn verify(args: VerifyArgs) -> Result<Exit> {
    let output = args.output.clone();
    let plan = VerifyPlan::new(args)?;
    let writer = output.open::<VerifyReport<'_>>()?;
    let log = plan
        .anomalies
        .as_ref()
        .map(AnomalyLog::create)
        .transpose()?;
    plan.check_machine()?;
    let mut progress = Progress::new(plan.connections).with_view(output.frame(), || plan.title());
    let invocation = Invocation::now();
    let (plan, outcome) = verify::run(plan, &mut progress)?;
    // Where it fails the report is due all the same.
    let logged = log.map_or(Ok(()), |log| log.write(&outcome));
    let exit = finish(&VerifyReport::new(&invocation, &plan, &outcome)?, writer)?;
    logged.map(|()| exit)
}

fn storm(args: StormArgs) -> Result<Exit> {
    let output = args.output.clone();
    let plan = StormPlan::new(args)?;
    let writer = output.open::<StormReport<'_>>()?;
    plan.load.check_machine()?;
    let mut progress =
        Progress::new(plan.load.connections).with_view(output.frame(), || plan.title());
    let invocation = Invocation::now();
    let outcome = storm::run(&plan, &mut progress)?;
    finish(&StormReport::new(&invocation, &plan, &outcome)?, writer)
}

/// Writes the report; where nobody sees its text, the reason that it is no pass is told.
fn finish(report: &(impl Formats + Render), writer: Writer) -> Result<Exit> {
    let head = report.head();
    if head.exit != Exit::Pass && !writer.shows_text() {
        complain(&head.reason);
    }
    writer.write(report)?;
    Ok(report.head().exit)
}

/// One page for the program and its subcommands.
fn manual() -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(page)
}

fn print(bytes: &[u8]) -> Result<Exit> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Pass),
    }
}
