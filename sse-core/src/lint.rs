//! Lints: what a person should know about a stream that a client is right to
//! read in silence.
//!
//! A [`Linter`] watches one stream over all its connections. Told of heads,
//! bytes, items and ends, each with the time, it keeps one [`Lint`] for each
//! [`LintKind`] it saw: what was seen first, how often, when last. No I/O and no
//! clock; memory is bounded (about 9 KiB and one short text for each kind).
//!
//! ```
//! use std::time::Duration;
//! use http::HeaderMap;
//! use sse_core::lint::{LintKind, Linter, Moment, Severity};
//! use sse_core::{Cause, Parser};
//! # fn main() -> Result<(), sse_core::LimitExceeded> {
//! let (mut linter, mut parser) = (Linter::new(), Parser::new());
//! let moment = |seconds| Moment { at: Duration::from_secs(seconds), place: 0 };
//! linter.open(moment(1), 1, &HeaderMap::new());
//!
//! let bytes = b"Data: not data\n\ndata: cut";
//! linter.read(moment(2), bytes);
//! let mut items = parser.feed(bytes);
//! while let Some(item) = items.next()? {
//!     linter.item(moment(2), &item);
//! }
//! drop(items);
//! linter.end(moment(3), &Cause::EndOfStream, parser.finish());
//!
//! let kinds: Vec<_> = linter.lints().iter().map(|lint| lint.kind).collect();
//! assert_eq!(kinds, [
//!     LintKind::ContentType, LintKind::Cacheable, LintKind::UnknownField, LintKind::Unterminated,
//! ]);
//! assert_eq!(linter.lints()[2].evidence, "\"Data\", meant as data?");
//! assert_eq!(linter.lints()[2].severity, Severity::Error);
//! # Ok(()) }
//! ```
//!
//! All but [`Buffering`](LintKind::Buffering) and
//! [`LateHead`](LintKind::LateHead), which are about reads, depend on what was
//! received and not on how it was cut.

mod answer;
mod fields;
mod head;
mod ids;
mod kind;
mod pace;
mod report;
mod wire;

use std::time::Duration;

use http::HeaderMap;

pub use kind::{LintKind, Severity};

use crate::event::EventRef;
use crate::parse::{Ignored, Item, Unfinished};
use crate::source::Cause;
use answer::Answer;
use ids::Ids;
use pace::Pace;
use report::Report;
use wire::Wire;

/// When and where something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Time since the Unix epoch, so that times in the data can be compared with
    /// each other as such. A time before that of the last call counts as that.
    pub at: Duration,
    /// Whatever the caller finds the place again by: a row, an event's number.
    pub place: u64,
}

/// One sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// When and where, as the caller said.
    pub moment: Moment,
    /// On which connection; 0 before there was one.
    pub leg: u64,
}

/// Something that a person should know about a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lint {
    /// What.
    pub kind: LintKind,
    /// How bad it is, by the worst that was seen.
    pub severity: Severity,
    /// What was seen: the first, or where there is a measure the worst. One line
    /// without control characters, at most 400 characters.
    pub evidence: String,
    /// When it was seen first.
    pub first: Sighting,
    /// When it was seen last.
    pub last: Sighting,
    /// How often.
    pub count: u64,
}

/// So many events show what a stream lacks.
const ENOUGH_EVENTS: u64 = 10;
/// And so many comments.
const ENOUGH_COMMENTS: u64 = 10;
/// A reconnection time below this is very short.
const SHORT_RETRY: Duration = Duration::from_millis(500);
/// And one above this very long.
const LONG_RETRY: Duration = Duration::from_secs(120);
/// A timer of JavaScript overflows beyond this many milliseconds.
const TIMER: u128 = i32::MAX as u128;
/// A connection shorter than this ended at once.
const AT_ONCE: Duration = Duration::from_secs(1);
/// So many of them in a row are a habit.
const AGAIN: u32 = 3;

/// Watches one stream. See the [module](self).
#[derive(Debug, Default)]
pub struct Linter {
    report: Report,
    wire: Wire,
    ids: Ids,
    pace: Pace,
    answer: Answer,
    events: u64,
    comments: u64,
    /// Whether some event had an id, and the stream a valid `retry`.
    has_ids: bool,
    has_retry: bool,
    /// Connections in a row that ended at once.
    short_legs: u32,
    /// Of the connection that is open.
    opened_at: Option<Duration>,
    leg_events: u64,
}

impl Linter {
    /// Before the first request.
    pub fn new() -> Self {
        Self::default()
    }

    /// A request is sent. May be left out, if it is not known.
    pub fn request(&mut self, moment: Moment) {
        let moment = self.report.now(moment);
        self.pace.request(moment.at);
    }

    /// The head of a response that is read as an event stream. Legs count from 1.
    pub fn open(&mut self, moment: Moment, leg: u64, headers: &HeaderMap) {
        let moment = self.report.now(moment);
        self.begin(moment, leg);
        self.pace.open(moment);
        head::check(headers, &mut self.report);
    }

    /// The input has no head, and its reads say nothing about a server: a file, a
    /// pipe.
    pub fn open_plain(&mut self, moment: Moment, leg: u64) {
        let moment = self.report.now(moment);
        self.begin(moment, leg);
        self.pace.open_plain();
    }

    /// Bytes of the body, as one read gave them. The items that end in them
    /// follow.
    pub fn read(&mut self, moment: Moment, bytes: &[u8]) {
        let moment = self.report.now(moment);
        self.pace.read(moment, bytes, &mut self.report);
        self.wire.read(bytes, &mut self.report);
    }

    /// What the parser made of them.
    #[inline]
    pub fn item(&mut self, moment: Moment, item: &Item<'_>) {
        self.report.now(moment);
        match item {
            Item::Event(event) => self.event(event),
            Item::Comment(_) => self.comment(),
            Item::Retry(time) => self.retry(*time),
            Item::Ignored(ignored) => self.ignored(ignored),
        }
    }

