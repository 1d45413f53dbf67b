//! What presets send.

use super::{DONE, answering, report, until_done};
use crate::support::{Server, chunked, each, send};

const COMPLETED: &str = "data: {\"type\":\"response.completed\"}\n\n";
const MESSAGE_STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn presets_ask_as_their_protocol_wants_it() {
    let servers = [
        ("openai-chat", answering(&[DONE])),
        ("openai-responses", answering(&[COMPLETED])),
        ("anthropic", answering(&[MESSAGE_STOP])),
    ];
    for (preset, server) in servers {
        let body = r#"{"stream":true}"#;
        let arguments = ["--preset", preset, "-d", body, "-c", "1", "--requests", "1"];
        let run = until_done(&server, &arguments);
        assert_eq!(run.code(), 0, "{run:?}");
        assert_eq!(report(&run)["plan"]["preset"], preset);
        let request = server.requests().remove(0);
        assert_eq!(request.line, "POST /events HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("accept"), Some("text/event-stream"));
        assert_eq!(request.body, body.as_bytes());
        let version = request.header("anthropic-version");
        assert_eq!(version.is_some(), preset == "anthropic");
    }
}

#[test]
fn each_request_may_have_its_own_prompt_and_its_own_id() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"say \"hi\"\ncount to 3\n").unwrap();
    let body = format!(
        r#"{{"stream":true,"user":"{{{{conn}}}}","prompt":"{{{{line:{}}}}}"}}"#,
        file.path().display()
    );
    let server = Server::start(|_, request, stream| {
        each(request, stream, |request, stream| {
            let echo: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            let id = request.header("x-id").unwrap();
            // What was asked comes back as an error, so that the report shows it.
            let error = format!(
                "data: {{\"error\":{{\"message\":\"{} {id}\"}}}}\n\n",
                echo["user"]
            );
            let prompts = ["say \"hi\"", "count to 3"];
            let known = prompts.contains(&echo["prompt"].as_str().unwrap());
            let answer = if known && id.len() == 36 {
                DONE
            } else {
                &error
            };
            send(stream, chunked(&[answer]));
        });
    });
    let run = until_done(
        &server,
        &[
            "--requests",
            "6",
            "-c",
            "2",
            "-d",
            &body,
            "-H",
            "X-Id: {{uuid}}",
        ],
    );
    let report = report(&run);
    assert_eq!(run.code(), 0, "{report:#}");
    assert_eq!(report["errors"]["total"], 0, "{report:#}");
}
