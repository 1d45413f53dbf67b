//! Ctrl-C.

use std::sync::mpsc;

use serde_json::json;

use crate::support::{Run, Server, chunked, command, hold, interrupt, send, start};

#[test]
fn ctrl_c_prints_the_report_so_far() {
    let (reconnected, seen) = mpsc::channel();
    // The second connection shows that the first was read to its end.
    let server = Server::start(move |number, _, stream| {
        if number == 0 {
            send(stream, chunked(&["retry: 100\ndata: a\n\n"]));
        } else {
            let _ = reconnected.send(());
            hold(stream);
        }
    });
    let started = command(&[
        "load",
        &server.url(),
        "-c",
        "1",
        "-z",
        "1h",
        "--output-format",
        "json",
    ]);
    let load = start(started);
    testing::receive(&seen, "the reconnect");
    interrupt(&load);
    let run = Run::from(load.output());
    let report = run.json();
    assert_eq!(run.code(), 130);
    assert_eq!(
        (&report["ending"], &report["exit_code"]),
        (&json!("interrupted"), &json!(130))
    );
    assert_eq!(report["deliveries"]["total"], 1);
}
