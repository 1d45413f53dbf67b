//! What the claims of a credential permit, and what they do not.

use super::{Guarded, by, challenge};
use crate::support::{Block, Stream};

const TOKENS: &[(&str, &str)] = &[
    ("orders", "subscribe=orders.*,publish=orders.*"),
    ("alice", "subscribe=default,session=alice"),
    ("mail", "session=alice"),
    ("none", ""),
];

fn datas(stream: &mut Stream, count: usize) -> Vec<String> {
    let events = stream.events(count).into_iter();
    events.map(|event| event.data).collect()
}

/// V44
#[test]
fn what_tells_of_events_needs_a_credential_and_the_rest_does_not() {
    let hub = Guarded::start(&[], &[]);
    let mut asked = 0;
    for (method, path) in [
        ("GET", "/events"),
        ("HEAD", "/events"),
        ("GET", "/events/stream"),
        ("GET", "/sse/event-stream"),
        ("GET", "/notifications"),
        ("GET", "/notifications/alice"),
        ("POST", "/trigger"),
        ("POST", "/events"),
        ("POST", "/events/trigger"),
        ("POST", "/ticket"),
        ("GET", "/metrics"),
        ("GET", "/connections"),
        ("DELETE", "/connections/x"),
        ("GET", "/topics"),
        ("GET", "/nowhere"),
    ] {
        let response = hub.connect().request(method, path, "");
        if method == "HEAD" {
            assert_eq!(response.status, 401);
        } else {
            assert!(response.problem(401).contains("Bearer"), "{path}");
        }
        assert_eq!(challenge(&response), ("Bearer", None), "{path}");
        asked += 1;
    }
    for path in ["/", "/page/app.js", "/health", "/ready"] {
        assert_eq!(hub.get(path, "").status, 200, "{path}");
    }
    assert_eq!(hub.refused("unauthenticated"), asked);
    let unknown = hub.get("/events", "Authorization: Bearer an-unknown-token\r\n");
    unknown.problem(401);
    assert_eq!(challenge(&unknown), ("Bearer", Some("invalid_token")));
    let malformed = hub.get("/events", "Authorization: Bearer two tokens\r\n");
    malformed.problem(400);
    assert_eq!(challenge(&malformed), ("Bearer", Some("invalid_request")));
    assert_eq!(hub.refused("credential"), 2);
}

#[test]
fn a_subscription_holds_only_what_the_claims_admit() {
    let hub = Guarded::start(TOKENS, &[]);
    for (query, named) in [
        ("", "`default`"),
        ("?topic=*", "`*`"),
        ("?topic=orders.eu&topic=stock", "`stock`"),
        ("?topic=orders", "`orders`"),
    ] {
        for method in ["GET", "HEAD"] {
            let path = format!("/events{query}");
            let response = hub.connect().request(method, &path, &by("orders"));
            assert_eq!(response.status, 403);
            assert_eq!(challenge(&response), ("Bearer", Some("insufficient_scope")));
            if method == "GET" {
                assert!(response.problem(403).contains(named), "{query}");
            }
        }
    }
    assert_eq!(hub.refused("forbidden"), 8);
    let query = "?topic=orders.eu&topic=orders.us.*";
    let mut stream = hub.server.subscribe_with(query, &by("orders"));
    hub.publish(
        r#"[{"topic":"stock","data":1},{"topic":"orders.eu","data":2},{"topic":"orders.us.tx","data":3}]"#,
    );
    assert_eq!(datas(&mut stream, 2), ["2", "3"]);
}

#[test]
fn what_is_replayed_passes_the_same_authorisation() {
    let hub = Guarded::start(TOKENS, &[]);
    let ids = hub.publish(
        r#"[{"topic":"stock","data":1},{"topic":"orders.eu","data":2},
            {"session":"alice","data":3},{"session":"bob","data":4},{"topic":"orders.eu","data":5}]"#,
    );
    let after_stock = format!("Last-Event-ID: {}\r\n", ids[0]);
    for query in [
        "?last_event_id=earliest&topic=orders.*",
        "?topic=orders.eu&last=9",
    ] {
        let mut stream = hub.server.subscribe_with(query, &by("orders"));
        assert_eq!(datas(&mut stream, 2), ["2", "5"]);
    }
    let resumed = format!("{}{after_stock}", by("orders"));
    let mut stream = hub.server.subscribe_with("?topic=orders.eu", &resumed);
    assert_eq!(datas(&mut stream, 2), ["2", "5"]);
    let headers = format!("{}{after_stock}", by("orders"));
    hub.get("/events?topic=stock", &headers).problem(403);
    let mut alice = hub
        .server
        .subscribe_with("?last_event_id=earliest", &by("alice"));
    assert_eq!(datas(&mut alice, 1), ["3"]);
    hub.publish(r#"{"data":6}"#);
    assert_eq!(datas(&mut alice, 1), ["6"]);
}

