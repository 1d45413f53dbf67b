//! The keys of the JSON report, durations in microseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finite::{AmountSummary, FinitePlan, Outcome, Preset};
use crate::histogram::Summary;
use crate::report::Http2Report;
use crate::report::head::{Errors, round, us};
use crate::report::invocation::shown_url;
use crate::report::json::{Bytes, Reads, Tool};

/// What was measured. Distributions without values, and what was not asked for,
/// are `null`.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    pub plan: PlanReport<'a>,
    pub requests: Requests<'a>,
    pub goodput: Option<GoodputReport>,
    pub streams: Streams,
    pub connections: Connections,
    pub http2: Option<Http2Report>,
    pub mcp: Option<McpReport>,
    pub deliveries: Deliveries<'a>,
    pub bytes: Bytes,
    pub reads: Reads,
    pub latency: LatencyReport,
    pub errors: Errors<'a>,
    pub tool: Tool,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
    /// Without secrets.
    pub url: String,
    pub method: &'a str,
    pub preset: Option<&'static str>,
    /// The most requests under way at once.
    pub connections: u32,
    pub duration_us: Option<u64>,
    pub requests: Option<u64>,
    /// Requests to start each second, in an open loop.
    pub rate: Option<f64>,
    pub stall_us: u64,
    pub timeout_us: u64,
    pub drain_us: u64,
    pub threads: u32,
}

/// Requests by what became of them.
#[derive(Debug, Serialize)]
pub struct Requests<'a> {
    pub started: u64,
    /// With their end marker.
    pub completed: u64,
    /// The sum of the next five.
    pub failed: u64,
    /// The response ended, or broke, without its end marker.
    pub cut_short: u64,
    /// The stream told of an error.
    pub errors_in_stream: u64,
    /// A status or content type that is no stream.
    pub refused: u64,
    /// No response that could be read.
    pub not_answered: u64,
    pub timed_out: u64,
    /// Under way when the run, its drain included, was over.
    pub unfinished: u64,
    /// Open loop: begun later than intended as all connections were busy.
    pub waited: u64,
    /// Open loop: due, but no connection became free.
    pub never_started: u64,
    /// Completed without any content.
    pub without_content: u64,
    /// Completed in the window.
    pub per_second: f64,
    /// The run without its drain.
    pub window_us: u64,
    /// By the reason that the answer ended with.
    pub finish: BTreeMap<&'a str, u64>,
    pub retry_after: RetryAfter,
}

/// Refusals that said when to come back.
#[derive(Debug, Serialize)]
pub struct RetryAfter {
    pub count: u64,
    pub longest_us: Option<u64>,
}

/// Requests that kept all limits.
#[derive(Debug, Serialize)]
pub struct GoodputReport {
    pub limits: String,
    pub good: u64,
    /// All but those under way at the end that may yet have kept them.
    pub judged: u64,
    pub share: Option<f64>,
    /// Over the run, its drain included.
    pub per_second: Option<f64>,
}

/// Streams that were completed, and silences in any.
#[derive(Debug, Serialize)]
pub struct Streams {
    pub events: Option<AmountSummary>,
    /// Of the body.
    pub bytes: Option<AmountSummary>,
    pub stalls: u64,
}

/// What the requests were sent on.
#[derive(Debug, Serialize)]
pub struct Connections {
    pub opened: u64,
    /// Requests on a connection that had carried one before.
    pub reused: u64,
}

/// What there is over MCP alone.
#[derive(Debug, Serialize)]
pub struct McpReport {
    pub sessions: u64,
    /// Answers that were one JSON document instead of a stream.
    pub json_answers: u64,
    /// Requests and notifications of the server.
    pub server_messages: u64,
    /// Streams that were cut and resumed by their last event ID.
    pub resumed: u64,
}

/// Events.
#[derive(Debug, Serialize)]
pub struct Deliveries<'a> {
    pub total: u64,
    /// In the window.
    pub per_second: f64,
    pub by_type: BTreeMap<&'a str, u64>,
    /// Of types beyond the 256 counted by name.
    pub other_types: u64,
}

/// Distributions. In an open loop `ttfe`, `ttfc` and `duration` count from the
/// intended start of a request, else from the real one.
#[derive(Debug, Serialize)]
pub struct LatencyReport {
    /// Start of a connection to the connected (and TLS-secured) socket.
    pub connect: Option<Summary>,
    /// Start of a request to the head of its response.
    pub open: Option<Summary>,
    /// To the first event that tells of no error.
    pub ttfe: Option<Summary>,
    /// To the first content.
    pub ttfc: Option<Summary>,
    /// Between two events of one stream; 0 where one read brought both.
    pub gap: Option<Summary>,
    /// To the end marker.
    pub duration: Option<Summary>,
    /// How much later than intended a request began as all connections were busy.
    pub waited: Option<Summary>,
}

