//! Publishing by `load`, against servers that deliver all of it, some or none.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::schema;
use crate::support::{Request, Run, SSE_HEAD, Server, each, hold, load, run, send};

/// A delivery that never came, in microseconds.
const NEVER: u64 = 24 * 3600 * 1_000_000;
const ACCEPTED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// What the server was asked to publish.
type Asked = Arc<Mutex<Vec<Value>>>;

/// Delivers what is published to all who are connected, if `passes` says so.
fn hub(passes: impl Fn(u64) -> bool + Send + Sync + 'static) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let connected = Mutex::new(Vec::<TcpStream>::new());
    let server = Server::start(move |_, request: &Request, stream| {
        if request.line.starts_with("GET ") {
            {
                let mut connected = connected.lock().unwrap();
                send(
                    stream,
                    format!("{SSE_HEAD}\r\nevent: connected\ndata: {{}}\n\n"),
                );
                connected.push(stream.try_clone().unwrap());
            }
            return hold(stream);
        }
        each(request, stream, |request, stream| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            if passes(body["data"]["seq"].as_u64().unwrap()) {
                let event = format!("event: bench\ndata: {}\n\n", body["data"]);
                for stream in connected.lock().unwrap().iter_mut() {
                    send(stream, &event);
                }
            }
            seen.lock().unwrap().push(body);
            send(stream, ACCEPTED);
        });
    });
    (server, asked)
}

fn publish(server: &Server, to: &str, time: &str, more: &[&str]) -> Run {
    let fixed = [
        "-c",
        "3",
        "-z",
        time,
        "--publish-rate",
        "50",
        "--publish-url",
        to,
    ];
    load(server, &[&fixed, more].concat())
}

#[test]
fn what_is_published_is_counted_at_each_connection_from_its_intended_time() {
    let (server, asked) = hub(|_| true);
    let run = publish(
        &server,
        &server.url(),
        "2s",
        &["--threshold", "undelivered==0"],
    );
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (0, &json!("pass")),
        "{report:#}"
    );
    let publishing = &report["publishing"];
    let asked = asked.lock().unwrap();
    let sent = asked.len() as u64;
    assert!(sent > 0);
    assert_eq!(
        (&publishing["sent"], &publishing["acknowledged"]),
        (&json!(sent), &json!(sent))
    );
    assert_eq!(publishing["undelivered"], 0, "{publishing:#}");
    let owed = publishing["owed"].as_u64().unwrap();
    assert!(0 < owed && owed <= 3 * sent, "{owed} of {sent}");
    assert_eq!(publishing["delivered"], owed);
    assert_eq!(report["timestamps"]["pointer"], "/at");
    assert_eq!(
        report["timestamps"]["units"],
        json!({"ns": report["deliveries"]["by_type"]["bench"]})
    );
    assert!(report["latency"]["delivery"]["max_us"].as_u64() < Some(NEVER));

    // Intended times stand 20 ms apart, however late the requests were.
    let mut stamps: Vec<_> = asked
        .iter()
        .map(|body| {
            (
                body["data"]["seq"].as_u64().unwrap(),
                body["data"]["at"].as_u64().unwrap(),
            )
        })
        .collect();
    stamps.sort_unstable();
    let (first, last) = (stamps[0], stamps[stamps.len() - 1]);
    assert!(stamps.iter().map(|stamp| stamp.0).eq(1..=sent));
    let interval = (last.1 - first.1) as f64 / (last.0 - first.0) as f64;
    assert!((interval / 20e6 - 1.0).abs() < 0.05, "{interval}");
    // A connection carries one event after another.
    let connections = server.requests();
    let posts = connections.iter().filter(|it| it.line.starts_with("POST"));
    let connections = posts.count() as u64;
    assert!(connections < sent, "{connections} for {sent} events");
    let names: std::collections::BTreeSet<_> = asked
        .iter()
        .map(|body| body["data"]["run"].as_str())
        .collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn what_is_not_delivered_is_counted_and_is_in_the_quantiles() {
    let (server, asked) = hub(|number| !number.is_multiple_of(10));
    let timeout = ["--delivery-timeout", "2s", "--threshold", "undelivered==0"];
    let run = publish(&server, &server.url(), "2s", &timeout);
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (99, &json!("fail")),
        "{report:#}"
    );
    let publishing = &report["publishing"];
    let dropped = asked.lock().unwrap().len() as u64 / 10;
    let undelivered = publishing["undelivered"].as_u64().unwrap();
    assert!(
        0 < undelivered && undelivered <= 3 * dropped,
        "{undelivered} of {dropped}"
    );
    let sum = publishing["delivered"].as_u64().unwrap() + undelivered;
    assert_eq!(publishing["owed"], sum);
    let delivery = &report["latency"]["delivery"];
    assert_eq!(
        (&delivery["p99_us"], &delivery["max_us"]),
        (&json!(NEVER), &json!(NEVER))
    );
    assert!(delivery["p50_us"].as_u64() < Some(NEVER));

    let (url, text) = (server.url(), ["--output-format", "text"]);
    let fixed = ["load", &url, "-c", "1", "-z", "1s", "--publish-rate", "50"];
    let publish = ["--publish-url", &url, "--delivery-timeout", "1s"];
    let text = crate::support::run(&[&fixed[..], &publish, &text].concat()).stdout;
    assert!(
        text.starts_with("PASS") && text.contains("deliveries owed did not come"),
        "{text}"
    );
    assert!(
        text.contains("undelivered (") && text.contains("never"),
        "{text}"
    );
}

