//! No secret is shown, whatever happens.

#![cfg(unix)]

use std::process::Command;

use super::sign::{SECRET, claims, hs256};
use super::{bearer, by, token, token_flags};
use crate::support::Server;

#[test]
fn neither_the_log_nor_the_list_of_connections_shows_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, SECRET).unwrap();
    let log = directory.path().join("log");
    let mut flags = token_flags(directory.path(), &[("root", "subscribe=*,publish=*,admin")]);
    flags.extend(
        [
            "--session-cookie",
            "sid",
            "--jwt-algorithm",
            "HS256",
            "--jwt-key-file",
        ]
        .map(Into::into),
    );
    flags.push(key.to_str().unwrap().to_owned());
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "exec \"$0\" hub --listen 127.0.0.1:0 \"$@\" 2>\"$LOG\"",
        ])
        .arg(env!("CARGO_BIN_EXE_sse-serve"))
        .args(&flags)
        .env("LOG", &log)
        .env("RUST_LOG", "trace");
    let server = Server::spawn(&mut command);

    let jwt = hs256(&claims());
    let cut = &jwt[..jwt.len() - 4];
    let cookie = format!("Cookie: sid={}\r\n", token("root"));
    let ticket = server.post("/ticket", &by("root"), b"").json()["ticket"].to_string();
    let ticket = ticket.trim_matches('"');
    let streams = [
        server.subscribe_with("", &by("root")),
        server.subscribe_with("", &bearer(&jwt)),
        server.subscribe_with("", &cookie),
        server.subscribe_with(&format!("?ticket={ticket}"), ""),
        server.subscribe_with(&format!("?topic=a&ticket={ticket}"), ""),
    ];
    for headers in [
        bearer(cut),
        bearer("a-token-that-nobody-has"),
        format!("Cookie: sid={cut}\r\n"),
    ] {
        server
            .connect()
            .request("GET", "/events", &headers)
            .problem(401);
    }
    let path = format!("/nowhere?ticket={ticket}");
    let answer = server.connect().request("GET", &path, &by("root"));
    let mut shown = answer.problem(404);
    server
        .connect()
        .request("GET", &format!("/events?ticket={ticket}0"), "")
        .problem(401);
    server.post("/trigger", &by("root"), br#"{"data":1}"#);
    for path in ["/connections", "/topics", "/metrics"] {
        let answer = server.connect().request("GET", path, &by("root"));
        assert_eq!(answer.status, 200);
        shown.push_str(answer.text());
    }
    drop(streams);
    server.wait_for_connections(0);
    server.kill();
    shown.push_str(&std::fs::read_to_string(&log).unwrap());
    assert!(
        shown.contains("not authenticated"),
        "the log was written: {shown}"
    );
    let root = token("root");
    let signature = jwt.rsplit('.').next().unwrap();
    let signature = &signature[..20];
    for secret in [
        root.as_str(),
        SECRET,
        &jwt,
        signature,
        ticket,
        "that-nobody-has",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
