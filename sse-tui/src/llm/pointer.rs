//! Any stream whose text stands at a JSON pointer (RFC 6901).

use serde_json::Value;

use super::piece::{Key, Kind, Piece};

/// `None` if there is no text. The empty pointer is the whole data: the text of
/// a JSON string, or the data as it is.
pub(super) fn read(data: &str, pointer: &str) -> Option<Vec<Piece>> {
    let json = serde_json::from_str::<Value>(data).ok();
    let text = match (json, pointer.is_empty()) {
        (Some(Value::String(text)), true) => text,
        (_, true) => data.to_owned(),
        (json, false) => match json?.pointer(pointer)? {
            Value::String(text) => text.clone(),
            number @ Value::Number(_) => number.to_string(),
            _ => return None,
        },
    };
    let key = Key {
        kind: Kind::Text,
        choice: 0,
        index: 0,
    };
    Some(vec![Piece::Text { key, text }])
}