#[test]
fn a_publish_url_that_refuses_is_told_and_proves_nothing() {
    let (server, _) = hub(|_| true);
    let refusing =
        Server::answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    for (to, kind, said) in [
        (refusing.url(), "status_503", "503"),
        ("http://127.0.0.1:1/".to_owned(), "refused", "127.0.0.1:1"),
    ] {
        let run = publish(&server, &to, "500ms", &[]);
        let report = run.json();
        schema::validate(&report);
        assert_eq!(
            (run.code(), &report["verdict"]),
            (3, &json!("inconclusive")),
            "{report:#}"
        );
        assert!(run.stderr.contains(said), "{}", run.stderr);
        let publishing = &report["publishing"];
        assert_eq!(
            (&publishing["acknowledged"], &publishing["owed"]),
            (&json!(0), &Value::Null)
        );
        assert_eq!(
            publishing["errors"]["by_kind"][kind]["count"],
            publishing["sent"]
        );
        assert_eq!(report["errors"]["total"], 0, "the streams are well");
    }
}

#[test]
fn requests_without_an_answer_are_bounded_and_the_wait_is_told() {
    let (server, _) = hub(|_| true);
    let silent = Server::start(|_, _, stream| hold(stream));
    let limits = ["--connect-timeout", "1s", "--publish-rate", "1000"];
    let url = server.url();
    let fixed = [
        "load",
        &url,
        "-c",
        "1",
        "-z",
        "500ms",
        "--output-format",
        "json",
    ];
    let run = run(&[&fixed[..], &limits, &["--publish-url", &silent.url()]].concat());
    let report = run.json();
    schema::validate(&report);
    assert_eq!(run.code(), 3, "{report:#}");
    let publishing = &report["publishing"];
    assert_eq!(silent.requests().len(), 64);
    assert_eq!(
        (&publishing["sent"], &publishing["acknowledged"]),
        (&json!(64), &json!(0))
    );
    assert_eq!(publishing["errors"]["by_kind"]["timeout"]["count"], 64);
}

#[test]
fn options_of_publishing_without_a_url_are_usage_errors() {
    for (arguments, said) in [
        (&["--publish-rate", "5"][..], "--publish-url"),
        (&["--delivery-timeout", "5s"], "--publish-url"),
        (&["--publish-url", "ftp://h/"], "ftp://h/"),
        (
            &["--publish-url", "http://h/", "--until-done"],
            "--publish-url",
        ),
    ] {
        let run = run(&[&["load", "http://127.0.0.1:1/"], arguments].concat());
        assert_eq!(run.code(), 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}
