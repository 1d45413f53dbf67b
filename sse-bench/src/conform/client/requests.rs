//! C01-C12, C42-C44, C46-C48: the request, and which responses are a stream.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::time::Instant;

use super::Case;
use super::bench::{Bench, Peer, STREAM, head};
use crate::conform::grade::{Grade, Outcome, Verdict};
use crate::units::bytes;

/// What an endless line sends before it gives up, in bytes.
const ENDLESS: usize = 64 << 20;
/// Or after this time.
const ENDLESS_TIME: Duration = Duration::from_secs(30);

pub(super) fn cases() -> Vec<Case> {
    let sse = "Content-Type: text/event-stream";
    let mut cases = vec![
        Case::new(
            "C01",
            "the first request asks for an event stream",
            |bench| Box::pin(first_request(bench)),
        ),
        Case::new("C02", "a stream opens, then gives events", |bench| {
            Box::pin(events(bench))
        }),
        refusal(
            "C03",
            "204 No Content stops",
            &head("204 No Content", &[]),
            false,
        ),
    ];
    for status in ["201 Created", "205 Reset Content", "206 Partial Content"] {
        let name = format!("C04/{}", &status[..3]);
        cases.push(refusal(
            &name,
            &format!("{status} fails"),
            &head(status, &[sse]),
            false,
        ));
    }
    cases.push(refusal(
        "C05",
        "404 Not Found fails",
        &head("404 Not Found", &[sse]),
        false,
    ));
    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "429 Too Many Requests",
    ] {
        let code = &status[..3];
        let response = head(status, &[sse, "Retry-After: 1"]);
        let about = format!("{status} fails unless asked to retry");
        cases.push(refusal(&format!("C06/{code}"), &about, &response, true));
        let about = format!("{status} is retried when asked to");
        let retried = Case::new(format!("C06/{code}-retried"), about, move |bench| {
            Box::pin(retried(bench, response))
        });
        cases.push(retried.or_variant("C06"));
    }
    let ok = |fields: &[&str]| head("200 OK", fields);
    let html = ok(&["Content-Type: text/plain"]);
    cases.push(refusal("C07", "text/plain fails", &html, false));
    cases.push(refusal("C08", "no Content-Type fails", &ok(&[]), false));
    for (name, content_type) in [
        ("C09", "TEXT/Event-Stream"),
        ("C10/empty", "text/event-stream;"),
        ("C10/parameter", "text/event-stream ; x=y"),
        ("C10/bogus", "text/event-stream;x=bogus"),
        ("C12", "text/event-stream;charset=windows-1252"),
    ] {
        let response = ok(&[&format!("Content-Type: {content_type}")]);
        let about = format!("{content_type} is accepted, its text UTF-8");
        cases.push(Case::new(name, about, move |bench| {
            Box::pin(accepted(bench, response))
        }));
    }
    for (name, content_type) in [
        ("C11/longer", "text/event-stream-foo"),
        ("C11/list", "text/event-stream, text/plain"),
    ] {
        let response = ok(&[&format!("Content-Type: {content_type}")]);
        cases.push(refusal(
            name,
            &format!("{content_type} fails"),
            &response,
            false,
        ));
    }
    for (name, about, response) in [
        ("C42/500", "500 on a reconnect fails", head("500 X", &[sse])),
        (
            "C42/html",
            "text/html on a reconnect fails",
            ok(&["Content-Type: text/html"]),
        ),
    ] {
        cases.push(Case::new(name, about, move |bench| {
            Box::pin(refused_later(bench, response))
        }));
    }
    cases.push(Case::new(
        "C43",
        "gzip is decoded, or never negotiated",
        |bench| Box::pin(gzip(bench)),
    ));
    cases.push(
        Case::new(
            "C44",
            "silence beyond the read timeout reconnects",
            |bench| Box::pin(read_timeout(bench)),
        )
        .or_variant("C44"),
    );
    cases.push(Case::new("C46", "an endless line is given up", |bench| {
        Box::pin(endless_line(bench))
    }));
    cases.push(
        Case::new("C47", "method, body and headers are sent again", |bench| {
            Box::pin(post(bench))
        })
        .with_variant("C47"),
    );
    cases.push(
        Case::new(
            "C48",
            "the caller's last event ID is sent and kept",
            |bench| Box::pin(initial_id(bench)),
        )
        .with_variant("C48"),
    );
    cases.push(
        Case::new(
            "C40",
            "closed by the handler of an event, nothing follows",
            |bench| Box::pin(closed_by_handler(bench)),
        )
        .with_variant("C40"),
    );
    cases.push(Case::new(
        "C41",
        "asked to end while it waits, it ends and no request follows",
        |bench| Box::pin(closed_while_waiting(bench)),
    ));
    cases
}

