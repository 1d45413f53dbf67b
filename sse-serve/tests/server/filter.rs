//! Topics, types, sessions and connections, over the wire.

use crate::support::Server;

/// Publishes one event after the others that every subscription admits, so that
/// what did not arrive before it was not admitted.
fn seen(server: &Server, path_and_query: &str, publish: &str) -> Vec<String> {
    let mut connection = server.connect();
    connection.send(format!(
        "GET {path_and_query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ));
    let mut stream = connection.into_stream();
    let connected = stream.event_of_type("connected").json();
    server.publish(publish);
    let last = server.publish_to(connected["connection"].as_str().unwrap());
    let mut seen = Vec::new();
    loop {
        let event = stream.event();
        if event.id == last {
            return seen;
        }
        seen.push(event.data);
    }
}

impl Server {
    fn publish_to(&self, connection: &str) -> String {
        let body = |extra: &str| format!(r#"{{"data":"last","connection":"{connection}"{extra}}}"#);
        // Whatever the subscription filters by, one of these passes.
        let ids = self.publish(&format!(
            "[{},{}]",
            body(r#","event":"tick""#),
            body(r#","event":"tick","session":"alice""#)
        ));
        ids[1].clone()
    }
}

const EVENTS: &str = r#"[
    {"data":"plain"},
    {"data":"tick","event":"tick"},
    {"data":"orders","topic":"orders","event":"tick"},
    {"data":"orders.eu","topic":"orders.eu","event":"tick"},
    {"data":"alice","session":"alice","event":"tick"},
    {"data":"alice in orders","session":"alice","topic":"orders","event":"tick"},
    {"data":"bob","session":"bob","event":"tick"}
]"#;

#[test]
fn a_subscription_is_sent_what_it_asked_for() {
    let server = Server::start(&[]);
    for (subscription, expected) in [
        ("/events?session=alice", &["plain", "tick", "alice"][..]),
        (
            "/events?session=alice&topic=*",
            &[
                "plain",
                "tick",
                "orders",
                "orders.eu",
                "alice",
                "alice in orders",
            ],
        ),
        (
            "/events?session=alice&topic=orders",
            &["orders", "alice", "alice in orders"],
        ),
        (
            "/events?session=alice&topic=orders.*",
            &["orders.eu", "alice"],
        ),
        (
            "/events?session=alice&topic=default&topic=orders.*&event=tick",
            &["tick", "orders.eu", "alice"],
        ),
        ("/events/stream?session=alice&event=message", &["plain"]),
        (
            "/sse/event-stream?eventName=tick&session=alice",
            &["tick", "alice"],
        ),
        ("/notifications/alice", &["alice"]),
        (
            "/notifications/alice?topic=orders",
            &["alice", "alice in orders"],
        ),
    ] {
        let mut seen = if subscription.contains("event=message") {
            // The last event is a tick: let this one see it.
            let query = format!("{subscription}&event=tick");
            let mut seen = seen(&server, &query, EVENTS);
            seen.retain(|data| data == "plain");
            seen
        } else {
            seen(&server, subscription, EVENTS)
        };
        seen.retain(|data| data != "last");
        assert_eq!(seen, expected, "{subscription}");
    }
}

#[test]
fn an_event_for_a_connection_reaches_it_alone_and_never_its_successor() {
    let server = Server::start(&[]);
    let mut stream = server.open_stream("", "");
    let connected = stream.event_of_type("connected");
    let connection = connected.json()["connection"].as_str().unwrap().to_owned();
    let mut other = server.subscribe("");
    let body = format!(r#"{{"data":"for one","connection":"{connection}"}}"#);
    server.publish(&body);
    assert_eq!(stream.event().data, "for one");
    server.publish(r#"{"data":"for all"}"#);
    assert_eq!(other.event().data, "for all");

    drop((stream, other));
    server.wait_for_connections(0);
    let header = format!("Last-Event-ID: {}\r\n", connected.id);
    let mut successor = server.subscribe_with("", &header);
    assert_eq!(successor.event().data, "for all");
    let detail = server.post("/trigger", "", body.as_bytes()).problem(404);
    assert!(detail.contains(&connection), "{detail}");
}

#[test]
fn an_event_past_its_time_to_live_is_skipped_without_a_gap() {
    let server = Server::start(&[]);
    let ids = server.publish(r#"[{"data":"brief","ttl":0.000001},{"data":"lasting"}]"#);
    let (epoch, seq) = ids[0].split_once('-').unwrap();
    let before = format!("{epoch}-{}", seq.parse::<u64>().unwrap() - 1);
    let mut stream = server.open_stream("", &format!("Last-Event-ID: {before}\r\n"));
    assert_eq!(stream.event().event_type, "connected");
    assert_eq!(stream.event().data, "lasting");
}