/// V44
#[test]
fn the_session_is_that_of_the_claim_and_of_nobody_else() {
    let hub = Guarded::start(TOKENS, &[]);
    for (path, who) in [
        ("/events?session=bob", "alice"),
        ("/notifications/bob", "alice"),
        ("/notifications?session=bob", "mail"),
        ("/notifications/alice", "orders"),
        ("/notifications/alice", "root"),
        ("/notifications", "orders"),
        ("/events?topic=*&session=alice", "root"),
    ] {
        let detail = hub.get(path, &by(who)).problem(403);
        assert!(detail.contains("session"), "{path} by {who}: {detail}");
    }
    let mut streams = [
        hub.server.subscribe_with("", &by("alice")),
        hub.server.subscribe_with("?session=alice", &by("alice")),
        hub.notifications("/alice", &by("alice")),
        hub.notifications("", &by("alice")),
        hub.notifications("", &by("mail")),
    ];
    hub.publish(r#"[{"session":"bob","data":"his"},{"session":"alice","data":"hers"}]"#);
    for stream in &mut streams {
        assert_eq!(stream.event().data, "hers");
    }
    // Without a claim to `default`, what is published there is not received
    // through the session either.
    hub.publish(r#"{"session":"alice","topic":"default","data":"on default"}"#);
    hub.publish(r#"{"session":"alice","data":"last"}"#);
    assert_eq!(datas(&mut streams[3], 2), ["on default", "last"]);
    assert_eq!(datas(&mut streams[4], 1), ["last"]);
}

#[test]
fn one_topic_that_is_not_permitted_refuses_the_whole_batch() {
    let hub = Guarded::start(TOKENS, &[]);
    for body in [
        r#"[{"topic":"orders.eu","data":1},{"topic":"stock","data":2}]"#,
        r#"{"data":1}"#,
        r#"{"session":"bob","data":1}"#,
        r#"{"topic":"stock","session":"bob","data":1}"#,
    ] {
        let response = hub.post("/trigger", &by("orders"), body);
        assert!(
            response.problem(403).contains("othing was published"),
            "{body}"
        );
        assert_eq!(challenge(&response), ("Bearer", Some("insufficient_scope")));
    }
    hub.post("/trigger", &by("none"), r#"{"data":1}"#)
        .problem(403);
    assert_eq!(hub.metric("log_newest_seq"), 0);
    let allowed =
        r#"[{"topic":"orders.eu","data":1},{"topic":"orders.us","session":"bob","data":1}]"#;
    assert_eq!(hub.post("/trigger", &by("orders"), allowed).status, 200);
    assert_eq!(hub.metric("log_newest_seq"), 2);
}

#[test]
fn administration_needs_its_claim() {
    let hub = Guarded::start(TOKENS, &[]);
    let mut stream = hub.server.open_stream("?topic=orders.eu", &by("orders"));
    let connected = stream.event_of_type("connected").json();
    let path = format!("/connections/{}", connected["connection"].as_str().unwrap());
    for (method, path) in [
        ("GET", "/metrics"),
        ("GET", "/connections"),
        ("GET", "/topics"),
        ("DELETE", path.as_str()),
    ] {
        let response = hub.connect().request(method, path, &by("orders"));
        assert!(response.problem(403).contains("`admin`"), "{path}");
        let response = hub.connect().request(method, path, &by("root"));
        assert_eq!(response.status, 200, "{path}: {}", response.text());
    }
    let comment = loop {
        match stream.block() {
            Block::Comment(text) if text != "keepalive" => break text,
            Block::Comment(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(comment, "closed by an operator");
}

#[test]
fn what_may_publish_nothing_is_refused_before_its_body_is_read() {
    let hub = Guarded::start(TOKENS, &[]);
    for body in ["[]", "{", r#"{"data":1}"#] {
        let refused = hub.post("/trigger", &by("alice"), body);
        assert!(refused.problem(403).contains("may not publish"), "{body}");
    }
}

#[test]
fn a_key_counts_for_its_publisher() {
    let hub = Guarded::start(&[("one", "publish=*"), ("two", "publish=*")], &[]);
    let publish = |who: &str, data: u32| {
        let body = format!("{{\"key\":\"k\",\"data\":{data}}}");
        hub.post("/trigger", &by(who), &body)
    };
    let first = publish("one", 1).ids();
    assert_eq!(publish("one", 1).ids(), first);
    assert_ne!(publish("two", 2).ids(), first);
    publish("one", 2).problem(409);
}