fn refusal(name: &str, about: &str, response: &str, lenient: bool) -> Case {
    let response = response.to_owned();
    Case::new(name, about, move |bench| {
        Box::pin(async move {
            let mut peer = bench.request().await?;
            refuse(bench, &mut peer, &response, lenient).await
        })
    })
}

/// Answers with a refusal, after which neither an event nor a request may come.
async fn refuse(bench: &mut Bench, peer: &mut Peer, response: &str, lenient: bool) -> Outcome {
    peer.send(response).await;
    if !response.starts_with("HTTP/1.1 20") || response.contains("Content-Type") {
        peer.send("id: 1\ndata: of a refusal\n\n").await;
    }
    peer.end().await;
    let stopped = bench.stopped().await;
    let printed = match stopped {
        Ok(()) => bench.printed().await,
        Err(_) => bench.printed_before().await,
    };
    if let Some(event) = printed {
        let seen = format_args!("an event was dispatched: {:?}", event.data);
        return Ok(Verdict::failed(seen));
    }
    match stopped {
        Ok(()) => Ok(Verdict::ok()),
        Err(again) => {
            let ms = again.at.duration_since(peer.ended).as_millis();
            let seen = format!("it asked again after {ms} ms");
            Ok(if lenient {
                Verdict::non_strict(seen)
            } else {
                Verdict::failed(seen)
            })
        }
    }
}

async fn first_request(bench: &mut Bench) -> Outcome {
    let peer = bench.request().await?;
    let request = &peer.request;
    if request.method != "GET" || request.target != "/events" {
        let seen = format_args!("{} {}", request.method, request.target);
        return Ok(Verdict::failed(seen));
    }
    peer.expect_last_event_id(None)?;
    if !request.has_token("accept", "text/event-stream") {
        let seen = format!("Accept: {:?}", peer.text("accept").unwrap_or_default());
        return Ok(Verdict::failed(seen));
    }
    if peer.text("accept").as_deref() != Some("text/event-stream") {
        let seen = format!("Accept: {:?}", peer.text("accept").unwrap_or_default());
        return Ok(Verdict::non_strict(seen));
    }
    if !request.has_token("cache-control", "no-cache")
        && !request.has_token("cache-control", "no-store")
    {
        return Ok(Verdict::non_strict("no Cache-Control: no-cache"));
    }
    Ok(Verdict::ok())
}

async fn events(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("event: greeting\nid: 1\ndata: hello\n\n").await;
    let first = bench.expect("hello").await?;
    peer.send("data: there\n\n").await;
    let second = bench.expect("there").await?;
    if (first.event_type.as_str(), second.event_type.as_str()) != ("greeting", "message") {
        let seen = format_args!("types {:?} and {:?}", first.event_type, second.event_type);
        return Ok(Verdict::failed(seen));
    }
    Ok(match first.id.as_deref() {
        Some("1") => Verdict::ok(),
        None => Verdict::informational("the client prints no ids"),
        Some(id) => Verdict::failed(format_args!("last event ID {id:?} instead of \"1\"")),
    })
}

async fn accepted(bench: &mut Bench, response: String) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(response).await;
    peer.send("data: \u{2713}\n\n").await;
    bench.expect("\u{2713}").await?;
    Ok(Verdict::ok())
}

async fn retried(bench: &mut Bench, response: String) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(response).await;
    peer.end().await;
    let again = if bench.has_variant() {
        bench.request().await?
    } else {
        match bench.stopped().await {
            Err(again) => again,
            Ok(()) => {
                return Err(Verdict::not_applicable(
                    "it does not retry by itself; what makes it do so, say with --variant 'C06=...'",
                ));
            }
        }
    };
    let waited = again.at.duration_since(peer.ended);
    if waited.as_millis() < 950 {
        let seen = format_args!(
            "Retry-After: 1 ignored, back after {} ms",
            waited.as_millis()
        );
        return Ok(Verdict::non_strict(seen));
    }
    Ok(Verdict::ok())
}

async fn refused_later(bench: &mut Bench, response: String) -> Outcome {
    bench.answer("retry: 100\n\n").await?;
    let mut peer = bench.request().await?;
    refuse(bench, &mut peer, &response, false).await
}

