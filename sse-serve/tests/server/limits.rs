//! What one client may take.

use std::time::{Duration, Instant};

use crate::support::{Response, Server, until};

fn refused(server: &Server, cause: &str) -> u64 {
    server.metric(&format!("requests_refused_total{{reason=\"{cause}\"}}"))
}

fn is_told_to_come_back(answer: &Response) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let retry = answer.text().strip_prefix("retry: ").unwrap().trim_end();
    assert!(
        (2000..=4000).contains(&retry.parse::<u32>().unwrap()),
        "{retry}"
    );
}

#[test]
fn an_address_has_its_places() {
    let server = Server::start(&["--max-per-peer", "2"]);
    let first = server.subscribe("");
    let _second = server.subscribe("");
    let answer = server.get("/events");
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert!(answer.problem(429).contains("address"));
    assert_eq!(refused(&server, "per_peer"), 1);
    drop(first);
    server.wait_for_connections(1);
    server.subscribe("");
}

#[test]
fn a_session_has_its_places() {
    let server = Server::start(&["--max-per-session", "1"]);
    let alice = server.subscribe("?session=alice");
    let _nobody = [server.subscribe(""), server.subscribe("")];
    let _bob = server.subscribe("?session=bob");
    assert!(
        server
            .get("/events?session=alice")
            .problem(429)
            .contains("session")
    );
    server.get("/notifications/alice").problem(429);
    assert_eq!(refused(&server, "per_session"), 2);
    drop(alice);
    server.wait_for_connections(3);
    server.subscribe("?session=alice");
}

#[test]
fn a_browser_without_a_place_of_its_own_can_be_made_to_come_back() {
    let flags = ["--max-per-peer", "2", "--max-per-session", "1"];
    let server = Server::start(&[&flags[..], &["--when-full", "retry"]].concat());
    let _alice = server.subscribe("?session=alice");
    is_told_to_come_back(&server.get("/events?session=alice"));
    let _other = server.subscribe("");
    is_told_to_come_back(&server.get("/events"));
    assert_eq!(refused(&server, "per_peer"), 1);
    assert_eq!(refused(&server, "per_session"), 1);
}

#[test]
fn the_limit_of_all_is_counted() {
    let server = Server::start(&["--max-connections", "1"]);
    let _stream = server.subscribe("");
    server.get("/events").problem(503);
    assert_eq!(refused(&server, "connections"), 1);
    assert_eq!(server.metric("connections_max"), 1);
}

