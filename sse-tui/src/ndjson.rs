//! One line of NDJSON per event: exact, and harmless on a terminal all the same.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::sanitize::mark_needed;

/// One event; the order of the fields is part of the format.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// RFC 3339 with nanoseconds.
    pub received_at: &'a str,
    /// URL of the stream without credentials, or `stdin`.
    pub source: &'a str,
    /// The event type.
    pub event: &'a str,
    /// The last event ID at dispatch.
    pub id: &'a str,
    /// The data.
    pub data: &'a str,
    /// The connection it arrived on, counted from 1.
    pub connection: u64,
}

impl Line<'_> {
    /// Appends the line with its line end.
    ///
    /// # Errors
    /// None that a value of these types can cause.
    pub fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        self.serialize(&mut Serializer::with_formatter(&mut *out, Escaping))?;
        out.push(b'\n');
        Ok(())
    }
}

/// Escapes what JSON allows in a string but a terminal would obey, such as the
/// C1 controls and DEL.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte < 0x7F) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut done = 0;
        for (position, found) in fragment.match_indices(mark_needed) {
            writer.write_all(&fragment.as_bytes()[done..position])?;
            for unit in found.encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
            done = position + found.len();
        }
        writer.write_all(&fragment.as_bytes()[done..])
    }
}
