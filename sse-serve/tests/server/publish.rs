//! Publishing, over HTTP and with the command.

use std::io::Write;
use std::process::{Output, Stdio};

use testing::Program;

use crate::support::{Server, command};

#[test]
fn every_path_that_publishes_does() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    for path in ["/trigger", "/events", "/events/trigger"] {
        let response = server.post(path, "", br#"{"event":"note","data":{"a": 1}}"#);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.json()["status"], "ok");
        let event = stream.event();
        assert_eq!(
            (event.event_type.as_str(), event.data.as_str()),
            ("note", r#"{"a":1}"#)
        );
        assert_eq!(response.ids(), [event.id]);
    }
}

#[test]
fn the_names_of_other_servers_are_understood() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("?session=alice");
    server.publish(r#"{"eventName":"note","payload":[1, 2],"sessionId":"alice"}"#);
    let event = stream.event();
    assert_eq!(
        (event.event_type.as_str(), event.data.as_str()),
        ("note", "[1,2]")
    );
    server.publish(r#"{"message":"hi"}"#);
    let event = stream.event();
    assert_eq!(
        (event.event_type.as_str(), event.data.as_str()),
        ("message", "hi")
    );
}

#[test]
fn a_retry_is_sent_with_its_event_within_bounds() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    server
        .publish(r#"[{"data":1,"retry":5000},{"data":2,"retry":1},{"data":3,"retry":999999999}]"#);
    stream.events(3);
    let body = String::from_utf8(stream.body).unwrap();
    for retry in ["retry: 5000\n", "retry: 100\n", "retry: 3600000\n"] {
        assert!(body.contains(retry), "{body}");
    }
}

#[test]
fn many_are_published_together_or_not_at_all() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    let events = br#"[{"data":1},{"data":2,"event":"a\nb"}]"#;
    let detail = server.post("/trigger", "", events).problem(400);
    assert!(detail.contains("event 2: `event`"), "{detail}");
    let ndjson = "Content-Type: application/x-ndjson\r\n";
    let detail = server
        .post("/trigger", ndjson, b"{\"data\":1}\n{")
        .problem(400);
    assert!(detail.contains("line 2"), "{detail}");
    let body = br#"[{"data":1},{"data":2,"connection":"nobody"}]"#;
    assert!(
        server
            .post("/trigger", "", body)
            .problem(404)
            .contains("`nobody`")
    );

    let ids = server
        .post("/trigger", ndjson, b"{\"data\":3}\n{\"data\":4}\n")
        .ids();
    let events = stream.events(2);
    assert_eq!(
        (events[0].data.as_str(), events[1].data.as_str()),
        ("3", "4")
    );
    assert!(events.iter().map(|event| &event.id).eq(&ids));
}

/// V16
#[test]
fn what_would_break_a_stream_is_refused_by_name() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("");
    for (body, needle) in [
        (r#"{"data":1,"event":"a\r\ndata: x"}"#, "`event`"),
        (r#"{"data":1,"event":"a\u0000"}"#, "`event`"),
        (r#"{"data":1,"event":"connected"}"#, "`connected`"),
        (r#"{"data":1,"event":"gap"}"#, "`gap`"),
        (r#"{"data":1,"topic":"a\nb"}"#, "`topic`"),
        (r#"{"event":"x"}"#, "`data`"),
        ("nonsense", "JSON"),
        ("", "empty"),
        ("\u{feff}{\"data\":1}", "JSON"),
    ] {
        let detail = server.post("/trigger", "", body.as_bytes()).problem(400);
        assert!(detail.contains(needle), "{body}: {detail}");
    }
    let invalid = server.post("/trigger", "", b"{\"data\":\"\xff\"}");
    invalid.problem(400);
    server.publish(r#"{"data":"first"}"#);
    assert_eq!(stream.event().data, "first");
}

#[test]
fn a_body_too_large_is_refused_and_the_answer_arrives() {
    let server = Server::start(&[]);
    let event = format!(r#"{{"data":"{}"}}"#, "x".repeat((1 << 20) + 1));
    let detail = server.post("/trigger", "", event.as_bytes()).problem(413);
    assert!(detail.contains("`data`"), "{detail}");
    let body = vec![b' '; 20 << 20];
    server.post("/trigger", "", &body).problem(413);

    let mut connection = server.connect();
    connection.send(
        "POST /trigger HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
         Content-Length: 99999999\r\n\r\n",
    );
    connection.response(true).problem(413);
}

fn publish(server: &str, flags: &[&str], stdin: &str) -> Output {
    let mut command = command();
    command.args(["publish", "--server", server]).args(flags);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Program::spawn(&mut command);
    let mut input = program.stdin.take().unwrap();
    // A command that fails early does not read it.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    program.output()
}

#[test]
fn the_command_publishes_and_prints_the_id() {
    let server = Server::start(&[]);
    let mut stream = server.subscribe("?topic=orders&session=alice");
    let url = server.url();
    let file = std::env::temp_dir().join(format!("sse-serve-{}.json", std::process::id()));
    std::fs::write(&file, "{\"a\":1}\n").unwrap();
    let at_file = format!("@{}", file.display());
    for (data, stdin, expected) in [
        ("hello", "", "hello"),
        ("-", "from\nstdin\n", "from\nstdin"),
        (&*at_file, "", "{\"a\":1}"),
    ] {
        let flags = [
            "--event",
            "note",
            "--topic",
            "orders",
            "--session",
            "alice",
            "--data",
            data,
        ];
        let output = publish(&url, &flags, stdin);
        assert_eq!(output.status.code(), Some(0));
        let event = stream.event();
        assert_eq!(
            (event.event_type.as_str(), event.data.as_str()),
            ("note", expected)
        );
        assert_eq!(output.stdout, format!("{}\n", event.id).as_bytes());
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_command_says_in_one_line_what_failed() {
    let server = Server::start(&[]);
    let url = server.url();
    let nobody = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", socket.local_addr().unwrap())
    };
    for (server, flags, code, needle) in [
        (&*nobody, &["--data", "x"][..], 1, "cannot reach"),
        (
            &*url,
            &["--data", "x", "--event", "gap"],
            1,
            "`event` may not be `gap`",
        ),
        (
            &*url,
            &["--data", "{", "--format", "json"],
            1,
            "`data` is not valid JSON",
        ),
        (&*url, &["--data", "@/no/such/file"], 1, "/no/such/file"),
        ("nonsense", &["--data", "x"], 2, "--server"),
        (&*url, &[], 2, "--data"),
        (&*url, &["--data", "x", "-H", "nonsense"], 2, "Name: value"),
    ] {
        let output = publish(server, flags, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(needle), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(output.stdout.is_empty());
    }
}
