//! Ctrl-C.

use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::json;

use crate::support::{Run, Server, chunked, command, hold, send};

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
    let mut started = command(&[
        "load",
        &server.url(),
        "-c",
        "1",
        "-z",
        "30s",
        "--output-format",
        "json",
    ]);
    started.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = started.spawn().unwrap();
    seen.recv().unwrap();
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.unwrap().success());
    let run = Run::from(child.wait_with_output().unwrap());
    let report = run.json();
    assert_eq!(run.code(), 130);
    assert_eq!(
        (&report["ending"], &report["exit_code"]),
        (&json!("interrupted"), &json!(130))
    );
    assert_eq!(report["deliveries"]["total"], 1);
}
