//! Places in a counted history.

use std::fmt;

/// Which history a number counts in. A server that lost its log has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Epoch([u8; 8]);

/// A number in a history: what an event id says where ids count without holes.
///
/// A plain number is a position of the one history that has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// The history.
    pub epoch: Epoch,
    /// The place in it.
    pub sequence: u64,
}

impl Position {
    /// Reads `<epoch>-<seq>`, the ids of sse-serve: eight of `[a-z0-9]`, a
    /// hyphen, and a decimal number from 1 without leading zeros.
    pub fn parse(id: &str) -> Option<Self> {
        let (name, number) = id.split_at_checked(8)?;
        let number = number.strip_prefix('-')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        if !name.bytes().all(plain) || !digits || number.starts_with('0') {
            return None;
        }
        Some(Self {
            epoch: Epoch(name.as_bytes().try_into().ok()?),
            sequence: number.parse().ok()?,
        })
    }
}

impl From<u64> for Position {
    fn from(sequence: u64) -> Self {
        Self {
            epoch: Epoch::default(),
            sequence,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != Epoch::default() {
            write!(f, "{}-", String::from_utf8_lossy(&self.epoch.0))?;
        }
        write!(f, "{}", self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_hub_is_an_epoch_and_a_number() {
        let position = Position::parse("k3x9a0bc-18446744073709551615").unwrap();
        assert_eq!(position.sequence, u64::MAX);
        assert_eq!(position.to_string(), "k3x9a0bc-18446744073709551615");
        assert_eq!(Position::from(7).to_string(), "7");
    }

    #[test]
    fn no_other_id_is_taken_for_one_of_the_hub() {
        for id in [
            "",
            "7",
            "k3x9a0bc",
            "k3x9a0bc-",
            "k3x9a0bc-0",
            "k3x9a0bc-07",
            "k3x9a0bc-+7",
            "k3x9a0bc-7 ",
            "K3x9a0bc-7",
            "k3x9a0b-7",
            "k3x9a0bcd-7",
            "k3x9a0b\u{e9}-7",
            "k3x9a0bc-18446744073709551616",
        ] {
            assert_eq!(Position::parse(id), None, "{id:?}");
        }
    }
}
