//! Own publishing, for `load` and `verify`.

use clap::{Args, ValueHint, value_parser};

use crate::checker::KeyPointer;
use crate::publish::DEFAULT_BODY;

/// Own publishing.
#[derive(Debug, Args)]
#[command(next_help_heading = "Publishing")]
pub struct PublishArgs {
    /// Publish events there by POST, with the credentials and the header fields of the streams
    /// (but those with placeholders); what is answered with 2xx is owed, and nothing else
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub publish_url: Option<String>,

    /// Events to publish each second, each at its time however long the answers take; of the
    /// requests 64 may be underway, on connections that are kept for a second; further ones wait,
    /// and the report says for how long
    #[arg(long, value_name = "N", default_value = "20", value_parser = value_parser!(u32).range(1..=10_000), requires = "publish_url")]
    pub publish_rate: u32,

    /// What to send; {{seq}} is the number of the event, {{at}} its intended time in ns since
    /// 1970, {{run}} the name of this run. The data that arrives must be JSON
    #[arg(
        long,
        value_name = "TEXT",
        default_value = DEFAULT_BODY,
        requires = "publish_url"
    )]
    pub publish_body: String,

    /// Where {{seq}} stands in the data that arrives
    #[arg(
        long,
        value_name = "POINTER",
        default_value = "/seq",
        requires = "publish_url"
    )]
    pub publish_sequence: KeyPointer,
}
