//! `sse-bench conform server` against servers that do one thing wrong each.

mod table;
mod world;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use serde_json::Value;

use crate::support::{Request, Run, Server, hold, run, send};
use table::{TABLE, Wrong};
use world::{World, honest};

fn start(script: fn(&World, &Request, &mut std::net::TcpStream)) -> Server {
    let world = Arc::new(World::default());
    Server::start(move |_, request, stream| {
        if !world.dead.load(Ordering::SeqCst) {
            script(&world, request, stream);
        }
    })
}

fn conform(url: &str, options: &[&str]) -> Run {
    let fixed = ["conform", "server", url, "--output-format", "json"];
    run(&[&fixed[..], options].concat())
}

/// A listener whose connections are each given to a script, unread.
fn raw(script: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, script) = (stream.unwrap(), Arc::clone(&script));
            thread::spawn(move || script(&mut stream));
        }
    });
    url
}

fn names<'a>(report: &'a Value, grade: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let names = checks.filter(|check| check["grade"] == grade);
    names.map(|check| check["name"].as_str().unwrap()).collect()
}

#[test]
fn a_server_that_keeps_to_the_rules_fails_nothing() {
    let server = start(honest);
    let publish = server.url();
    let options = ["--patience", "20s", "--publish-url", &publish, "-a", "u:p"];
    let run = conform(&server.url(), &options);
    let report = run.json();
    assert_eq!(names(&report, "failed"), [""; 0], "{report:#}");
    // It asks for no credentials.
    let lax = ["V44/absent", "V44/wrong"];
    assert_eq!(names(&report, "non_strict"), lax, "{report:#}");
    assert_eq!(run.code(), 0);
    assert!(names(&report, "ok").len() > 40, "{report:#}");
}

