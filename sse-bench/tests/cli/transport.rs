//! Connections that go elsewhere than the URL says.

use serde_json::json;

use crate::support::{SSE_HEAD, STREAM, Server, chunked, expect_stream, hold, run, send};

const JSON: [&str; 2] = ["--output-format", "json"];

#[test]
fn another_address_is_connected_to_and_the_host_of_the_url_asked_for() {
    let server = Server::answering(chunked(&[STREAM]));
    let rule = format!("stream.example:80:{}", server.address);
    let url = "http://stream.example/events";
    let fixed = ["load", url, "--connect-to", &rule, "-c", "2"];
    let run = run(&[&fixed[..], &["--no-reconnect"], &JSON].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    expect_stream(&run.json(), 2);
    let requests = server.requests();
    assert_eq!(requests[0].header("host"), Some("stream.example"));
}

#[test]
fn a_storm_connects_to_the_other_address_too() {
    let server = Server::start(|_, _, stream| {
        let events = "retry: 100\ndata: a\n\n";
        send(stream, format!("{SSE_HEAD}\r\n{events}"));
        hold(stream);
    });
    let rule = format!("stream.example:80:{}", server.address);
    let fixed = ["storm", "http://stream.example/", "--connect-to", &rule];
    let run = run(&[&fixed[..], &["-c", "2", "--hold", "50ms"], &JSON].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(run.json()["totals"]["reopened"], 2);
}

#[cfg(unix)]
#[test]
fn a_unix_socket_carries_load_and_verify() {
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    use crate::support::Request;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let request = Request::read(&stream).unwrap();
                assert_eq!(request.header("host"), Some("stream.example:81"));
                let _ = stream.write_all(chunked(&[STREAM]).as_bytes());
            });
        }
    });
    let path = path.display().to_string();
    let url = "http://stream.example:81/events";
    let to = ["--unix-socket", &path];
    let fixed = ["load", url, "-c", "3", "--no-reconnect"];
    let load = run(&[&fixed[..], &to, &JSON].concat());
    assert_eq!(load.code(), 0, "{load:?}");
    expect_stream(&load.json(), 3);

    let fixed = [
        "verify", url, "-z", "2s", "--drain", "500ms", "--cut", "none",
    ];
    let verify = run(&[&fixed[..], &to, &JSON].concat());
    let report = verify.json();
    assert_eq!(report["connections"]["opened"], 20, "{report:#}");
    assert_eq!(report["errors"]["total"], 0);

    drop(directory);
    let gone = run(&[&["load", url, "-c", "3"], &to[..], &JSON].concat());
    assert_eq!(
        (gone.code(), &gone.json()["ending"]),
        (4, &json!("unreachable"))
    );
    assert!(gone.stderr.contains(&path), "{gone:?}");
    assert!(gone.stderr.contains("No such file"), "{gone:?}");
}

#[test]
fn a_rule_that_is_none_is_a_usage_error() {
    let refused = run(&["load", "http://h", "--connect-to", "a:1:b"]);
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr.contains("HOST:PORT:ADDRESS:PORT"),
        "{refused:?}"
    );
    let both = ["--unix-socket", "/x", "--connect-to", "a:1:b:2"];
    let refused = run(&[&["load", "http://h"], &both[..]].concat());
    assert_eq!(refused.code(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn each_slot_keeps_a_local_address_of_its_own() {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    let peers = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let seen = Arc::clone(&peers);
    let server = Server::start(move |_, _, stream| {
        let peer = stream.peer_addr().unwrap().ip().to_string();
        *seen.lock().unwrap().entry(peer).or_default() += 1;
        crate::support::send(stream, chunked(&["retry: 100\n\ndata: a\n\n"]));
    });
    let url = server.url();
    let local = [
        "--local-addr",
        "127.0.0.2-127.0.0.3",
        "--local-addr",
        "127.0.1.0/30",
    ];
    let fixed = ["load", &url, "-c", "4", "-n", "40"];
    let run = run(&[&fixed[..], &local, &JSON].concat());
    assert_eq!(run.code(), 0, "{run:?}");
    let peers = peers.lock().unwrap();
    let addresses: Vec<_> = peers.keys().map(String::as_str).collect();
    assert_eq!(
        addresses,
        ["127.0.0.2", "127.0.0.3", "127.0.1.1", "127.0.1.2"]
    );
    // Each came back from where it had been.
    assert!(peers.values().all(|count| *count >= 5), "{peers:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn local_addresses_that_cannot_be_used_are_said_beforehand() {
    for (local, code, said) in [
        ("192.0.2.1", 2, "this machine does not have 192.0.2.1"),
        (
            "127.0.0.9-127.0.0.2",
            2,
            "give an address, a range or a network",
        ),
        ("::1", 4, "--local-addr names no IPv4 address"),
    ] {
        let server = Server::answering(chunked(&[STREAM]));
        let refused = run(&[
            "load",
            &server.url(),
            "-c",
            "2",
            "-z",
            "1s",
            "--local-addr",
            local,
        ]);
        assert_eq!(refused.code(), code, "{refused:?}");
        let output = refused.stderr + &refused.stdout;
        assert!(output.contains(said), "{output}");
    }
}
