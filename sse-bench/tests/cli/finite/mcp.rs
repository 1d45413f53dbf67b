//! The Model Context Protocol over streamable HTTP.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};
use testing::PATIENCE;

use super::{begin, end, report, until_done};
use crate::support::{Request, Server, each, run, send};

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

#[test]
fn each_call_may_have_words_of_its_own_and_a_session_its_own_header_fields() {
    let (server, seen) = server(|_, request, stream| {
        let message = body(request);
        send_json(
            stream,
            "",
            &json!({"jsonrpc": "2.0", "id": message["id"], "result": {}}),
        );
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"say \"hi\"\ncount\n").unwrap();
    let call = format!(
        r#"{{"method":"tools/call","params":{{"name":"x","user":{{{{conn}}}},"key":"{{{{uuid}}}}","arguments":"{{{{line:{}}}}}"}}}}"#,
        file.path().display()
    );
    let arguments = ["--preset", "mcp", "-d", &call, "-c", "2", "--requests", "8"];
    let run = until_done(
        &server,
        &[&arguments[..], &["-H", "X-User: {{uuid}}"]].concat(),
    );
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(report(&run)["errors"]["total"], 0);
    let seen = seen.all();
    let is_call = |request: &&Request| body(request)["method"] == "tools/call";
    let calls: Vec<_> = seen.iter().filter(is_call).collect();
    assert_eq!(calls.len(), 8);
    let (mut words, mut keys) = (Vec::new(), std::collections::BTreeSet::new());
    for call in &calls {
        let params = &body(call)["params"];
        words.push(params["arguments"].as_str().unwrap().to_owned());
        keys.insert(params["key"].as_str().unwrap().to_owned());
        // All of a connection's session is asked for by one user.
        let user = &params["user"];
        let others = calls
            .iter()
            .filter(|it| &body(it)["params"]["user"] == user);
        for other in others {
            assert_eq!(call.header("x-user"), other.header("x-user"));
        }
    }
    words.sort_unstable();
    assert_eq!(words[..4], ["count"; 4]);
    assert_eq!(words[4..], ["say \"hi\""; 4]);
    assert_eq!(keys.len(), 8, "each call has its own");
    let users = |wanted: fn(&Request) -> bool| -> std::collections::BTreeSet<_> {
        let chosen = seen.iter().filter(|request| wanted(request));
        chosen
            .map(|request| request.header("x-user").unwrap().to_owned())
            .collect()
    };
    let begun = users(|request| body(request)["method"] == "initialize");
    assert_eq!(
        begun,
        users(|request| body(request)["method"] == "tools/call")
    );
    assert_eq!(begun, users(|request| request.line.starts_with("DELETE")));
}

#[test]
fn a_line_that_makes_no_call_is_told_before_the_run() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"{}\n{\n").unwrap();
    let call = format!(
        r#"{{"method":"x","params":{{{{line:{}}}}}}}"#,
        file.path().display()
    );
    let run = run(&[
        "load",
        "http://127.0.0.1:1/",
        "--preset",
        "mcp",
        "-d",
        &call,
    ]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr.contains("request 2: "), "{}", run.stderr);
}
