//! `sse-bench doctor`: one page on one endpoint, each finding with its evidence.

mod finding;
mod listen;
mod page;
mod probes;
mod resume;
mod seen;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use tokio::runtime::LocalOptions;

use crate::cli::doctor::DoctorArgs;
use crate::connect::Connector;
use crate::exit::Exit;
use crate::report::Writer;
use crate::report::head::us;
use crate::report::invocation::shown_url;
use crate::sys;
use crate::target::Target;
use crate::units::seconds;

pub use finding::{Area, Finding, Grade};
pub use page::Page;

use listen::Line;
use watch::Watched;

/// Examines an endpoint and writes the page.
pub fn run(args: &DoctorArgs) -> Result<Exit> {
    let writer = Writer::open::<Page>(&args.output.output_format, args.output.output.as_deref())?;
    let target = Target::new(&args.url, args.request.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .context("cannot start")?;
    let (mut watched, mut findings) = (Watched::default(), Vec::new());
    let (url, method) = (shown_url(&target.url), target.method.to_string());
    let interrupted = runtime.block_on(async {
        tokio::select! {
            biased;
            () = examine(args, target, &mut watched, &mut findings) => Ok(false),
            interrupted = sys::interrupted() => interrupted.map(|()| true),
        }
    })?;
    clear_progress();
    runtime.shutdown_background();
    findings.sort_by_key(|finding| finding.area);
    let exit = if interrupted || watched.interrupted {
        Exit::Interrupted
    } else if !watched.opened() {
        Exit::NeverReached
    } else if findings
        .iter()
        .any(|finding| finding.grade == Grade::Problem)
    {
        Exit::Violated
    } else {
        Exit::Pass
    };
    let listened = watched.listened.as_ref();
    let page = Page {
        schema: crate::report::head::SCHEMA,
        command: "doctor",
        verdict: exit.verdict(),
        reason: Page::sum(&findings),
        exit_code: exit.code(),
        url,
        method,
        watched_us: us(watched.length),
        connect_us: listened.and_then(|listened| listened.connected).map(us),
        head_us: listened.and_then(|listened| Some(us(listened.head.as_ref()?.0))),
        first_event_us: watched.first_event.map(us),
        events: watched.events,
        event_types: watched.types.into_iter().collect(),
        comments: watched.comments,
        longest_silence_us: us(watched.silence),
        findings,
        exit,
    };
    if exit != Exit::Pass && !writer.shows_text() {
        crate::complain(&page.reason);
    }
    writer.write(&page)?;
    Ok(exit)
}

/// What an interrupt leaves is what was found up to then.
async fn examine(
    args: &DoctorArgs,
    target: Target,
    watched: &mut Watched,
    findings: &mut Vec<Finding>,
) {
    let addresses = match target.transport.resolve(&target.url).await {
        Ok(addresses) => addresses,
        Err(failure) => {
            let what = "no event stream";
            findings.push(Finding::new(
                Grade::Problem,
                Area::Answer,
                what,
                failure.detail,
            ));
            return;
        }
    };
    let connector = Connector::new(&target.transport, &target.url, addresses);
    let line = Line::new(target, connector, args.patience);
    let gaps = &args.gap_event;
    let tell = |elapsed, events| progress(elapsed, args.watch, events);
    *watched = watch::watch(&line, args.watch, args.events, gaps, tell).await;
    findings.extend(seen::findings(watched));
    if !watched.opened() || watched.interrupted {
        return;
    }
    if line.target.method == Method::GET {
        findings.push(resume::resume(&line, watched, gaps, args.patience).await);
        if watched.with_id > 0 {
            findings.push(resume::expired(&line, gaps, args.patience).await);
        }
        let compressed = |finding: &Finding| finding.area == Area::Compression;
        if !findings.iter().any(compressed) {
            findings.push(probes::compression(&line).await);
        }
        findings.push(probes::cors(&line).await);
    } else {
        let what = "not tried: the request is not repeated";
        let evidence = format!("its method is {}", line.target.method);
        for area in [Area::Resume, Area::Expired, Area::Cors] {
            findings.push(Finding::new(Grade::Note, area, what, &evidence));
        }
    }
    findings.push(probes::versions(&line).await);
}

fn progress(elapsed: Duration, all: Duration, events: u64) {
    if io::stderr().is_terminal() {
        let (elapsed, all) = (seconds(elapsed), seconds(all));
        let _ = write!(
            io::stderr(),
            "\r\x1b[2Kwatching: {elapsed} of {all}, {events} events"
        );
    }
}

fn clear_progress() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
}
