//! Protocols that are known by name, and what they set.

use clap::ValueEnum;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::rules::{ContentRule, Rules};
use crate::timestamp::Pointer;

/// The version of Anthropic's API whose streams the preset reads.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Streamable HTTP of MCP: the server chooses.
const EITHER: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// A protocol whose answers are finite streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Preset {
    /// POST /v1/chat/completions: ends with `[DONE]`
    OpenaiChat,
    /// POST /v1/responses: ends with response.completed
    OpenaiResponses,
    /// POST /v1/messages: ends with `message_stop`
    Anthropic,
    /// Streamable HTTP of the Model Context Protocol: ends with the response of the request's id
    Mcp,
}

impl Preset {
    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Mcp => "mcp",
        }
    }

    /// A body to begin with, for the message that one is missing.
    pub(super) const fn example_body(self) -> &'static str {
        match self {
            Self::OpenaiChat => {
                r#"{"model":"NAME","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#
            }
            Self::OpenaiResponses => r#"{"model":"NAME","stream":true,"input":"Hello"}"#,
            Self::Anthropic => {
                r#"{"model":"NAME","stream":true,"max_tokens":256,"messages":[{"role":"user","content":"Hello"}]}"#
            }
            Self::Mcp => r#"{"method":"tools/list"}"#,
        }
    }
}

/// Completes what the user asked for: the method, and the header fields that
/// were not given.
pub(super) fn complete(
    preset: Option<Preset>,
    has_body: bool,
    method_given: bool,
    method: &mut Method,
    headers: &mut HeaderMap,
) {
    if preset.is_some() && !method_given {
        *method = Method::POST;
    }
    let mut set = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    if preset.is_some() || has_body {
        set(CONTENT_TYPE, JSON);
    }
    set(
        ACCEPT,
        match preset {
            Some(Preset::Mcp) => EITHER,
            _ => EVENT_STREAM,
        },
    );
    if preset == Some(Preset::Anthropic) {
        set(
            HeaderName::from_static("anthropic-version"),
            ANTHROPIC_VERSION,
        );
    }
}

impl Rules {
    /// The rules of a preset; without one those of the three APIs of language
    /// models together.
    pub fn default_of(preset: Option<Preset>) -> Self {
        match preset {
            Some(Preset::OpenaiChat) => Self {
                done_data: texts(&["[DONE]"]),
                error_events: texts(&["error"]),
                error_pointers: pointers(&["/error"]),
                content: vec![content(None, "/choices/0/delta/content")],
                finish_pointers: pointers(&["/choices/0/finish_reason"]),
                error_finish: texts(&["content_filter"]),
                ..Self::default()
            },
            Some(Preset::OpenaiResponses) => Self {
                done_events: texts(&["response.completed", "response.incomplete"]),
                error_events: texts(&["error", "response.failed"]),
                content: vec![content(Some("response.output_text.delta"), "/delta")],
                finish_pointers: pointers(&[
                    "/response/incomplete_details/reason",
                    "/response/status",
                ]),
                error_finish: texts(&["content_filter"]),
                ..Self::default()
            },
            Some(Preset::Anthropic) => Self {
                done_events: texts(&["message_stop"]),
                error_events: texts(&["error"]),
                content: vec![content(Some("content_block_delta"), "/delta/text")],
                finish_pointers: pointers(&["/delta/stop_reason"]),
                error_finish: texts(&["refusal"]),
                ..Self::default()
            },
            // Its messages are told apart by their ids.
            Some(Preset::Mcp) => Self {
                content: vec![content(None, "/result")],
                ..Self::default()
            },
            None => {
                let apis = [
                    Preset::OpenaiChat,
                    Preset::OpenaiResponses,
                    Preset::Anthropic,
                ];
                apis.into_iter().fold(Self::default(), |sum, preset| {
                    sum.joined(Self::default_of(Some(preset)))
                })
            }
        }
    }

    fn joined(mut self, other: Self) -> Self {
        self.done_data.extend(other.done_data);
        self.done_events.extend(other.done_events);
        self.error_events.extend(other.error_events);
        self.error_pointers.extend(other.error_pointers);
        self.content.extend(other.content);
        self.finish_pointers.extend(other.finish_pointers);
        self.error_finish.extend(other.error_finish);
        self
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pointers(texts: &[&str]) -> Vec<Pointer> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn content(event: Option<&str>, pointer: &str) -> ContentRule {
    ContentRule {
        event: event.map(str::to_owned),
        pointer: pointers(&[pointer]).remove(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_completes_a_request_and_overrides_nothing() {
        let (mut method, mut headers) = (Method::GET, HeaderMap::new());
        headers.insert(ACCEPT, HeaderValue::from_static("x/y"));
        complete(
            Some(Preset::Anthropic),
            true,
            false,
            &mut method,
            &mut headers,
        );
        assert_eq!(method, Method::POST);
        assert_eq!(headers[ACCEPT], "x/y");
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        assert_eq!(headers["anthropic-version"], "2023-06-01");

        let (mut method, mut headers) = (Method::PUT, HeaderMap::new());
        complete(Some(Preset::Mcp), true, true, &mut method, &mut headers);
        assert_eq!((method, &headers[ACCEPT]), (Method::PUT, &EITHER));

        let (mut method, mut headers) = (Method::GET, HeaderMap::new());
        complete(None, false, false, &mut method, &mut headers);
        assert_eq!((method, headers.len()), (Method::GET, 1));
    }
}
