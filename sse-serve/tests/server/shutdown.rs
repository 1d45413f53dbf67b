//! The end of a server.

use std::time::Instant;

use rustix::process::Signal;

use crate::support::{Block, PATIENCE, Server, command, until};

fn wait_until_draining(server: &Server) {
    until("the drain", || server.get("/ready").status == 503);
}

/// V07, V30
#[test]
fn each_stream_ends_whole_and_is_told_when_to_come_back() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&["--drain", "3s", "--retry", "1s"]);
        let mut streams: Vec<_> = (0..20).map(|_| server.subscribe("")).collect();
        let ids = server.publish_numbers(0..100);
        server.signal(signal);
        let mut retries = Vec::new();
        for stream in &mut streams {
            // The end is a last chunk, which reading insists on.
            let mut blocks = stream.rest();
            let Some(Block::Retry(retry)) = blocks.pop() else {
                panic!("{blocks:?}");
            };
            retries.push(retry);
            let seen: Vec<_> = blocks
                .into_iter()
                .filter_map(|block| match block {
                    Block::Event(event) => Some(event.id),
                    _ => None,
                })
                .collect();
            assert_eq!(seen, ids);
            assert!(stream.body.ends_with(b"\n\n"));
        }
        assert!(
            retries
                .iter()
                .all(|retry| (1000..=2000).contains(&retry.as_millis()))
        );
        retries.sort();
        retries.dedup();
        assert!(retries.len() > 1, "not spread: {retries:?}");
        assert_eq!(server.wait(), Some(0));
    }
}

#[test]
fn an_idle_server_ends_without_waiting_for_the_drain() {
    let mut server = Server::start(&["--drain", "1h"]);
    let mut idle = server.connect();
    assert_eq!(idle.request("GET", "/health", "").status, 200);
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), Some(0));
    assert!(idle.is_closed());
}

/// V30
#[test]
fn a_reader_that_does_not_read_cannot_hold_the_server_back() {
    let mut server = Server::start(&["--drain", "100ms"]);
    let stalled = server.subscribe("");
    let filler = "x".repeat(1 << 19);
    let mut connection = server.connect();
    for _ in 0..40 {
        let body = format!("{{\"data\":\"{filler}\"}}");
        assert_eq!(connection.post("/trigger", "", body.as_bytes()).status, 200);
    }
    server.signal(Signal::TERM);
    let begun = Instant::now();
    assert_eq!(server.wait(), Some(0));
    assert!(begun.elapsed() < PATIENCE / 2);
    drop(stalled);
}

#[test]
fn while_draining_newcomers_are_told_to_come_back_and_nothing_is_published() {
    let mut server = Server::start(&["--drain", "1h"]);
    let _open: Vec<_> = (0..50).map(|_| server.subscribe("")).collect();
    server.signal(Signal::TERM);
    wait_until_draining(&server);
    let mut hesitant = server.connect();
    assert_eq!(server.get("/health").json()["status"], "draining");
    let answer = server.get("/events");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let retry = answer.text().strip_prefix("retry: ").unwrap().trim_end();
    assert!(
        (2000..=4000).contains(&retry.parse::<u32>().unwrap()),
        "{retry}"
    );
    server.post("/trigger", "", br#"{"data":1}"#).problem(503);
    // Long accepted, and asking only now.
    assert_eq!(hesitant.request("GET", "/events", "").status, 200);

    server.signal(Signal::INT);
    assert_eq!(server.wait(), Some(130));
}

#[test]
fn a_hangup_ends_no_server_that_has_its_terminal_or_never_had_one() {
    let server = Server::spawn(
        command()
            .args(["hub", "--listen", "127.0.0.1:0"])
            .stdin(std::process::Stdio::null()),
    );
    let mut stream = server.subscribe("");
    server.signal(Signal::HUP);
    server.publish(r#"{"data":"still here"}"#);
    assert_eq!(stream.event().data, "still here");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_terminal_is_closed_drains() {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    // Or the server itself would hold the other end.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = openpt(flags).unwrap();
    unlockpt(&terminal).unwrap();
    let line = ioctl_tiocgptpeer(&terminal, flags).unwrap();
    let mut server = Server::spawn(
        command()
            .args(["hub", "--listen", "127.0.0.1:0", "--drain", "3s"])
            .stdin(line),
    );
    let mut stream = server.subscribe("");
    server.signal(Signal::HUP);
    server.publish(r#"{"data":"still here"}"#);
    assert_eq!(stream.event().data, "still here");
    drop(terminal);
    server.signal(Signal::HUP);
    assert_eq!(server.wait(), Some(0));
    assert!(matches!(stream.rest()[..], [Block::Retry(_)]));
}
