//! What presets send.

use super::{DONE, answering, report, until_done};

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
