//! The part of `load` for streams that end.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::finite::{Goodput, Preset};
use crate::timestamp::Pointer;
use crate::units::parse_duration;

/// One request after another, each answered by a stream that ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Finite streams")]
pub struct FiniteArgs {
    /// Each connection makes one request after another, each answered by a stream that ends with a
    /// marker: data `[DONE]`, or an event (or `type` in its JSON data) response.completed,
    /// response.incomplete or `message_stop`. The other options here imply it
    #[arg(long)]
    pub until_done: bool,

    /// Method, header fields, end marker, content and errors of a known protocol; each can be given
    /// by its own option instead
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,

    /// Requests over all connections, after which to stop; -z limits the time instead, or as well
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub requests: Option<u64>,

    /// Requests to start each second, at times that do not depend on the answers: latency counts
    /// from the intended start. -c limits those under way; others wait, which the report tells
    #[arg(short = 'q', long, value_name = "N", value_parser = positive)]
    pub rate: Option<f64>,

    /// A stream ends with this event, repeatable, instead of the markers above
    #[arg(long, value_name = "NAME")]
    pub done_event: Vec<String>,

    /// A stream ends with this data, repeatable, instead of the markers above
    #[arg(long, value_name = "TEXT")]
    pub done_data: Vec<String>,

    /// JSON pointer to content in the data, such as /choices/0/delta/content, repeatable
    #[arg(long, value_name = "POINTER")]
    pub content_pointer: Vec<Pointer>,

    /// An event (or `type` in its data) that tells of an error, repeatable
    #[arg(long, value_name = "NAME")]
    pub error_event: Vec<String>,

    /// JSON pointer: data that holds something there tells of an error, repeatable
    #[arg(long, value_name = "POINTER")]
    pub error_pointer: Vec<Pointer>,

    /// JSON pointer to the reason for which an answer ended, such as
    /// `/choices/0/finish_reason`
    #[arg(long, value_name = "POINTER")]
    pub finish_pointer: Vec<Pointer>,

    /// Such a reason that is an error, repeatable
    #[arg(long, value_name = "REASON")]
    pub error_finish: Vec<String>,

    /// A silence within a stream that counts as a stall [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub stall: Option<Duration>,

    /// The longest that one request may take up to its end marker [default: 5m]
    #[arg(short = 't', long, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// How long streams under way at the end are given to end; then they count as unfinished
    /// [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub drain: Option<Duration>,

    /// What a good request keeps to, as in "ttfe:200ms gap:50ms": ttfe (first event), ttfc (first
    /// content), gap (the longest between two events), duration (up to the end marker)
    #[arg(long, value_name = "LIMITS")]
    pub goodput: Option<Goodput>,
}

impl FiniteArgs {
    /// Whether any of them was given.
    pub fn wanted(&self) -> bool {
        self.until_done
            || self.preset.is_some()
            || self.requests.is_some()
            || self.rate.is_some()
            || self.stall.is_some()
            || self.timeout.is_some()
            || self.drain.is_some()
            || self.goodput.is_some()
            || !(self.done_event.is_empty() && self.done_data.is_empty())
            || !(self.error_event.is_empty() && self.error_pointer.is_empty())
            || !(self.finish_pointer.is_empty() && self.error_finish.is_empty())
            || !self.content_pointer.is_empty()
    }
}

fn positive(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok();
    number
        .filter(|rate: &f64| rate.is_finite() && (0.001..=1e6).contains(rate))
        .ok_or("a rate is a number of requests per second, from 0.001 to 1000000")
}
