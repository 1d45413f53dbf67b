//! The anomaly log: each anomaly as a line of JSON, with the bytes that were
//! received around it. Its schema is `docs/anomaly-log.schema.json`.

mod frames;
mod line;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

pub use frames::SlotFrames;

use super::Outcome;
use super::plan::LogPlan;
use frames::Kept;
use line::{Line, Summary};

/// An opened log: where it cannot be written is known before the run.
#[derive(Debug)]
pub struct AnomalyLog {
    path: PathBuf,
    file: File,
}

impl AnomalyLog {
    /// # Errors
    /// The file cannot be written.
    pub fn create(plan: &LogPlan) -> Result<Self> {
        let path = plan.file.clone();
        let file = File::create(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Writes what was found, and a line that sums it up.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(self, outcome: &Outcome) -> Result<()> {
        let written = lines(outcome, BufWriter::new(self.file));
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn lines(outcome: &Outcome, mut out: impl Write) -> Result<()> {
    let log = &outcome.findings.log;
    let mut kept: HashMap<usize, Kept<'_>> = HashMap::new();
    for entry in &log.entries {
        let slot = entry.anomaly.slot;
        kept.entry(slot).or_insert_with(|| {
            let frames = slot
                .checked_sub(1)
                .and_then(|slot| outcome.frames.get(slot));
            frames.map(SlotFrames::kept).unwrap_or_default()
        });
    }
    let mut entries: Vec<_> = log
        .entries
        .iter()
        .filter_map(|entry| Some((entry, kept.get(&entry.anomaly.slot)?)))
        .collect();
    entries.sort_by_cached_key(|(entry, kept)| line::time(entry, kept));
    for (entry, kept) in entries {
        write(&mut out, &Line::new(entry, kept, outcome.started))?;
    }
    write(&mut out, &Summary::new(log))?;
    Ok(out.flush()?)
}

fn write(out: &mut impl Write, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}
