//! Latency, bandwidth, splitting, buffering, compression.

use std::io::{Read, Write};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use super::support::{Ended, Proxy, Response, events};
use crate::support::{SSE_HEAD, Server, chunked, hold, send};

#[test]
fn a_split_stream_comes_in_small_chunks() {
    let text = events(&[1, 2]);
    let server = Server::answering(chunked(&[&text]));
    let proxy = Proxy::with(&server, &["split"]);
    let mut response = proxy.get();
    assert_eq!(response.text(), (text.clone(), Ended::Whole));
    assert_eq!(response.chunks, [vec![1; text.len()], vec![0]].concat());
    proxy.logged(&["stream 1", "at most 1 bytes in one write"]);

    let proxy = Proxy::with(&server, &["split,bytes=20,pause=1ms"]);
    let mut response = proxy.get();
    assert_eq!(response.text().0, text);
    assert_eq!(response.chunks, [20, 10, 0]);
}

#[test]
fn latency_delays_and_does_not_add_up_over_a_stream() {
    const DELAY: Duration = Duration::from_secs(5);
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        for number in 1..=30 {
            send(stream, events(&[number]));
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let proxy = Proxy::with(&server, &["latency,delay=5s"]);
    let start = Instant::now();
    let fields = ["Accept: text/event-stream"];
    let mut response = Response::asking(proxy.address, "GET /", &fields, b"");
    response.read_head().unwrap();
    let head = start.elapsed();
    assert!(head >= DELAY, "the head is late: {head:?}");
    let numbers: Vec<u32> = (1..=30).collect();
    assert_eq!(response.text().0, events(&numbers));
    let elapsed = start.elapsed();
    // Head and body are one delay late: not the body behind the head, and not each read.
    assert!(elapsed < head + DELAY, "{head:?} {elapsed:?}");
}

#[test]
fn a_link_with_latency_holds_a_bounded_amount_and_lets_go_when_it_is_taken_away() {
    const ALL: usize = 64 << 20;
    let (start, started) = mpsc::channel();
    let started = Mutex::new(started);
    let (blocked, was_blocked) = mpsc::channel();
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n: open\n\n"));
        started.lock().unwrap().recv().unwrap();
        let timeout = Some(Duration::from_secs(1));
        stream.set_write_timeout(timeout).unwrap();
        let event = format!("data: {}\n\n", "x".repeat(65_528)).into_bytes();
        let mut sent = 0;
        while sent < ALL && stream.write_all(&event).is_ok() {
            sent += event.len();
        }
        let _ = blocked.send(sent);
    });
    let proxy = Proxy::start(&server, &[]);
    let mut response = proxy.get();
    response.until(": open");
    proxy.command("POST /faults", "latency,delay=1h");
    start.send(()).unwrap();
    let sent = testing::receive(&was_blocked, "the server to be stopped");
    assert!(sent < ALL, "all {sent} bytes were taken");
    proxy.command("DELETE /faults", "");
    assert!(response.rest().0.len() >= sent, "what was held is there");
}

#[test]
fn jitter_keeps_the_order() {
    let numbers: Vec<u32> = (1..=200).collect();
    let server = Server::start(|_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        for number in 1..=200 {
            send(stream, events(&[number]));
        }
    });
    let proxy = Proxy::with(&server, &["latency,delay=20ms,jitter=20ms"]);
    assert_eq!(proxy.get().text().0, events(&numbers));
}

#[test]
fn bandwidth_sets_how_long_a_body_takes_at_least() {
    let body = ": ".to_owned() + &"x".repeat(5_000) + "\n";
    let server = Server::answering(chunked(&[&body]));
    let proxy = Proxy::with(&server, &["bandwidth,rate=10KB/s"]);
    let start = Instant::now();
    assert_eq!(proxy.get().text().0, body);
    // The last of 20 pieces a second is on its way before its time is up.
    assert!(
        start.elapsed() >= Duration::from_millis(440),
        "{:?}",
        start.elapsed()
    );
}

