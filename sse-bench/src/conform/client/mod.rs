//! The client checks: a scripted server and a client process for each.

mod bench;
mod identity;
mod parsing;
mod program;
mod reconnecting;
mod redirects;
mod requests;
mod rules;
mod vectors;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::args::ClientArgs;
use super::gather::{gather, only};
use super::grade::{Finding, Outcome, Verdict};
use bench::Bench;

type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
type Play = Box<dyn for<'a> FnOnce(&'a mut Bench) -> Running<'a> + Send>;

/// A check to be made.
pub(crate) struct Case {
    pub(crate) name: String,
    about: String,
    /// The check whose variant it is played with.
    variant: Option<&'static str>,
    /// Whether it cannot be played without.
    needs_variant: bool,
    play: Play,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Case {
    fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        play: impl for<'a> FnOnce(&'a mut Bench) -> Running<'a> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            variant: None,
            needs_variant: false,
            play: Box::new(play),
        }
    }

    fn with_variant(mut self, check: &'static str) -> Self {
        self.variant = Some(check);
        self.needs_variant = true;
        self
    }

    /// A check that can do without its variant, and then shows less.
    fn or_variant(mut self, check: &'static str) -> Self {
        self.variant = Some(check);
        self
    }
}

/// The checks of a run, in order.
pub(crate) fn cases(args: &ClientArgs) -> Result<Vec<Case>> {
    let mut cases = requests::cases();
    cases.extend(redirects::cases());
    cases.extend(reconnecting::cases());
    cases.extend(identity::cases());
    cases.extend(parsing::cases());
    // By number; what belongs to one check stays in its order.
    cases.sort_by_key(|case| case.name.split('/').next().map(str::to_owned));
    cases.extend(vectors::cases(args.all_vectors)?);
    only(cases, &args.common.only, |case| &case.name)
}

/// Makes the checks, so many at once as was asked for, until all are made or the
/// run is interrupted.
pub(crate) async fn run(
    cases: Vec<Case>,
    args: &ClientArgs,
    mut interrupted: JoinHandle<io::Result<()>>,
    progress: impl Fn(usize, usize),
) -> Result<(Vec<Finding>, bool)> {
    let room = Arc::new(Semaphore::new(args.common.jobs as usize));
    let mut running = JoinSet::new();
    for (index, case) in cases.into_iter().enumerate() {
        let variant = case.variant.and_then(|check| {
            let mut variants = args.variant.iter();
            variants.find(|(known, _)| known == check)
        });
        let missing = case
            .variant
            .filter(|_| case.needs_variant && variant.is_none());
        let extra = variant.map_or("", |(_, arguments)| arguments.as_str());
        let bench = Bench::new(args, extra).await?;
        let room = Arc::clone(&room);
        running.spawn(async move {
            let _permit = room.acquire_owned().await;
            (index, check(case, bench, missing).await)
        });
    }
    // Interrupted, the clients that still run end with their benches.
    gather(running, &mut interrupted, progress).await
}

async fn check(case: Case, mut bench: Bench, missing: Option<&str>) -> Finding {
    let verdict = match missing {
        Some(check) => Verdict::not_applicable(format_args!(
            "needs arguments of the client that switch it on: --variant '{check}=...'"
        )),
        None => match (case.play)(&mut bench).await {
            Ok(verdict) | Err(verdict) => verdict,
        },
    };
    let rule = rules::rule(&case.name);
    Finding {
        name: case.name,
        about: case.about,
        rule,
        verdict,
        reached: bench.reached(),
    }
}
