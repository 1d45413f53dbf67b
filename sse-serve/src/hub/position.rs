//! Where a subscription starts.

use serde::Serialize;

use crate::log::Epoch;

/// Where a subscription asks to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// What comes from now on.
    Head,
    /// At the oldest retained event.
    Earliest,
    /// With the last of the retained events that it admits.
    Last(usize),
    /// After this `Last-Event-ID`, as it came.
    After(Vec<u8>),
}

/// Where delivery goes on when history is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GapPolicy {
    /// With the oldest retained event.
    #[default]
    Oldest,
    /// With what is published from now on.
    Latest,
}

/// Why history is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GapReason {
    /// Retention evicted events after the requested one.
    Expired,
    /// The requested id is none of this log's: malformed, or ahead of the head.
    Unknown,
    /// The requested id is of another log: this one began anew.
    StoreReset,
    /// The subscription read more slowly than retention evicted.
    Lagged,
}

impl GapReason {
    /// As `gap` events and metrics spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::StoreReset => "store_reset",
            Self::Lagged => "lagged",
        }
    }
}

/// The sequence number that a `Last-Event-ID` stands for.
pub(crate) fn resolve(requested: &[u8], epoch: &Epoch, head: u64) -> Result<u64, GapReason> {
    let (name, seq) = parse(requested).ok_or(GapReason::Unknown)?;
    if name != epoch.as_str().as_bytes() {
        return Err(GapReason::StoreReset);
    }
    if seq > head {
        return Err(GapReason::Unknown);
    }
    Ok(seq)
}

fn parse(id: &[u8]) -> Option<(&[u8], u64)> {
    let (name, rest) = id.split_at_checked(Epoch::LENGTH)?;
    let digits = rest.strip_prefix(b"-")?;
    let well_formed = name
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && digits.iter().all(u8::is_ascii_digit)
        && (digits == b"0" || !digits.starts_with(b"0"));
    if !well_formed {
        return None;
    }
    let seq = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((name, seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_requested_ids() {
        use GapReason::{StoreReset, Unknown};
        let epoch = Epoch::parse("abcd1234").unwrap();
        let table: &[(&[u8], Result<u64, GapReason>)] = &[
            (b"abcd1234-0", Ok(0)),
            (b"abcd1234-1", Ok(1)),
            (b"abcd1234-10", Ok(10)),
            (b"abcd1234-11", Err(Unknown)),
            (b"abcd1234-18446744073709551615", Err(Unknown)),
            (b"abcd1234-18446744073709551616", Err(Unknown)),
            (b"abcd1234-01", Err(Unknown)),
            (b"abcd1234-+1", Err(Unknown)),
            (b"abcd1234-", Err(Unknown)),
            (b"abcd1234", Err(Unknown)),
            (b"abcd1234-1 ", Err(Unknown)),
            (b"ABCD1234-1", Err(Unknown)),
            (b"zzzz9999-1", Err(StoreReset)),
            (b"zzzz9999-999999", Err(StoreReset)),
            (b"7", Err(Unknown)),
            ("✓".as_bytes(), Err(Unknown)),
            (b"\xff\xfe\x00", Err(Unknown)),
        ];
        for (requested, outcome) in table {
            let name = String::from_utf8_lossy(requested);
            assert_eq!(resolve(requested, &epoch, 10), *outcome, "{name}");
        }
        assert_eq!(epoch.id(7), "abcd1234-7");
    }
}
