//! The server checks: what can be seen of a server that nothing is known about.

mod ask;
mod cors;
mod framing;
mod head;
mod http2;
mod leg;
mod lints;
mod negotiation;
mod publishing;
mod resume;
mod robustness;
mod site;
mod stream;
mod unseen;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::args::ServerArgs;
use super::gather::{gather, only};
use super::grade::{Finding, Outcome, Verdict};
use leg::Leg;
use site::{Shared, Site};

/// Events after which a stream has shown enough of itself.
const ENOUGH_EVENTS: usize = 50;

type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A check to be made.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    about: &'static str,
    rule: &'static str,
    play: Play,
}

#[derive(Debug, Clone, Copy)]
enum Play {
    /// On the first stream, which all such checks share.
    Judge(fn(&Site, &Leg) -> Outcome),
    /// On connections of its own.
    Live(fn(Shared) -> Running),
    /// It cannot be made; why.
    Unseen(&'static str),
}

impl Case {
    const fn judge(
        name: &'static str,
        about: &'static str,
        rule: &'static str,
        judge: fn(&Site, &Leg) -> Outcome,
    ) -> Self {
        let play = Play::Judge(judge);
        Self {
            name,
            about,
            rule,
            play,
        }
    }

    const fn live(
        name: &'static str,
        about: &'static str,
        rule: &'static str,
        live: fn(Shared) -> Running,
    ) -> Self {
        let play = Play::Live(live);
        Self {
            name,
            about,
            rule,
            play,
        }
    }

    fn found(&self, verdict: Verdict, reached: bool) -> Finding {
        Finding {
            name: self.name.to_owned(),
            about: self.about.to_owned(),
            rule: self.rule.to_owned(),
            verdict,
            reached,
        }
    }
}

/// The URL without what may be secret in it.
pub(crate) fn shown_url(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return text.to_owned();
    };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// The checks of a run, in order.
pub(crate) fn cases(args: &ServerArgs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for some in [
        head::cases(),
        stream::cases(),
        negotiation::cases(),
        cors::cases(),
        resume::cases(),
        robustness::cases(),
        publishing::cases(),
        http2::cases(),
        unseen::cases(),
    ] {
        cases.extend(some);
    }
    // By number; what belongs to one check stays in its order.
    cases.sort_by_key(|case| case.name.split('/').next());
    only(cases, &args.common.only, |case| case.name)
}

/// Makes the checks until all are made or the run is interrupted.
pub(crate) async fn run(
    cases: Vec<Case>,
    args: &ServerArgs,
    mut interrupted: JoinHandle<io::Result<()>>,
    progress: impl Fn(usize, usize),
) -> Result<(Vec<Finding>, bool)> {
    let running = tokio::select! {
        running = begin(cases, args) => match running? {
            Begun::Running(running) => running,
            Begun::Over(findings) => return Ok((findings, false)),
        },
        _ = &mut interrupted => return Ok((Vec::new(), true)),
    };
    gather(running, &mut interrupted, progress).await
}

enum Begun {
    Running(JoinSet<(usize, Finding)>),
    /// There is no stream to check.
    Over(Vec<Finding>),
}

async fn begin(cases: Vec<Case>, args: &ServerArgs) -> Result<Begun> {
    let mut site = Site::new(args)?;
    let first = match site.find().await {
        Ok(leg) if leg.is_stream() => leg,
        Ok(leg) => return Ok(Begun::Over(without_stream(&cases, &site, &leg))),
        Err(none) => return Ok(Begun::Over(without_answer(&cases, &none.text))),
    };
    site.serves_two = site.send(&site.ask()).await.is_ok();
    let site = Arc::new(site);
    let (sender, recorded) = watch::channel(None);
    let mut running = JoinSet::new();
    tokio::spawn(record(Arc::clone(&site), first, sender));
    let jobs = if site.serves_two { args.common.jobs } else { 1 };
    let room = Arc::new(Semaphore::new(jobs as usize));
    for (index, case) in cases.into_iter().enumerate() {
        let (room, site) = (Arc::clone(&room), Arc::clone(&site));
        let mut recorded = recorded.clone();
        running.spawn(async move {
            let outcome = match case.play {
                Play::Unseen(why) => Err(Verdict::not_applicable(why)),
                Play::Judge(judge) => match recording(&mut recorded).await {
                    Some(leg) => judge(&site, &leg),
                    None => Err(Verdict::not_applicable("the first stream was not recorded")),
                },
                Play::Live(live) => {
                    if !site.serves_two {
                        // Until then there is no room for another stream.
                        recording(&mut recorded).await;
                    }
                    let _permit = room.acquire_owned().await;
                    live(site).await
                }
            };
            let (Ok(verdict) | Err(verdict)) = outcome;
            (index, case.found(verdict, true))
        });
    }
    Ok(Begun::Running(running))
}

/// Watches the first stream for as long as patience lasts.
async fn record(site: Shared, mut leg: Leg, recorded: watch::Sender<Option<Arc<Leg>>>) {
    let until = site.deadline();
    let enough = |leg: &Leg| leg.events().count() >= ENOUGH_EVENTS && leg.age() > site::AT_ONCE;
    leg.watch(until, enough).await;
    leg.hang_up();
    let _ = recorded.send(Some(Arc::new(leg)));
}

async fn recording(recorded: &mut watch::Receiver<Option<Arc<Leg>>>) -> Option<Arc<Leg>> {
    let leg = recorded.wait_for(Option::is_some).await;
    leg.ok()?.clone()
}

/// There is a response, but no event stream.
fn without_stream(cases: &[Case], site: &Site, leg: &Leg) -> Vec<Finding> {
    let none = format!("there was no event stream: {}", leg.summary());
    let checks = cases.iter();
    checks
        .map(|case| match case.play {
            Play::Judge(judge) if case.name.starts_with("V01") => {
                let (Ok(verdict) | Err(verdict)) = judge(site, leg);
                case.found(verdict, true)
            }
            _ => case.found(Verdict::not_applicable(&none), true),
        })
        .collect()
}

/// There is no HTTP at all.
fn without_answer(cases: &[Case], why: &str) -> Vec<Finding> {
    let checks = cases.iter();
    checks
        .map(|case| match case.name {
            "V01/status" => case.found(Verdict::failed(why), false),
            _ => case.found(Verdict::not_applicable(why), false),
        })
        .collect()
}
