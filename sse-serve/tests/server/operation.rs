//! What an operator sees and does.

use std::process::Stdio;

use serde_json::Value;
use testing::Program;

use crate::support::{Block, Server, command, until};

#[test]
fn metrics_count_what_happened() {
    let server = Server::start(&[]);
    let opened = server.metric("connections_opened_total");
    let live = server.metric("deliveries_total{kind=\"live\"}");
    let timed = server.metric("delivery_latency_seconds_count");
    let replayed = server.metric("deliveries_total{kind=\"replayed\"}");
    let mut stream = server.subscribe("");
    server.publish_numbers(0..10);
    stream.events(10);
    let late = &mut server.subscribe("?last=4");
    late.events(4);
    // Counted when handed over, which may be a moment before it is counted.
    until("the deliveries", || {
        server.metric("deliveries_total{kind=\"replayed\"}") >= replayed + 4
    });
    assert_eq!(server.metric("connections"), 2);
    assert_eq!(server.metric("connections_opened_total"), opened + 2);
    assert_eq!(server.metric("deliveries_total{kind=\"live\"}"), live + 10);
    assert_eq!(server.metric("delivery_latency_seconds_count"), timed + 10);
    assert_eq!(server.metric("events_published_total"), 12);
    assert_eq!(server.metric("log_newest_seq"), 12);
    assert_eq!(server.metric("log_oldest_seq"), 1);
    assert_eq!(server.metric("log_events"), 12);
    assert_eq!(server.metric("lag_events_max"), 0);
    // The tick, the status, and ten at once.
    assert_eq!(server.metric("publish_duration_seconds_count"), 3);
    assert!(server.metric("delivered_bytes_total") >= stream.body.len() as u64);
    assert!(server.metric("log_bytes") > 100);
    assert!(server.metric("sockets") >= 2);
}

