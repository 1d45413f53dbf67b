//! Anthropic messages: content blocks by index, told apart by `type`.

use serde_json::Value;

use super::chat::text_of;
use super::piece::{Key, Kind, Piece, Usage};

/// `None` if it is no such event.
pub(super) fn read(json: &Value) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let index = json["index"].as_u64().unwrap_or(0);
    let key = |kind| Key {
        kind,
        choice: 0,
        index,
    };
    match json["type"].as_str()? {
        "message_start" => {
            let message = &json["message"];
            if let Some(model) = message["model"].as_str() {
                pieces.push(Piece::Model(model.to_owned()));
            }
            // Of the output it counts what there is so far, which is next to nothing.
            if let Some(input) = message["usage"]["input_tokens"].as_u64() {
                pieces.push(Piece::Usage(Usage {
                    input: Some(input),
                    output: None,
                }));
            }
        }
        "content_block_start" => {
            let block = &json["content_block"];
            if let Some(name) = block["name"].as_str() {
                pieces.push(Piece::Name {
                    key: key(Kind::ToolCall),
                    name: name.to_owned(),
                });
            }
            for (kind, member) in [(Kind::Text, "text"), (Kind::Thinking, "thinking")] {
                if let Some(text) = block[member].as_str() {
                    let text = text.to_owned();
                    let key = key(kind);
                    pieces.push(Piece::Text { key, text });
                }
            }
        }
        "content_block_delta" => {
            let delta = &json["delta"];
            for (kind, member) in [
                (Kind::Text, "text"),
                (Kind::Thinking, "thinking"),
                (Kind::ToolCall, "partial_json"),
            ] {
                if let Some(text) = delta[member].as_str() {
                    let text = text.to_owned();
                    let key = key(kind);
                    pieces.push(Piece::Text { key, text });
                }
            }
        }
        "message_delta" => {
            usage(&json["usage"], &mut pieces);
            if let Some(reason) = json["delta"]["stop_reason"].as_str() {
                pieces.push(Piece::Finish {
                    choice: 0,
                    reason: reason.to_owned(),
                });
            }
        }
        "message_stop" => pieces.push(Piece::End),
        "error" => {
            let error = json.get("error")?;
            let message = error.get("message").unwrap_or(error);
            pieces.push(Piece::Error(text_of(message)));
        }
        "content_block_stop" | "ping" => {}
        _ => return None,
    }
    Some(pieces)
}

fn usage(usage: &Value, pieces: &mut Vec<Piece>) {
    if usage.is_object() {
        pieces.push(Piece::Usage(Usage {
            input: usage["input_tokens"].as_u64(),
            output: usage["output_tokens"].as_u64(),
        }));
    }
}
