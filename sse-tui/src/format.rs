//! Figures in words, in a fixed small width.

use std::time::Duration;

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At most six columns: `9,999`, `12.3k`, `4.5M`.
pub fn short_count(number: u64) -> String {
    if number < 10_000 {
        return count(number);
    }
    scaled(number as f64, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// `1.0/s`, `12.3k/s`
pub fn rate(per_second: f64) -> String {
    if per_second < 0.005 {
        return "0/s".to_owned();
    }
    if per_second < 0.095 {
        return format!("{per_second:.2}/s");
    }
    format!("{}/s", scaled(per_second, 1000.0, &["", "k", "M", "G"]))
}

/// `512 B`, `96.4 KiB`
pub fn bytes(number: f64) -> String {
    if number < 1024.0 {
        return format!("{number:.0} B");
    }
    scaled(number, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB"])
}

/// `0.4s`, `12s`, `3m12s`, `2h05m`, `3d04h`
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=9 => format!("{:.1}s", (time.as_secs_f64() * 10.0).floor() / 10.0),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// At most six columns: `12µs`, `850ms`, `1.0s`, `3m12s`
pub fn delta(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..=999 => format!("{micros}µs"),
        micros @ 1_000..=999_999 => format!("{}ms", micros / 1000),
        _ => duration(time),
    }
}

/// How long ago: `now`, `4s`, `3m`, `2h`, `5d`.
pub fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=1 => "now".to_owned(),
        2..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m", seconds / 60),
        3600..=86_399 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while number >= step * 0.9995 && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    if number < 99.95 {
        format!("{number:.1}{}", units[unit])
    } else {
        format!("{number:.0}{}", units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(short_count(9_999), "9,999");
        assert_eq!(short_count(12_345), "12.3k");
        assert_eq!(short_count(u64::MAX), "18.4E");
        assert_eq!(rate(0.0), "0/s");
        assert_eq!(rate(0.016_6), "0.02/s");
        assert_eq!(rate(0.2), "0.2/s");
        assert_eq!(rate(12_345.6), "12.3k/s");
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(1023.6), "1024 B");
        assert_eq!(bytes(98_713.0), "96.4 KiB");
        assert_eq!(bytes(67_108_864.0), "64.0 MiB");
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(duration(Duration::from_millis(2_460)), "2.4s");
        assert_eq!(duration(Duration::from_secs(192)), "3m12s");
        assert_eq!(duration(Duration::from_secs(7_500)), "2h05m");
        assert_eq!(duration(Duration::from_secs(273_600)), "3d04h");
        assert_eq!(delta(Duration::from_micros(999)), "999µs");
        assert_eq!(delta(Duration::from_micros(12_345)), "12ms");
        assert_eq!(delta(Duration::from_millis(1_050)), "1.0s");
        assert_eq!(ago(Duration::from_millis(900)), "now");
        assert_eq!(ago(Duration::from_secs(59)), "59s");
        assert_eq!(ago(Duration::from_secs(119)), "1m");
    }
}
