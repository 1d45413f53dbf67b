//! Cookies, other origins, and the user of a trusted proxy.

use super::{Guarded, by, token};
use crate::support::{Connection, Server};

const APP: &str = "https://app.example";

fn cookie(name: &str) -> String {
    format!("Cookie: theme=dark; sid={}\r\n", token(name))
}

#[test]
fn a_cookie_carries_a_token_only_where_it_is_configured() {
    let hub = Guarded::start(&[], &["--session-cookie", "sid"]);
    drop(hub.server.subscribe_with("", &cookie("root")));
    let other = format!("Cookie: other={}\r\n", token("root"));
    hub.get("/events", &other).problem(401);
    let hub = Guarded::start(&[], &[]);
    hub.get("/events", &cookie("root")).problem(401);
}

#[test]
fn what_writes_by_cookie_must_come_from_a_page_of_the_server() {
    let hub = Guarded::start(&[], &["--session-cookie", "sid", "--cors-origin", "*"]);
    let own = hub.server.url();
    for (method, path) in [
        ("POST", "/trigger"),
        ("POST", "/ticket"),
        ("DELETE", "/connections/x"),
    ] {
        let ask = |headers: &str| match method {
            "POST" => hub.post(path, headers, r#"{"data":1}"#),
            _ => hub.connect().request(method, path, headers),
        };
        for origin in ["", "Origin: https://evil.example\r\n", "Origin: null\r\n"] {
            let detail = ask(&format!("{}{origin}", cookie("root"))).problem(403);
            assert!(detail.contains("cookie"), "{detail}");
        }
        let from_own = ask(&format!("{}Origin: {own}\r\n", cookie("root")));
        assert_ne!(from_own.status, 403, "{path}: {}", from_own.text());
        // A header is never sent unasked.
        let by_header = ask(&format!("{}Origin: https://evil.example\r\n", by("root")));
        assert_ne!(by_header.status, 403, "{path}: {}", by_header.text());
    }
    assert_eq!(hub.refused("origin"), 9);
    assert_eq!(hub.metric("log_newest_seq"), 2);
}

#[test]
fn a_page_that_may_send_credentials_may_write_by_cookie() {
    let flags = ["--session-cookie", "sid", "--cors-origin", APP];
    let publish = |hub: &Guarded| {
        let headers = format!("{}Origin: {APP}\r\n", cookie("root"));
        hub.post("/trigger", &headers, r#"{"data":1}"#).status
    };
    assert_eq!(publish(&Guarded::start(&[], &flags)), 403);
    let flags = [&flags[..], &["--cors-credentials"]].concat();
    assert_eq!(publish(&Guarded::start(&[], &flags)), 200);
}

#[test]
fn preflights_come_before_authentication_and_refusals_carry_the_marks() {
    let hub = Guarded::start(&[("none", "")], &["--cors-origin", APP]);
    let origin = format!("Origin: {APP}\r\n");
    for path in ["/events", "/trigger", "/ticket"] {
        let headers = format!(
            "{origin}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
        );
        let answer = hub.connect().request("OPTIONS", path, &headers);
        assert_eq!(answer.status, 200, "{path}");
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains("authorization"), "{allowed}");
    }
    for (headers, status) in [
        (origin.clone(), 401),
        (format!("{origin}{}", by("none")), 403),
    ] {
        let answer = hub.get("/events", &headers);
        answer.problem(status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("www-authenticate"), "{exposed}");
    }
}

#[test]
fn with_authentication_any_host_and_any_address_will_do() {
    let hub = Guarded::start(&[], &["--listen", "0.0.0.0:0"]);
    let address = (std::net::Ipv4Addr::LOCALHOST, hub.server.addr().port());
    let mut connection = Connection::open(address.into());
    connection.send(format!(
        "GET /topics HTTP/1.1\r\nHost: hub.example\r\n{}\r\n",
        by("root")
    ));
    assert_eq!(connection.response(true).status, 200);
    let on_loopback = Guarded::start(&[], &[]);
    let mut connection = on_loopback.connect();
    connection.send(format!(
        "GET /topics HTTP/1.1\r\nHost: hub.example\r\n{}\r\n",
        by("root")
    ));
    assert_eq!(connection.response(true).status, 200);
}

#[test]
fn the_user_of_a_trusted_proxy_is_the_session_and_of_others_is_not() {
    let carol = "X-User-ID: carol\r\n";
    let server = Server::start_hub(&["--trusted-proxy", "127.0.0.0/8,::1"]);
    let mut own = server.subscribe_with("", carol);
    server.publish(r#"[{"session":"bob","data":1},{"session":"carol","data":2}]"#);
    assert_eq!(own.event().data, "2");
    let get = |path: &str| server.connect().request("GET", path, carol);
    assert!(get("/notifications/bob").problem(403).contains("`carol`"));
    assert!(get("/events?session=bob").problem(403).contains("`carol`"));
    assert_eq!(server.get("/notifications").status, 400);
    let twice = server
        .connect()
        .request("GET", "/events", &format!("{carol}{carol}"));
    assert!(twice.problem(400).contains("X-User-ID"));

    let server = Server::start_hub(&["--trusted-proxy", "10.0.0.0/8"]);
    let mut stream = server.subscribe_with("?session=bob", carol);
    server.publish(r#"[{"session":"carol","data":1},{"session":"bob","data":2}]"#);
    assert_eq!(stream.event().data, "2");

    // A credential's own session stands over the proxy's.
    let tokens = [
        ("alice", "subscribe=default,session=alice"),
        ("any", "subscribe=default"),
    ];
    let hub = Guarded::start(&tokens, &["--trusted-proxy", "127.0.0.1"]);
    let mut alice = hub
        .server
        .subscribe_with("", &format!("{}{carol}", by("alice")));
    let mut any = hub
        .server
        .subscribe_with("", &format!("{}{carol}", by("any")));
    hub.publish(r#"[{"session":"carol","data":"c"},{"session":"alice","data":"a"}]"#);
    assert_eq!(alice.event().data, "a");
    assert_eq!(any.event().data, "c");
}
