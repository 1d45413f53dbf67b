//! Numbers in JSON data.

use serde_json::Value;

/// Deeper numbers are not looked for.
const MAX_DEPTH: usize = 5;
/// Nor are more than these in one event.
const MAX_NUMBERS: usize = 256;

/// Pointers (RFC 6901) and values of the numbers in a text: of JSON numbers, and
/// of strings that are one, as exchanges send prices.
pub(super) fn numbers(data: &str) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(data) {
        walk(&value, &mut String::new(), 0, &mut found);
    }
    found
}

fn walk(value: &Value, pointer: &mut String, depth: usize, found: &mut Vec<(String, f64)>) {
    if found.len() >= MAX_NUMBERS {
        return;
    }
    let length = pointer.len();
    match value {
        Value::Number(number) => {
            found.extend(number.as_f64().map(|number| (pointer.clone(), number)));
        }
        Value::String(text) => found.extend(number_of(text).map(|n| (pointer.clone(), n))),
        Value::Array(values) if depth < MAX_DEPTH => {
            for (index, value) in values.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(value, pointer, depth + 1, found);
                pointer.truncate(length);
            }
        }
        Value::Object(members) if depth < MAX_DEPTH => {
            for (name, value) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                walk(value, pointer, depth + 1, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// The number that a string is, written as JSON would write it.
fn number_of(text: &str) -> Option<f64> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let short = !text.is_empty() && text.len() <= 24;
    if !short || !text.bytes().all(plain) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a number by this name counts or dates events rather than measures.
pub(super) fn is_bookkeeping(pointer: &str) -> bool {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let words = [
        "at",
        "ts",
        "t",
        "id",
        "seq",
        "sequence",
        "time",
        "timestamp",
        "created",
        "updated",
        "date",
        "epoch",
        "offset",
        "index",
        "version",
        "uptime",
        "uptime_s",
    ];
    words.contains(&name.as_str())
        || ["_id", "_at", "_ts", "_ns", "_time", "timestamp"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// A pointer as people read it.
pub(super) fn label(pointer: &str) -> String {
    match pointer.strip_prefix('/') {
        None => "value".to_owned(),
        Some(path) => path.replace('/', ".").replace("~1", "/").replace("~0", "~"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_at_any_place_and_named_by_their_pointer() {
        let data = r#"{"seq":1,"p":"101.50","n":null,"up":true,"s":"a1","m":{"rss":-2.5e3,"a/b":[7,{"c~":8}]}}"#;
        assert_eq!(
            numbers(data),
            [
                ("/seq".to_owned(), 1.0),
                ("/p".to_owned(), 101.5),
                ("/m/rss".to_owned(), -2500.0),
                ("/m/a~1b/0".to_owned(), 7.0),
                ("/m/a~1b/1/c~0".to_owned(), 8.0),
            ]
        );
        assert_eq!(numbers("42"), [(String::new(), 42.0)]);
        assert_eq!(label("/m/a~1b/1/c~0"), "m.a/b.1.c~");
        assert_eq!(label(""), "value");
    }

    #[test]
    fn hostile_data_costs_little() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(numbers(&deep).is_empty());
        let many = format!("[{}1]", "1,".repeat(50_000));
        assert_eq!(numbers(&many).len(), MAX_NUMBERS);
        for other in ["", "{", "plain", "1e999", "\"nan\"", "\"-\"", "\"1.2.3\""] {
            assert!(numbers(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn counters_and_times_are_told_from_measures() {
        for name in ["/seq", "/at", "/user_id", "/created_at", "/a/timestamp"] {
            assert!(is_bookkeeping(name), "{name}");
        }
        for name in ["/price", "/connections", "/rate", ""] {
            assert!(!is_bookkeeping(name), "{name}");
        }
    }
}
