//! What a server said when it refused, for one line.

use serde_json::Value;

/// The most characters of it.
const MOST: usize = 200;

/// The message of an error in JSON, as APIs and RFC 9457 write it, else the text
/// itself, its lines joined.
pub(super) fn words(said: &str) -> String {
    let message = serde_json::from_str(said).ok().and_then(message);
    let message = message.as_deref().unwrap_or(said);
    let mut words = String::new();
    for word in message.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    match words.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn message(mut value: Value) -> Option<String> {
    // Of {"error":{"message":..}}, {"error":".."}, problem details and the like.
    for key in ["error", "message", "detail", "title", "error_description"] {
        match value.get_mut(key).map(Value::take) {
            Some(Value::String(text)) if !text.trim().is_empty() => return Some(text),
            Some(inner @ Value::Object(_)) => return message(inner),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_api_is_found() {
        for (said, expected) in [
            (
                r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error"}}"#,
                "Incorrect API key provided",
            ),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                "Overloaded",
            ),
            (
                r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"topic 'x' is not yours"}"#,
                "topic 'x' is not yours",
            ),
            (r#"{"error":"no such model"}"#, "no such model"),
            ("no\n\n  such\tthing\r\n", "no such thing"),
            (r#"{"ok":false}"#, r#"{"ok":false}"#),
            (r#"{"error":"#, r#"{"error":"#),
        ] {
            assert_eq!(words(said), expected, "{said}");
        }
        let long = words(&"é".repeat(3000));
        assert_eq!(long.chars().count(), MOST + 1);
        assert!(long.ends_with('…'));
    }
}
