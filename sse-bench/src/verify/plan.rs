//! What a verification is to do: a command line that was found sound.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sse_core::{Limits, SourceOptions};

use super::cut::{Kind, Strata};
use crate::checker::{Checker, Sequence, Settings};
use crate::cli::verify::VerifyArgs;
use crate::compare::Baseline;
use crate::plan::{check_connections, cores};
use crate::publish::Publishing;
use crate::report::invocation::shown_url;
use crate::stats::DeliveryMeter;
use crate::target::Target;
use crate::threshold::Threshold;
use crate::timestamp::Pointer;
use crate::tui::{Rules, Title};

/// The largest integer that every reader of JSON holds exactly (RFC 8259 §6).
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// What is logged of anomalies.
#[derive(Debug)]
pub struct LogPlan {
    /// Where to.
    pub file: PathBuf,
    /// Lines, at most.
    pub most: usize,
    /// Bytes kept of each slot: of its latest blocks, of those around reconnects, and of
    /// those around what was unusual.
    pub frames: usize,
}

/// The plan of a verification.
#[derive(Debug)]
pub struct VerifyPlan {
    /// What to ask for.
    pub target: Target,
    /// Slots, witnesses included.
    pub connections: u32,
    /// Slots that are never cut on purpose.
    pub witnesses: u32,
    /// Threads that receive.
    pub threads: u32,
    /// Length of the run.
    pub duration: Duration,
    /// The manners of cutting, none of the server's restarts among them.
    pub strata: Strata,
    /// The command that restarts the server.
    pub exec: Option<String>,
    /// Mean time until a connection is cut.
    pub cut_interval: Duration,
    /// From the start of a connection to the head of the response.
    pub connect_timeout: Duration,
    /// Whether to reconnect; `None` leaves it to the method.
    pub reconnect: Option<bool>,
    /// Seed of cuts and jitter.
    pub seed: u64,
    /// Caps on lines and events.
    pub limits: Limits,
    /// What the checker goes by.
    pub settings: Settings,
    /// Repeats are no failure.
    pub allow_duplicates: bool,
    /// Announced losses are.
    pub strict: bool,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
    /// What the run is compared with.
    pub baseline: Option<Baseline>,
    /// The log of all anomalies.
    pub anomalies: Option<LogPlan>,
    /// Own publishing.
    pub publishing: Option<Arc<Publishing>>,
    /// Where publish times stand in payloads.
    pub timestamp_pointer: Option<Pointer>,
    /// In events of these types; none means all.
    pub timestamp_events: Vec<String>,
}

