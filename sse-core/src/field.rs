//! One line -> its field (HTML Living Standard §9.2.6).

use std::time::Duration;

/// What a non-empty line is, and where its value starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Data(usize),
    Event(usize),
    Id(usize),
    Retry(usize),
    /// The text after the colon.
    Comment,
    /// The length of the name.
    Unknown(usize),
}

impl Field {
    #[inline]
    pub(crate) fn of(line: &[u8]) -> Self {
        match line.first() {
            Some(b'd') => named(line, b"data", Self::Data),
            Some(b'i') => named(line, b"id", Self::Id),
            Some(b'e') => named(line, b"event", Self::Event),
            Some(b'r') => named(line, b"retry", Self::Retry),
            Some(b':') => Self::Comment,
            _ => unknown(line),
        }
    }
}

#[inline]
fn named<const N: usize>(line: &[u8], name: &[u8; N], field: impl Fn(usize) -> Field) -> Field {
    match line.strip_prefix(name) {
        Some([b':', b' ', ..]) => field(N + 2),
        Some([b':', ..]) => field(N + 1),
        Some([]) => field(N),
        _ => unknown(line),
    }
}

#[cold]
fn unknown(line: &[u8]) -> Field {
    Field::Unknown(memchr::memchr(b':', line).unwrap_or(line.len()))
}

/// The value of a `retry` field: ASCII digits only, in milliseconds. More than
/// a `u64` holds saturates.
pub(crate) fn reconnection_time(value: &str) -> Option<Duration> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = value.bytes().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_literally_and_one_space_is_skipped() {
        for (line, field) in [
            ("data: x", Field::Data(6)),
            ("data:x", Field::Data(5)),
            ("data:  x", Field::Data(6)),
            ("data", Field::Data(4)),
            ("data:", Field::Data(5)),
            ("id:1", Field::Id(3)),
            ("event: e", Field::Event(7)),
            ("retry:1", Field::Retry(6)),
            (": c", Field::Comment),
            ("Data: x", Field::Unknown(4)),
            ("data : x", Field::Unknown(5)),
            (" data: x", Field::Unknown(5)),
            ("datax", Field::Unknown(5)),
            ("ids: 1", Field::Unknown(3)),
        ] {
            assert_eq!(Field::of(line.as_bytes()), field, "{line:?}");
        }
    }

    #[test]
    fn a_reconnection_time_is_digits_alone() {
        assert_eq!(reconnection_time("0300"), Some(Duration::from_millis(300)));
        assert_eq!(
            reconnection_time(&"9".repeat(40)),
            Some(Duration::from_millis(u64::MAX))
        );
        for value in ["", "+1", "-1", " 1", "1 ", "1.5", "1s", "\u{0661}"] {
            assert_eq!(reconnection_time(value), None, "{value:?}");
        }
    }
}
