//! Pages of other origins (Fetch Standard §3.3).

use crate::support::{Response, Server, command};

const APP: &str = "https://app.example";

const PREFLIGHT: &str = "Access-Control-Request-Method: POST\r\n\
     Access-Control-Request-Headers: content-type,last-event-id\r\n";

fn ask(server: &Server, method: &str, path: &str, origin: &str, more: &str) -> Response {
    let headers = format!("Origin: {origin}\r\n{more}");
    server.connect().request(method, path, &headers)
}

fn allowed(answer: &Response) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

fn varies(answer: &Response) -> bool {
    let vary = answer.header("vary").unwrap_or_default();
    vary.split(',')
        .any(|name| name.trim().eq_ignore_ascii_case("origin"))
}

/// V11, V12
#[test]
fn off_by_default() {
    let server = Server::start(&[]);
    assert_eq!(allowed(&ask(&server, "GET", "/health", APP, "")), None);
    let preflight = ask(&server, "OPTIONS", "/events", APP, PREFLIGHT);
    // Not taken, as any method that a path does not take; without a word of
    // CORS a browser goes no further (Fetch §4.8).
    assert_eq!(preflight.header("allow"), Some("GET,HEAD,POST"));
    assert_eq!(allowed(&preflight), None);
    assert!(preflight.problem(405).contains("--cors-origin"));
}

/// V12
#[test]
fn an_allowed_origin_is_echoed_and_others_are_not() {
    let other = "http://localhost:3000";
    let server = Server::start(&["--cors-origin", APP, "--cors-origin", other]);
    for origin in [APP, other] {
        let answer = ask(&server, "GET", "/health", origin, "");
        assert_eq!(allowed(&answer), Some(origin));
        assert!(varies(&answer));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    for origin in ["https://evil.example", "https://app.example:444", "null"] {
        let answer = ask(&server, "GET", "/health", origin, "");
        assert_eq!(answer.status, 200);
        assert_eq!(allowed(&answer), None);
        // A cache must not give this answer to the allowed page.
        assert!(varies(&answer));
    }
}

/// V13
#[test]
fn credentials_come_with_the_exact_origin() {
    let server = Server::start(&["--cors-origin", APP, "--cors-credentials"]);
    let answer = ask(&server, "GET", "/health", APP, "");
    assert_eq!(allowed(&answer), Some(APP));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    assert!(varies(&answer));
    let answer = ask(&server, "GET", "/health", "https://evil.example", "");
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

/// V11
#[test]
fn a_preflight_names_what_may_be_sent() {
    let server = Server::start(&["--cors-origin", APP]);
    for path in ["/events", "/trigger", "/notifications/alice"] {
        let answer = ask(&server, "OPTIONS", path, APP, PREFLIGHT);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(allowed(&answer), Some(APP));
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("POST") && methods.contains("GET"));
        let headers = answer.header("access-control-allow-headers").unwrap();
        for name in [
            "last-event-id",
            "cache-control",
            "authorization",
            "content-type",
            "x-user-id",
        ] {
            assert!(headers.contains(name), "{headers}");
        }
    }
    let foreign = ask(
        &server,
        "OPTIONS",
        "/events",
        "https://evil.example",
        PREFLIGHT,
    );
    assert_eq!(allowed(&foreign), None);
}

#[test]
fn streams_and_refusals_are_marked_too() {
    let server = Server::start(&["--cors-origin", APP, "--max-connections", "1"]);
    let origin = format!("Origin: {APP}\r\n");
    let stream = server.subscribe_with("", &origin);
    assert_eq!(allowed(&stream.head), Some(APP));
    for (method, path, status) in [
        ("GET", "/events", 503),
        ("GET", "/events?last=x", 400),
        ("GET", "/nowhere", 404),
        ("DELETE", "/events", 405),
        ("DELETE", "/connections/none", 404),
    ] {
        let answer = ask(&server, method, path, APP, "");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(allowed(&answer), Some(APP), "{path}");
        assert!(varies(&answer));
    }
    let answer = server.connect().request(
        "GET",
        "/events",
        &format!("{origin}Host: rebound.example\r\n"),
    );
    assert_eq!(allowed(&answer), Some(APP));
    assert_eq!(answer.status, 400);
}

#[test]
fn an_allowed_origin_may_publish_and_a_foreign_one_may_not() {
    let server = Server::start(&["--cors-origin", APP]);
    let publish = |origin: &str| {
        let headers = format!("Origin: {origin}\r\n");
        server.post("/trigger", &headers, br#"{"data":1}"#)
    };
    assert_eq!(publish(APP).status, 200);
    let refused = publish("https://evil.example");
    assert!(refused.problem(403).contains("--cors-origin"));
    assert_eq!(allowed(&refused), None);
}

#[test]
fn any_origin_is_a_star() {
    let server = Server::start(&["--cors-origin", "*"]);
    let answer = ask(&server, "GET", "/health", "https://any.example", "");
    assert_eq!(allowed(&answer), Some("*"));
    let headers = "Origin: https://any.example\r\n";
    assert_eq!(
        server.post("/trigger", headers, br#"{"data":1}"#).status,
        200
    );
}

#[test]
fn what_cannot_be_allowed_is_said_at_start() {
    for (flags, needle) in [
        (
            &["--cors-origin", "*", "--cors-credentials"][..],
            "one by one",
        ),
        (&["--cors-origin", "https://app.example/"], "without a path"),
        (&["--cors-origin", "null"], "sandboxed"),
        (&["--listen", "0.0.0.0:0"], "--allow-anonymous"),
        (&["--listen", "[::]:0"], "--allow-anonymous"),
    ] {
        let mut command = command();
        let output = testing::output(command.arg("hub").args(flags));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
        let message = stderr.lines().last().unwrap();
        assert!(message.starts_with("sse-serve: "), "{stderr}");
        assert!(message.contains(needle), "{stderr}");
    }
}

#[test]
fn everybody_may_be_let_in_on_purpose() {
    let server = Server::start_demo(&["--listen", "0.0.0.0:0", "--allow-anonymous"]);
    let mut connection = crate::support::Connection::open(
        (std::net::Ipv4Addr::LOCALHOST, server.addr().port()).into(),
    );
    connection.send(b"GET /health HTTP/1.1\r\nHost: hub.example\r\n\r\n");
    assert_eq!(connection.response(true).status, 200);
}
