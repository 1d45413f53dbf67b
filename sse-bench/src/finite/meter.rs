//! What is measured of one request, event by event.

use std::time::{Duration, Instant};

use super::goodput::Measures;
use super::rules::Mark;
use super::tally::Tally;
use crate::failure::Failure;

/// One request and its stream.
#[derive(Debug)]
pub(super) struct Meter {
    /// What latencies count from: the intended start, or where none was
    /// intended the real one.
    from: Instant,
    stall: Duration,
    first_event: Option<Instant>,
    first_content: Option<Instant>,
    last_event: Option<Instant>,
    longest_gap: Option<Duration>,
    events: u64,
    bytes: u64,
    finish: Option<String>,
}

/// How a request ended.
#[derive(Debug)]
pub(super) enum End {
    /// With its marker, seen at this time.
    Done(Instant),
    /// Without its marker, though the stream had begun.
    CutShort(Failure),
    /// With an error that the stream told of.
    Told(Failure),
    /// The response is no event stream; `Retry-After` where the server gave one.
    Refused(Failure, Option<Duration>),
    /// There was no response.
    Failed(Failure),
    /// It took longer than it may.
    TimedOut(Failure),
    /// The run ended first.
    Unfinished,
}

impl Meter {
    /// A request whose latencies count from `from`.
    pub(super) fn new(from: Instant, stall: Duration) -> Self {
        Self {
            from,
            stall,
            first_event: None,
            first_content: None,
            last_event: None,
            longest_gap: None,
            events: 0,
            bytes: 0,
            finish: None,
        }
    }

    /// How many events came.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of the stream arrived.
    pub(super) fn on_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// An event arrived.
    pub(super) fn on_event(&mut self, at: Instant, mark: &mut Mark, tally: &mut Tally) {
        self.events += 1;
        if let Some(last) = self.last_event.replace(at) {
            let gap = at.saturating_duration_since(last);
            tally.gap.record(gap);
            tally.stalls += u64::from(gap > self.stall);
            self.longest_gap = self.longest_gap.max(Some(gap));
        }
        // An error is no answer, however soon it comes.
        if mark.error.is_none() {
            if self.first_event.is_none() {
                self.first_event = Some(at);
                tally.ttfe.record(at.saturating_duration_since(self.from));
            }
            if mark.content && self.first_content.is_none() {
                self.first_content = Some(at);
                tally.ttfc.record(at.saturating_duration_since(self.from));
            }
        }
        if let Some(reason) = mark.finish.take() {
            self.finish = Some(reason);
        }
    }

    /// Counts the request as ended, or given up, at `now`.
    pub(super) fn close(self, end: End, now: Instant, tally: &mut Tally) {
        let end_at = match end {
            End::Done(at) => at,
            _ => now,
        };
        let since = |at: Instant| at.saturating_duration_since(self.from);
        let measures = Measures {
            ttfe: self.first_event.map(since),
            ttfc: self.first_content.map(since),
            gap: self.longest_gap,
            duration: since(end_at),
        };
        let silence = self
            .last_event
            .map(|last| end_at.saturating_duration_since(last));
        let counts = &mut tally.counts;
        // What is waited for in vain is a stall too.
        if !matches!(end, End::Done(_) | End::Told(_)) && silence.is_some_and(|it| it > self.stall)
        {
            tally.stalls += 1;
        }
        let good = match &end {
            End::Done(_) => tally
                .goodput
                .as_ref()
                .map(|goodput| goodput.keeps(&measures)),
            End::Unfinished => tally
                .goodput
                .as_ref()
                .and_then(|goodput| goodput.lost(&measures, silence).then_some(false)),
            _ => tally.goodput.as_ref().map(|_| false),
        };
        if let Some(good) = good {
            counts.judged += 1;
            counts.good += u64::from(good);
        }
        let failure = match end {
            End::Done(_) => {
                counts.completed += 1;
                tally.duration.record(measures.duration);
                tally.events_per_stream.record(self.events);
                tally.bytes_per_stream.record(self.bytes);
                if tally.has_content_rules && self.first_content.is_none() {
                    counts.without_content += 1;
                }
                None
            }
            End::CutShort(failure) => {
                counts.cut_short += 1;
                Some(failure)
            }
            End::Told(failure) => {
                counts.errors_in_stream += 1;
                Some(failure)
            }
            End::Refused(failure, retry_after) => {
                counts.refused += 1;
                if let Some(wait) = retry_after {
                    counts.retry_after += 1;
                    tally.longest_retry_after = tally.longest_retry_after.max(Some(wait));
                }
                Some(failure)
            }
            End::Failed(failure) => {
                counts.not_answered += 1;
                Some(failure)
            }
            End::TimedOut(failure) => {
                counts.timed_out += 1;
                Some(failure)
            }
            End::Unfinished => {
                counts.unfinished += 1;
                None
            }
        };
        if let Some(reason) = self.finish {
            tally.finishes.count(&reason);
        }
        if let Some(failure) = failure {
            tally.failures.add(&failure);
        }
    }
}
