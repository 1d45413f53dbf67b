//! Publishing once: `key`.

use serde_json::Value;

use crate::support::Server;

#[test]
fn a_repeated_key_is_answered_with_the_first_id_and_published_once() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("?topic=*");
    let body = r#"{"data":1,"topic":"orders","key":"k"}"#;
    let first = server.publish(body);
    assert_eq!(server.publish(body), first);
    let other_topic = server.publish(r#"{"data":2,"topic":"other","key":"k"}"#);
    assert_ne!(other_topic, first);
    let data: Vec<_> = stream
        .events(2)
        .into_iter()
        .map(|event| event.data)
        .collect();
    assert_eq!(data, ["1", "2"]);
}

#[test]
fn a_key_with_other_content_is_a_conflict_and_nothing_of_its_batch_is_published() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    server.publish(r#"{"data":1,"key":"k"}"#);
    for body in [
        r#"{"data":2,"key":"k"}"#,
        r#"{"data":1,"event":"x","key":"k"}"#,
        r#"[{"data":"new"},{"data":2,"key":"k"}]"#,
    ] {
        let response = server.post("/trigger", "", body.as_bytes());
        assert_eq!(response.status, 409, "{body}");
        let problem: Value = serde_json::from_slice(&response.body).unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`key` `k`"), "{detail}");
    }
    server.publish(r#"{"data":"end"}"#);
    assert_eq!(stream.event().data, "1");
    assert_eq!(stream.event().data, "end");
}

#[test]
fn an_event_past_its_time_to_live_is_skipped_without_a_gap() {
    let server = Server::start(&[]);
    let ids = server.publish(r#"[{"data":1},{"data":2,"ttl":0.001},{"data":3,"ttl":3600}]"#);
    // Until a fresh reader is no longer given it.
    crate::support::until("the end of its time", || {
        let header = format!("Last-Event-ID: {}\r\n", ids[0]);
        let mut stream = server.subscribe_with("", &header);
        stream.event().data == "3"
    });
}
