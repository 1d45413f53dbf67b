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

/// Runs of a scenario until it is one in which the machine was fast enough.
const ATTEMPTS: usize = 3;
/// A machine that is this late may hide an anomaly, or leave one undecided.
const SLOW: Duration = Duration::from_millis(100);
/// A server that is this late breaks its promises.
const TOO_LATE: Duration = Duration::from_millis(700);

/// What came of a scenario.
struct Done {
    number: usize,
    deliveries: u64,
    took: Duration,
    outcome: Outcome,
}

/// Whether the checker was right.
enum Outcome {
    Right,
    /// The machine was too slow to tell: how late the server and the reader were.
    Slow(Duration, Duration),
    /// What was found and not expected, or the other way round.
    Wrong(Vec<String>),
}

/// How a report differs from what the scenario says.
#[derive(Default)]
struct Differences {
    /// Said, and not true.
    claimed: Vec<String>,
    /// True, and not said.
    missed: Vec<String>,
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
    Ok(match count(&done) {
        (0, 0) => Exit::Pass,
        (0, _) => Exit::Inconclusive,
        _ => Exit::Violated,
    })
}

/// Scenarios in which the checker was wrong, and in which that is not known.
fn count(done: &[Done]) -> (usize, usize) {
    let wrong = |one: &&Done| matches!(one.outcome, Outcome::Wrong(_));
    let slow = |one: &&Done| matches!(one.outcome, Outcome::Slow(..));
    let done = done.iter();
    (
        done.clone().filter(wrong).count(),
        done.filter(slow).count(),
    )
}

async fn run_all(chosen: Vec<usize>, jobs: usize) -> Result<Vec<Done>> {
    let turns = Arc::new(Semaphore::new(jobs));
    let mut running = JoinSet::new();
    let all = chosen.len();
    for number in chosen {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let mut attempt = 1;
            loop {
                let done = run_one(number).await?;
                if attempt == ATTEMPTS || !matches!(done.outcome, Outcome::Slow(..)) {
                    return anyhow::Ok(done);
                }
                attempt += 1;
            }
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
        outcome: judge(compare(scenario, exit, &report), server.late(), &report),
    })
}

/// A slow reader may miss something, but must never claim what is not true; of a
/// server that was too late itself, both may be the truth.
fn judge(differences: Differences, late: Duration, report: &Value) -> Outcome {
    let lag = report.pointer("/tool/read_lag/max_us");
    let lag = Duration::from_micros(lag.and_then(Value::as_u64).unwrap_or_default());
    let Differences { claimed, missed } = differences;
    if claimed.is_empty() && missed.is_empty() {
        Outcome::Right
    } else if late >= TOO_LATE || claimed.is_empty() && late.max(lag) >= SLOW {
        Outcome::Slow(late, lag)
    } else {
        Outcome::Wrong([claimed, missed].concat())
    }
}

/// What differs from what the scenario says.
fn compare(scenario: &Scenario, exit: i32, report: &Value) -> Differences {
    let mut differences = Differences::default();
    let violated = i32::from(Exit::Violated.code());
    if exit != scenario.exit {
        differences.add(
            exit == violated,
            format!(
                "exit code {exit} instead of {}: {}",
                scenario.exit, report["reason"]
            ),
        );
    }
    let count = |pointer| report.pointer(pointer).and_then(Value::as_u64);
    for (pointer, expected) in scenario.counts {
        let found = count(pointer);
        let right = match expected {
            Count::Exactly(number) => found == Some(*number),
            Count::AtLeast(number) => found >= Some(*number),
        };
        if !right {
            let more = matches!(expected, Count::Exactly(number) if found > Some(*number));
            let text = format!("{pointer} is {found:?} instead of {expected:?}");
            differences.add(more, text);
        }
    }
    // Of a stream that is not shared the counts mean nothing, and none is claimed.
    if scenario.exit != i32::from(Exit::Inconclusive.code()) {
        for pointer in ANOMALIES {
            let named = scenario.counts.iter().any(|(known, _)| known == pointer);
            if !named && count(pointer) != Some(0) {
                let text = format!("{pointer} is {:?} instead of 0", count(pointer));
                differences.add(true, text);
            }
        }
    }
    for (name, property) in report["properties"].as_object().into_iter().flatten() {
        let failed = property["verdict"] == "fail";
        if failed != scenario.fails.contains(&name.as_str()) {
            differences.add(failed, format!("{name} is {}", property["verdict"]));
        }
    }
    differences
}

impl Differences {
    fn add(&mut self, claimed: bool, text: String) {
        let list = if claimed {
            &mut self.claimed
        } else {
            &mut self.missed
        };
        list.push(text);
    }
}

fn table(done: &[Done]) -> String {
    let all = done.len();
    let mut out = match count(done) {
        (0, 0) => format!("PASS: the checker was right in all {all} scenarios\n"),
        (0, slow) => format!(
            "INCONCLUSIVE: this machine was too slow to tell in {slow} of {all} scenarios: run \
             them when it has less to do, or fewer at once (-j 1)\n"
        ),
        (wrong, _) => format!("FAIL: the checker was wrong in {wrong} of {all} scenarios\n"),
    };
    let _ = writeln!(
        out,
        "\n  {:<42} {:>10} {:>8}  found",
        "Scenario", "events", "time"
    );
    for one in done {
        let scenario = &ALL[one.number];
        let found = match &one.outcome {
            Outcome::Right => expectation(scenario),
            Outcome::Slow(server, reader) => format!(
                "too slow to tell: the server was {} late, the reader {}",
                seconds(*server),
                seconds(*reader)
            ),
            Outcome::Wrong(_) => "WRONG".to_owned(),
        };
        let _ = writeln!(
            out,
            "  {:<42} {:>10} {:>8}  {found}",
            scenario.name,
            thousands(one.deliveries),
            seconds(one.took)
        );
        if let Outcome::Wrong(differences) = &one.outcome {
            for difference in differences {
                let _ = writeln!(out, "      {difference}");
            }
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
