//! The Model Context Protocol over streamable HTTP (MCP 2025-06-18, Transports):
//! JSON-RPC messages, and what a client keeps of its session.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::rules::{Mark, Rules, clip, holds_something, message};

/// The version that is asked for; the server may answer with another.
const VERSION: &str = "2025-06-18";
/// The id of the request that begins a session; requests count from 1.
pub(super) const INITIALIZE: u64 = 0;
/// JSON-RPC 2.0 §5.1.
const METHOD_NOT_FOUND: i32 = -32601;

/// The header field that names a session.
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What is called, again and again.
#[derive(Debug)]
pub struct Call(Map<String, Value>);

impl Call {
    /// # Errors
    /// The body is no JSON-RPC request.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mend = "give one such as -d '{\"method\":\"tools/list\"}'";
        let parsed: Value = serde_json::from_slice(body)
            .with_context(|| format!("over MCP the body is a JSON-RPC request: {mend}"))?;
        match parsed {
            Value::Object(members) if members.get("method").is_some_and(Value::is_string) => {
                Ok(Self(members))
            }
            _ => bail!("over MCP the body is a JSON-RPC request with a method: {mend}"),
        }
    }

    /// The request under an id of its own.
    pub fn body(&self, id: u64) -> Vec<u8> {
        let mut request = self.0.clone();
        request.insert("jsonrpc".to_owned(), json!("2.0"));
        request.insert("id".to_owned(), json!(id));
        Value::Object(request).to_string().into_bytes()
    }
}

/// The request that begins a session.
pub(super) fn initialize() -> Vec<u8> {
    let client = json!({"name": "sse-bench", "version": env!("CARGO_PKG_VERSION")});
    let params = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client});
    let request =
        json!({"jsonrpc": "2.0", "id": INITIALIZE, "method": "initialize", "params": params});
    request.to_string().into_bytes()
}

/// The notification that completes its beginning.
pub(super) fn initialized() -> Vec<u8> {
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    notification.to_string().into_bytes()
}

/// What further requests of a session carry.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    fields: HeaderMap,
}

impl Session {
    /// From the answer to `initialize`.
    pub(super) fn new(headers: &HeaderMap, response: &Value) -> Self {
        let mut fields = HeaderMap::new();
        if let Some(id) = headers.get(&SESSION_ID) {
            fields.insert(SESSION_ID, id.clone());
        }
        let version = response.pointer("/result/protocolVersion");
        let version = version.and_then(|version| HeaderValue::from_str(version.as_str()?).ok());
        if let Some(version) = version {
            fields.insert(PROTOCOL_VERSION, version);
        }
        Self { fields }
    }

    /// Whether the server keeps it, and would like to know its end.
    pub(super) fn is_kept(&self) -> bool {
        self.fields.contains_key(&SESSION_ID)
    }

    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fields {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// What came in one event or document.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What it means for the request.
    pub(super) mark: Mark,
    /// The response itself.
    pub(super) response: Option<Value>,
    /// Requests and notifications of the server.
    pub(super) server_messages: u64,
    /// Answers to its requests.
    pub(super) replies: Vec<Vec<u8>>,
}

/// Reads a message, or a batch of them, in search of the response to `id`.
pub(super) fn read(rules: &Rules, data: &str, id: u64) -> Seen {
    let mut seen = Seen::default();
    let messages = match serde_json::from_str(data) {
        Ok(Value::Array(messages)) => messages,
        Ok(message) => vec![message],
        Err(_) => return seen,
    };
    for message in messages {
        if message.get("method").is_some() {
            seen.server_messages += 1;
            seen.replies.extend(reply(&message));
        } else if message.get("id").and_then(Value::as_u64) == Some(id) {
            seen.mark = response(rules, &message);
            seen.response = Some(message);
        }
    }
    seen
}

fn response(rules: &Rules, response: &Value) -> Mark {
    let error = response
        .get("error")
        .filter(|error| holds_something(error))
        .map(|error| message(Some(response), &error.to_string()));
    let failed = response.pointer("/result/isError") == Some(&Value::Bool(true));
    let reason = failed.then(|| "tool_error".to_owned());
    let mut content = rules.content.iter().map(|rule| rule.pointer.as_str());
    let bad = reason
        .as_ref()
        .filter(|reason| rules.error_finish.contains(reason))
        .map(|_| {
            let said = response.pointer("/result/content/0/text");
            clip(said.and_then(Value::as_str).unwrap_or("the tool failed"))
        });
    let error = error.or(bad);
    Mark {
        done: error.is_none(),
        content: error.is_none()
            && content.any(|place| response.pointer(place).is_some_and(holds_something)),
        finish: reason,
        error,
    }
}

/// A client that offers nothing answers `ping` and knows no other method.
fn reply(request: &Value) -> Option<Vec<u8>> {
    let id = request.get("id")?;
    let reply = if request["method"] == "ping" {
        json!({"jsonrpc": "2.0", "id": id, "result": {}})
    } else {
        let error = json!({"code": METHOD_NOT_FOUND, "message": "Method not found"});
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    };
    Some(reply.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite::Preset;

    fn read(data: &str) -> Seen {
        super::read(&Rules::default_of(Some(Preset::Mcp)), data, 7)
    }

    #[test]
    fn a_stream_ends_with_the_response_of_its_own_id() {
        for other in [
            r#"{"jsonrpc":"2.0","id":6,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
            "",
            "7",
        ] {
            assert!(!read(other).mark.done, "{other}");
        }
        let own = read(r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}"#);
        assert!(own.mark.done && own.mark.content);
        let batch =
            read(r#"[{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":7,"result":{}}]"#);
        assert!(batch.mark.done && batch.server_messages == 1);
    }

    #[test]
    fn errors_of_json_rpc_are_errors_and_those_of_tools_are_if_asked_for() {
        let error = read(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no such"}}"#);
        assert_eq!(
            (error.mark.done, error.mark.error.as_deref()),
            (false, Some("no such"))
        );
        let failed =
            r#"{"id":7,"result":{"isError":true,"content":[{"type":"text","text":"oh"}]}}"#;
        let mark = read(failed).mark;
        assert_eq!(
            (mark.done, mark.finish.as_deref()),
            (true, Some("tool_error"))
        );
        let strict = Rules {
            error_finish: vec!["tool_error".to_owned()],
            ..Rules::default()
        };
        let mark = super::read(&strict, failed, 7).mark;
        assert_eq!((mark.done, mark.error.as_deref()), (false, Some("oh")));
    }

    #[test]
    fn requests_of_the_server_are_answered_and_notifications_are_not() {
        let reply = |data: &str| {
            let mut replies = read(data).replies;
            replies
                .pop()
                .map(|reply| serde_json::from_slice::<Value>(&reply).unwrap())
        };
        let pong = reply(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#).unwrap();
        assert_eq!(pong, json!({"jsonrpc": "2.0", "id": "a", "result": {}}));
        let unknown = reply(r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#).unwrap();
        assert_eq!(unknown["error"]["code"], METHOD_NOT_FOUND);
        assert_eq!(
            reply(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#),
            None
        );
    }

    #[test]
    fn each_request_has_an_id_of_its_own() {
        let call = Call::parse(br#"{"id":1,"method":"tools/call","params":{"name":"a"}}"#).unwrap();
        let body: Value = serde_json::from_slice(&call.body(7)).unwrap();
        let expected =
            json!({"id": 7, "method": "tools/call", "params": {"name": "a"}, "jsonrpc": "2.0"});
        assert_eq!(body, expected);
    }
}
