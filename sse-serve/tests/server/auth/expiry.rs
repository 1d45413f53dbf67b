//! The end of a credential is the end of its streams.

use std::time::Instant;

use serde_json::json;

use super::sign::{SECRET, hs256, now};
use super::{Guarded, bearer, by, token_flags};
use crate::support::{Block, Connection, PATIENCE, Server, Stream};

/// The comment that a stream ends with.
pub(super) fn last_words(stream: &mut Stream) -> String {
    let mut words = String::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the stream does not end");
        match stream.block() {
            Block::Comment(text) => words = text,
            Block::End => return words,
            _ => {}
        }
    }
}

/// A stream by a credential that is good for a few seconds, made again with a
/// longer life as long as it is over before it is used.
fn short_lived(open: impl Fn(u64) -> Option<Stream>) -> Stream {
    let lives = [2, 4, 8, 15];
    lives.into_iter().find_map(open).unwrap()
}

fn stream(server: &Server, path: &str, headers: &str) -> Option<Stream> {
    let mut connection: Connection = server.connect();
    connection.send(format!(
        "HEAD {path} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n"
    ));
    if connection.head().status == 401 {
        return None;
    }
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n"));
    Some(connection.into_stream())
}

#[test]
fn a_stream_ends_with_its_token_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, SECRET).unwrap();
    let mut flags = token_flags(directory.path(), &[("root", "publish=*,admin")]);
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
    let hub = Guarded {
        server: Server::start_hub(&flags),
        directory,
    };
    let token = std::cell::RefCell::default();
    let mut ending = short_lived(|life| {
        let claims = json!({"exp": now() + life, "subscribe": "default"});
        *token.borrow_mut() = bearer(&hs256(&claims));
        stream(&hub.server, "/events", &token.borrow())
    });
    let ids = hub.publish(r#"{"data":1}"#);
    assert_eq!(ending.event_of_type("message").data, "1");
    assert_eq!(last_words(&mut ending), "the credential has expired");
    assert_eq!(
        hub.metric("connections_closed_total{reason=\"expired\"}"),
        1
    );
    let again = hub.get("/events", &token.borrow());
    assert!(again.problem(401).contains("expired"));
    assert!(hub.refused("expired") >= 1);
    // With a fresh one it goes on where it was.
    hub.publish(r#"{"data":2}"#);
    let fresh = bearer(&hs256(&json!({"exp": now() + 60, "subscribe": "default"})));
    let resumed = format!("{fresh}Last-Event-ID: {}\r\n", ids[0]);
    let mut stream = hub.server.subscribe_with("", &resumed);
    assert_eq!(stream.event().data, "2");
    drop(hub.directory);
}

#[test]
fn a_stream_ends_with_its_ticket_and_the_ticket_opens_no_other() {
    for life in ["2s", "4s", "8s", "15s"] {
        let hub = Guarded::start(&[], &["--ticket-ttl", life]);
        let path = format!("/events?ticket={}", hub.ticket(&by("root")));
        let Some(mut ending) = stream(&hub.server, &path, "") else {
            continue;
        };
        assert_eq!(last_words(&mut ending), "the credential has expired");
        assert!(hub.get(&path, "").problem(401).contains("POST /ticket"));
        return;
    }
    panic!("the ticket was over before it was used");
}