/// Sends one event for each message on the channel.
fn on_command() -> (mpsc::Sender<u32>, Server) {
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let server = Server::start(move |_, _, stream| {
        send(stream, format!("{SSE_HEAD}\r\n"));
        for number in receiver.lock().unwrap().iter() {
            send(stream, events(&[number]));
        }
        hold(stream);
    });
    (sender, server)
}

#[test]
fn a_buffer_lets_go_when_it_is_full() {
    let (publish, server) = on_command();
    // Two events are 30 bytes, three are 45.
    let proxy = Proxy::with(&server, &["buffer,bytes=40"]);
    let mut response = proxy.get();
    publish.send(1).unwrap();
    publish.send(2).unwrap();
    publish.send(3).unwrap();
    assert_eq!(response.until("data: 3"), events(&[1, 2, 3]));
    assert_eq!(response.chunks, [45], "all in one");
    proxy.logged(&["45 bytes were held for"]);
}

#[test]
fn a_buffer_lets_go_after_its_time_or_when_taken_away() {
    let (publish, server) = on_command();
    let proxy = Proxy::with(&server, &["buffer,for=300ms,name=nginx"]);
    let mut response = proxy.get();
    let start = Instant::now();
    publish.send(1).unwrap();
    response.until("data: 1");
    assert!(start.elapsed() >= Duration::from_millis(300));

    proxy.command("PUT /faults", r#"[{"fault": "buffer", "for": "1h"}]"#);
    publish.send(2).unwrap();
    testing::until("the second event", || {
        proxy.counter("/events_received") == 2
    });
    proxy.command("DELETE /faults", "");
    assert_eq!(response.until("data: 2"), events(&[2]));
}

#[test]
fn what_a_buffer_holds_is_lost_with_a_cut_unless_the_end_is_orderly() {
    let server = Server::answering(chunked(&[&events(&[1, 2, 3])]));
    for (how, text, ended) in [
        ("fin", String::new(), Ended::Closed),
        ("rst", String::new(), Ended::Reset),
        ("end", events(&[1, 2]), Ended::Whole),
    ] {
        let cut = format!("cut,after-events=2,how={how}");
        let proxy = Proxy::with(&server, &["buffer,for=1h", &cut]);
        assert_eq!(proxy.get().text(), (text, ended), "{how}");
    }
}

fn compressed(proxy: &Proxy) -> Response {
    let fields = ["Accept: text/event-stream", "Accept-Encoding: br, gzip"];
    Response::open(proxy.address, "GET /", &fields)
}

#[test]
fn compression_with_flush_lets_each_event_through() {
    let (publish, server) = on_command();
    let proxy = Proxy::with(&server, &["compress"]);
    let mut response = compressed(&proxy);
    assert_eq!(response.field("content-encoding"), Some("gzip"));
    let mut wire = Vec::new();
    for number in 1..=3 {
        publish.send(number).unwrap();
        let wanted = events(&(1..=number).collect::<Vec<u32>>());
        let mut text = vec![0; wanted.len()];
        while GzDecoder::new(wire.as_slice())
            .read_exact(&mut text)
            .is_err()
        {
            wire.extend(response.chunk().unwrap().unwrap());
        }
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }
}

#[test]
fn compression_without_flush_holds_events_back_to_the_end() {
    let server = Server::answering(chunked(&[&events(&[1]), &events(&[2])]));
    let proxy = Proxy::with(&server, &["compress,flush=false"]);
    let mut response = compressed(&proxy);
    let (wire, ended) = response.rest();
    let mut text = String::new();
    GzDecoder::new(wire.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!((text, ended), (events(&[1, 2]), Ended::Whole));
    // The header of gzip goes first, then nothing until the end.
    assert_eq!(response.chunks.len(), 3, "{:?}", response.chunks);

    let fields = ["Accept: text/event-stream"];
    let plain = Response::open(proxy.address, "GET /", &fields);
    assert_eq!(
        plain.field("content-encoding"),
        None,
        "the client does not accept it"
    );
    let proxy = Proxy::with(&server, &["compress,force=true"]);
    assert_eq!(proxy.get().field("content-encoding"), Some("gzip"));
}
