//! What a frame shows, worked out from what is known of the run. Pure: no
//! terminal and no clock.

use std::time::Duration;

use serde_json::{Value, json};

use crate::checker::{Anomaly, Findings, Micros};
use crate::failure::Failures;
use crate::finite::DONE;
use crate::live::Snapshot;
use crate::series::{Distribution, Pulse, Series};
use crate::threshold::{Checked, Threshold};

/// What is known before the run.
#[derive(Debug, Clone, Default)]
pub struct Title {
    /// The subcommand.
    pub command: &'static str,
    /// The target, without secrets.
    pub url: String,
    /// Slots.
    pub connections: u64,
    /// What the run must keep to.
    pub thresholds: Vec<Threshold>,
    /// The end of the run in which nothing more is owed.
    pub drain: Duration,
    /// Where deliveries are judged.
    pub judged: Option<Rules>,
    /// Where streams end.
    pub requests: Option<Requests>,
}

/// What is asked of streams that end.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// How many requests, over all slots.
    pub wanted: Option<u64>,
    /// How many to start each second.
    pub rate: Option<f64>,
    /// What a good one keeps to.
    pub goodput: Option<String>,
}

/// Where a storm stands.
#[derive(Debug, Clone, Default)]
pub struct StormNow {
    /// Which one is on, or comes next.
    pub number: u32,
    /// Of so many.
    pub of: u32,
    /// Whether it is on; else what follows is of the one before.
    pub is_on: bool,
    /// The first loss was so long ago.
    pub since: Option<Duration>,
    /// Slots that have lost their connection.
    pub lost: u32,
    /// Of them, open again.
    pub open: u32,
    /// Of those, caught up.
    pub caught_up: u32,
    /// Refused for good.
    pub given_up: u32,
    /// Told to stop.
    pub stopped: u32,
    /// Connections begun.
    pub attempts: u64,
    /// The most in a second.
    pub peak: u64,
    /// Answered, but not with a stream.
    pub refused: u64,
    /// Not answered.
    pub failed: u64,
    /// Opened and lost again.
    pub lost_again: u64,
    /// Refusals and failures by kind.
    pub failures: Failures,
    /// Seconds since the first loss, slots open again, slots caught up.
    pub curve: Vec<(f64, u32, u32)>,
    /// What the report would have of the storms that are over.
    pub so_far: Value,
}

/// What a verification makes of what it finds.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The kind of each manner of cutting, by its number.
    pub cuts: Vec<&'static str>,
    /// Repeats are no failure.
    pub allow_duplicates: bool,
    /// Announced losses are.
    pub strict: bool,
}

/// Where the run stands, as the directing thread says.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    /// The counters.
    pub now: Snapshot,
    /// Since the start.
    pub elapsed: Duration,
    /// How long the connections are yet to be held, once that is known.
    pub left: Option<Duration>,
    /// What the command says it is doing, if it does.
    pub phase: Option<&'static str>,
    /// Events and bytes each second, of late.
    pub deliveries: f64,
    /// See [`deliveries`](Self::deliveries).
    pub bytes: f64,
    /// Requests done each second, of late.
    pub requests: f64,
    /// Where there are storms.
    pub storm: Option<StormNow>,
}

/// A moment of the series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// Seconds since the start.
    pub at: f64,
    /// Each second.
    pub deliveries: f64,
    /// Each second.
    pub reconnects: f64,
    /// Each second.
    pub requests: f64,
    /// At its end.
    pub open: u64,
}

/// What the verdict would be if the run ended now.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// When that was.
    pub at: Micros,
    /// What was found.
    pub findings: Findings,
    /// Since then too much is known to judge it while the run goes on.
    pub given_up: Option<Micros>,
}

/// Slots by state. They add up to all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots {
    /// Receiving.
    pub open: u64,
    /// Waiting for an answer.
    pub connecting: u64,
    /// Lost, and not yet due to connect again.
    pub waiting: u64,
    /// Not yet due for the first time.
    pub to_come: u64,
    /// Over for good.
    pub ended: u64,
}

