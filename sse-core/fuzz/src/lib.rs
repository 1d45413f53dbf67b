//! The fuzz targets. `sse-core/tests/stream` runs the same bodies.
//!
//! Each takes the bytes that the fuzzer made. Bytes that end before a case is
//! complete are no case; a broken promise is a panic.

#[path = "../../tests/drive/mod.rs"]
mod drive;
#[path = "../../tests/encoded/mod.rs"]
mod encoded;
#[path = "../../tests/model/mod.rs"]
mod model;

mod capture;
mod encode_round_trip;
mod lint;
mod parse;
mod source;

/// Parser against model, whole and in chunks.
pub fn parse(bytes: &[u8]) {
    let _ = parse::run(bytes);
}

/// The same on streams of more than 128 KiB.
pub fn parse_large(bytes: &[u8]) {
    let _ = parse::run_large(bytes);
}

/// Encoder against parser.
pub fn encode_round_trip(bytes: &[u8]) {
    let _ = encode_round_trip::run(bytes);
}

/// Operation sequences on the reconnecting source.
pub fn source(bytes: &[u8]) {
    let _ = source::run(bytes);
}

/// Recordings, damaged ones too.
pub fn capture(bytes: &[u8]) {
    let _ = capture::run(bytes);
}

/// Lints, of any course of events.
pub fn lint(bytes: &[u8]) {
    let _ = lint::run(bytes);
}