#[test]
fn there_are_so_many_topics_and_an_evicted_one_makes_room() {
    let server = Server::start(&["--max-topics", "3", "--log-events", "10"]);
    // The demo's own is the first.
    server.publish(r#"[{"topic":"a","data":1},{"topic":"b","data":1}]"#);
    let publish = |body: &[u8]| server.post("/trigger", "", body);
    let answer = publish(br#"[{"topic":"a","data":2},{"topic":"c","data":1}]"#);
    assert!(answer.problem(429).contains("`c`"));
    assert_eq!(refused(&server, "topics"), 1);
    // All or none.
    assert_eq!(server.metric("log_events"), 4);
    // What has a target takes no topic of its own.
    assert_eq!(
        publish(br#"{"topic":"c","session":"s","data":1}"#).status,
        200
    );
    let fill: Vec<_> = (0..10)
        .map(|n| format!("{{\"topic\":\"a\",\"data\":{n}}}"))
        .collect();
    server.publish(&format!("[{}]", fill.join(",")));
    assert_eq!(server.metric("topics"), 1);
    assert_eq!(publish(br#"{"topic":"c","data":1}"#).status, 200);
}

#[test]
fn heads_bodies_and_events_have_their_sizes() {
    let flags = ["--max-head-size", "8KiB", "--max-body-size", "2KiB"];
    let server = Server::start(&[&flags[..], &["--max-event-size", "1KiB"]].concat());
    let head = format!("X-Filler: {}\r\n", "x".repeat(7000));
    assert_eq!(
        server.connect().request("GET", "/health", &head).status,
        200
    );
    let head = format!("X-Filler: {}\r\n", "x".repeat(9000));
    assert_eq!(
        server.connect().request("GET", "/health", &head).status,
        431
    );
    // Counted once the connection has ended.
    until("the count", || refused(&server, "head_size") == 1);

    let body = |length: usize| format!("{{\"data\":\"{}\"}}", "x".repeat(length)).into_bytes();
    assert_eq!(server.post("/trigger", "", &body(1024)).status, 200);
    let answer = server.post("/trigger", "", &body(1025));
    assert!(answer.problem(413).contains("`data` is 1025 bytes"));
    assert_eq!(refused(&server, "event_size"), 1);
    let answer = server.post("/trigger", "", &body(2048));
    assert!(answer.problem(413).contains("over 2048 bytes"));
    assert_eq!(refused(&server, "body_size"), 1);
}

#[test]
fn more_header_fields_than_anybody_sends_are_refused() {
    let server = Server::start(&[]);
    let head = "X: y\r\n".repeat(200);
    assert_eq!(
        server.connect().request("GET", "/health", &head).status,
        431
    );
    // Counted once the connection has ended.
    until("the count", || refused(&server, "head_size") == 1);
}

#[test]
fn a_head_that_does_not_come_is_counted() {
    // The requests that ask for the count have to be in time.
    let server = Server::start_hub(&["--header-timeout", "3s"]);
    let mut connection = server.connect();
    connection.send(b"GET /events HTTP/1.1\r\nHost: loc");
    assert!(connection.is_closed());
    until("the count", || refused(&server, "head_time") == 1);
}

#[test]
fn connections_beyond_the_accept_rate_wait_and_are_served() {
    // The demo's own start takes a few of the burst.
    let server = Server::start_demo(&["--accept-rate", "20"]);
    let begun = Instant::now();
    let mut connections: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for connection in &mut connections {
        assert_eq!(connection.request("GET", "/health", "").status, 200);
    }
    // Twenty at once, twenty more at their rate.
    assert!(begun.elapsed() >= Duration::from_millis(900));
    assert!(server.metric("accepts_delayed_total") >= 10);
}

#[cfg(unix)]
#[test]
fn the_open_file_limit_is_raised_to_the_hard_one() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let Some(hard) = limit.maximum.filter(|&hard| hard > 256 + 64) else {
        return;
    };
    let mut command = std::process::Command::new("sh");
    let server = env!("CARGO_BIN_EXE_sse-serve");
    let line = format!("ulimit -S -n 300; exec '{server}' hub --listen 127.0.0.1:0");
    command.args(["-c", &line]);
    let server = Server::spawn(&mut command);
    assert_eq!(server.metric("open_files_max"), hard);
    assert_eq!(server.metric("connections_max"), hard - 256);
}

#[cfg(unix)]
#[test]
fn idle_connections_that_take_all_open_files_hold_up_others_and_no_stream() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut command = std::process::Command::new("sh");
    let server = env!("CARGO_BIN_EXE_sse-serve");
    let flags = "--listen 127.0.0.1:0 --header-timeout 1h";
    let line = format!(
        "ulimit -n 300; exec '{server}' hub {flags} 2>'{}'",
        log.display()
    );
    command.args(["-c", &line]).env("RUST_LOG", "warn");
    let server = Server::spawn(&mut command);
    assert_eq!(server.metric("connections_max"), 300 - 256);
    let mut stream = server.subscribe("");
    let mut publisher = server.connect();
    assert_eq!(publisher.request("GET", "/health", "").status, 200);
    let idle: Vec<_> = (0..310).map(|_| server.connect()).collect();
    let failed = |connection: &mut crate::support::Connection| {
        let metrics = connection.request("GET", "/metrics", "");
        let count = metrics.text().lines().find_map(|line| {
            line.strip_prefix("sse_serve_accepts_failed_total ")?
                .parse::<u64>()
                .ok()
        });
        count.unwrap()
    };
    until("more than one failure", || failed(&mut publisher) > 1);
    let answer = publisher.post("/trigger", "", br#"{"data":"still here"}"#);
    assert_eq!(answer.status, 200);
    assert_eq!(stream.event().data, "still here");
    drop(idle);
    let mut late = server.subscribe("?last=1");
    assert_eq!(late.event().data, "still here");
    let said = std::fs::read_to_string(log).unwrap();
    assert_eq!(
        said.matches("cannot accept connections").count(),
        1,
        "{said}"
    );
}

#[test]
fn a_largest_event_that_nothing_could_hold_is_refused_at_start() {
    for (flag, size) in [("--log-bytes", "2MiB"), ("--max-body-size", "3MiB")] {
        let mut command = crate::support::command();
        command.args(["hub", "--listen", "127.0.0.1:0", "--max-event-size", "4MiB"]);
        let output = testing::output(command.args([flag, size]));
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(flag), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn slow_bodies_share_a_memory_and_one_more_is_refused() {
    let server = Server::start_hub(&[
        "--max-event-size",
        "64KiB",
        "--max-body-size",
        "64KiB",
        "--max-body-memory",
        "64KiB",
    ]);
    let begin = || {
        let mut slow = server.connect();
        slow.send(format!(
            "POST /trigger HTTP/1.1\r\nHost: {}\r\nContent-Length: 65000\r\n\r\n{{\"data\":\"{}",
            server.addr(),
            "x".repeat(62_000)
        ));
        slow
    };
    let mut slow = begin();
    let body = format!(r#"{{"data":"{}"}}"#, "y".repeat(20_000));
    // Until all that was sent is read. The slow one may be the one without room.
    let mut refusals = 0;
    until("a refusal", || {
        if server.post("/trigger", "", body.as_bytes()).status == 503 {
            return true;
        }
        let now = refused(&server, "body_memory");
        if now > refusals {
            refusals = now;
            slow = begin();
        }
        false
    });
    let answer = server.post("/trigger", "", body.as_bytes());
    assert!(answer.problem(503).contains("--max-body-memory"));
    assert!(refused(&server, "body_memory") >= 2);
    drop(slow);
    until("the room", || {
        server.post("/trigger", "", body.as_bytes()).status == 200
    });
}
