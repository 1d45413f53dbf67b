//! Names of fields, and types of events.

use super::report::{Report, quoted};
use super::{LintKind, Severity};

const KNOWN: [&str; 4] = ["data", "event", "id", "retry"];
const BOM: char = '\u{FEFF}';
/// Longer names are not compared.
const LONGEST_NAME: usize = 16;

/// A field that is ignored: a byte order mark, a typo, data without its name, or
/// something else.
pub(super) fn unknown(name: &str, report: &mut Report) {
    if let Some(rest) = name.strip_prefix(BOM) {
        report.see(LintKind::Bom, Severity::Error, || {
            format!("before {}", quoted(rest))
        });
        return;
    }
    let meant = meant(name);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let severity = if meant.is_some() || !name.bytes().all(is_name) {
        Severity::Error
    } else {
        Severity::Warning
    };
    report.see(LintKind::UnknownField, severity, || match meant {
        Some(meant) => format!("{}, meant as {meant}?", quoted(name)),
        None if severity == Severity::Error => {
            format!("{}, a line of data without data: before it?", quoted(name))
        }
        None => quoted(name),
    });
}

/// Listeners compare the type as it is.
#[inline]
pub(super) fn check_type(event_type: &str, report: &mut Report) {
    let bytes = event_type.as_bytes();
    let space = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    if space(bytes.first()) || space(bytes.last()) {
        report.see(LintKind::TypeSpaces, Severity::Warning, || {
            quoted(event_type)
        });
    }
}

/// What only fills silence does so without being dispatched.
pub(super) fn severity_without_data(event_type: &str) -> Severity {
    const FILLERS: [&str; 4] = ["ping", "heartbeat", "keepalive", "keep-alive"];
    let fills = |name: &&str| event_type.eq_ignore_ascii_case(name);
    if FILLERS.iter().any(fills) {
        Severity::Note
    } else {
        Severity::Error
    }
}

/// The known name that one is a typo of.
fn meant(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let plain = name.trim().to_ascii_lowercase();
    let close = |known: &&&str| plain == **known || known.len() > 2 && is_near(&plain, known);
    KNOWN.iter().find(close).copied().or_else(|| {
        // `ids` and `i` are no words of their own.
        matches!(plain.as_str(), "ids" | "_id" | "event-id" | "last-event-id").then_some("id")
    })
}

/// One character more, less, other, or two exchanged.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    match (one, other) {
        ([], []) => true,
        ([_, rest @ ..], []) | ([], [_, rest @ ..]) => rest.is_empty(),
        ([a, one @ ..], [b, other @ ..]) => {
            let exchanged = one.first() == Some(b) && other.first() == Some(a);
            one == other
                || [&[*a], one].concat() == other
                || one == [&[*b], other].concat()
                || exchanged && one[1..] == other[1..]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_told_from_other_names() {
        for (name, expected) in [
            ("Data", Some("data")),
            ("datas", Some("data")),
            ("dat", Some("data")),
            ("dtaa", Some("data")),
            ("data ", Some("data")),
            (" data", Some("data")),
            ("evnt", Some("event")),
            ("events", Some("event")),
            ("ID", Some("id")),
            ("ids", Some("id")),
            ("Retry", Some("retry")),
            ("retyr", Some("retry")),
            ("date", Some("data")),
            ("topic", None),
            ("time", None),
            ("x", None),
            ("", None),
            ("{\"a\"", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(meant(name), expected, "{name:?}");
        }
    }
}
