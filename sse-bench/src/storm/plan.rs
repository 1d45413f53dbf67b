//! What a storm run is to do: a command line that was found sound.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::report::COMMAND;
use crate::cli::storm::StormArgs;
use crate::compare::Baseline;
use crate::plan::Plan;
use crate::threshold::Threshold;
use crate::tui::Title;

/// How all connections are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Manner {
    /// This side resets them.
    Rst,
    /// This side closes them.
    Fin,
    /// A command restarts the server.
    Server,
}

impl Manner {
    /// The name of the option and of the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rst => "rst",
            Self::Fin => "fin",
            Self::Server => "server",
        }
    }
}

/// The plan of a storm run.
#[derive(Debug)]
pub struct StormPlan {
    /// The connections, how they open and how they come back.
    pub load: Arc<Plan>,
    /// How they are lost.
    pub manner: Manner,
    /// The command that restarts the server.
    pub exec: Option<String>,
    /// Storms, one after another.
    pub rounds: u32,
    /// The calm before each.
    pub hold: Duration,
    /// The longest that a storm is watched.
    pub within: Duration,
    /// Event types that are no part of the stream.
    pub control_events: Vec<String>,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
    /// What the run is compared with.
    pub baseline: Option<Baseline>,
}

impl StormPlan {
    /// What a view of the run says of it.
    pub fn title(&self) -> Title {
        Title {
            command: "storm",
            thresholds: self.thresholds.clone(),
            ..self.load.title()
        }
    }

    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: StormArgs) -> Result<Self> {
        let storm = args.storm;
        ensure!(
            (storm.cut == Manner::Server) == storm.exec.is_some(),
            "--cut server and --exec COMMAND go together: the command restarts the server"
        );
        ensure!(
            !args.pace.no_reconnect,
            "--no-reconnect leaves a storm nothing to measure: leave it out"
        );
        let mut load = Plan::of(
            &args.url,
            args.connections,
            args.pace,
            args.request,
            storm.max_event_size,
        )?;
        ensure!(
            load.reconnects(),
            "a {} request is not repeated, so its connections do not come back: add --reconnect",
            load.target.method
        );
        load.retry_statuses = storm.retry_status;
        if storm.no_jitter {
            load.backoff.jitter = 0.0;
        }
        if storm.no_backoff {
            load.backoff.max_delay = Duration::ZERO;
        }
        let mut control_events = vec!["connected".to_owned(), "gap".to_owned()];
        control_events.extend(storm.ignore_event);
        Ok(Self {
            load: Arc::new(load),
            manner: storm.cut,
            exec: storm.exec,
            rounds: storm.rounds,
            hold: storm.hold,
            within: storm.within,
            control_events,
            thresholds: storm.threshold,
            baseline: args.baseline.read(COMMAND)?,
        })
    }
}