#[test]
fn each_check_finds_what_it_is_for() {
    let runs = TABLE.iter().map(|wrong| thread::spawn(|| check(wrong)));
    let runs: Vec<_> = runs.collect();
    let wrong: Vec<String> = runs
        .into_iter()
        .filter_map(|run| run.join().unwrap())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the grade, if anything.
fn check(wrong: &Wrong) -> Option<String> {
    let server = start(wrong.server);
    let url = server.url();
    let mut options = vec![
        "--only",
        wrong.check,
        "--patience",
        "20s",
        "-a",
        "user:secret",
    ];
    if wrong.publishes {
        options.extend(["--publish-url", &url]);
    }
    options.extend(wrong.options);
    let run = conform(&url, &options);
    let report = run.json();
    let found = &report["checks"][0];
    let seen = found["seen"].as_str().unwrap();
    let as_it_should = found["grade"] == wrong.grade && seen.contains(wrong.seen);
    let code = i32::from(wrong.grade == "failed");
    let is_right = as_it_should && run.code() == code;
    (!is_right).then(|| format!("{} {}: {found}, {}", wrong.check, wrong.grade, run.code()))
}

#[test]
fn what_one_check_publishes_is_not_charged_to_another() {
    let server = start(|world, request, stream| {
        if world::method(request) == "POST" {
            return honest(world, request, stream);
        }
        world::flow_with(
            world,
            request,
            stream,
            world::HEAD,
            world::numbered,
            |(event, data)| {
                let data = data.replace("\r\n", "\n").replace('\r', "\n");
                format!(
                    "event: {event}\ndata: {}\n\n",
                    data.replace('\n', "\ndata: ")
                )
            },
        );
    });
    let url = server.url();
    let only = [
        "--only", "V14", "--only", "V15", "--only", "V16", "--only", "V18",
    ];
    let report = conform(&url, &[&only[..], &["--publish-url", &url]].concat()).json();
    assert_eq!(names(&report, "failed"), ["V16"], "{report:#}");
    assert_eq!(names(&report, "ok").len(), 6, "{report:#}");
}

#[test]
fn every_check_that_can_be_made_has_a_server_that_it_grades_down() {
    // Each of them is seen in a test of its own, or is never graded down.
    let elsewhere = ["V36", "V39", "V40", "V32/half-close"];
    let server = start(honest);
    let report = conform(&server.url(), &["--patience", "1s", "-a", "u:p"]).json();
    let checks = report["checks"].as_array().unwrap().iter();
    for check in checks {
        let name = check["name"].as_str().unwrap();
        let rule = check["rule"].as_str().unwrap();
        assert!(!rule.is_empty(), "{name} names no rule");
        let process = ["V30", "V33", "V34", "V35", "V41", "V43"].contains(&name);
        let has = TABLE.iter().any(|wrong| wrong.check == name) || elsewhere.contains(&name);
        assert!(has || process, "{name} has no server that it grades down");
    }
}

#[test]
fn an_answer_to_half_a_head_fails() {
    let url = raw(|stream| {
        let mut byte = [0; 16];
        if stream.read(&mut byte).is_ok() {
            send(stream, format!("{}\r\n:\n\n", world::HEAD));
            // Until the client is gone.
            while stream.read(&mut byte).is_ok_and(|length| length > 0) {}
        }
    });
    let run = conform(&url, &["--only", "V36", "--patience", "20s"]);
    let found = &run.json()["checks"][0];
    assert_eq!(
        (run.code(), &found["grade"]),
        (1, &Value::from("failed")),
        "{found}"
    );
    let seen = found["seen"].as_str().unwrap();
    assert!(
        seen.contains("answered before the head was whole"),
        "{seen}"
    );
}

#[test]
fn http_2_that_breaks_off_fails() {
    let url = raw(|stream| {
        let mut start = [0; 3];
        if stream.read_exact(&mut start).is_err() {
            return;
        }
        if &start == b"PRI" {
            // SETTINGS, then a DATA frame on stream 0 (RFC 9113 §6.1: an error).
            send(stream, [0, 0, 0, 4, 0, 0, 0, 0, 0]);
            send(stream, [0, 0, 1, 0, 0, 0, 0, 0, 0, b'x']);
        } else {
            send(stream, format!("{}\r\n:\n\n", world::HEAD));
        }
        while stream.read(&mut start).is_ok_and(|length| length > 0) {}
    });
    let run = conform(&url, &["--only", "V39", "--patience", "20s"]);
    let found = &run.json()["checks"][0];
    assert_eq!(
        (run.code(), &found["grade"]),
        (1, &Value::from("failed")),
        "{found}"
    );
}

#[test]
fn a_server_for_one_stream_alone_is_asked_one_thing_at_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if Request::read(&stream).is_none() {
                continue;
            }
            send(&mut stream, format!("{}\r\n", world::HEAD));
            while stream.write_all(b"data: x\n\n").is_ok() {
                thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    });
    let options = [
        "--patience",
        "20s",
        "--only",
        "V40",
        "--only",
        "V03",
        "--only",
        "V01",
    ];
    let report = conform(&url, &options).json();
    assert_eq!(names(&report, "non_strict"), ["V40"], "{report:#}");
    assert!(names(&report, "ok").contains(&"V03/any"), "{report:#}");
}

