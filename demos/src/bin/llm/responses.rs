//! `OpenAI` responses.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::{Step, event, model};

/// Semantic events, each with its `sequence_number`.
pub(crate) fn script(request: &Value, answer: &Answer, error_after: Option<u64>) -> Vec<Step> {
    let mut script = Script { steps: Vec::new() };
    let response = |status: &str, usage: Value| {
        json!({"id": "resp_demo", "object": "response", "created_at": 1_773_500_966, "status": status,
            "model": model(request), "output": [], "usage": usage})
    };
    let begun = || json!({"response": response("in_progress", Value::Null)});
    script.push(false, "response.created", begun());
    script.push(false, "response.in_progress", begun());
    let mut output = 0;
    let mut item = 0;
    if !answer.thoughts.is_empty() {
        let place = json!({"item_id": "rs_demo", "output_index": item, "summary_index": 0});
        let started = json!({"id": "rs_demo", "type": "reasoning", "summary": []});
        script.item("added", item, &started);
        for thought in &answer.thoughts {
            output += 1;
            script.delta("reasoning_summary_text", &place, thought);
        }
        script.item("done", item, &started);
        item += 1;
    }
    let place = json!({"item_id": "msg_demo", "output_index": item, "content_index": 0});
    let message = json!({"id": "msg_demo", "type": "message", "status": "in_progress",
        "role": "assistant", "content": []});
    script.item("added", item, &message);
    let mut part = place.clone();
    part["part"] = json!({"type": "output_text", "text": "", "annotations": []});
    script.push(false, "response.content_part.added", part);
    for token in &answer.tokens {
        output += 1;
        script.delta("output_text", &place, token);
    }
    let mut done = place;
    done["text"] = json!(answer.tokens.concat());
    script.push(false, "response.output_text.done", done);
    script.item("done", item, &message);
    if let Some((name, arguments)) = &answer.tool {
        item += 1;
        let place = json!({"item_id": "fc_demo", "output_index": item});
        let call = json!({"id": "fc_demo", "type": "function_call", "call_id": "call_demo",
            "name": name, "arguments": ""});
        script.item("added", item, &call);
        for piece in arguments {
            output += 1;
            script.delta("function_call_arguments", &place, piece);
        }
        script.item("done", item, &call);
    }
    let usage = json!({"input_tokens": 21, "output_tokens": output, "total_tokens": 21 + output});
    let end = json!({"response": response("completed", usage)});
    script.push(false, "response.completed", end);
    if let Some(after) = error_after {
        script.steps.truncate(after as usize);
        let mut failed = response("failed", Value::Null);
        failed["error"] = json!({"code": "server_error", "message": "The server had an error."});
        script.push(true, "response.failed", json!({"response": failed}));
    }
    script.steps
}

struct Script {
    steps: Vec<Step>,
}

impl Script {
    fn push(&mut self, waits: bool, event_type: &str, mut data: Value) {
        data["type"] = json!(event_type);
        data["sequence_number"] = json!(self.steps.len());
        self.steps.push((waits, event(Some(event_type), &data)));
    }

    fn delta(&mut self, what: &str, place: &Value, text: &str) {
        let mut data = place.clone();
        data["delta"] = json!(text);
        self.push(true, &format!("response.{what}.delta"), data);
    }

    fn item(&mut self, what: &str, index: u32, item: &Value) {
        let data = json!({"output_index": index, "item": item});
        self.push(false, &format!("response.output_item.{what}"), data);
    }
}
