//! `sse-bench selftest`: a built-in server commits each anomaly once in at
//! least 10,000 deliveries; the checker, run as a user runs it, must find it
//! and nothing else.

mod fault;
mod scenario;
mod server;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cli::selftest::SelftestArgs;
use crate::exit::Exit;
use crate::units::{seconds, thousands};
use scenario::{ALL, ARGUMENTS, Count, Scenario};
use server::Server;

/// The counts that stand for an anomaly.
const ANOMALIES: &[&str] = &[
    "/integrity/missing",
    "/integrity/gap",
    "/integrity/cursor_past_hole",
    "/integrity/lost_after_reconnect",
    "/integrity/declared_gap",
    "/integrity/duplicate",
    "/integrity/replay_overlap",
    "/integrity/reorder",
    "/integrity/id_conflict",
    "/integrity/stall",
    "/reconnects/incomplete",
    "/reconnects/rejected",
];

/// What came of a scenario.
struct Done {
    number: usize,
    deliveries: u64,
    took: Duration,
    /// What was found and not expected, or the other way round.
    wrong: Vec<String>,
}

/// Runs the scenarios and prints a table: [`Exit::Violated`] where the checker
/// was wrong.
pub fn run(args: &SelftestArgs) -> Result<Exit> {
    let chosen: Vec<usize> = (0..ALL.len())
        .filter(|number| {
            let name = ALL[*number].name;
            args.scenarios.is_empty() || args.scenarios.iter().any(|part| name.contains(part))
        })
        .collect();
    if args.list {
        return print(&chosen.iter().fold(String::new(), |list, number| {
            list + ALL[*number].name + "\n"
        }));
    }
    if chosen.is_empty() {
        bail!("no scenario has such a name: see sse-bench selftest --list");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut done = runtime.block_on(run_all(chosen, args.jobs as usize))?;
    runtime.shutdown_background();
    done.sort_by_key(|done| done.number);
    print(&table(&done))?;
    let right = done.iter().all(|done| done.wrong.is_empty());
    Ok(if right { Exit::Pass } else { Exit::Violated })
}

async fn run_all(chosen: Vec<usize>, jobs: usize) -> Result<Vec<Done>> {
    let turns = Arc::new(Semaphore::new(jobs));
    let mut running = JoinSet::new();
    let all = chosen.len();
    for number in chosen {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire_owned().await;
            run_one(number).await
        });
    }
    let mut done = Vec::new();
    while let Some(one) = running.join_next().await {
        let one = one.context("a scenario failed")??;
        done.push(one);
        let _ = writeln!(std::io::stderr(), "{} of {all} scenarios", done.len());
    }
    Ok(done)
}

async fn run_one(number: usize) -> Result<Done> {
    let scenario = &ALL[number];
    let server = Server::start(scenario.fault, scenario.ids).await?;
    let program = std::env::current_exe().context("this program is not to be found")?;
    let mut command = Command::new(program);
    // Given later, an argument of the scenario's own would be one too many.
    let mut arguments: Vec<&str> = ARGUMENTS.to_vec();
    for pair in scenario.arguments.chunks(2) {
        match arguments.iter().position(|known| *known == pair[0]) {
            Some(known) => arguments[known + 1] = pair[1],
            None => arguments.extend(pair),
        }
    }
    command
        .arg("verify")
        .arg(format!("http://{}/events", server.address))
        .args(arguments)
        .stdin(Stdio::null());
    let start = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.context("a scenario failed")??;
    let took = start.elapsed();
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        format!(
            "{}: sse-bench verify printed no report: {stderr}",
            scenario.name
        )
    })?;
    let exit = output.status.code().unwrap_or(-1);
    Ok(Done {
        number,
        deliveries: report["deliveries"]["total"].as_u64().unwrap_or_default(),
        took,
        wrong: compare(scenario, exit, &report),
    })
}

/// What differs from what the scenario says.
fn compare(scenario: &Scenario, exit: i32, report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if exit != scenario.exit {
        wrong.push(format!(
            "exit code {exit} instead of {}: {}",
            scenario.exit, report["reason"]
        ));
    }
    let count = |pointer| report.pointer(pointer).and_then(Value::as_u64);
    for (pointer, expected) in scenario.counts {
        let found = count(pointer);
        let right = match expected {
            Count::Exactly(number) => found == Some(*number),
            Count::AtLeast(number) => found >= Some(*number),
        };
        if !right {
            wrong.push(format!("{pointer} is {found:?} instead of {expected:?}"));
        }
    }
    // Of a stream that is not shared the counts mean nothing, and none is claimed.
    if scenario.exit != i32::from(Exit::Inconclusive.code()) {
        for pointer in ANOMALIES {
            let named = scenario.counts.iter().any(|(known, _)| known == pointer);
            if !named && count(pointer) != Some(0) {
                wrong.push(format!("{pointer} is {:?} instead of 0", count(pointer)));
            }
        }
    }
    for (name, property) in report["properties"].as_object().into_iter().flatten() {
        let failed = property["verdict"] == "fail";
        if failed != scenario.fails.contains(&name.as_str()) {
            wrong.push(format!("{name} is {}", property["verdict"]));
        }
    }
    wrong
}

fn table(done: &[Done]) -> String {
    let wrong = done.iter().filter(|done| !done.wrong.is_empty()).count();
    let mut out = match wrong {
        0 => format!(
            "PASS: the checker was right in all {} scenarios\n",
            done.len()
        ),
        _ => format!(
            "FAIL: the checker was wrong in {wrong} of {} scenarios\n",
            done.len()
        ),
    };
    let _ = writeln!(
        out,
        "\n  {:<42} {:>10} {:>8}  found",
        "Scenario", "events", "time"
    );
    for one in done {
        let scenario = &ALL[one.number];
        let found = if one.wrong.is_empty() {
            expectation(scenario)
        } else {
            "WRONG".to_owned()
        };
        let _ = writeln!(
            out,
            "  {:<42} {:>10} {:>8}  {found}",
            scenario.name,
            thousands(one.deliveries),
            seconds(one.took)
        );
        for wrong in &one.wrong {
            let _ = writeln!(out, "      {wrong}");
        }
    }
    out
}

/// What a scenario is about, in a few words.
fn expectation(scenario: &Scenario) -> String {
    let counts = scenario.counts.iter().map(|(pointer, count)| {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        match count {
            Count::Exactly(number) => format!("{name} {number}"),
            Count::AtLeast(_) => format!("{name} yes"),
        }
    });
    let verdict = match scenario.exit {
        0 => "pass",
        1 => "fail",
        _ => "inconclusive",
    };
    let texts: Vec<String> = std::iter::once(verdict.to_owned()).chain(counts).collect();
    texts.join(", ")
}

fn print(text: &str) -> Result<Exit> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Pass),
    }
}
