//! What both sides have in common: which checks are made, and what came of them.

use std::io;

use anyhow::{Result, bail};
use tokio::task::{JoinHandle, JoinSet};

use super::grade::Finding;

/// The cases that `--only` names; all where it names none.
pub(super) fn only<C>(
    mut cases: Vec<C>,
    only: &[String],
    name: impl Fn(&C) -> &str,
) -> Result<Vec<C>> {
    for only in only {
        if !cases.iter().any(|case| name(case).starts_with(only)) {
            bail!("--only {only}: no check has such a name");
        }
    }
    let named = |case: &C| only.iter().any(|only| name(case).starts_with(only));
    cases.retain(|case| only.is_empty() || named(case));
    Ok(cases)
}

/// What checks find, in order, until all are made or the run is interrupted.
pub(super) async fn gather(
    mut running: JoinSet<(usize, Finding)>,
    interrupted: &mut JoinHandle<io::Result<()>>,
    progress: impl Fn(usize, usize),
) -> Result<(Vec<Finding>, bool)> {
    let all = running.len();
    let mut findings = Vec::new();
    let was_interrupted = loop {
        tokio::select! {
            finding = running.join_next() => match finding {
                Some(finding) => findings.push(finding?),
                None => break false,
            },
            _ = &mut *interrupted => break true,
        }
        progress(findings.len(), all);
    };
    running.shutdown().await;
    findings.sort_by_key(|(index, _)| *index);
    let findings = findings.into_iter().map(|(_, finding)| finding);
    Ok((findings.collect(), was_interrupted))
}