impl Requests<'_> {
    /// Those that failed, by the way they did.
    pub fn failures(&self) -> [(u64, &'static str); 5] {
        [
            (self.cut_short, "cut short"),
            (self.errors_in_stream, "told of an error"),
            (self.refused, "refused"),
            (self.not_answered, "not answered or not readable"),
            (self.timed_out, "timed out"),
        ]
    }

    /// What else is told of requests, of which none failed for it.
    pub fn others(&self) -> [(u64, &'static str); 4] {
        [
            (self.unfinished, "unfinished at the end"),
            (self.without_content, "without content"),
            (self.waited, "waited for a connection"),
            (self.never_started, "never started for want of one"),
        ]
    }
}

impl<'a> RunReport<'a> {
    /// The distributions, as tables name them.
    pub fn latencies(&self) -> [(&'static str, Option<Summary>); 8] {
        let latency = &self.latency;
        [
            ("connect", latency.connect),
            ("open", latency.open),
            ("first event", latency.ttfe),
            ("1st content", latency.ttfc),
            ("event gap", latency.gap),
            ("to the end", latency.duration),
            ("waited", latency.waited),
            ("own read lag", self.tool.read_lag),
        ]
    }

    /// What was measured.
    pub fn new(plan: &'a FinitePlan, outcome: &'a Outcome) -> Self {
        let (tally, totals) = (&outcome.tally, &outcome.totals);
        let counts = &tally.counts;
        let per_second = |amount| round(outcome.window.per_second(amount).unwrap_or_default());
        Self {
            plan: PlanReport {
                url: shown_url(&plan.target.url),
                method: plan.target.method.as_str(),
                preset: plan.preset.map(Preset::name),
                connections: plan.connections,
                duration_us: plan.duration.map(us),
                requests: plan.requests,
                rate: plan.rate,
                stall_us: us(plan.stall),
                timeout_us: us(plan.timeout),
                drain_us: us(plan.drain),
                threads: plan.threads,
            },
            requests: Requests {
                started: counts.started,
                completed: counts.completed,
                failed: counts.failed(),
                cut_short: counts.cut_short,
                errors_in_stream: counts.errors_in_stream,
                refused: counts.refused,
                not_answered: counts.not_answered,
                timed_out: counts.timed_out,
                unfinished: counts.unfinished,
                waited: counts.waited,
                never_started: counts.never_started,
                without_content: counts.without_content,
                per_second: per_second(outcome.completed_in_window),
                window_us: us(outcome.window.length),
                finish: tally.finishes.by_name(),
                retry_after: RetryAfter {
                    count: counts.retry_after,
                    longest_us: tally.longest_retry_after.map(us),
                },
            },
            goodput: plan.goodput.as_ref().map(|goodput| GoodputReport {
                limits: goodput.to_string(),
                good: counts.good,
                judged: counts.judged + counts.never_started,
                share: outcome.goodput().map(round),
                per_second: outcome.goodput_per_second().map(round),
            }),
            streams: Streams {
                events: tally.events_per_stream.summary(),
                bytes: tally.bytes_per_stream.summary(),
                stalls: tally.stalls,
            },
            connections: Connections {
                opened: totals.connected,
                reused: counts.reused,
            },
            http2: Http2Report::of(&plan.target.transport, &tally.sharing, &tally.failures),
            mcp: (plan.preset == Some(Preset::Mcp)).then_some(McpReport {
                sessions: counts.sessions,
                json_answers: counts.json_answers,
                server_messages: counts.server_messages,
                resumed: counts.resumed,
            }),
            deliveries: Deliveries {
                total: totals.deliveries,
                per_second: per_second(outcome.window.deliveries),
                by_type: tally.types.by_name(),
                other_types: tally.types.others,
            },
            bytes: Bytes::of(totals, &outcome.window),
            reads: Reads::of(totals),
            latency: LatencyReport {
                connect: tally.connect.summary(),
                open: tally.open.summary(),
                ttfe: tally.ttfe.summary(),
                ttfc: tally.ttfc.summary(),
                gap: tally.gap.summary(),
                duration: tally.duration.summary(),
                waited: tally.waited.summary(),
            },
            errors: Errors::of(&tally.failures),
            tool: Tool::of(&tally.read_lag, outcome.usage),
        }
    }
}