#[test]
fn hostile_servers_hold_up_no_run() {
    let endless = |start: String, again: &'static [u8]| {
        move |stream: &mut std::net::TcpStream| {
            send(stream, &start);
            while stream.write_all(&again.repeat(1024)).is_ok() {}
        }
    };
    let head = format!("{}\r\n", world::HEAD);
    let gzip = format!("{}Content-Encoding: gzip\r\n\r\n", world::HEAD);
    let chunked = format!("{}{}\r\n", world::HEAD, world::CHUNKED);
    let urls = [
        raw(endless("HTTP/1.1 200 OK\r\n".to_owned(), b"X: y\r\n")),
        raw(endless(head.clone() + "data: ", b"x")),
        raw(endless(head.clone(), b"data: x\n\n")),
        raw(endless(head, b"\xff\0\xef\xbb\xbf\r")),
        raw(endless(gzip, b"\x1f\x8b\x08\0\0\0\0\0")),
        raw(endless(chunked, b"ffffffffffffffff\r\n")),
        raw(endless(String::new(), b"\x1b[2J\r\n")),
        raw(endless(
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            b"HTTP/1.1 100 x\r\n\r\n",
        )),
        raw(|_| {}),
        raw(|stream| while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}),
    ];
    let runs = urls.map(|url| thread::spawn(move || conform(&url, &["--patience", "1s"])));
    for (index, run) in runs.into_iter().enumerate() {
        let run = run.join().unwrap();
        let report = run.json();
        assert!([1, 4].contains(&run.code()), "{index}: {report:#}");
        assert!(!run.stdout.contains('\u{1b}'), "{index}");
    }
}

#[test]
fn a_coding_nobody_named_hides_the_stream_and_breaks_no_rule() {
    let server = Server::start(|_, _, stream| {
        send(
            stream,
            format!("{}Content-Encoding: br\r\n\r\n", world::HEAD),
        );
        send(stream, b"\x8b\xff\xfe: \n");
        hold(stream);
    });
    let options = ["--patience", "5s", "--only", "V42", "--only", "V38/unasked"];
    let report = conform(&server.url(), &options).json();
    assert_eq!(names(&report, "non_strict"), ["V38/unasked"], "{report:#}");
    assert_eq!(names(&report, "failed"), [""; 0], "{report:#}");
}

#[test]
fn where_there_is_no_stream_one_check_says_so() {
    let missing = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let run = conform(&missing.url(), &[]);
    assert_eq!(run.code(), 1);
    assert_eq!(names(&run.json(), "failed"), ["V01/status"]);
    let text = crate::support::run(&["conform", "server", &missing.url()]).stdout;
    let told = text.matches("404 Not Found").count();
    assert!((2..=4).contains(&told), "{text}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let run = conform(&url, &[]);
    assert_eq!(run.code(), 4);
    assert_eq!(names(&run.json(), "failed"), ["V01/status"]);
}

#[test]
fn the_page_is_one_file_with_all_that_was_found() {
    let server = start(|world, request, stream| {
        let head = world::HEAD.replace("no-store", "max-age=\"<script>\"");
        world::flow(world, request, stream, &head, world::numbered);
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html").display().to_string();
    let url = server.url();
    let options = ["--only", "V01", "--only", "V02", "--patience", "5s"];
    let html = ["--output-format", "html", "-o", &path];
    let run = run(&[&["conform", "server", &url][..], &options, &html].concat());
    assert_eq!((run.code(), run.stdout.as_str()), (0, ""));
    let page = std::fs::read_to_string(&path).unwrap();
    for part in [
        "PASS",
        "V01/status",
        "&lt;script&gt;",
        "RFC 9111",
        "id=\"show-non_strict\"",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    for foreign in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
}

#[test]
fn known_failures_of_a_server_pass_and_stale_ones_do_not() {
    let server = Server::start(|_, request, stream| {
        let fields = "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n";
        let _ = request;
        send(stream, format!("{}{fields}\r\n", world::HEAD));
        send(stream, "9\r\ndata: x\n\n\r\n0\r\n\r\n");
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known.txt");
    let path = file.display().to_string();
    let options = ["--only", "V02", "--expected-failures", &path];
    std::fs::write(&file, "V02/length # the proxy adds it\n").unwrap();
    assert_eq!(conform(&server.url(), &options).code(), 0);
    std::fs::write(&file, "V02/length\nV02/store\n").unwrap();
    let stale = conform(&server.url(), &options);
    assert_eq!(stale.code(), 1);
    let stale = stale.json();
    let stale = stale["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["stale"] == true);
    assert_eq!(stale.count(), 1);
    std::fs::write(&file, "V99\n").unwrap();
    assert_eq!(conform(&server.url(), &options).code(), 2);
}
