//! Cuts and black holes.

use std::io::ErrorKind;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::support::{Ended, Proxy, Response, events};
use crate::support::{SSE_HEAD, Server, chunked, hold, send};

/// Sends events 1 to 9 and stays.
fn nine() -> Server {
    Server::start(|_, _, stream| {
        let all = events(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        send(stream, format!("{SSE_HEAD}\r\n{all}"));
        hold(stream);
    })
}

#[test]
fn a_cut_after_events_leaves_whole_events() {
    let server = nine();
    for (how, ended) in [
        ("fin", Ended::Closed),
        ("rst", Ended::Reset),
        ("end", Ended::Whole),
    ] {
        let proxy = Proxy::with(
            &server,
            &[&format!("cut,after-events=3,how={how},name=snip")],
        );
        assert_eq!(proxy.get().text(), (events(&[1, 2, 3]), ended), "{how}");
        let what = format!("cut ({how}) after 3 events");
        proxy.logged(&["stream 1 snip:", &what]);
        assert_eq!(proxy.counter("/acted/cut"), 1);
    }
}

#[test]
fn a_cut_in_the_middle_of_an_event_leaves_a_half() {
    let server = nine();
    let half = "id: 3\nd";
    for (how, ended) in [("fin", Ended::Closed), ("rst", Ended::Reset)] {
        let fault = format!("cut,after-events=2,where=mid-event,how={how}");
        let proxy = Proxy::with(&server, &[&fault]);
        let (text, seen) = proxy.get().text();
        assert_eq!((text, seen), (events(&[1, 2]) + half, ended), "{how}");
        assert_eq!(proxy.counter("/events_sent"), 2);
    }
}

#[test]
fn a_cut_after_bytes_is_exact() {
    let server = nine();
    for bytes in [1, 7, 15, 16, 31] {
        let proxy = Proxy::with(&server, &[&format!("cut,after-bytes={bytes}")]);
        let (text, ended) = proxy.get().text();
        assert_eq!(text, events(&[1, 2, 3])[..bytes]);
        assert_eq!(ended, Ended::Closed);
    }
}

#[test]
fn a_cut_at_the_head_or_instead_of_it() {
    let server = nine();
    for (fault, ended) in [
        ("cut,at=head,how=rst", Ended::Reset),
        ("cut,after-events=0", Ended::Closed),
    ] {
        let proxy = Proxy::with(&server, &[fault]);
        let mut response = proxy.get();
        assert_eq!(
            (response.status, response.text()),
            (200, (String::new(), ended))
        );
    }
    for (fault, ended) in [
        ("cut,at=request,how=rst", Ended::Reset),
        ("cut,at=request", Ended::Closed),
    ] {
        let proxy = Proxy::with(&server, &[fault]);
        let fields = ["Accept: text/event-stream"];
        let mut response = Response::asking(proxy.address, "GET /", &fields, b"");
        assert_eq!(response.read_head(), Err(ended));
    }
    assert_eq!(server.requests().len(), 2, "none came through at=request");
}

#[test]
fn a_cut_after_a_time_comes_on_an_idle_stream_and_while_nobody_reads() {
    let idle = nine();
    let proxy = Proxy::with(&idle, &["cut,after=200ms,how=rst"]);
    let start = Instant::now();
    let (text, ended) = proxy.get().text();
    assert_eq!(ended, Ended::Reset);
    assert_eq!(text, events(&[1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert!(start.elapsed() >= Duration::from_millis(200));

    // The time counts from the head of the response, not from the request.
    let slow = Server::start(|_, _, stream| {
        std::thread::sleep(Duration::from_millis(1200));
        send(stream, format!("{SSE_HEAD}\r\n{}", events(&[1])));
        hold(stream);
    });
    let proxy = Proxy::with(&slow, &["cut,after=1s"]);
    assert_eq!(proxy.get().text().0, events(&[1]));

    let flood = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        send(stream, "data: x\n\n".repeat(8 << 20));
    });
    let proxy = Proxy::with(&flood, &["cut,after=200ms,how=rst"]);
    let _unread = proxy.get();
    proxy.logged(&["cut (rst) after 200ms"]);
}

#[test]
fn cuts_by_hand_end_everything_that_is_open() {
    let server = nine();
    let proxy = Proxy::start(&server, &[]);
    for (how, ended) in [
        ("fin", Ended::Closed),
        ("rst", Ended::Reset),
        ("end", Ended::Whole),
    ] {
        let mut open: Vec<Response> = (0..3).map(|_| proxy.get()).collect();
        for response in &mut open {
            response.until("data: 9\n\n");
        }
        let (status, answer) = proxy.command(&format!("POST /cut?how={how}"), "");
        assert_eq!((status, &answer["cut"]), (200, &serde_json::json!(3)));
        for response in &mut open {
            assert_eq!(response.text(), (String::new(), ended), "{how}");
        }
    }
}

#[test]
fn which_connections_are_cut() {
    let server = Server::answering(chunked(&[&events(&[1, 2])]));
    let ended = |which: &str| -> Vec<bool> {
        let fault = format!("cut,after-events=1,connections={which}");
        let proxy = Proxy::with(&server, &[&fault]);
        let cut = |_| proxy.get().text().1 == Ended::Closed;
        (0..6).map(cut).collect()
    };
    let (cut, left) = (true, false);
    assert_eq!(ended("first"), [cut, left, left, left, left, left]);
    assert_eq!(ended("first:2"), [cut, cut, left, left, left, left]);
    assert_eq!(ended("every:3"), [left, left, cut, left, left, cut]);
    assert_eq!(ended("from:5"), [left, left, left, left, cut, cut]);
    assert_eq!(ended("2"), [left, cut, left, left, left, left]);
}

/// Nothing comes, though the connection is open. A wrong answer would be here at
/// once: it was sent before.
fn assert_silent(response: &mut Response) {
    let timeout = Some(Duration::from_millis(300));
    response.socket.set_read_timeout(timeout).unwrap();
    let read = testing::read(&response.socket, &mut [0; 64]);
    let kind = read.map_err(|error| error.kind());
    assert!(
        matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{kind:?}"
    );
    let timeout = Some(testing::PATIENCE);
    response.socket.set_read_timeout(timeout).unwrap();
}

#[test]
fn a_black_hole_takes_the_request_and_says_nothing() {
    let server = nine();
    let proxy = Proxy::with(&server, &["black-hole,name=hole"]);
    let fields = ["Accept: text/event-stream"];
    let mut response = Response::asking(proxy.address, "GET /", &fields, b"");
    proxy.logged(&["hole: silence instead of an answer"]);
    assert_silent(&mut response);
    assert_eq!(server.requests().len(), 0);
    // Taken away, the request goes its way.
    assert_eq!(proxy.command("DELETE /faults/hole", "").0, 200);
    response.read_head().unwrap();
    response.until("data: 9\n\n");
}

#[test]
fn a_black_hole_in_a_stream_swallows_nothing_once_it_is_over() {
    let (go_on, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n{}", events(&[1, 2])));
        wait.lock().unwrap().recv().unwrap();
        send(stream, events(&[3]));
    });
    let proxy = Proxy::with(&server, &["black-hole,after-events=1,name=hole"]);
    let mut response = proxy.get();
    assert_eq!(response.until("data: 1\n\n"), events(&[1]));
    proxy.logged(&["stream 1 hole: silence after 1 events"]);
    assert_silent(&mut response);
    go_on.send(()).unwrap();
    assert_silent(&mut response);
    proxy.command("DELETE /faults", "");
    assert_eq!(response.text(), (events(&[2, 3]), Ended::Whole));

    let proxy = Proxy::with(&server, &["black-hole,after-bytes=3,for=200ms"]);
    go_on.send(()).unwrap();
    let start = Instant::now();
    assert_eq!(proxy.get().text(), (events(&[1, 2, 3]), Ended::Whole));
    assert!(start.elapsed() >= Duration::from_millis(200));
}
