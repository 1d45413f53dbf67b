//! Durations and sizes as a command line writes them, and numbers for people.

use std::time::Duration;

use thiserror::Error;

/// Why a duration or size is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidUnit {
    /// No duration.
    #[error("a duration is a number with a unit, such as 500ms, 5s or 2m")]
    Duration,
    /// Zero.
    #[error("a duration of 0 measures nothing; give one such as 500ms, 5s or 2m")]
    Zero,
    /// Too long to add to a clock.
    #[error("a duration is at most 1000 days")]
    TooLong,
    /// No size.
    #[error(
        "a size is a whole number of bytes from 1 on, with an optional unit: B, KB, MB, GB, KiB, MiB, GiB"
    )]
    Size,
}

/// `500ms`, `5s`, `2m`, `1h 30m`; more than 0.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidUnit> {
    if matches!(text.trim(), "0") {
        return Err(InvalidUnit::Zero);
    }
    let duration = humantime::parse_duration(text).map_err(|_| InvalidUnit::Duration)?;
    if duration.is_zero() {
        Err(InvalidUnit::Zero)
    } else if duration > Duration::from_secs(1000 * 24 * 3600) {
        Err(InvalidUnit::TooLong)
    } else {
        Ok(duration)
    }
}

/// `4096`, `64KiB`, `16MB`; more than 0.
pub fn parse_size(text: &str) -> Result<usize, InvalidUnit> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(InvalidUnit::Size),
    };
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(scale))
        .filter(|&size| size > 0)
        .ok_or(InvalidUnit::Size)
}

/// `12,345,678`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: whole from 100 on, one decimal below.
pub fn rate(per_second: f64) -> String {
    if per_second >= 100.0 {
        thousands(per_second.round() as u64)
    } else {
        format!("{per_second:.1}")
    }
}

/// `7.3 MiB`.
pub fn bytes(number: f64) -> String {
    let mut value = number;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return match unit {
                "B" => format!("{value:.0} {unit}"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `180 us`, `1.24 ms`, `12.4 ms`, `3.05 s`.
pub fn micros(number: u64) -> String {
    let value = number as f64;
    match number {
        0..1_000 => format!("{number} us"),
        1_000..10_000 => format!("{:.2} ms", value / 1e3),
        10_000..100_000 => format!("{:.1} ms", value / 1e3),
        100_000..1_000_000 => format!("{:.0} ms", value / 1e3),
        1_000_000..100_000_000 => format!("{:.2} s", value / 1e6),
        _ => format!("{:.0} s", value / 1e6),
    }
}

/// `12.3 s`; below a second in milliseconds.
pub fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_are_not_zero() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        for zero in ["0", "0s", "0ms"] {
            assert_eq!(parse_duration(zero), Err(InvalidUnit::Zero), "{zero}");
        }
        for bad in ["", "5", "-5s", "5 parsecs", "s", "1e3s"] {
            assert_eq!(parse_duration(bad), Err(InvalidUnit::Duration), "{bad}");
        }
        assert_eq!(parse_duration("900y"), Err(InvalidUnit::TooLong));
    }

    #[test]
    fn sizes_are_binary_or_decimal() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        assert_eq!(parse_size("16 kb"), Ok(16_000));
        for bad in ["", "0", "MiB", "-1", "1.5MiB", "1 XB", "99999999999GiB"] {
            assert_eq!(parse_size(bad), Err(InvalidUnit::Size), "{bad}");
        }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(rate(1234.5), "1,235");
        assert_eq!(rate(0.25), "0.2");
        assert_eq!(bytes(1023.0), "1023 B");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(micros(999), "999 us");
        assert_eq!(micros(1_240), "1.24 ms");
        assert_eq!(micros(412_345), "412 ms");
        assert_eq!(micros(3_050_000), "3.05 s");
        assert_eq!(seconds(Duration::from_millis(999)), "999 ms");
    }
}
