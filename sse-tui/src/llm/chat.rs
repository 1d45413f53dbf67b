//! `OpenAI` chat completions: `chat.completion.chunk` objects, then `[DONE]`.
//! Servers of others add `reasoning_content` or `reasoning` to a delta.

use serde_json::Value;

use super::piece::{Key, Kind, Piece, Usage};

/// The data of the last event, which is no JSON.
pub(super) const DONE: &str = "[DONE]";

/// `None` if it is no chunk.
pub(super) fn read(json: &Value) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").unwrap_or(error);
        pieces.push(Piece::Error(text_of(message)));
    }
    let choices = json.get("choices").and_then(Value::as_array);
    if choices.is_none() && pieces.is_empty() {
        return None;
    }
    if let Some(model) = json["model"].as_str() {
        pieces.push(Piece::Model(model.to_owned()));
    }
    for choice in choices.into_iter().flatten() {
        read_choice(choice, &mut pieces);
    }
    if let Some(usage) = json.get("usage").filter(|usage| usage.is_object()) {
        pieces.push(Piece::Usage(Usage {
            input: usage["prompt_tokens"].as_u64(),
            output: usage["completion_tokens"].as_u64(),
        }));
    }
    Some(pieces)
}

fn read_choice(choice: &Value, pieces: &mut Vec<Piece>) {
    let index = choice["index"].as_u64().unwrap_or(0) as u32;
    let key = |kind, number| Key {
        kind,
        choice: index,
        index: number,
    };
    let delta = &choice["delta"];
    let mut text = |kind, value: &Value| {
        if let Some(text) = value.as_str() {
            let key = key(kind, 0);
            let text = text.to_owned();
            pieces.push(Piece::Text { key, text });
        }
    };
    text(Kind::Thinking, &delta["reasoning_content"]);
    text(Kind::Thinking, &delta["reasoning"]);
    text(Kind::Text, &delta["content"]);
    text(Kind::Refusal, &delta["refusal"]);
    // The older completions have no delta.
    text(Kind::Text, &choice["text"]);
    for (place, call) in delta["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let number = call["index"].as_u64().unwrap_or(place as u64);
        let key = key(Kind::ToolCall, number);
        if let Some(name) = call["function"]["name"].as_str() {
            let name = name.to_owned();
            pieces.push(Piece::Name { key, name });
        }
        if let Some(text) = call["function"]["arguments"].as_str() {
            let text = text.to_owned();
            pieces.push(Piece::Text { key, text });
        }
    }
    if let Some(reason) = choice["finish_reason"].as_str() {
        pieces.push(Piece::Finish {
            choice: index,
            reason: reason.to_owned(),
        });
    }
}

/// A string's text, or the JSON of anything else.
pub(super) fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