impl VerifyPlan {
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: VerifyArgs) -> Result<Self> {
        let (cuts, identity, judgement) = (args.cuts, args.identity, args.judgement);
        let kinds = &cuts.cut;
        let none = kinds.contains(&Kind::None);
        ensure!(
            !none || kinds.len() == 1,
            "--cut none stands alone: leave it out, or the others"
        );
        ensure!(
            kinds.contains(&Kind::Server) == cuts.exec.is_some(),
            "--cut server and --exec COMMAND go together: the command restarts the server"
        );
        ensure!(
            !(args.request.transport.http2 && kinds.contains(&Kind::Fin)),
            "--cut fin has no meaning over HTTP/2, where the request has closed this side of the \
             stream: use --cut rst (RST_STREAM) or half-open (a stream left unread)"
        );
        let strata = Strata::new(kinds, &cuts.cut_at, &cuts.outage);
        ensure!(
            strata.all().is_empty() || cuts.witnesses < args.connections,
            "with {} witnesses among {} connections none is left to be cut: use a larger -c, fewer \
             --witnesses, or --cut none",
            cuts.witnesses,
            args.connections
        );
        ensure!(
            judgement.drain < args.duration,
            "the drain of {} leaves nothing of the {} of -z: make one of them shorter or longer",
            humantime::format_duration(judgement.drain),
            humantime::format_duration(args.duration)
        );
        let mut control_events = vec!["connected".to_owned()];
        control_events.extend(identity.ignore_event);
        let sequence = match (identity.sequence, identity.sequence_pointer) {
            (Some(expression), _) => Some(Sequence::Id(expression)),
            (_, pointer) => pointer.map(Sequence::Data),
        };
        let log = args.anomalies;
        let (most, frames) = (log.max_anomalies as usize, log.anomaly_frames);
        let anomalies = log.anomalies.map(|file| LogPlan { file, most, frames });
        let seed = cuts.seed;
        let seed = seed.unwrap_or_else(|| fastrand::u64(..=LARGEST_SEED));
        let publishing = Publishing::new(&args.publish, &args.request, seed)?.map(Arc::new);
        let published = publishing
            .as_ref()
            .map(|publishing| publishing.sequence.clone());
        Ok(Self {
            target: Target::new(&args.url, args.request)?,
            connections: args.connections,
            witnesses: cuts.witnesses.min(args.connections),
            // One core is left to the thread that checks.
            threads: args
                .threads
                .unwrap_or_else(|| cores().saturating_sub(1).max(1))
                .min(args.connections),
            duration: args.duration,
            strata,
            exec: cuts.exec,
            cut_interval: cuts.cut_interval,
            connect_timeout: cuts.connect_timeout,
            reconnect: cuts.reconnect.then_some(true),
            seed,
            limits: Limits::default()
                .line(judgement.max_event_size)
                .event(judgement.max_event_size),
            settings: Settings {
                control_events,
                gap_events: identity.gap_event,
                sequence: sequence.or(published.map(Sequence::Data)),
                key_pointer: identity.key_pointer,
                marker: publishing
                    .as_ref()
                    .and_then(|publishing| publishing.marker()),
                stall: micros(judgement.stall),
                delivery_timeout: micros(judgement.delivery_timeout),
                drain: micros(judgement.drain),
                most_records: judgement.max_records as usize,
                remembered: judgement.remember as usize,
                logged: anomalies.as_ref().map_or(0, |log| log.most),
                ..Settings::default()
            },
            allow_duplicates: judgement.allow_duplicates,
            strict: judgement.strict,
            thresholds: judgement.threshold,
            baseline: args.baseline.read("verify")?,
            anomalies,
            timestamp_pointer: args.latency.timestamp_pointer.or_else(|| {
                publishing
                    .as_ref()
                    .and_then(|publishing| publishing.timestamp())
            }),
            timestamp_events: args.latency.timestamp_event,
            publishing,
        })
    }

    /// Raises the limit on open files, and says beforehand what this machine
    /// will not carry.
    pub fn check_machine(&self) -> Result<()> {
        let transport = &self.target.transport;
        let kinds = || self.strata.all().iter().map(|stratum| stratum.kind);
        if !kinds().any(|kind| kind == Kind::HalfOpen) {
            return check_connections(self.connections, self.threads, transport);
        }
        check_connections(self.connections.saturating_mul(2), self.threads, transport).context(
            "--cut half-open holds each connection beside the next one, two for each of -c",
        )
    }

    /// A checker of all slots, that knows nothing yet.
    pub fn checker(&self) -> Checker {
        let mut checker = Checker::new(self.settings.clone());
        checker.add_slots(self.connections as usize);
        if self.publishing.is_some() {
            checker.owe_acknowledged();
        }
        checker
    }

    /// What a view of the run says of it.
    pub fn title(&self) -> Title {
        let cuts = self.strata.all().iter().map(|cut| cut.kind.name());
        Title {
            command: "verify",
            url: shown_url(&self.target.url),
            connections: self.connections.into(),
            thresholds: self.thresholds.clone(),
            drain: Duration::from_micros(self.settings.drain),
            judged: Some(Rules {
                cuts: cuts.collect(),
                allow_duplicates: self.allow_duplicates,
                strict: self.strict,
            }),
            ..Title::default()
        }
    }

    /// Whether connections are cut on purpose, by either side.
    pub fn cuts(&self) -> bool {
        !self.strata.all().is_empty() || self.exec.is_some()
    }

    /// Whether this slot is never cut. Witnesses are spread over the slots, so
    /// that they open at different times.
    pub fn is_witness(&self, slot: u32) -> bool {
        let (slot, witnesses) = (u64::from(slot), u64::from(self.witnesses));
        slot * witnesses % u64::from(self.connections) < witnesses
    }

    /// When a slot opens, since the start. They are spread out, so that a server
    /// that ends streams by their age does not leave all of them away at once.
    pub fn opens(&self, slot: u32) -> Duration {
        let spread = (self.duration / 6).min(Duration::from_secs(5));
        spread * slot / self.connections
    }

    /// After this no connection is cut, so that each reconnect can be judged.
    pub fn last_cut(&self, reconnection_time: Duration) -> Duration {
        let judged = Duration::from_micros(self.settings.drain + self.settings.delivery_timeout);
        self.duration
            .saturating_sub(judged + reconnection_time + reconnection_time / 4)
    }

    /// `None` where no event is asked for its publish time.
    pub fn delivery_meter(&self) -> Option<DeliveryMeter> {
        let pointer = self.timestamp_pointer.clone()?;
        Some(DeliveryMeter::new(pointer, self.timestamp_events.clone()))
    }

    /// Of the event source of each slot.
    pub fn source_options(&self) -> SourceOptions {
        SourceOptions {
            method: self.target.method.clone(),
            reconnect: self.reconnect,
            last_event_id: self.target.last_event_id.clone(),
            limits: self.limits,
            ..SourceOptions::default()
        }
    }
}

/// Microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
