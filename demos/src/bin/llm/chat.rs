//! `OpenAI` chat completions.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::{Step, event, model};

/// One chunk a token, several choices in turn, then usage if asked for, `[DONE]`.
pub(crate) fn script(request: &Value, answer: &Answer, error_after: Option<u64>) -> Vec<Step> {
    let model = model(request);
    let chunk = |choices: Value| {
        json!({"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 1_773_500_966,
            "model": model, "system_fingerprint": "fp_demo", "choices": choices})
    };
    let choice = |index: u64, delta: Value, reason: Value| {
        let choice =
            json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": reason}]);
        event(None, &chunk(choice))
    };
    let choices = request["n"].as_u64().unwrap_or(1).clamp(1, 8);
    let mut steps: Vec<Step> = Vec::new();
    for index in 0..choices {
        let delta = json!({"role": "assistant", "content": "", "refusal": null});
        steps.push((index == 0, choice(index, delta, Value::Null)));
    }
    let mut output = 0;
    for thought in &answer.thoughts {
        output += 1;
        let delta = json!({"reasoning_content": thought});
        steps.push((true, choice(0, delta, Value::Null)));
    }
    let mut random = fastrand::Rng::with_seed(answer.seed);
    for token in &answer.tokens {
        for index in 0..choices {
            // The others say it in other words, if not in better ones.
            let token = match index {
                0 => token,
                _ => random.choice(&answer.tokens).unwrap_or(token),
            };
            output += 1;
            let delta = json!({"content": token});
            steps.push((true, choice(index, delta, Value::Null)));
        }
    }
    if let Some((name, arguments)) = &answer.tool {
        let call = json!([{"index": 0, "id": "call_demo", "type": "function",
            "function": {"name": name, "arguments": ""}}]);
        steps.push((true, choice(0, json!({"tool_calls": call}), Value::Null)));
        for piece in arguments {
            output += 1;
            let call = json!([{"index": 0, "function": {"arguments": piece}}]);
            steps.push((true, choice(0, json!({"tool_calls": call}), Value::Null)));
        }
    }
    for index in 0..choices {
        let reason = match answer.tool {
            Some(_) if index == 0 => "tool_calls",
            _ => "stop",
        };
        steps.push((false, choice(index, json!({}), json!(reason))));
    }
    if request["stream_options"]["include_usage"] == Value::Bool(true) {
        let mut last = chunk(json!([]));
        last["usage"] =
            json!({"prompt_tokens": 21, "completion_tokens": output, "total_tokens": 21 + output});
        steps.push((false, event(None, &last)));
    }
    steps.push((false, sse_core::Event::new("[DONE]")));
    if let Some(after) = error_after {
        steps.truncate(after as usize);
        let error = json!({"error": {"type": "server_error", "code": null,
            "message": "The server is overloaded. Please try again later."}});
        steps.push((true, event(None, &error)));
    }
    steps
}
