//! `POST /ticket`: what an `EventSource` puts into its URL.

use super::expiry::last_words;
use super::sign::{SECRET, hs256, now};
use super::{Guarded, bearer, by, token, token_flags};
use crate::support::{Server, until};

const TOKENS: &[(&str, &str)] = &[("orders", "subscribe=orders.*,publish=*,session=s,admin")];

#[test]
fn a_ticket_opens_the_stream_that_its_credential_may_open() {
    let hub = Guarded::start(TOKENS, &[]);
    let answer = hub.post("/ticket", &by("orders"), "");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let given = answer.json();
    let left = given["expires_in"].as_u64().unwrap();
    assert!((43_190..=43_200).contains(&left), "{left}");
    let ticket = given["ticket"].as_str().unwrap();
    assert!(ticket.len() >= 32, "128 bits at least");
    let refused = hub.get(&format!("/events?topic=stock&ticket={ticket}"), "");
    assert!(refused.problem(403).contains("`stock`"));
    // A probe, and a refusal, open nothing.
    let path = format!("/events?topic=orders.eu&ticket={ticket}");
    assert_eq!(hub.connect().request("HEAD", &path, "").status, 200);
    let query = format!("?topic=orders.eu&ticket={ticket}");
    let mut stream = hub.server.subscribe_with(&query, "");
    hub.publish(r#"[{"topic":"orders.eu","data":1},{"session":"s","data":2}]"#);
    assert_eq!(stream.event().data, "1");
    assert_eq!(stream.event().data, "2");
    // And nothing but streams.
    for (method, path) in [
        ("POST", "/trigger"),
        ("POST", "/ticket"),
        ("GET", "/metrics"),
        ("GET", "/connections"),
        ("DELETE", "/connections/x"),
    ] {
        let path = format!("{path}?ticket={ticket}");
        let answer = match method {
            "POST" => hub.post(&path, "", r#"{"data":1}"#),
            _ => hub.connect().request(method, &path, ""),
        };
        answer.problem(403);
    }
    assert_eq!(hub.metric("log_newest_seq"), 2);
}

#[test]
fn the_same_ticket_opens_its_stream_again_and_the_newest_wins() {
    let hub = Guarded::start(TOKENS, &[]);
    let ticket = hub.ticket(&by("orders"));
    let query = format!("?topic=orders.eu&ticket={ticket}");
    let mut first = hub.server.subscribe_with(&query, "");
    let ids = hub.publish(r#"{"topic":"orders.eu","data":1}"#);
    assert_eq!(first.event().data, "1");
    let mut second = hub.server.subscribe_with(&query, "");
    assert_eq!(
        last_words(&mut first),
        "the ticket has opened another stream"
    );
    drop(first);
    until("one stream", || hub.server.connections() == 1);
    assert_eq!(
        hub.metric("connections_closed_total{reason=\"superseded\"}"),
        1
    );
    hub.publish(r#"{"topic":"orders.eu","data":2}"#);
    assert_eq!(second.event().data, "2");
    drop(second);
    // As an EventSource comes back: to the same URL, with its last event ID.
    let resumed = format!("Last-Event-ID: {}\r\n", ids[0]);
    let mut third = hub.server.subscribe_with(&query, &resumed);
    assert_eq!(third.event().data, "2");
    let other = format!("?topic=orders.eu&ticket={}", hub.ticket(&by("orders")));
    let mut beside = hub.server.subscribe_with(&other, "");
    hub.publish(r#"{"topic":"orders.eu","data":3}"#);
    assert_eq!(third.event().data, "3");
    assert_eq!(beside.event().data, "3");
}

#[test]
fn what_a_ticket_has_lost_takes_no_place_from_what_it_opens() {
    for limit in ["--max-connections", "--max-per-peer", "--max-per-session"] {
        let hub = Guarded::start(TOKENS, &[limit, "1"]);
        let query = format!("?topic=orders.eu&ticket={}", hub.ticket(&by("orders")));
        // Never read again, as by a client whose network is gone.
        let mut lost = hub.server.subscribe_with(&query, "");
        let mut back = hub.server.subscribe_with(&query, "");
        hub.publish(r#"{"topic":"orders.eu","data":1}"#);
        assert_eq!(back.event().data, "1", "{limit}");
        assert_eq!(
            last_words(&mut lost),
            "the ticket has opened another stream"
        );
        drop(lost);
        until("one stream", || {
            hub.metric("connections_closed_total{reason=\"superseded\"}") == 1
        });
        // Whoever has another ticket finds the place taken.
        let other = format!(
            "/events?topic=orders.eu&ticket={}",
            hub.ticket(&by("orders"))
        );
        let refused = hub.get(&other, "");
        assert!([429, 503].contains(&refused.status), "{limit}");
    }
}

#[test]
fn a_ticket_that_does_not_open_its_stream_in_time_is_void() {
    let hub = Guarded::start(&[], &["--ticket-open", "1ms"]);
    let path = format!("/events?ticket={}", hub.ticket(&by("root")));
    until("the end of the ticket", || {
        hub.connect().request("HEAD", &path, "").status == 401
    });
    assert!(hub.get(&path, "").problem(401).contains("POST /ticket"));
    assert!(hub.refused("credential") >= 1);
}

#[test]
fn their_number_is_bounded_and_a_refusal_is_counted() {
    let hub = Guarded::start(TOKENS, &["--max-tickets", "2"]);
    let first = hub.ticket(&by("root"));
    // One credential leaves as many as it has for others.
    let share = hub.post("/ticket", &by("root"), "");
    assert!(share.problem(429).contains("all others"));
    hub.ticket(&by("orders"));
    let full = hub.post("/ticket", &by("orders"), "");
    assert!(full.problem(503).contains("--max-tickets"));
    for refused in [share, full] {
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    assert_eq!(hub.refused("tickets"), 2);
    drop(hub.server.subscribe_with(&format!("?ticket={first}"), ""));
}

#[test]
fn no_ticket_outlives_its_credential_or_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, SECRET).unwrap();
    let mut flags = token_flags(directory.path(), &[("root", "subscribe=*")]);
    let jwt = [
        "--jwt-algorithm",
        "HS256",
        "--jwt-leeway",
        "0s",
        "--jwt-key-file",
    ];
    flags.extend(jwt.map(ToOwned::to_owned));
    flags.push(key.to_str().unwrap().to_owned());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = Server::start_hub(&flags);
    let claims = serde_json::json!({"exp": now() + 100, "subscribe": "default"});
    let answer = server.post("/ticket", &bearer(&hs256(&claims)), b"");
    let left = answer.json()["expires_in"].as_u64().unwrap();
    assert!(left <= 101, "{left}");
    let answer = server.post("/ticket", &bearer(&token("root")), b"");
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    server.kill();
    let again = Server::start_hub(&flags);
    again.get(&format!("/events?ticket={ticket}")).problem(401);
}

#[test]
fn without_authentication_there_are_none() {
    let server = Server::start_hub(&[]);
    assert!(
        server
            .post("/ticket", "", b"")
            .problem(404)
            .contains("subscribe")
    );
    drop(server.subscribe("?ticket=of-another-server"));
}
