//! `OpenAI` responses: semantic events, told apart by `type`.

use serde_json::Value;

use super::chat::text_of;
use super::piece::{Key, Kind, Piece, Usage};

/// `None` if it is no such event.
pub(super) fn read(json: &Value) -> Option<Vec<Piece>> {
    let event = json["type"].as_str()?;
    if event == "error" && json.get("error").is_none() {
        return Some(vec![Piece::Error(text_of(&json["message"]))]);
    }
    let event = event.strip_prefix("response.")?;
    let mut pieces = Vec::new();
    let output = json["output_index"].as_u64().unwrap_or(0);
    let key = |kind, member: &str| Key {
        kind,
        choice: 0,
        // Part 2 of output 3 is another part than part 3 of output 2.
        index: output
            .wrapping_mul(1 << 20)
            .wrapping_add(json[member].as_u64().unwrap_or(0)),
    };
    let mut delta = |key| {
        if let Some(text) = json["delta"].as_str() {
            let text = text.to_owned();
            pieces.push(Piece::Text { key, text });
        }
    };
    match event {
        "output_text.delta" => delta(key(Kind::Text, "content_index")),
        "refusal.delta" => delta(key(Kind::Refusal, "content_index")),
        "reasoning_text.delta" => delta(key(Kind::Thinking, "content_index")),
        "reasoning_summary_text.delta" => delta(key(Kind::Thinking, "summary_index")),
        "function_call_arguments.delta"
        | "mcp_call_arguments.delta"
        | "custom_tool_call_input.delta" => delta(key(Kind::ToolCall, "")),
        "output_item.added" => {
            if let Some(name) = json["item"]["name"].as_str() {
                pieces.push(Piece::Name {
                    key: key(Kind::ToolCall, ""),
                    name: name.to_owned(),
                });
            }
        }
        "created" | "in_progress" => response(&json["response"], &mut pieces),
        "completed" | "incomplete" | "failed" | "cancelled" => {
            let said = &json["response"];
            response(said, &mut pieces);
            let reason = said["incomplete_details"]["reason"].as_str();
            pieces.push(Piece::Finish {
                choice: 0,
                reason: reason.unwrap_or(event).to_owned(),
            });
            if event == "failed" {
                pieces.push(Piece::Error(text_of(&said["error"]["message"])));
            }
            pieces.push(Piece::End);
        }
        _ => {}
    }
    Some(pieces)
}

fn response(response: &Value, pieces: &mut Vec<Piece>) {
    if let Some(model) = response["model"].as_str() {
        pieces.push(Piece::Model(model.to_owned()));
    }
    if response["usage"].is_object() {
        pieces.push(Piece::Usage(Usage {
            input: response["usage"]["input_tokens"].as_u64(),
            output: response["usage"]["output_tokens"].as_u64(),
        }));
    }
}
