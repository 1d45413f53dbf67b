//! Anthropic messages.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::{Step, event, model};

/// Content blocks in turn: thinking, text, a tool's input.
pub(crate) fn script(request: &Value, answer: &Answer, error_after: Option<u64>) -> Vec<Step> {
    let mut script = Script {
        steps: Vec::new(),
        index: 0,
    };
    let message = json!({"id": "msg_demo", "type": "message", "role": "assistant", "content": [],
        "model": model(request), "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 21, "output_tokens": 1}});
    script.push("message_start", json!({"message": message}), true);
    let mut output = 0;
    if !answer.thoughts.is_empty() {
        script.start(&json!({"type": "thinking", "thinking": "", "signature": ""}));
        for thought in &answer.thoughts {
            output += 1;
            script.delta(&json!({"type": "thinking_delta", "thinking": thought}));
        }
        script.delta(&json!({"type": "signature_delta", "signature": "ZGVtbw=="}));
        script.stop();
    }
    script.start(&json!({"type": "text", "text": ""}));
    script.push("ping", json!({}), false);
    for token in &answer.tokens {
        output += 1;
        script.delta(&json!({"type": "text_delta", "text": token}));
    }
    script.stop();
    let mut reason = "end_turn";
    if let Some((name, arguments)) = &answer.tool {
        reason = "tool_use";
        script.start(&json!({"type": "tool_use", "id": "toolu_demo", "name": name, "input": {}}));
        for piece in arguments {
            output += 1;
            script.delta(&json!({"type": "input_json_delta", "partial_json": piece}));
        }
        script.stop();
    }
    let end = json!({"delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": output}});
    script.push("message_delta", end, false);
    script.push("message_stop", json!({}), false);
    if let Some(after) = error_after {
        script.steps.truncate(after as usize);
        let error = json!({"error": {"type": "overloaded_error", "message": "Overloaded"}});
        script.push("error", error, true);
    }
    script.steps
}

struct Script {
    steps: Vec<Step>,
    index: u32,
}

impl Script {
    fn push(&mut self, event_type: &str, mut data: Value, waits: bool) {
        data["type"] = json!(event_type);
        self.steps.push((waits, event(Some(event_type), &data)));
    }

    fn start(&mut self, block: &Value) {
        let data = json!({"index": self.index, "content_block": block});
        self.push("content_block_start", data, false);
    }

    fn delta(&mut self, delta: &Value) {
        let data = json!({"index": self.index, "delta": delta});
        self.push("content_block_delta", data, true);
    }

    fn stop(&mut self) {
        let data = json!({"index": self.index});
        self.push("content_block_stop", data, false);
        self.index += 1;
    }
}
