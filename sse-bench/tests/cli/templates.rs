//! Requests that differ from connection to connection, and ramps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::schema;
use crate::support::{Server, chunked, load, run};

#[test]
fn each_connection_asks_for_its_own_and_keeps_it_when_it_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.txt");
    std::fs::write(&file, "al ice\nbob\n").unwrap();
    let server = Server::answering(chunked(&["retry: 100\n\ndata: a\n\n"]));
    let url = format!(
        "http://{}/{{{{conn}}}}?u={{{{line:{}}}}}",
        server.address,
        file.display()
    );
    let given = [
        "-H",
        "X-Id: {{uuid}}",
        "-d",
        "{{conn}} {{uuid}}",
        "-X",
        "PUT",
        "--reconnect",
    ];
    let run = run(&[
        &["load", &url, "-c", "3", "-n", "12", "--seed", "5"],
        &given[..],
    ]
    .concat());
    assert_eq!(run.code(), 0, "{run:?}");
    let mut by_line = BTreeMap::<String, BTreeSet<String>>::new();
    for request in server.requests() {
        let id = request.header("x-id").unwrap().to_owned();
        let number = &request.line[5..6];
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert_eq!(body, format!("{number} {id}"));
        by_line.entry(request.line).or_default().insert(id);
    }
    let lines: Vec<_> = by_line.keys().map(String::as_str).collect();
    let expected = [
        "PUT /0?u=al%20ice HTTP/1.1",
        "PUT /1?u=bob HTTP/1.1",
        "PUT /2?u=al%20ice HTTP/1.1",
    ];
    assert_eq!(lines, expected);
    assert!(by_line.values().all(|ids| ids.len() == 1), "{by_line:?}");
    let ids: BTreeSet<_> = by_line.values().flatten().collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn placeholders_that_are_none_are_usage_errors() {
    for (arguments, said) in [
        (
            &["load", "http://h/{{user}}"][..],
            "{{user}} is unknown: there are {{conn}}",
        ),
        (
            &["load", "http://h", "-H", "a: {{seq}}"],
            "--header: {{seq}} is unknown",
        ),
        (
            &["load", "http://h", "-d", "{{line:/no/such}}"],
            "cannot read /no/such",
        ),
        (
            &["verify", "http://h/{{conn}}"],
            "only load has placeholders",
        ),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    }
}

#[test]
fn a_ramp_opens_as_many_as_it_leads_to_or_as_c_allows() {
    let server = Server::answering(chunked(&["data: a\n\n"]));
    for (limit, opened) in [(&[][..], 12), (&["-c", "5"], 5)] {
        let ramp = ["--ramp", "2:0.012k:600ms", "--no-reconnect"];
        let run = load(&server, &[&ramp[..], limit].concat());
        let report = run.json();
        schema::validate(&report);
        assert_eq!(
            (run.code(), &report["connections"]["opened"]),
            (0, &json!(opened))
        );
        assert_eq!(report["plan"]["ramp"], "2:12:600ms");
        let least = if opened == 12 { 600_000 } else { 180_000 };
        assert!(report["ramp_us"].as_u64().unwrap() >= least, "{report:#}");
    }
    let refused = run(&["load", "http://h", "--ramp", "10:0:5s"]);
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr.contains("leads to more connections"),
        "{refused:?}"
    );
}