async fn gzip(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    if !peer.request.has_token("accept-encoding", "gzip") {
        return Ok(Verdict::ok());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder
        .write_all(b"data: packed\n\n")
        .and_then(|()| encoder.finish())
        .unwrap_or_default();
    let fields = ["Content-Type: text/event-stream", "Content-Encoding: gzip"];
    peer.send(head("200 OK", &fields)).await;
    peer.send(compressed).await;
    peer.end().await;
    bench.expect("packed").await?;
    Ok(Verdict::ok())
}

async fn read_timeout(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("retry: 100\n\n").await;
    let silent_since = Instant::now();
    if !bench.has_variant() {
        return Ok(Verdict::informational(match bench.stopped().await {
            Ok(()) => {
                let waited = crate::units::seconds(silent_since.elapsed());
                format!(
                    "it still waits after {waited} of silence; --variant 'C44=...' sets a timeout"
                )
            }
            Err(again) => {
                let waited = again.at.duration_since(silent_since);
                format!(
                    "it came back after {} of silence",
                    crate::units::seconds(waited)
                )
            }
        }));
    }
    let again = bench.request().await?;
    let waited = again.at.duration_since(silent_since).as_millis();
    if waited < 950 {
        return Ok(Verdict::failed(format_args!(
            "it came back after {waited} ms"
        )));
    }
    Ok(Verdict::ok())
}

async fn endless_line(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("data: ").await;
    let piece = vec![b'x'; 64 << 10];
    let mut sent = 0;
    let mut closed = false;
    let give_up = Instant::now() + ENDLESS_TIME;
    while sent < ENDLESS && !closed && Instant::now() < give_up {
        closed = !peer.send(&piece).await;
        sent += piece.len();
    }
    let peak = bench.peak_memory();
    let peak = peak.map_or(String::new(), |peak| {
        format!(", having held {} of memory", bytes(peak as f64))
    });
    let line = bytes(sent as f64);
    Ok(if closed {
        let seen = format_args!("it closed, or read no more, after {line}{peak}");
        Verdict::new(Grade::Ok, seen)
    } else {
        Verdict::non_strict(format_args!("it took {line}{peak}: no limit was met"))
    })
}

async fn post(bench: &mut Bench) -> Outcome {
    for _ in 0..2 {
        let mut peer = bench.request().await?;
        let body = peer.body().await;
        let (method, field) = (peer.request.method.clone(), peer.text("x-check"));
        if (method.as_str(), field.as_deref(), body.as_slice()) != ("POST", Some("pong"), b"ping") {
            let body = String::from_utf8_lossy(&body).into_owned();
            let seen = format_args!("{method}, X-Check {field:?}, body {body:?}");
            return Ok(Verdict::failed(seen));
        }
        peer.send(STREAM).await;
        peer.send("retry: 100\n\n").await;
        peer.end().await;
    }
    Ok(Verdict::ok())
}

async fn initial_id(bench: &mut Bench) -> Outcome {
    for _ in 0..2 {
        let peer = bench.answer("retry: 100\n\n").await?;
        peer.expect_last_event_id(Some("seven"))?;
    }
    Ok(Verdict::ok())
}

/// The client was told to close on its first event, by whatever it calls so.
async fn closed_by_handler(bench: &mut Bench) -> Outcome {
    let mut peer = bench.request().await?;
    peer.send(STREAM).await;
    peer.send("retry: 100\ndata: one\n\ndata: two\n\ndata: three\n\n")
        .await;
    bench.expect("one").await?;
    peer.end().await;
    if let Err(again) = bench.stopped().await {
        let ms = again.at.duration_since(peer.ended).as_millis();
        return Ok(Verdict::failed(format_args!(
            "it asked again after {ms} ms"
        )));
    }
    Ok(match bench.printed().await {
        Some(event) => Verdict::failed(format_args!("{:?} was dispatched too", event.data)),
        None => Verdict::ok(),
    })
}

/// From outside, closing is ending the program.
async fn closed_while_waiting(bench: &mut Bench) -> Outcome {
    bench.answer("retry: 3000\ndata: a\n\n").await?;
    bench.expect("a").await?;
    if bench
        .no_request_for(Duration::from_millis(500))
        .await
        .is_err()
    {
        return Err(Verdict::not_applicable(
            "it did not wait for 3 s, as it was told",
        ));
    }
    let asked = Instant::now();
    if !bench.terminate() {
        let why = "it had ended, or this system has no way to ask a program to end";
        return Err(Verdict::not_applicable(why));
    }
    if let Err(again) = bench.stopped().await {
        let ms = again.at.duration_since(asked).as_millis();
        let seen = format_args!("it made a request {ms} ms after it was asked to end");
        return Ok(Verdict::failed(seen));
    }
    Ok(if bench.ended().await {
        Verdict::ok()
    } else {
        Verdict::non_strict("it made no request, and did not end")
    })
}
