//! Line ends: LF, CR and CRLF (HTML Living Standard §9.2.5, `end-of-line`).

use memchr::{memchr2, memrchr2};
use wide::u8x16;

/// Finds line ends in a region that ends with one, in one pass.
///
/// Where lines are short it keeps a bit mask of the line ends in the next 64
/// bytes; from the first 64 bytes without any, `memchr2` takes over until a
/// short line shows up again.
#[derive(Debug, Default, Clone)]
pub(crate) struct LineEnds {
    /// Where the next line starts.
    position: usize,
    /// What the mask is relative to.
    base: usize,
    mask: u64,
    /// Whether the byte before `base + 64` is a CR: an LF there ends no line.
    after_cr: bool,
    long: bool,
}

/// A line without its end, as offsets into the region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl LineEnds {
    /// `long`: how to begin, see [`LineEnds::long`].
    #[inline]
    pub(crate) fn new(long: bool) -> Self {
        Self {
            long,
            ..Self::default()
        }
    }

    /// Whether the last lines were long.
    #[inline]
    pub(crate) fn long(&self) -> bool {
        self.long
    }

    /// Starts on another region, in the mode that suited the last one.
    #[inline]
    pub(crate) fn restart(&mut self, region: &[u8]) {
        let long = self.long;
        *self = Self::new(long);
        if !long && !region.is_empty() {
            self.fill(region);
        }
    }

    /// Where the next line starts: the end of the region when all are taken.
    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next line. `region` is the one given to [`LineEnds::restart`].
    #[inline]
    pub(crate) fn next(&mut self, region: &[u8]) -> Option<Line> {
        let start = self.position;
        if start >= region.len() {
            return None;
        }
        let end = if self.long {
            self.next_long(region)?
        } else {
            self.next_short(region)?
        };
        let crlf = region[end] == b'\r' && region.get(end + 1) == Some(&b'\n');
        self.position = end + 1 + usize::from(crlf);
        if self.long && end - start < 64 && end > start {
            self.long = false;
            self.after_cr = false;
            self.base = self.position;
            if self.position < region.len() {
                self.fill(region);
            }
        }
        Some(Line { start, end })
    }

    #[inline]
    fn next_short(&mut self, region: &[u8]) -> Option<usize> {
        while self.mask == 0 {
            self.base += 64;
            if self.base >= region.len() {
                return None;
            }
            self.fill(region);
            if self.mask == 0 {
                self.long = true;
                let from = (self.base + 64).min(region.len());
                // An LF at `from` belongs to the CR before it only if that CR
                // was a line end, and there is none in this block.
                return Some(from + memchr2(b'\r', b'\n', &region[from..])?);
            }
        }
        let end = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(end)
    }

    #[inline]
    fn next_long(&self, region: &[u8]) -> Option<usize> {
        let rest = &region[self.position..];
        if rest[0] == b'\n' {
            return Some(self.position);
        }
        Some(self.position + memchr2(b'\r', b'\n', rest)?)
    }

    /// Sets the mask for the 64 bytes at `base`; an LF after a CR has no bit.
    #[inline]
    fn fill(&mut self, region: &[u8]) {
        let rest = &region[self.base..];
        let (lf, cr) = match rest.first_chunk::<64>() {
            Some(block) => masks(block),
            None => {
                let mut block = [0; 64];
                block[..rest.len()].copy_from_slice(rest);
                masks(&block)
            }
        };
        self.mask = lf;
        if cr != 0 || self.after_cr {
            self.mask = cr | (lf & !((cr << 1) | u64::from(self.after_cr)));
            self.after_cr = cr >> 63 != 0;
        }
    }
}

/// A bit for each LF, and one for each CR.
#[inline]
fn masks(block: &[u8; 64]) -> (u64, u64) {
    let (parts, _) = block.as_chunks::<16>();
    let parts = [0, 1, 2, 3].map(|n| u8x16::new(parts[n]));
    let lf = bitmask(parts.map(|part| part.simd_eq(u8x16::splat(b'\n'))));
    let cr = parts.map(|part| part.simd_eq(u8x16::splat(b'\r')));
    if ((cr[0] | cr[1]) | (cr[2] | cr[3])).to_bitmask() == 0 {
        return (lf, 0);
    }
    (lf, bitmask(cr))
}

#[inline]
fn bitmask(parts: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = parts.map(|part| u64::from(part.to_bitmask()));
    a | (b << 16) | (c << 32) | (d << 48)
}

/// The offset after the last line end of `bytes`, `None` if there is none.
/// `next` is the byte that follows: an LF there belongs to a CR at the end.
pub(crate) fn after_last_line_end(bytes: &[u8], next: Option<u8>) -> Option<usize> {
    let end = match bytes {
        [.., b'\n'] => return Some(bytes.len()),
        _ => memrchr2(b'\r', b'\n', bytes)? + 1,
    };
    let splits_crlf = end == bytes.len() && bytes[end - 1] == b'\r' && next == Some(b'\n');
    Some(end + usize::from(splits_crlf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(region: &str) -> Vec<&str> {
        let mut ends = LineEnds::default();
        let mut lines = Vec::new();
        // The second pass starts in the mode that the first one ended in.
        for _ in 0..2 {
            lines.clear();
            ends.restart(region.as_bytes());
            while let Some(line) = ends.next(region.as_bytes()) {
                lines.push(&region[line.start..line.end]);
            }
            assert_eq!(ends.position(), region.len());
        }
        lines
    }

    #[test]
    fn every_kind_of_line_end_is_found_at_every_offset() {
        for line_end in ["\n", "\r", "\r\n"] {
            for length in 0..200 {
                let text = "x".repeat(length);
                for tail in ["", "y", "\n", "z".repeat(150).as_str()] {
                    let region = format!("{text}{line_end}{tail}\n");
                    let expected: Vec<&str> = match (line_end, tail) {
                        // CR LF LF, and CR LF, where the tail completes a pair.
                        ("\r", "") => vec![&text],
                        ("\r", "\n") => vec![&text, ""],
                        (_, "\n") => vec![&text, "", ""],
                        _ => vec![&text, tail],
                    };
                    assert_eq!(lines(&region), expected, "{region:?}");
                }
            }
        }
    }

    #[test]
    fn a_pair_is_not_split_at_the_end_of_a_window() {
        assert_eq!(after_last_line_end(b"ab\r", Some(b'\n')), Some(4));
        assert_eq!(after_last_line_end(b"ab\r", Some(b'x')), Some(3));
        assert_eq!(after_last_line_end(b"ab\ncd", Some(b'\n')), Some(3));
        assert_eq!(after_last_line_end(b"abcd", None), None);
    }
}
