//! Event streams over HTTP/2, against a server of the `h2` crate.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{Request, Response};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::schema;
use crate::support::{Run, STREAM, Server, chunked, expect_stream, run};
use crate::tls::{acceptor, tls_server};

/// What to do with a stream.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Send STREAM and end.
    Answer,
    /// Send one event and hold on.
    Hold,
    /// One event each 10 ms of the server's life, with its number as id.
    Number,
    Refuse,
    /// Reset it after one event.
    Break,
    /// Hold, and take no further stream on this connection.
    GoAway,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    streams: AtomicUsize,
    /// Why the client ended streams.
    resets: Mutex<Vec<Reason>>,
    requests: Mutex<Vec<Request<()>>>,
}

struct Http2 {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// Streams are numbered from 0 over all connections.
fn serve(limit: Option<u32>, secure: bool, script: fn(usize) -> Act) -> Http2 {
    let seen = Arc::new(Seen::default());
    let (told, address) = std::sync::mpsc::channel();
    let server = Arc::clone(&seen);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            let start = Instant::now();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&server);
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    if secure {
                        let socket = acceptor(&[b"h2"]).accept(socket).await.unwrap();
                        connection(socket, limit, script, seen, start).await;
                    } else {
                        connection(socket, limit, script, seen, start).await;
                    }
                });
            }
        });
    });
    let address = testing::receive(&address, "the server");
    Http2 { address, seen }
}

async fn connection(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    limit: Option<u32>,
    script: fn(usize) -> Act,
    seen: Arc<Seen>,
    start: Instant,
) {
    let mut builder = h2::server::Builder::new();
    if let Some(limit) = limit {
        builder.max_concurrent_streams(limit);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (head, _) = request.into_parts();
        let last_id = head.headers.get("last-event-id");
        let last_id = last_id.map(|id| id.to_str().unwrap().parse().unwrap());
        seen.requests
            .lock()
            .unwrap()
            .push(Request::from_parts(head, ()));
        let act = script(seen.streams.fetch_add(1, Ordering::SeqCst));
        match act {
            Act::Refuse => respond.send_reset(Reason::REFUSED_STREAM),
            Act::GoAway => connection.graceful_shutdown(),
            _ => {}
        }
        if !matches!(act, Act::Refuse) {
            tokio::spawn(answer(respond, act, last_id, Arc::clone(&seen), start));
        }
    }
}

async fn answer(
    mut respond: SendResponse<Bytes>,
    act: Act,
    last_id: Option<u128>,
    seen: Arc<Seen>,
    start: Instant,
) {
    let head = Response::builder().header("content-type", "text/event-stream");
    let mut body = respond
        .send_response(head.body(()).unwrap(), false)
        .unwrap();
    let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    match act {
        Act::Answer => {
            let _ = body.send_data(text(STREAM), true);
            return;
        }
        Act::Number => {
            let _ = body.send_data(text("retry: 100\n\n"), false);
            let number = || start.elapsed().as_millis() / 10;
            let mut next = last_id.map_or_else(number, |id| id + 1);
            loop {
                while next <= number() {
                    let event = format!("id: {next}\ndata: {next}\n\n");
                    if body.send_data(event.into(), false).is_err() {
                        return ended(body, &seen).await;
                    }
                    next += 1;
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                    reason = std::future::poll_fn(|cx| body.poll_reset(cx)) => {
                        seen.resets.lock().unwrap().extend(reason);
                        return;
                    }
                }
            }
        }
        Act::Break => {
            let _ = body.send_data(text("data: a\n\n"), false);
            // What is queued is dropped by a reset: let it be sent first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            body.send_reset(Reason::INTERNAL_ERROR);
            return;
        }
        _ => {
            let _ = body.send_data(text("data: a\n\n"), false);
        }
    }
    ended(body, &seen).await;
}

async fn ended(mut body: SendStream<Bytes>, seen: &Seen) {
    let reason = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
    seen.resets.lock().unwrap().extend(reason);
}

fn load(server: &Http2, arguments: &[&str]) -> Run {
    let url = format!("http://{}/events?a=b", server.address);
    let fixed = ["load", &url, "--http2", "--output-format", "json"];
    let run = run(&[&fixed[..], arguments].concat());
    schema::validate(&run.json());
    run
}

#[test]
fn streams_share_connections() {
    let server = serve(None, false, |_| Act::Hold);
    let run = load(
        &server,
        &[
            "-c",
            "25",
            "--http2-streams",
            "10",
            "--threads",
            "1",
            "-z",
            "200ms",
        ],
    );
    let report = run.json();
    assert_eq!(
        (run.code(), &report["errors"]["total"]),
        (0, &json!(0)),
        "{report:#}"
    );
    assert_eq!(report["connections"]["opened"], 25);
    assert_eq!(report["deliveries"]["total"], 25);
    let http2 = json!({
        "connections": 3, "streams": 10, "max_concurrent_streams": null, "go_away": 0,
        "streams_refused": 0, "streams_reset": 0
    });
    assert_eq!(report["http2"], http2);
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 3);
    let requests = server.seen.requests.lock().unwrap();
    let asked = &requests[0];
    let url = format!("http://{}/events?a=b", server.address);
    assert_eq!(
        (asked.method().as_str(), asked.uri().to_string()),
        ("GET", url)
    );
    assert_eq!(asked.headers()["accept"], "text/event-stream");
}

#[test]
fn a_stream_over_http2_dispatches_what_it_does_over_http1() {
    let server = serve(None, false, |_| Act::Answer);
    let run = load(&server, &["-c", "7", "--no-reconnect"]);
    assert_eq!(run.code(), 0, "{run:?}");
    expect_stream(&run.json(), 7);
}