#[test]
fn metrics_are_the_text_that_prometheus_reads() {
    let server = Server::start(&[]);
    let response = server.get("/metrics");
    assert_eq!(response.status, 200);
    let content_type = response.header("content-type").unwrap();
    assert!(content_type.starts_with("application/openmetrics-text"));
    assert!(response.text().ends_with("# EOF\n"));
    for line in response.text().lines() {
        if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("sse_serve_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[test]
fn gaps_ends_and_expiries_are_counted_by_reason() {
    let server = Server::start(&["--log-events", "5"]);
    drop(server.subscribe_with("", "Last-Event-ID: nonsense\r\n"));
    server.wait_for_connections(0);
    let first = server.publish_numbers(0..20);
    drop(server.subscribe_with("", &format!("Last-Event-ID: {}\r\n", first[0])));
    server.wait_for_connections(0);
    assert_eq!(server.metric("gaps_total{reason=\"unknown\"}"), 1);
    assert_eq!(server.metric("gaps_total{reason=\"expired\"}"), 1);
    assert_eq!(server.metric("gaps_total{reason=\"lagged\"}"), 0);
    assert_eq!(server.metric("log_events"), 5);
    assert!(server.metric("connections_closed_total{reason=\"gone\"}") >= 2);
}

#[test]
fn connections_are_listed_with_what_they_asked_for() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("?topic=orders.*&topic=a&event=tick&session=alice");
    server.publish(r#"{"topic":"a","event":"tick","data":"hello"}"#);
    let event = stream.event();
    let mut listed = Value::Null;
    until("the delivery", || {
        listed = server.get("/connections").json();
        listed["connections"][0]["events"] == 1
    });
    assert_eq!(listed["total"], 1);
    assert_eq!(listed["next"], Value::Null);
    let entry = &listed["connections"][0];
    assert_eq!(entry["session"], "alice");
    assert_eq!(
        entry["peer"],
        stream.socket.local_addr().unwrap().to_string()
    );
    let topics = &entry["filter"]["topics"];
    assert_eq!(*topics, serde_json::json!(["orders.*", "a"]));
    assert_eq!(entry["filter"]["events"], serde_json::json!(["tick"]));
    assert_eq!(entry["cursor"], event.id);
    assert_eq!(entry["lag"], 0);
    assert_eq!(entry["bytes"], stream.body.len());
    let since: jiff::Timestamp = entry["since"].as_str().unwrap().parse().unwrap();
    assert!(since <= jiff::Timestamp::now());
}

#[test]
fn a_long_list_of_connections_comes_in_pages() {
    let server = Server::start(&[]);
    let _streams: Vec<_> = (0..5).map(|_| server.subscribe("")).collect();
    let mut seen = Vec::new();
    let mut path = "/connections?limit=2".to_owned();
    loop {
        let page = server.get(&path).json();
        assert_eq!(page["total"], 5);
        let ids = page["connections"].as_array().unwrap().iter();
        seen.extend(ids.map(|entry| entry["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/connections?limit=2&after={next}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
    server.get("/connections?limit=0").problem(400);
    server.get("/connections?limit=10001").problem(400);
}

#[test]
fn topics_are_listed_with_their_windows_and_subscriptions() {
    let server = Server::start(&[]);
    let _streams: Vec<_> = ["?topic=orders.eu", "?topic=orders.*", "?topic=*", ""]
        .into_iter()
        .map(|query| server.subscribe(query))
        .collect();
    let ids = server.publish(
        r#"[{"topic":"orders.eu","data":1},{"topic":"a","data":2},{"topic":"orders.eu","data":3},
            {"topic":"orders.eu","data":4,"session":"alice"}]"#,
    );
    let listed = server.get("/topics").json();
    assert_eq!(listed["total"], 3);
    let names: Vec<_> = listed["topics"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|entry| &entry["topic"]).collect();
    assert_eq!(names, ["a", "default", "orders.eu"]);
    let orders = &listed["topics"][2];
    assert_eq!(orders["events"], 2);
    assert_eq!(orders["oldest"], ids[0]);
    assert_eq!(orders["newest"], ids[2]);
    assert_eq!(orders["subscriptions"], 3);
    assert_eq!(listed["topics"][1]["subscriptions"], 2);
    let page = server.get("/topics?limit=1&after=a").json();
    assert_eq!(page["topics"][0]["topic"], "default");
    assert_eq!(page["next"], "default");
    assert_eq!(server.metric("topics"), 3);
}

#[test]
fn whoever_is_not_concerned_does_not_lag() {
    let server = Server::start(&[]);
    let _idle = server.subscribe("?topic=quiet");
    let ids = server.publish(r#"[{"data":1},{"data":2}]"#);
    assert_eq!(server.metric("lag_events_max"), 0);
    let listed = server.get("/connections").json();
    assert_eq!(listed["connections"][0]["lag"], 0);
    assert_eq!(listed["connections"][0]["cursor"], ids[1]);
}

#[test]
fn a_connection_can_be_closed_from_outside() {
    // No heartbeat wakes the stream before the kick does.
    let server = Server::start(&["--heartbeat", "1h"]);
    let mut doomed = server.open_stream("", "");
    let id = doomed.event_of_type("connected").json()["connection"].clone();
    let mut other = server.subscribe("");
    let path = format!("/connections/{}", id.as_str().unwrap());
    let answer = server.connect().request("DELETE", &path, "");
    assert_eq!(answer.json()["status"], "ok");
    // To its last chunk, which reading insists on.
    let end = [Block::Comment("closed by an operator".to_owned())];
    assert_eq!(doomed.rest(), end);
    server.wait_for_connections(1);
    assert_eq!(
        server.metric("connections_closed_total{reason=\"kicked\"}"),
        1
    );
    server.publish(r#"{"data":"still here"}"#);
    assert_eq!(other.event().data, "still here");
    let again = server.connect().request("DELETE", &path, "");
    assert!(again.problem(404).contains("/connections"));
}

#[test]
fn a_page_of_another_origin_may_not_close_connections() {
    let server = Server::start(&[]);
    let mut stream = server.open_stream("", "");
    let id = stream.event_of_type("connected").json()["connection"].clone();
    let path = format!("/connections/{}", id.as_str().unwrap());
    let foreign = "Origin: http://evil.example\r\n";
    server
        .connect()
        .request("DELETE", &path, foreign)
        .problem(403);
    assert_eq!(server.connections(), 1);
    assert_eq!(
        server.metric("requests_refused_total{reason=\"origin\"}"),
        1
    );
}

#[test]
fn the_log_can_be_json() {
    let mut command = command();
    command.args(["hub", "--log-format", "json", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "info");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    program.first_line();
    program.kill().unwrap();
    let output = program.output();
    let log = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = |message: &str| lines.iter().find(|line| line["message"] == message);
    let listening = said("listening").unwrap_or_else(|| panic!("{log}"));
    assert!(listening["address"].is_string() && listening["max_connections"].is_u64());
    #[cfg(unix)]
    assert!(listening["open_files"].is_u64(), "{log}");
}
