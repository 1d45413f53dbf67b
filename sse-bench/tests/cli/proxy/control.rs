//! The control address, and what is printed at the end.

use serde_json::json;

use super::support::{Proxy, Response, events};
use crate::support::{SSE_HEAD, Server, chunked, hold, send};

#[test]
fn faults_come_and_go_while_it_runs() {
    let server = Server::answering(chunked(&[&events(&[1, 2, 3])]));
    let proxy = Proxy::with(&server, &["drop,events=1,name=first"]);
    assert_eq!(proxy.get().text().0, events(&[2, 3]));

    let (status, list) = proxy.command("POST /faults", "drop,events=2,name=second");
    assert_eq!(status, 201);
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(proxy.get().text().0, events(&[3]));

    assert_eq!(proxy.command("DELETE /faults/first", "").1["removed"], 1);
    assert_eq!(proxy.get().text().0, events(&[1, 3]));

    let replacing = r#"[{"fault": "duplicate", "events": 3, "times": 2}, "drop,events=1"]"#;
    assert_eq!(proxy.command("PUT /faults", replacing).0, 200);
    assert_eq!(proxy.get().text().0, events(&[2, 3, 3, 3]));

    let list = proxy.command("POST /faults", "drop,type=never").1;
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["duplicate", "drop", "drop-2"]);

    assert_eq!(proxy.command("DELETE /faults", "").1["removed"], 3);
    assert_eq!(proxy.get().text().0, events(&[1, 2, 3]));
}

#[test]
fn a_fault_that_comes_late_counts_from_then() {
    let (publish, next) = std::sync::mpsc::channel();
    let next = std::sync::Mutex::new(next);
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        for numbers in next.lock().unwrap().iter() {
            let numbers: Vec<u32> = numbers;
            send(stream, events(&numbers));
        }
        hold(stream);
    });
    let proxy = Proxy::start(&server, &[]);
    let mut response = proxy.get();
    publish.send(vec![1, 2]).unwrap();
    response.until("data: 2\n\n");
    proxy.command("POST /faults", "cut,after-events=2,how=end");
    proxy.command("POST /faults", "drop,events=2");
    publish.send(vec![3, 4, 5, 6]).unwrap();
    assert_eq!(response.text().0, events(&[3, 5]));
}

#[test]
fn the_state_says_what_is_in_force_and_what_was_done() {
    let server = Server::answering(chunked(&[&events(&[1, 2, 3, 4])]));
    let options = [
        "--seed",
        "5",
        "--fault",
        "drop,every=2,name=lossy,connections=from:2",
    ];
    let proxy = Proxy::start(&server, &options);
    proxy.get().text();
    proxy.get().text();
    while proxy.counter("/open") > 0 {
        std::thread::yield_now();
    }
    let (status, state) = proxy.command("GET /state", "");
    assert_eq!(status, 200);
    assert_eq!(state["upstream"], format!("http://{}/", server.address));
    assert_eq!(state["seed"], 5);
    assert_eq!(
        state["faults"],
        json!([{"name": "lossy", "fault": "drop", "every": "2", "connections": "from:2",
                "origin": "command line", "acted": 2}])
    );
    let counters = &state["counters"];
    for (name, number) in [
        ("connections", 2),
        ("requests", 2),
        ("streams", 2),
        ("open", 0),
        ("events_received", 8),
        ("events_sent", 6),
        ("bytes_received", 8 * 15),
        ("bytes_sent", 6 * 15),
    ] {
        assert_eq!(counters[name], number, "{name}: {counters}");
    }
    assert_eq!(counters["acted"], json!({ "drop": 2 }));
}

#[test]
fn commands_that_make_no_sense_are_refused_with_the_mend() {
    let server = Server::answering("");
    let proxy = Proxy::with(&server, &["split,name=a"]);
    for (request, body, status, said) in [
        ("POST /faults", "dorp", 400, "did you mean \"drop\"?"),
        (
            "POST /faults",
            "{\"fault\": \"drop\", \"every\": [1]}",
            400,
            "\"every\" of a fault",
        ),
        ("POST /faults", "split,name=a", 409, "a fault named \"a\""),
        ("PUT /faults", "{}", 400, "a JSON array of faults"),
        ("DELETE /faults/b", "", 404, "no fault of this name"),
        ("POST /cut?how=now", "", 400, "none of fin, rst, end"),
        ("GET /nowhere", "", 404, "see GET /"),
    ] {
        let (answered, problem) = proxy.command(request, body);
        assert_eq!(answered, status, "{request} {body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{request}: {detail}");
    }
    let fields = ["Origin: http://evil.example", "Content-Length: 0"];
    let response = Response::open(proxy.control, "POST /cut", &fields);
    assert_eq!(response.status, 403);
    assert_eq!(
        proxy.command("GET /faults", "").1.as_array().unwrap().len(),
        1
    );
}

#[cfg(unix)]
#[test]
fn the_end_prints_what_was_done() {
    let server = Server::answering(chunked(&[&events(&[1, 2])]));
    let proxy = Proxy::with(&server, &["drop,events=1"]);
    proxy.get().text();
    let (code, printed) = proxy.interrupt();
    assert_eq!(code, Some(0));
    let line = |name: &str| {
        let mut lines = printed
            .lines()
            .filter(|line| line.trim_start().starts_with(name));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("no {name}: {printed}"));
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(line("events received"), "2");
    assert_eq!(line("events sent"), "1");
    assert_eq!(line("drop"), "1");
}
