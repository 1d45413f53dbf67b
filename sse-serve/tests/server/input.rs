//! What no client should send, and some do.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::support::{Connection, Server, Stream, until};

#[test]
fn a_field_of_another_kind_is_refused_by_name() {
    let server = Server::start_hub(&[]);
    let mut connection = server.connect();
    let mut refuse = |body: &str, needle: &str| {
        let detail = connection
            .post("/trigger", "", body.as_bytes())
            .problem(400);
        assert!(detail.contains(needle), "{body}: {detail}");
    };
    for field in ["event", "topic", "session", "connection", "key", "format"] {
        for value in ["7", "true", "[\"a\"]", "{\"a\":1}"] {
            let body = format!(r#"{{"data":1,"{field}":{value}}}"#);
            refuse(&body, &format!("`{field}`"));
        }
    }
    for (field, value) in [
        ("ttl", "\"5\""),
        ("ttl", "-1"),
        ("ttl", "1e400"),
        ("ttl", "1e300"),
        ("retry", "1.5"),
        ("retry", "-1"),
        ("retry", "1e99"),
        ("retry", "[]"),
    ] {
        let body = format!(r#"{{"data":1,"{field}":{value}}}"#);
        refuse(&body, &format!("`{field}`"));
    }
    for body in ["null", "7", "[1]", "[[{\"data\":1}]]", "[null]", "\"data\""] {
        refuse(body, "JSON object");
    }
    for body in [
        r#"{"data":1}{"data":2}"#,
        r#"{"data":1,}"#,
        r"{'data':1}",
        r#"{"data":01}"#,
        r#"{"data":NaN}"#,
        r#"{"data":1"#,
        "{\"data\":\"a\nb\"}",
    ] {
        refuse(body, "JSON");
    }
    refuse(r#"{"data":"\ud800"}"#, "`data`");
    assert_eq!(server.metric("events_published_total"), 0);
}

#[test]
fn json_nested_deeper_than_any_stack_is_data_like_any_other() {
    let server = Server::start_hub(&[]);
    let mut stream = server.subscribe("");
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    server.publish(&format!(r#"{{"data":{deep}}}"#));
    assert_eq!(stream.event().data, deep);
    let as_text = format!(r#"{{"data":"{deep}","format":"json"}}"#);
    server.publish(&as_text);
    assert_eq!(stream.event().data, deep);
}

#[test]
fn a_pattern_that_could_match_nothing_is_refused() {
    let server = Server::start_hub(&[]);
    for pattern in ["**", "a*", "*.a", "a.*.b", "*.*", "a%0A", "%00", ""] {
        let answer = server.get(&format!("/events?topic={pattern}"));
        assert!(answer.problem(400).contains("`topic`"), "{pattern}");
    }
    for name in ["event=a%0Db", "session=%00", "event="] {
        server.get(&format!("/events?{name}")).problem(400);
    }
    let answer = server.get("/notifications/%FF");
    assert!(answer.problem(400).contains("UTF-8"));
    let mut operator = server.connect();
    operator
        .request("DELETE", "/connections/%FF", "")
        .problem(404);
    let answer = server.get("/notifications/a%0Ab");
    assert!(answer.problem(400).contains("`session`"));
}

#[test]
fn patterns_over_one_another_bring_an_event_once() {
    let server = Server::start_hub(&[]);
    let topic = vec!["a"; 60].join(".");
    let patterns: Vec<String> = (1..60)
        .map(|n| format!("topic={}.*", vec!["a"; n].join(".")))
        .chain([format!("topic={topic}"), "topic=*".into(), "topic=*".into()])
        .collect();
    let query = format!("?{}", patterns.join("&"));
    let mut stream = server.subscribe(&query);
    let mut without_all = server.subscribe(&query.replace("topic=*", "topic=b"));
    for n in 0..3 {
        server.publish(&format!(r#"{{"data":{n},"topic":"{topic}"}}"#));
        assert_eq!(stream.event().data, n.to_string());
        assert_eq!(without_all.event().data, n.to_string());
    }
    let more = format!("/events{query}&topic=x&topic=y&topic=z");
    assert!(server.get(&more).problem(400).contains("more than 64"));
}

fn to_topics(server: &Server, topics: std::ops::Range<usize>) -> Vec<String> {
    let events: Vec<String> = topics
        .map(|n| format!(r#"{{"data":{n},"topic":"many.{n}"}}"#))
        .collect();
    server.publish(&format!("[{}]", events.join(",")))
}

#[test]
fn ten_thousand_topics_are_as_good_as_one() {
    let server = Server::start_hub(&[]);
    let mut streams: Vec<Stream> = (0..50)
        .map(|n| server.subscribe(&format!("?topic=many.{n}")))
        .collect();
    to_topics(&server, 0..10_000);
    for (n, stream) in streams.iter_mut().enumerate() {
        assert_eq!(stream.event().data, n.to_string());
    }
    let mut all = server.subscribe("?topic=many.*&last_event_id=earliest");
    for n in 0..10_000 {
        assert_eq!(all.event().data, n.to_string());
    }
    let page = server.get("/topics?limit=10000").json();
    assert_eq!(page["topics"].as_array().unwrap().len(), 10_000);
    assert_eq!(server.metric("topics"), 10_000);
    let wakes = server.metric("wakes_total");
    to_topics(&server, 7..8);
    assert_eq!(streams[7].event().data, "7");
    assert_eq!(all.event().data, "7");
    assert_eq!(server.metric("wakes_total"), wakes + 2);
}

#[test]
fn topics_beyond_the_marks_kept_of_them_alarm_nobody_who_was_here_lately() {
    let server = Server::start_hub(&["--log-events", "2000"]);
    for batch in 0..2 {
        to_topics(&server, batch * 10_000..(batch + 1) * 10_000);
    }
    let rare = server.publish(r#"{"data":1,"topic":"rare"}"#).remove(0);
    to_topics(&server, 20_000..25_000);
    let header = format!("Last-Event-ID: {rare}\r\n");
    let mut stream = server.open_stream("?topic=rare", &header);
    assert_eq!(stream.event().event_type, "connected");
    // Whoever was away longer is told, rather than left in doubt.
    let early = format!("Last-Event-ID: {}-1\r\n", rare.split_once('-').unwrap().0);
    let mut stream = server.open_stream("?topic=rare", &early);
    assert_eq!(stream.event().event_type, "gap");
}

#[test]
fn publishers_at_once_do_not_exceed_the_number_of_topics() {
    let server = Server::start_hub(&["--max-topics", "10"]);
    std::thread::scope(|scope| {
        for publisher in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.connect();
                for n in 0..50 {
                    let body = format!(r#"{{"data":1,"topic":"t{publisher}.{n}"}}"#);
                    connection.post("/trigger", "", body.as_bytes());
                }
            });
        }
    });
    assert_eq!(server.metric("topics"), 10);
    assert_eq!(server.metric("events_published_total"), 10);
}

#[test]
fn an_event_that_its_topics_history_could_not_hold_is_refused() {
    let server = Server::start_hub(&["--topics", "small.*:bytes=1000"]);
    let body = |topic: &str| format!(r#"{{"data":"{}","topic":"{topic}"}}"#, "x".repeat(1000));
    let answer = server.post("/trigger", "", body("small.a").as_bytes());
    assert!(answer.problem(413).contains("keeps 1000"));
    assert_eq!(server.publish(&body("other")).len(), 1);
    // Line ends cost more than they seem to.
    let lines = format!(r#"{{"data":"{}","topic":"small.a"}}"#, "\\n".repeat(300));
    server.post("/trigger", "", lines.as_bytes()).problem(413);
}

#[test]
fn what_has_expired_goes_though_nobody_asks() {
    let server = Server::start_hub(&["--log-age", "1s"]);
    for _ in 0..10 {
        server.publish_numbers(0..100);
    }
    assert_eq!(server.metric("events_published_total"), 1000);
    until("the sweep", || server.metric("log_events") == 0);
    assert_eq!(server.metric("log_bytes"), 0);
}

#[test]
fn a_host_is_needed_and_one_only() {
    let server = Server::start_hub(&[]);
    let ask = |head: &str| {
        let mut connection = server.connect();
        connection.send(format!("GET /health {head}\r\n\r\n"));
        connection.response(true)
    };
    assert!(ask("HTTP/1.1").problem(400).contains("`Host`"));
    let two = "HTTP/1.1\r\nHost: localhost\r\nHost: localhost";
    assert!(ask(two).problem(400).contains("`Host`"));
    assert!(ask("HTTP/1.1\r\nHost: a b").problem(400).contains("`Host`"));
    assert_eq!(ask("HTTP/1.0").status, 200);
}

#[test]
fn a_body_whose_length_is_in_doubt_is_not_published() {
    let server = Server::start_hub(&[]);
    for (headers, body) in [
        ("Content-Length: -5", ""),
        ("Content-Length: 5, 6", ""),
        ("Content-Length: 10\r\nContent-Length: 11", r#"{"data":1}"#),
        ("Content-Length: 99999999999999999999999", ""),
        ("Transfer-Encoding: chunked", "zz\r\n"),
        ("Transfer-Encoding: chunked", "ffffffffffffffffff\r\n"),
        ("Transfer-Encoding: chunked", "a\r\n{\"data\":1}XX"),
        ("Transfer-Encoding: gzip", ""),
        ("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"),
    ] {
        let mut connection = server.connect();
        connection.send(format!(
            "POST /trigger HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n{body}"
        ));
        let status = connection.head().status;
        assert!(matches!(status, 400 | 501), "{headers} {body}: {status}");
    }
    // Both at once is how requests are smuggled: after the answer it is over
    // (RFC 9112 §6.1).
    let mut connection = server.connect();
    connection.send(
        "POST /trigger HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\
         Transfer-Encoding: chunked\r\n\r\na\r\n{\"data\":1}\r\n0\r\n\r\n\
         GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    connection.response(true);
    assert!(connection.is_closed());
    assert!(server.metric("events_published_total") <= 1);
}

#[test]
fn a_body_too_large_is_found_out_without_its_length() {
    let server = Server::start_hub(&["--max-body-size", "10KiB", "--max-event-size", "10KiB"]);
    let mut connection = server.connect();
    connection
        .send("POST /trigger HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..100 {
        connection.send(format!("400\r\n{}\r\n", "x".repeat(0x400)));
    }
    connection.send("0\r\n\r\n");
    connection.response(true).problem(413);
    assert_eq!(
        server.metric("requests_refused_total{reason=\"body_size\"}"),
        1
    );
}

#[test]
fn a_head_of_any_size_costs_no_more_than_its_limit() {
    let server = Server::start_hub(&[]);
    server.get("/health");
    let before = server.metric("resident_memory_bytes");
    for filler in [
        format!("X: {}\r\n", "y".repeat(10 << 20)),
        "X: y\r\n".repeat(1 << 20),
    ] {
        let mut connection = server.connect();
        connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
        // It may be closed on us, which is the point.
        let _ = connection.socket.write_all(filler.as_bytes());
        assert_eq!(connection.head().status, 431);
    }
    let grown = server
        .metric("resident_memory_bytes")
        .saturating_sub(before);
    assert!(grown < 5 << 20, "{grown} bytes more");
}

/// How far a client gets before it resets its connection.
const PHASES: [&str; 8] = [
    "",
    "GET /eve",
    "GET /events HTTP/1.1\r\nHost: localhost\r\n",
    "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /events?last_event_id=earliest HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /trigger HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{\"da",
    "POST /trigger HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{\"data\":1}",
    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHo",
];

fn leave_in_every_phase(leave: impl Fn(Connection)) {
    let server = Server::start_hub(&[]);
    // A replay that does not fit into the sockets.
    let large = format!(r#"{{"data":"{}"}}"#, "x".repeat(1 << 19));
    for _ in 0..30 {
        server.publish(&large);
    }
    let mut witness = server.subscribe("");
    for round in 0..10 {
        for phase in PHASES {
            let mut connection = server.connect();
            connection.send(phase);
            // Now and then the server has answered by then.
            if round % 2 == 0 && phase.ends_with("\r\n\r\n") {
                let _ = connection.socket.read(&mut [0; 1]).unwrap();
            }
            leave(connection);
        }
    }
    server.wait_for_connections(1);
    // The witness's and that of this question.
    until("the sockets' end", || server.metric("sockets") == 2);
    server.publish(r#"{"data":"still here"}"#);
    let mut events = std::iter::from_fn(|| Some(witness.event().data));
    assert!(events.any(|data| data == "still here"));
}

#[test]
fn a_reset_in_any_phase_leaves_nothing_behind() {
    leave_in_every_phase(|connection| {
        let socket = socket2::SockRef::from(&connection.socket);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
}

#[test]
fn an_end_in_any_phase_leaves_nothing_behind() {
    leave_in_every_phase(drop);
}

/// V32
#[test]
fn a_half_close_in_any_phase_is_an_end() {
    let halves = std::sync::Mutex::new(Vec::new());
    leave_in_every_phase(|connection| {
        connection.socket.shutdown(Shutdown::Write).unwrap();
        // Read like one who still waits for the answer.
        halves.lock().unwrap().push(std::thread::spawn(move || {
            let mut socket = connection.socket;
            while matches!(socket.read(&mut [0; 8192]), Ok(1..)) {}
        }));
    });
    for half in halves.into_inner().unwrap() {
        half.join().unwrap();
    }
}
