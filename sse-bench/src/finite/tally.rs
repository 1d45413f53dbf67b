//! What one thread measures of its requests, and the sum of all.

use std::time::Duration;

use super::amounts::Amounts;
use super::goodput::Goodput;
use crate::failure::Failures;
use crate::histogram::Latency;
use crate::http2::Sharing;
use crate::series::{Latencies, Pulse};
use crate::stats::EventTypes;

/// The measurements of one thread, or of all.
#[derive(Debug, Default)]
pub struct Tally {
    /// What a good request keeps to.
    pub goodput: Option<Goodput>,
    /// Whether it is known what content is.
    pub has_content_rules: bool,
    /// Requests by what became of them.
    pub counts: Counts,
    /// Start of a connection to the connected (and TLS-secured) socket.
    pub connect: Latency,
    /// Start of a request to the head of the response that opens the stream.
    pub open: Latency,
    /// Intended start of a request to its first event that tells of no error.
    pub ttfe: Latency,
    /// The same to its first content.
    pub ttfc: Latency,
    /// Time between two events of one stream; 0 where one read brought both.
    pub gap: Latency,
    /// Intended start of a request to its end marker.
    pub duration: Latency,
    /// How much later than intended a request began as all connections were busy.
    pub waited: Latency,
    /// See [`Stats::read_lag`](crate::stats::Stats::read_lag).
    pub read_lag: Latency,
    /// Events of each stream with a marker.
    pub events_per_stream: Amounts,
    /// Bytes of each, HTTP framing not included.
    pub bytes_per_stream: Amounts,
    /// Silences within a stream longer than the limit.
    pub stalls: u64,
    /// Events by type.
    pub types: EventTypes,
    /// Requests by the reason that their answers ended with.
    pub finishes: EventTypes,
    /// Failures by kind.
    pub failures: Failures,
    /// What became of HTTP/2 connections.
    pub sharing: Sharing,
    /// The longest wait that a refusal asked for.
    pub longest_retry_after: Option<Duration>,
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Requests, and what else is counted.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counts {
            fn merge(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }

            /// All of them.
            pub fn by_name(&self) -> [(&'static str, u64); [$(stringify!($name)),*].len()] {
                [$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counts! {
    /// Requests begun.
    started,
    /// Those that ended with their marker.
    completed,
    /// Those whose response began and ended, or broke, without it.
    cut_short,
    /// Those whose stream told of an error.
    errors_in_stream,
    /// Those answered by a status or content type that is no stream.
    refused,
    /// Refusals with a `Retry-After`.
    retry_after,
    /// Those without any response.
    not_answered,
    /// Those that took too long.
    timed_out,
    /// Those under way when the run ended.
    unfinished,
    /// Those that began later than intended as all connections were busy.
    waited,
    /// Those due before the end for which no connection became free.
    never_started,
    /// Those completed without any content.
    without_content,
    /// Those held against the goodput's limits.
    judged,
    /// Those that kept them.
    good,
    /// Requests on a connection that had carried one before.
    reused,
    /// MCP: sessions begun.
    sessions,
    /// MCP: answers that were one JSON document.
    json_answers,
    /// MCP: requests and notifications of the server before its response.
    server_messages,
    /// MCP: streams that were cut and resumed.
    resumed,
}

impl Counts {
    /// Requests that ended without what they were made for.
    pub fn failed(&self) -> u64 {
        self.cut_short + self.errors_in_stream + self.refused + self.not_answered + self.timed_out
    }
}

/// The latencies that are kept over time.
pub(super) const OVER_TIME: &[&str] = &["ttfe", "ttfc", "gap", "duration"];

impl Tally {
    /// The latencies since the last call, which stay a part of the whole.
    pub fn turn(&mut self) -> Latencies {
        let [ttfe, ttfc, gap, duration] = [
            &mut self.ttfe,
            &mut self.ttfc,
            &mut self.gap,
            &mut self.duration,
        ]
        .map(Latency::turn);
        let names = OVER_TIME.iter().copied();
        names.zip([ttfe, ttfc, gap, duration]).collect()
    }

    /// What is shown of it while the run goes on.
    pub fn pulse(&self) -> Pulse {
        let latencies = [
            ("ttfe", &self.ttfe),
            ("ttfc", &self.ttfc),
            ("gap", &self.gap),
            ("duration", &self.duration),
            ("open", &self.open),
            ("connect", &self.connect),
            ("waited", &self.waited),
        ];
        let mut counts: Vec<_> = self.counts.by_name().into();
        counts.push(("stalls", self.stalls));
        Pulse {
            latencies: latencies
                .into_iter()
                .map(|(name, latency)| (name, latency.distribution()))
                .collect(),
            counts,
            read_lag: self.read_lag.distribution(),
            failures: self.failures.clone(),
            ..Pulse::default()
        }
    }

    /// Adds what another thread measured.
    pub fn merge(&mut self, other: Self) {
        self.counts.merge(other.counts);
        for (mine, others) in [
            (&mut self.connect, &other.connect),
            (&mut self.open, &other.open),
            (&mut self.ttfe, &other.ttfe),
            (&mut self.ttfc, &other.ttfc),
            (&mut self.gap, &other.gap),
            (&mut self.duration, &other.duration),
            (&mut self.waited, &other.waited),
            (&mut self.read_lag, &other.read_lag),
        ] {
            mine.merge(others);
        }
        self.events_per_stream.merge(&other.events_per_stream);
        self.bytes_per_stream.merge(&other.bytes_per_stream);
        self.stalls += other.stalls;
        self.types.merge(&other.types);
        self.finishes.merge(&other.finishes);
        self.failures.merge(other.failures);
        self.sharing.merge(other.sharing);
        self.longest_retry_after = self.longest_retry_after.max(other.longest_retry_after);
    }
}