#[test]
fn a_request_body_is_sent() {
    let server = serve(None, false, |_| Act::Answer);
    let run = load(&server, &["-c", "1", "--no-reconnect", "-d", "{}"]);
    expect_stream(&run.json(), 1);
    assert_eq!(server.seen.requests.lock().unwrap()[0].method(), "POST");
}

#[test]
fn a_server_that_allows_fewer_streams_gets_more_connections() {
    let server = serve(Some(4), false, |_| Act::Hold);
    let run = load(&server, &["-c", "10", "--threads", "1", "-z", "200ms"]);
    let report = run.json();
    assert_eq!(
        (run.code(), &report["errors"]["total"]),
        (0, &json!(0)),
        "{report:#}"
    );
    assert_eq!(report["connections"]["opened"], 10);
    assert_eq!(report["http2"]["connections"], 3);
    assert_eq!(report["http2"]["max_concurrent_streams"], 4);
}

#[test]
fn refused_and_reset_streams_are_counted_and_opened_again() {
    let server = serve(None, false, |number| match number {
        0 => Act::Refuse,
        1 => Act::Break,
        _ => Act::Hold,
    });
    let run = load(&server, &["-c", "2", "--threads", "1", "-n", "3"]);
    let report = run.json();
    assert_eq!(report["http2"]["streams_refused"], 1, "{report:#}");
    assert_eq!(report["http2"]["streams_reset"], 1);
    assert_eq!(report["http2"]["connections"], 1);
    let kinds = &report["errors"]["by_kind"];
    assert_eq!(kinds["stream_refused"]["count"], 1);
    assert_eq!(kinds["stream_reset"]["count"], 1);
    assert_eq!(
        (run.code(), &report["connections"]["opened"]),
        (0, &json!(2))
    );
}

#[test]
fn after_goaway_streams_go_on_and_further_ones_take_another_connection() {
    let server = serve(None, false, |number| match number {
        1 => Act::GoAway,
        _ => Act::Hold,
    });
    let slow = [
        "-c",
        "4",
        // The next only once the answer is there, and the GOAWAY before it.
        "--connect-concurrency",
        "1",
        "--threads",
        "1",
        "-z",
        "100ms",
    ];
    let run = load(&server, &slow);
    let report = run.json();
    assert_eq!(
        (run.code(), &report["errors"]["total"]),
        (0, &json!(0)),
        "{report:#}"
    );
    assert_eq!(report["connections"]["open_at_end"], 4);
    assert_eq!(report["http2"]["go_away"], 1);
    assert_eq!(report["http2"]["connections"], 2);
}

#[test]
fn a_cut_resets_one_stream_and_leaves_the_connection() {
    let server = serve(None, false, |_| Act::Number);
    let url = format!("http://{}/events", server.address);
    let run = run(&[
        "verify",
        &url,
        "--http2",
        "--threads",
        "1",
        "--output-format",
        "json",
        "-c",
        "6",
        "-z",
        "5s",
        "--drain",
        "500ms",
        "--delivery-timeout",
        "1s",
        "--cut-interval",
        "300ms",
        "--outage",
        "50ms",
    ]);
    let report = run.json();
    schema::validate(&report);
    assert_eq!(
        (run.code(), &report["verdict"]),
        (0, &json!("pass")),
        "{report:#}"
    );
    let cuts = report["connections"]["cuts"].as_u64().unwrap();
    assert!(cuts > 0, "{report:#}");
    assert_eq!(report["http2"]["connections"], 1);
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1);
    let resets = server.seen.resets.lock().unwrap();
    let cancelled = resets.iter().filter(|reason| **reason == Reason::CANCEL);
    assert!(cancelled.count() as u64 >= cuts, "{resets:?}");
}

#[test]
fn tls_negotiates_http2() {
    let server = serve(None, true, |_| Act::Answer);
    let url = format!("https://localhost:{}/events", server.address.port());
    let run = run(&[
        "load",
        &url,
        "--http2",
        "--insecure",
        "-c",
        "5",
        "--no-reconnect",
        "--output-format",
        "json",
    ]);
    assert_eq!(run.code(), 0, "{run:?}");
    expect_stream(&run.json(), 5);
}

#[test]
fn a_server_without_http2_is_named() {
    let plain = Server::start(|_, _, stream| {
        crate::support::send(stream, "HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let (secure, _) = tls_server();
    let (plain, silent) = (plain.url(), Server::answering(chunked(&[])).url());
    for (url, said) in [
        (&plain, "HTTP/2 with prior knowledge"),
        (&silent, "HTTP/2 with prior knowledge"),
        (&secure, "HTTP/2"),
    ] {
        let refused = run(&[
            "load",
            url,
            "--http2",
            "--insecure",
            "-c",
            "2",
            "-z",
            "100ms",
        ]);
        assert_eq!(refused.code(), 4, "{refused:?}");
        let first = refused.stdout.lines().next().unwrap();
        assert!(first.contains(said), "{refused:?}");
    }
}

#[test]
fn what_has_no_meaning_over_http2_is_a_usage_error() {
    for (arguments, said) in [
        (
            &["verify", "http://h", "--http2", "--cut", "fin"][..],
            "--cut fin",
        ),
        (
            &["load", "http://h", "--http2", "-H", "Connection: x"],
            "connection",
        ),
        (&["load", "http://h", "--http2-streams", "5"], "--http2"),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
}
