//! What `sse-core/fuzz` runs.

#[path = "../../fuzz/src/capture.rs"]
pub(crate) mod capture;
#[path = "../../fuzz/src/encode_round_trip.rs"]
pub(crate) mod encode_round_trip;
#[path = "../../fuzz/src/lint.rs"]
pub(crate) mod lint;
#[path = "../../fuzz/src/parse.rs"]
pub(crate) mod parse;
#[path = "../../fuzz/src/source.rs"]
pub(crate) mod source;
