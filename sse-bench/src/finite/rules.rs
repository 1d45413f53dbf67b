//! What an event of a finite stream means: the end, an error, content.

use serde_json::Value;

use crate::timestamp::Pointer;

/// The longest reason or message kept of an event, in characters.
const LONGEST_TEXT: usize = 200;

/// How to tell what an event means. An event goes by the name of its type, and
/// by the string `type` of its JSON data where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Data that ends a stream as it should end.
    pub done_data: Vec<String>,
    /// Events that do so.
    pub done_events: Vec<String>,
    /// Events that tell of an error.
    pub error_events: Vec<String>,
    /// Data that holds something here tells of an error.
    pub error_pointers: Vec<Pointer>,
    /// What is content.
    pub content: Vec<ContentRule>,
    /// Where the reason stands for which an answer ended; the last one counts.
    pub finish_pointers: Vec<Pointer>,
    /// Reasons that are an error.
    pub error_finish: Vec<String>,
}

/// Content is what stands at a place in the data of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRule {
    /// Events of any name if `None`.
    pub event: Option<String>,
    /// Where; null, `""`, `[]` and `{}` are no content.
    pub pointer: Pointer,
}

/// What an event means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The stream ended as it should.
    pub done: bool,
    /// The server tells of an error; its words, on one line.
    pub error: Option<String>,
    /// It holds content.
    pub content: bool,
    /// Why the answer ended.
    pub finish: Option<String>,
}

impl Rules {
    /// Reads one event.
    pub fn read(&self, event_type: &str, data: &str) -> Mark {
        if self.done_data.iter().any(|done| done == data) {
            return Mark {
                done: true,
                ..Mark::default()
            };
        }
        let json: Option<Value> = data
            .trim_start()
            .starts_with('{')
            .then(|| serde_json::from_str(data).ok())
            .flatten();
        let json = json.as_ref();
        let inner = json.and_then(|json| json.get("type")?.as_str());
        let named = |names: &[String]| {
            let mut names = names.iter().map(String::as_str);
            names.any(|name| name == event_type || Some(name) == inner)
        };
        let finish = self.finish(json);
        let error = if named(&self.error_events) || self.holds_error(json) {
            Some(message(json, data))
        } else {
            let bad = finish.as_ref().filter(|it| self.error_finish.contains(it));
            bad.map(|reason| format!("the answer ended by {reason}"))
        };
        Mark {
            done: error.is_none() && named(&self.done_events),
            error,
            content: self.content.iter().any(|rule| {
                let event = rule.event.as_deref();
                event.is_none_or(|name| name == event_type || Some(name) == inner)
                    && at(json, &rule.pointer).is_some_and(holds_something)
            }),
            finish,
        }
    }

    fn finish(&self, json: Option<&Value>) -> Option<String> {
        let mut found = self.finish_pointers.iter();
        found.find_map(|pointer| Some(clip(at(json, pointer)?.as_str()?)))
    }

    fn holds_error(&self, json: Option<&Value>) -> bool {
        let mut pointers = self.error_pointers.iter();
        pointers.any(|pointer| at(json, pointer).is_some_and(holds_something))
    }
}

fn at<'a>(json: Option<&'a Value>, pointer: &Pointer) -> Option<&'a Value> {
    json?.pointer(pointer.as_str())
}

/// Neither null nor empty.
pub(super) fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// What an error event says, found where APIs put it; else all of it.
pub(super) fn message(json: Option<&Value>, data: &str) -> String {
    let places = [
        "/error/message",
        "/response/error/message",
        "/message",
        "/error",
        "/response/incomplete_details/reason",
    ];
    let mut found = places.iter();
    let said = found.find_map(|place| json?.pointer(place)?.as_str());
    clip(said.unwrap_or(data))
}

