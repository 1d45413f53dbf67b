//! Own publishing: numbered events at a steady rate. What the server
//! acknowledges is owed.

mod board;
mod numbers;
mod publisher;
mod schedule;
mod tally;

use anyhow::Result;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

pub use board::Board;
pub use publisher::{MOST_UNDERWAY, Published, Publisher};
pub use schedule::Schedule;
pub use tally::{Judged, LegTally, Tally};

use crate::checker::KeyPointer;
use crate::cli::RequestArgs;
use crate::cli::publish::PublishArgs;
use crate::target::Target;
use crate::timestamp::Pointer;

/// What the body says if nothing else is asked for.
pub const DEFAULT_BODY: &str =
    r#"{"event":"bench","data":{"seq":{{seq}},"at":{{at}},"run":"{{run}}"}}"#;

/// What is to be published.
#[derive(Debug)]
pub struct Publishing {
    /// Where, and with what credentials.
    pub target: Target,
    /// Events each second.
    pub rate: u32,
    body: String,
    /// The name of the run.
    run: String,
    /// Where the number stands in the data that arrives.
    pub sequence: KeyPointer,
}

impl Publishing {
    /// `None` where nothing is to be published.
    ///
    /// # Errors
    /// One line that says what is wrong with the arguments, and how to mend it.
    pub fn new(args: &PublishArgs, request: &RequestArgs, seed: u64) -> Result<Option<Self>> {
        let Some(url) = &args.publish_url else {
            return Ok(None);
        };
        let mut target = Target::new(url, request.for_publishing())?;
        target.method = Method::POST;
        let json = HeaderValue::from_static("application/json");
        target.headers.entry(CONTENT_TYPE).or_insert(json);
        Ok(Some(Self {
            target,
            rate: args.publish_rate,
            body: args.publish_body.clone(),
            run: format!("run-{seed:014x}"),
            sequence: args.publish_sequence.clone(),
        }))
    }

    /// Where the intended time stands in the data that arrives, if the body has
    /// it and nobody says otherwise.
    pub fn timestamp(&self) -> Option<Pointer> {
        let pointer = self.body.contains("{{at}}").then(|| "/at".parse());
        pointer?.ok()
    }

    /// Whether what arrives can be told by its number.
    pub fn is_numbered(&self) -> bool {
        self.body.contains("{{seq}}")
    }

    /// What all its events contain, if the body names the run.
    pub fn marker(&self) -> Option<String> {
        self.body.contains("{{run}}").then(|| self.run.clone())
    }

    /// The body of an event; `at` is its intended time in nanoseconds since the
    /// Unix epoch.
    fn body(&self, number: u64, at: u64) -> String {
        self.body
            .replace("{{seq}}", &number.to_string())
            .replace("{{at}}", &at.to_string())
            .replace("{{run}}", &self.run)
    }
}
