//! The Model Context Protocol over streamable HTTP.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};
use testing::PATIENCE;

use super::{begin, each, end, report, until_done};
use crate::support::{Request, Server, send};

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn send_json(stream: &mut TcpStream, fields: &str, document: &Value) {
    let text = document.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let length = text.len();
    send(
        stream,
        format!("{head}{fields}Content-Length: {length}\r\n\r\n{text}"),
    );
}

fn event(id: u32, message: &Value) -> String {
    format!("id: {id}\ndata: {message}\n\n")
}

/// What a server was sent, in the order of arrival.
#[derive(Default)]
struct Seen(Mutex<Vec<Request>>, Condvar);

impl Seen {
    fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }

    fn push(&self, request: Request) {
        self.0.lock().unwrap().push(request);
        self.1.notify_all();
    }

    /// Returns once something like it has arrived.
    fn wait_for(&self, wanted: impl Fn(&Request) -> bool) {
        let seen = self.0.lock().unwrap();
        let missing = |seen: &mut Vec<Request>| !seen.iter().any(&wanted);
        let arrived = self.1.wait_timeout_while(seen, PATIENCE, missing).unwrap();
        assert!(!arrived.1.timed_out(), "waited in vain for a request");
    }
}

/// Begins sessions; leaves calls, and all else, to `call`.
fn server(
    call: impl Fn(&Seen, &Request, &mut TcpStream) + Send + Sync + 'static,
) -> (Server, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let log = Arc::clone(&seen);
    let server = Server::start(move |_, request, stream| {
        each(request, stream, |request, stream| {
            log.push(request.clone());
            let message = body(request);
            let accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
            match message["method"].as_str() {
                Some("initialize") => {
                    let result = json!({"protocolVersion": "2025-03-26", "capabilities": {}});
                    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
                    send_json(stream, "Mcp-Session-Id: s-1\r\n", &answer);
                }
                Some("notifications/initialized") => send(stream, accepted),
                None if request.line.starts_with("POST") => send(stream, accepted),
                None if request.line.starts_with("DELETE") => send(stream, accepted),
                _ => call(&log, request, stream),
            }
        });
    });
    (server, seen)
}

const CALL: [&str; 8] = [
    "--preset",
    "mcp",
    "-d",
    r#"{"method":"tools/call","params":{"name":"x"}}"#,
    "-c",
    "1",
    "--requests",
    "2",
];

#[test]
fn a_session_is_begun_kept_and_ended_and_json_answers_count() {
    let (server, seen) = server(|_, request, stream| {
        let message = body(request);
        send_json(
            stream,
            "",
            &json!({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}),
        );
    });
    let run = until_done(&server, &CALL);
    assert_eq!(run.code(), 0, "{run:?}");
    let report = report(&run);
    assert_eq!(
        report["mcp"],
        json!({"sessions": 1, "json_answers": 2, "server_messages": 0, "resumed": 0})
    );
    let seen = seen.all();
    let methods: Vec<_> = seen
        .iter()
        .map(|request| body(request)["method"].clone())
        .collect();
    assert_eq!(
        methods[..4],
        [
            "initialize",
            "notifications/initialized",
            "tools/call",
            "tools/call"
        ]
    );
    assert!(seen[4].line.starts_with("DELETE"), "{}", seen[4].line);
    let accept = seen[2].header("accept");
    assert_eq!(accept, Some("application/json, text/event-stream"));
    for request in &seen[1..] {
        assert_eq!(request.header("mcp-session-id"), Some("s-1"));
        assert_eq!(request.header("mcp-protocol-version"), Some("2025-03-26"));
    }
    assert_ne!(body(&seen[2])["id"], body(&seen[3])["id"]);
}

#[test]
fn messages_of_the_server_precede_its_response_and_its_requests_are_answered() {
    let (server, _) = server(|seen, request, stream| {
        let message = body(request);
        let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress"});
        let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
        let response = json!({"jsonrpc": "2.0", "id": message["id"], "result": {}});
        begin(stream, &[&event(1, &progress), &event(2, &ping)]);
        let pong = json!({"jsonrpc": "2.0", "id": "p", "result": {}});
        seen.wait_for(|request| body(request) == pong);
        end(stream, &[&event(3, &response)]);
    });
    let run = until_done(&server, &CALL);
    assert_eq!(run.code(), 0, "{run:?}");
    let report = report(&run);
    assert_eq!(report["mcp"]["server_messages"], 4);
    assert_eq!(report["streams"]["events"]["max"], 3);
}

#[test]
fn a_cut_stream_is_resumed_by_its_last_event_id() {
    let asked = Arc::new(Mutex::new(Value::Null));
    let (server, seen) = server(move |_, request, stream| {
        let message = body(request);
        if request.line.starts_with("GET") {
            let id = asked.lock().unwrap().clone();
            let response = json!({"jsonrpc": "2.0", "id": id, "result": {}});
            begin(stream, &[]);
            end(stream, &[&event(2, &response)]);
        } else {
            *asked.lock().unwrap() = message["id"].clone();
            let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress"});
            begin(stream, &[]);
            end(stream, &[&event(1, &progress)]);
        }
    });
    let run = until_done(&server, &CALL);
    assert_eq!(run.code(), 0, "{run:?}");
    let report = report(&run);
    assert_eq!(report["mcp"]["resumed"], 2);
    assert_eq!(report["requests"]["cut_short"], 0);
    let seen = seen.all();
    let resumed: Vec<_> = seen
        .iter()
        .filter(|it| it.line.starts_with("GET"))
        .collect();
    assert_eq!(resumed.len(), 2);
    assert_eq!(resumed[0].header("last-event-id"), Some("1"));
    assert_eq!(resumed[0].header("mcp-session-id"), Some("s-1"));
}

#[test]
fn an_error_of_json_rpc_is_an_error_in_the_stream() {
    let (server, _) = server(|_, request, stream| {
        let message = body(request);
        let error = json!({"code": -32601, "message": "no such tool"});
        send_json(
            stream,
            "",
            &json!({"jsonrpc": "2.0", "id": message["id"], "error": error}),
        );
    });
    let run = until_done(&server, &CALL);
    assert_eq!(run.code(), 3, "{run:?}");
    let report = report(&run);
    assert_eq!(report["requests"]["errors_in_stream"], 2);
    let told = &report["errors"]["by_kind"]["error_in_stream"]["example"];
    assert_eq!(told, "no such tool");
}
