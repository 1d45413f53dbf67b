//! The data of an event: 128 bytes that begin with the time they were made.

use std::time::{SystemTime, UNIX_EPOCH};

pub const LENGTH: usize = 128;

/// Stands before the time, and nowhere else in a stream: ids are lower case.
pub const MARK: u8 = b'T';

/// Digits of the time, nanoseconds since the Unix epoch.
pub const DIGITS: usize = 19;

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_nanos() as u64
}

/// A line of NDJSON to publish.
pub fn put_line(out: &mut Vec<u8>, now: u64) {
    out.extend_from_slice(b"{\"data\":\"");
    out.extend_from_slice(format!("T{now:019}").as_bytes());
    out.resize(out.len() + LENGTH - 1 - DIGITS, b'x');
    out.extend_from_slice(b"\"}\n");
}

/// The data of each line of such a body.
pub fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|&byte| byte == b'\n').filter_map(|line| {
        line.strip_prefix(b"{\"data\":\"")?.strip_suffix(b"\"}")
    })
}
