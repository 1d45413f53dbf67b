//! The bytes of a response: encoding and line ends.

use memchr::{memchr, memchr_iter};

use super::report::Report;
use super::{LintKind, Severity};

/// Line ends are looked at in so many bytes of each connection.
const LOOKED_AT: usize = 1 << 20;

/// What one response consists of.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// The beginning of a character that a read cut.
    cut: [u8; 3],
    cut_length: usize,
    /// Bytes before the current read.
    offset: u64,
    looked_at: usize,
    after_cr: bool,
    lf: bool,
    crlf: bool,
    mixed: bool,
    bare_cr: bool,
}

impl Wire {
    pub(super) fn read(&mut self, bytes: &[u8], report: &mut Report) {
        self.check_encoding(bytes, report);
        self.check_line_ends(bytes, report);
        self.offset += bytes.len() as u64;
    }

    fn check_encoding(&mut self, bytes: &[u8], report: &mut Report) {
        if self.cut_length == 0 && simdutf8::basic::from_utf8(bytes).is_ok() {
            return;
        }
        let skipped = self.finish_cut(bytes, report);
        let Some(rest) = bytes.get(skipped..).filter(|rest| !rest.is_empty()) else {
            return;
        };
        let mut at = skipped;
        for chunk in rest.utf8_chunks() {
            at += chunk.valid().len();
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let incomplete = at + invalid.len() == bytes.len() && is_beginning(invalid);
            if incomplete {
                self.cut[..invalid.len()].copy_from_slice(invalid);
                self.cut_length = invalid.len();
            } else {
                Self::complain(invalid, self.offset + at as u64, report);
            }
            at += invalid.len();
        }
    }

    /// Ends the character that the last read began; how many bytes that took.
    fn finish_cut(&mut self, bytes: &[u8], report: &mut Report) -> usize {
        let before = std::mem::take(&mut self.cut_length);
        if before == 0 {
            return 0;
        }
        let mut character = [0; 4];
        let more = bytes.len().min(4 - before);
        character[..before].copy_from_slice(&self.cut[..before]);
        character[before..before + more].copy_from_slice(&bytes[..more]);
        let character = &character[..before + more];
        let Some(chunk) = character.utf8_chunks().next() else {
            return 0;
        };
        if !chunk.valid().is_empty() {
            let first = chunk.valid().chars().next().map_or(1, char::len_utf8);
            return first.saturating_sub(before);
        }
        let invalid = chunk.invalid();
        if invalid.len() == character.len() && is_beginning(invalid) {
            self.cut[..invalid.len()].copy_from_slice(invalid);
            self.cut_length = invalid.len();
        } else {
            Self::complain(invalid, self.offset - before as u64, report);
        }
        invalid.len().saturating_sub(before)
    }

    fn complain(invalid: &[u8], at: u64, report: &mut Report) {
        report.see(LintKind::InvalidUtf8, Severity::Error, || {
            let bytes: Vec<_> = invalid.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("{} at byte {at} of the response", bytes.join(" "))
        });
    }

    fn check_line_ends(&mut self, bytes: &[u8], report: &mut Report) {
        let some = &bytes[..bytes.len().min(LOOKED_AT - self.looked_at)];
        self.looked_at += some.len();
        let Some(first) = some.first() else {
            return;
        };
        // Where the part begins that no CR looked at belongs to.
        let mut start = 0;
        if std::mem::take(&mut self.after_cr) {
            start = usize::from(*first == b'\n');
            self.carriage_return(start == 1, report);
        }
        for at in memchr_iter(b'\r', some) {
            self.look_for_lf(&some[start.min(at)..at]);
            start = at + 1;
            match some.get(start) {
                Some(b'\n') => {
                    start += 1;
                    self.carriage_return(true, report);
                }
                Some(_) => self.carriage_return(false, report),
                None => self.after_cr = true,
            }
        }
        self.look_for_lf(&some[start..]);
        if self.lf && self.crlf && !self.mixed {
            self.mixed = true;
            report.see(LintKind::MixedLineEnds, Severity::Note, || {
                "some lines end with LF, others with CRLF".to_owned()
            });
        }
    }

    fn look_for_lf(&mut self, bytes: &[u8]) {
        self.lf = self.lf || memchr(b'\n', bytes).is_some();
    }

    fn carriage_return(&mut self, crlf: bool, report: &mut Report) {
        if crlf {
            self.crlf = true;
        } else if !self.bare_cr {
            self.bare_cr = true;
            report.see(LintKind::BareCr, Severity::Warning, || {
                "a CR without an LF after it".to_owned()
            });
        }
    }
}

/// Whether more bytes could make it a character.
fn is_beginning(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}