    /// Time passes, and nothing happens.
    pub fn time(&mut self, at: Duration) {
        let place = self.report.moment.place;
        let moment = self.report.now(Moment { at, place });
        self.pace.time(moment, &mut self.report);
    }

    /// The reader was suspended until now: when the bytes that waited came is
    /// not known, and silence is counted from here.
    pub fn away(&mut self, until: Duration) {
        let place = self.report.moment.place;
        let moment = self.report.now(Moment { at: until, place });
        self.pace.away(moment);
    }

    /// The connection ended, or was refused.
    pub fn end(&mut self, moment: Moment, cause: &Cause, unfinished: Option<Unfinished>) {
        let moment = self.report.now(moment);
        self.pace.end(moment, &mut self.report);
        match cause {
            Cause::ContentType(value) => head::refuse_type(value.as_deref(), &mut self.report),
            Cause::ContentEncoding(coding) => head::refuse_coding(coding, &mut self.report),
            _ => {}
        }
        if let Some(unfinished) = unfinished {
            let severity = match cause {
                Cause::EndOfStream => Severity::Error,
                _ => Severity::Note,
            };
            self.report.see(LintKind::Unterminated, severity, || {
                format!("{cause}; {unfinished}")
            });
        }
        self.answer.end(cause, &mut self.report);
        self.count_short_legs(moment.at, cause);
    }

    /// What was seen, in the order of the first sightings.
    pub fn lints(&self) -> &[Lint] {
        &self.report.lints
    }

    /// Changes whenever [`lints`](Self::lints) has another lint, or one less.
    pub fn version(&self) -> u64 {
        self.report.version
    }

    fn begin(&mut self, moment: Moment, leg: u64) {
        self.report.leg = leg;
        self.opened_at = Some(moment.at);
        self.leg_events = 0;
        self.wire = Wire::default();
        self.ids.open();
        self.answer = Answer::default();
    }

    fn event(&mut self, event: &EventRef<'_>) {
        if self.events == 0 {
            self.report.withdraw(LintKind::CommentsOnly);
        }
        self.events += 1;
        self.leg_events += 1;
        self.pace.event(event.data);
        if event.has_id() {
            if !self.has_ids {
                self.has_ids = !event.last_event_id.is_empty();
                self.report.withdraw(LintKind::NoIds);
            }
            self.ids.event(event, &mut self.report);
        }
        fields::check_type(event.event_type, &mut self.report);
        self.answer.event(event);
        if self.events.is_multiple_of(ENOUGH_EVENTS) {
            self.look_for_what_is_missing();
        }
    }

    fn look_for_what_is_missing(&mut self) {
        // Answers of language models are not resumed.
        if self.answer.is_known() {
            return;
        }
        let events = self.events;
        if !self.has_ids {
            self.report
                .state(LintKind::NoIds, Severity::Warning, events, || {
                    format!("none of the first {events} events")
                });
        }
        if !self.has_retry {
            self.report.state(LintKind::NoRetry, Severity::Note, 1, || {
                format!("no retry field up to event {events}")
            });
        }
    }

    fn comment(&mut self) {
        self.comments += 1;
        if self.events == 0 && self.comments >= ENOUGH_COMMENTS {
            let comments = self.comments;
            self.report
                .state(LintKind::CommentsOnly, Severity::Note, comments, || {
                    format!("{comments} comments came first")
                });
        }
    }

    fn retry(&mut self, time: Duration) {
        if !self.has_retry {
            self.has_retry = true;
            self.report.withdraw(LintKind::NoRetry);
        }
        let evidence = || format!("retry: {}", time.as_millis());
        if time < SHORT_RETRY {
            self.report
                .see(LintKind::RetryShort, Severity::Warning, evidence);
        } else if time > LONG_RETRY {
            let severity = if time.as_millis() > TIMER {
                Severity::Error
            } else {
                Severity::Warning
            };
            self.report.see(LintKind::RetryLong, severity, evidence);
        }
    }

    fn ignored(&mut self, ignored: &Ignored<'_>) {
        match ignored {
            Ignored::UnknownField { name } => fields::unknown(name, &mut self.report),
            Ignored::InvalidRetry { value } => {
                self.report
                    .see(LintKind::RetryInvalid, Severity::Error, || {
                        format!("retry: {}", report::quoted(value))
                    });
            }
            Ignored::NulInId => {
                self.report.see(LintKind::IdNul, Severity::Error, || {
                    format!("after event {} of the connection", self.leg_events)
                });
            }
            Ignored::NoData(block) => {
                if block.has_id() {
                    self.ids.block(block, &mut self.report);
                }
                if block.event_type != "message" {
                    let severity = fields::severity_without_data(block.event_type);
                    self.report.see(LintKind::NoData, severity, || {
                        format!("event: {}", report::quoted(block.event_type))
                    });
                }
            }
        }
    }

    fn count_short_legs(&mut self, at: Duration, cause: &Cause) {
        let Some(opened_at) = self.opened_at.take() else {
            return;
        };
        let lasted = at.saturating_sub(opened_at);
        if lasted >= AT_ONCE {
            self.short_legs = 0;
        }
        if lasted >= AT_ONCE || *cause != Cause::EndOfStream {
            return;
        }
        self.short_legs += 1;
        if self.short_legs >= AGAIN {
            let (number, events) = (self.short_legs, self.leg_events);
            self.report
                .see(LintKind::EndsAtOnce, Severity::Warning, || {
                    format!(
                        "{number} connections in a row, the last after {}, with {events} dispatched",
                        report::words(lasted)
                    )
                });
        }
    }
}
