//! Faults of single events.

use super::support::{Ended, Proxy, Response, events};
use crate::support::{SSE_HEAD, Server, chunked, hold, send};

/// Events 1 to 9 and the end, in pieces that do not care for events.
fn nine() -> Server {
    let all = events(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let (start, end) = all.split_at(all.len() / 3);
    Server::answering(chunked(&[start, end]))
}

fn through(server: &Server, faults: &[&str]) -> String {
    let proxy = Proxy::with(server, faults);
    let (text, ended) = proxy.get().text();
    assert_eq!(ended, Ended::Whole);
    text
}

#[test]
fn events_are_dropped_by_number_type_and_chance() {
    let server = nine();
    assert_eq!(
        through(&server, &["drop,every=3"]),
        events(&[1, 2, 4, 5, 7, 8])
    );
    assert_eq!(
        through(&server, &["drop,events=first"]),
        events(&[2, 3, 4, 5, 6, 7, 8, 9])
    );
    assert_eq!(through(&server, &["drop,events=from:3"]), events(&[1, 2]));
    assert_eq!(through(&server, &["drop,probability=1"]), "");
    assert_eq!(
        through(&server, &["drop,probability=0"]),
        events(&[1, 2, 3, 4, 5, 6, 7, 8, 9])
    );

    let typed = "event: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: a\ndata: 3\n\n";
    let typed_server = Server::answering(chunked(&[typed]));
    let left = through(&typed_server, &["drop,type=a,every=2"]);
    assert_eq!(left, "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n");
}

#[test]
fn one_seed_means_one_result() {
    let numbers: Vec<u32> = (0..64).collect();
    let server = Server::answering(chunked(&[&events(&numbers)]));
    let with_seed = |seed: &str| {
        let options = ["--seed", seed, "--fault", "drop,probability=0.5,name=d"];
        let proxy = Proxy::start(&server, &options);
        [proxy.get().text().0, proxy.get().text().0]
    };
    let first = with_seed("1");
    assert_eq!(first, with_seed("1"));
    assert_ne!(first, with_seed("2"));
    assert_ne!(first[0], first[1], "connections differ");
}

#[test]
fn events_come_twice_and_out_of_order() {
    let server = nine();
    let twice = through(&server, &["duplicate,every=4,times=2"]);
    assert_eq!(twice, events(&[1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 8, 8, 9]));
    let late = through(&server, &["reorder,events=2,by=3"]);
    assert_eq!(late, events(&[1, 3, 4, 5, 2, 6, 7, 8, 9]));
    let swapped = through(&server, &["reorder,every=2"]);
    assert_eq!(swapped, events(&[1, 3, 2, 5, 4, 7, 6, 9, 8]));
    // What is still held when the stream ends is sent then.
    let late = through(&server, &["reorder,events=9"]);
    assert_eq!(late, events(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
}

#[test]
fn ids_are_taken_out_of_events_and_of_blocks_without_data() {
    let wire =
        "id: 1\r\nevent: x\r\ndata: id: 1\r\n\r\n: c\nid: 2\n\nid\ndata\n\nidle: 3\ndata: b\n\n";
    let server = Server::answering(chunked(&[wire]));
    let stripped = "event: x\r\ndata: id: 1\r\n\r\n: c\n\ndata\n\nidle: 3\ndata: b\n\n";
    assert_eq!(through(&server, &["strip-id"]), stripped);
    let second = wire.replace("id\ndata\n", "data\n");
    assert_eq!(through(&server, &["strip-id,events=2"]), second);
}

#[test]
fn a_byte_order_mark_is_not_repeated_nor_moved() {
    let wire = "\u{feff}data: a\n\ndata: b\n\n";
    let server = Server::answering(chunked(&[wire]));
    let twice = "\u{feff}data: a\n\ndata: a\n\ndata: b\n\n";
    assert_eq!(through(&server, &["duplicate,events=1"]), twice);
    let swapped = "\u{feff}data: b\n\ndata: a\n\n";
    assert_eq!(through(&server, &["reorder,events=1"]), swapped);
    assert_eq!(through(&server, &["drop,events=1"]), "\u{feff}data: b\n\n");
}

#[test]
fn heartbeats_pass_while_events_are_held() {
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n{}: beat\n\n", events(&[1])));
        hold(stream);
    });
    let proxy = Proxy::with(&server, &["drop"]);
    assert!(proxy.get().until("beat\n").starts_with(": beat\n"));
}

#[test]
fn the_last_event_id_stays_with_the_proxy() {
    let server = nine();
    let proxy = Proxy::with(&server, &["ignore-last-event-id,connections=2"]);
    for id in ["a", "b"] {
        let field = format!("Last-Event-ID: {id}");
        let fields = ["Accept: text/event-stream", &field];
        Response::open(proxy.address, "GET /", &fields);
    }
    proxy.logged(&["stream 2", "Last-Event-ID \"b\" taken away"]);
    let requests = server.requests();
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.header("last-event-id"))
        .collect();
    assert_eq!(ids, [Some("a"), None]);
}

#[test]
fn faults_together_keep_to_their_order() {
    let server = nine();
    // A dropped event is neither repeated nor moved; a cut counts what is left.
    let faults = [
        "cut,after-events=5,how=end",
        "duplicate,every=2",
        "drop,events=2",
        "strip-id,events=first:4",
    ];
    let left = "data: 1\n\ndata: 3\n\ndata: 4\n\ndata: 4\n\nid: 5\ndata: 5\n\n";
    assert_eq!(through(&server, &faults), left);
}

#[test]
fn each_event_that_is_spoilt_is_counted_and_logged() {
    let server = nine();
    let proxy = Proxy::with(&server, &["drop,every=4,name=lossy", "duplicate,events=1"]);
    proxy.get().text();
    proxy.logged(&["stream 1 lossy: event \"message\", last event ID \"4\""]);
    proxy.logged(&["stream 1 lossy: event \"message\", last event ID \"8\""]);
    assert_eq!(proxy.counter("/acted/drop"), 2);
    assert_eq!(proxy.counter("/acted/duplicate"), 1);
    assert_eq!(proxy.counter("/events_received"), 9);
    assert_eq!(proxy.counter("/events_sent"), 8);
}

#[test]
fn what_is_beyond_the_limit_passes_unread_and_is_said() {
    let server = nine();
    let proxy = Proxy::start(&server, &["--max-event-size", "4", "--fault", "drop"]);
    let (text, _) = proxy.get().text();
    assert_eq!(text, events(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
    proxy.logged(&["stream 1", "exceeds the limit of 4 bytes", "unread"]);
    assert_eq!(proxy.counter("/streams_unread"), 1);
}