/// One frame.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// See [`Title`].
    pub title: Title,
    /// See [`Feed`].
    pub feed: Feed,
    /// See [`Slots`].
    pub slots: Slots,
    /// The run over time.
    pub points: Vec<Point>,
    /// What threads measured.
    pub pulse: Pulse,
    /// See [`Judged`].
    pub judged: Option<Judged>,
    /// The thresholds as they stand.
    pub thresholds: Vec<Checked>,
    /// The user asked for the end.
    pub ending: bool,
}

impl View {
    /// What the last second changed; [`at`](Self::at) adds the rest.
    pub fn new(title: &Title, series: &Series, pulse: Pulse, judged: Option<&Judged>) -> Self {
        let requests = series.counted(DONE).into_iter().map(Some);
        let requests = requests.chain(std::iter::repeat(None));
        let samples = series.samples().iter().zip(requests);
        let points = samples.map(|(sample, requests)| Point {
            at: sample.at.as_secs_f64(),
            deliveries: sample.per_second(sample.deliveries),
            reconnects: sample.per_second(sample.reconnects),
            requests: sample.per_second(requests.unwrap_or_default()),
            open: sample.open,
        });
        Self {
            title: title.clone(),
            points: points.collect(),
            pulse,
            judged: judged.cloned(),
            ..Self::default()
        }
    }

    /// The same at another moment.
    pub fn at(&mut self, feed: Feed) {
        self.slots = Slots::of(&feed.now, self.title.connections);
        self.feed = feed;
        let report = self.report_so_far();
        let thresholds = self.title.thresholds.iter();
        self.thresholds = thresholds
            .map(|threshold| threshold.check(&report))
            .collect();
    }

    /// In which part of the run this is.
    pub fn phase(&self) -> &'static str {
        match (self.feed.phase, self.feed.left) {
            _ if self.ending => "ending",
            (Some(phase), _) => phase,
            (None, Some(left)) if left < self.title.drain => "drain",
            _ if self.feed.now.settled < self.title.connections => "ramp",
            _ => "hold",
        }
    }

    /// How much of the run is over, if that is known.
    pub fn done(&self) -> Option<f64> {
        let part = |some: f64, all: f64| (all > 0.0).then(|| (some / all).clamp(0.0, 1.0));
        let wanted = self.title.requests.as_ref().and_then(|it| it.wanted);
        if let Some(wanted) = wanted {
            let ended = self.feed.now.requests + self.feed.now.failures;
            return part(ended as f64, wanted as f64);
        }
        if let Some(storm) = self.feed.storm.as_ref().filter(|storm| storm.is_on) {
            return part(storm.open.into(), storm.lost.into());
        }
        let elapsed = self.feed.elapsed.as_secs_f64();
        let all = elapsed + self.feed.left?.as_secs_f64();
        part(elapsed, all)
    }

    /// The part of the requests that kept to all limits, if any was judged.
    pub fn goodput(&self) -> Option<f64> {
        let (good, judged) = (self.pulse.count("good"), self.pulse.count("judged"));
        (judged > 0).then(|| good as f64 / judged as f64)
    }

    /// Durations to show, the most telling first.
    pub fn latencies(&self) -> impl Iterator<Item = (&'static str, &Distribution)> {
        const NAMES: [(&str, &str); 12] = [
            ("delivery", "delivery"),
            ("replay", "replay"),
            ("skew", "skew"),
            ("ttfe", "first event"),
            ("ttfc", "1st content"),
            ("gap", "event gap"),
            ("duration", "to the end"),
            ("first_event", "first event"),
            ("open", "open"),
            ("connect", "connect"),
            ("reconnect", "reconnect"),
            ("waited", "waited"),
        ];
        let mut names = NAMES;
        if self.feed.storm.is_some() {
            // How long connections were away is what a storm is about.
            names.sort_by_key(|(key, _)| *key != "reconnect");
        }
        let measured = names.into_iter().filter_map(|(key, name)| {
            let distribution = self.pulse.latency(key)?;
            Some((name, distribution))
        });
        let lag = &self.pulse.read_lag;
        measured.chain((lag.count() > 0).then_some(("own read lag", lag)))
    }

    /// The first anomalies as they happened.
    pub fn anomalies(&self) -> Vec<&Anomaly> {
        let judged = self.judged.iter();
        let mut all: Vec<_> = judged
            .flat_map(|judged| &judged.findings.anomalies)
            .collect();
        all.sort_by_key(|anomaly| anomaly.at);
        all
    }

    /// As much of the JSON report as is known, where its thresholds look.
    fn report_so_far(&self) -> Value {
        let now = &self.feed.now;
        let seconds = self.feed.elapsed.as_secs_f64();
        let rate = |amount: u64| (seconds > 0.0).then(|| amount as f64 / seconds);
        let latencies = self.pulse.latencies.iter();
        let mut latency: serde_json::Map<_, _> = latencies
            .filter(|(_, distribution)| distribution.count() > 0)
            .map(|(name, distribution)| (name.to_owned(), summary(distribution)))
            .collect();
        if let Some(storm) = &self.feed.storm {
            let members = storm.so_far["latency"].as_object().into_iter().flatten();
            latency.extend(members.map(|(name, value)| (name.clone(), value.clone())));
        }
        let lag = &self.pulse.read_lag;
        let mut report = json!({
            "latency": latency,
            "tool": { "read_lag": (lag.count() > 0).then(|| summary(lag)) },
            "connections": {
                "opened": now.opened,
                "never_opened": now.settled.saturating_sub(now.opened),
                "given_up": now.given_up,
            },
            "reconnects": { "total": now.reconnects },
            "errors": { "total": now.failures },
            "deliveries": { "total": now.deliveries, "per_second": rate(now.deliveries) },
            "bytes": { "per_second": rate(now.bytes) },
        });
        if let Some(storm) = &self.feed.storm {
            report["totals"] = storm.so_far["totals"].clone();
        }
        if let Some(asked) = &self.title.requests {
            self.report_requests(asked, &mut report);
        }
        if let Some(judged) = &self.judged {
            let counts = judged.findings.integrity;
            report["integrity"] = json!({
                "expected": counts.expected,
                "received": counts.received,
                "unkeyed": counts.unkeyed,
                "missing": counts.missing,
                "gap": counts.gap,
                "cursor_past_hole": counts.cursor_past_hole,
                "lost_after_reconnect": counts.lost_after_reconnect,
                "declared_gap": counts.declared_gap,
                "duplicate": counts.duplicate,
                "replay_overlap": counts.replay_overlap,
                "reorder": counts.reorder,
                "id_conflict": counts.id_conflict,
                "stall": counts.stall,
            });
        }
        report
    }
}