/// The front of a text that somebody else wrote.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(LONGEST_TEXT).collect();
    if clipped.len() < text.len() {
        clipped.push_str("...");
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Preset;

    fn done(rules: &Rules, event_type: &str, data: &str) -> bool {
        rules.read(event_type, data).done
    }

    #[test]
    fn an_end_is_known_by_its_data_its_type_or_the_type_in_its_data() {
        let any = Rules::default_of(None);
        assert!(done(&any, "message", "[DONE]"));
        assert!(!done(&any, "message", "[DONE] "));
        assert!(done(&any, "message_stop", "{}"));
        assert!(done(&any, "message", r#"{"type":"response.completed"}"#));
        assert!(!done(&any, "message", r#"{"text":"response.completed"}"#));
        assert!(!done(&any, "message", r#"["message_stop"]"#));
        assert!(!done(&any, "message", r#"{"type":"message_stop""#));
        let chat = Rules::default_of(Some(Preset::OpenaiChat));
        assert!(!done(&chat, "message_stop", "{}"));
    }

    #[test]
    fn chat_completions_have_content_a_reason_and_errors() {
        let chat = Rules::default_of(Some(Preset::OpenaiChat));
        let read = |data: &str| chat.read("message", data);
        assert!(read(r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#).content);
        assert!(!read(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#).content);
        assert!(!read(r#"{"choices":[],"usage":{"prompt_tokens":1}}"#).content);
        let stop = read(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#);
        assert_eq!(stop.finish.as_deref(), Some("length"));
        assert_eq!((stop.done, stop.error), (false, None));
        let filtered = read(r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#);
        assert_eq!(
            filtered.error.as_deref(),
            Some("the answer ended by content_filter")
        );
        let error = read(r#"{"error":{"message":"overloaded","code":null}}"#);
        assert_eq!(error.error.as_deref(), Some("overloaded"));
        assert_eq!(read(r#"{"error":null,"choices":[]}"#).error, None);
    }

    #[test]
    fn responses_count_text_alone_as_content_and_failed_as_an_error() {
        let rules = Rules::default_of(Some(Preset::OpenaiResponses));
        let delta = r#"{"type":"response.output_text.delta","delta":"Hi"}"#;
        assert!(rules.read("response.output_text.delta", delta).content);
        assert!(rules.read("message", delta).content);
        let thought = r#"{"type":"response.reasoning_summary_text.delta","delta":"Hm"}"#;
        assert!(!rules.read("message", thought).content);
        let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"sorry"}}}"#;
        let failed = rules.read("response.failed", failed);
        assert_eq!(
            (failed.done, failed.error.as_deref()),
            (false, Some("sorry"))
        );
        let short = r#"{"response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#;
        let short = rules.read("response.incomplete", short);
        assert_eq!(
            (short.done, short.error, short.finish.as_deref()),
            (true, None, Some("max_output_tokens"))
        );
    }

    #[test]
    fn messages_of_anthropic_end_with_message_stop_and_may_refuse() {
        let rules = Rules::default_of(Some(Preset::Anthropic));
        let text =
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#;
        assert!(rules.read("content_block_delta", text).content);
        let thought =
            r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"Hm"}}"#;
        assert!(!rules.read("content_block_delta", thought).content);
        let end = |reason: &str| {
            let data =
                format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#);
            rules.read("message_delta", &data)
        };
        assert_eq!(end("end_turn").finish.as_deref(), Some("end_turn"));
        assert!(end("end_turn").error.is_none() && end("refusal").error.is_some());
        let error =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(
            rules.read("error", error).error.as_deref(),
            Some("Overloaded")
        );
        assert!(
            rules
                .read("message_stop", r#"{"type":"message_stop"}"#)
                .done
        );
    }

    #[test]
    fn what_a_server_says_is_clipped() {
        let rules = Rules::default_of(Some(Preset::Anthropic));
        let mark = rules.read("error", &"x".repeat(10_000));
        assert_eq!(mark.error.unwrap().len(), LONGEST_TEXT + 3);
    }
}