impl View {
    fn report_requests(&self, asked: &Requests, report: &mut Value) {
        let now = &self.feed.now;
        let seconds = self.feed.elapsed.as_secs_f64();
        let rate = |amount: u64| (seconds > 0.0).then(|| amount as f64 / seconds);
        for (name, count) in &self.pulse.counts {
            report["requests"][name] = json!(count);
        }
        report["requests"]["completed"] = json!(now.requests);
        report["requests"]["failed"] = json!(now.failures);
        report["requests"]["per_second"] = json!(rate(now.requests));
        report["streams"] = json!({ "stalls": self.pulse.count("stalls") });
        if asked.goodput.is_some() {
            let per_second = rate(self.pulse.count("good"));
            report["goodput"] = json!({ "share": self.goodput(), "per_second": per_second });
        }
    }
}

impl Slots {
    fn of(now: &Snapshot, all: u64) -> Self {
        let unsettled = all.saturating_sub(now.settled);
        let away = now.settled.saturating_sub(now.open + now.ended);
        // Counters of several threads are not read at one moment.
        let connecting = now.connecting.min(unsettled + away);
        let first = connecting.min(unsettled);
        Self {
            open: now.open.min(all),
            connecting,
            waiting: away - (connecting - first),
            to_come: unsettled - first,
            ended: now.ended,
        }
    }
}

fn summary(distribution: &Distribution) -> Value {
    let at = |part| distribution.quantile_us(part);
    let values = distribution.buckets();
    let sum: f64 = values
        .map(|(value, count)| value as f64 * count as f64)
        .sum();
    json!({
        "mean_us": sum / distribution.count() as f64,
        "p50_us": at(0.5),
        "p90_us": at(0.9),
        "p99_us": at(0.99),
        "p99.9_us": at(0.999),
        "max_us": distribution.max_us(),
    })
}
