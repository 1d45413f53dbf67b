//! V39: many streams on one connection of HTTP/2, where it is offered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::Response;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::ask::Ask;
use super::site::Shared;
use super::{Case, Verdict};
use crate::conform::grade::{Grade, Outcome};
use crate::connect::secure;
use crate::stream::Stream;

/// Streams on one connection: what RFC 9113 §6.5.2 recommends to allow.
const STREAMS: usize = 100;
/// How much later than on the first something may come on the others.
const LATER: Duration = Duration::from_secs(5);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame (RFC 9113 §6.5).
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

pub(super) fn cases() -> Vec<Case> {
    vec![Case::live(
        "V39",
        "100 streams on one connection of HTTP/2 are all served",
        "RFC 9113 §6.5.2: no fewer than 100 are recommended; §8.2.2: no connection-specific fields",
        |site| Box::pin(http2(site)),
    )]
}

async fn http2(site: Shared) -> Outcome {
    let offered = if site.is_secure() {
        by_alpn(&site).await
    } else {
        by_preface(&site).await
    };
    let stream = offered.ok_or_else(|| Verdict::not_applicable("HTTP/2 is not offered"))?;
    let broken = |error: h2::Error| Verdict::failed(format_args!("HTTP/2: {error}"));
    let begun = timeout(site.patience, h2::client::handshake(stream)).await;
    let late = |_| Verdict::failed("HTTP/2: no handshake in time");
    let (mut sender, connection) = begun.map_err(late)?.map_err(broken)?;
    // It ends when the sender and all streams are gone.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let ask = site.ask();
    let mut answers = JoinSet::new();
    for _ in 0..STREAMS {
        let Some(answer) = request(&site, &mut sender, &ask).await? else {
            break;
        };
        let patience = site.patience;
        answers.spawn(async move { timeout(patience, answer).await });
    }
    let mut open = Vec::new();
    let mut refused = None;
    while let Some(answer) = answers.join_next().await {
        match answer {
            Ok(Ok(Ok(response))) => {
                let content_type = response.headers().get("content-type");
                let content_type = content_type.map(|value| value.as_bytes().to_owned());
                let content_type = String::from_utf8(content_type.unwrap_or_default());
                let content_type = content_type.unwrap_or_default();
                if response.status() == 200 && content_type.starts_with("text/event-stream") {
                    open.push(response);
                } else {
                    refused = Some(format!("{} with {content_type}", response.status()));
                }
            }
            Ok(Ok(Err(error))) if error.is_reset() || error.is_library() => {
                return Ok(Verdict::failed(format_args!("HTTP/2: {error}")));
            }
            Ok(Ok(Err(error))) => refused = Some(error.to_string()),
            Ok(Err(_)) => refused = Some("no answer in time".to_owned()),
            Err(error) => refused = Some(error.to_string()),
        }
    }
    let served = open.len();
    let silent = silent(&mut open, site.patience).await;
    if let Some(refused) = refused {
        let seen =
            format_args!("{served} of {STREAMS} streams were served; one was not: {refused}");
        return Ok(Verdict::non_strict(seen));
    }
    if served < STREAMS {
        let seen = format_args!("the connection takes {served} of {STREAMS} streams");
        return Ok(Verdict::non_strict(seen));
    }
    if silent > 0 {
        let seen =
            format_args!("nothing came on {silent} of {STREAMS} streams, while others flowed");
        return Ok(Verdict::non_strict(seen));
    }
    // One is reset; there must be room for another.
    open.pop();
    let patience = site.patience.min(Duration::from_secs(5));
    let again = match request(&site, &mut sender, &ask).await? {
        Some(answer) => timeout(patience, answer).await,
        None => {
            return Ok(Verdict::non_strict(
                "after one was reset, no other is taken",
            ));
        }
    };
    Ok(match again {
        Ok(Ok(response)) if response.status() == 200 => Verdict::new(
            Grade::Ok,
            format_args!("{STREAMS} streams, and one after a reset"),
        ),
        Ok(Ok(response)) => Verdict::non_strict(format_args!(
            "after one was reset, another gets {}",
            response.status()
        )),
        Ok(Err(error)) => Verdict::non_strict(format_args!("after one was reset: {error}")),
        Err(_) => Verdict::non_strict("after one was reset, another gets no answer"),
    })
}

/// On how many of them nothing comes, where something comes on others. Those are reset.
async fn silent(open: &mut Vec<Response<RecvStream>>, patience: Duration) -> usize {
    let all = open.len();
    let mut waiting = JoinSet::new();
    for mut response in open.drain(..) {
        waiting.spawn(async move {
            let came = matches!(response.body_mut().data().await, Some(Ok(_)));
            came.then_some(response)
        });
    }
    let mut until = Instant::now() + patience;
    while let Ok(Some(came)) = timeout_at(until, waiting.join_next()).await {
        if let Ok(Some(response)) = came {
            open.push(response);
            // Heartbeats of streams that began together come together.
            until = until.max(Instant::now() + LATER);
        }
    }
    waiting.shutdown().await;
    if open.is_empty() { 0 } else { all - open.len() }
}

/// `None` where the connection takes no more streams for now.
async fn request(
    site: &Shared,
    sender: &mut SendRequest<Bytes>,
    ask: &Ask,
) -> Result<Option<ResponseFuture>, Verdict> {
    let patience = site.patience.min(Duration::from_secs(5));
    let ready = timeout(patience, std::future::poll_fn(|cx| sender.poll_ready(cx))).await;
    match ready {
        Err(_) => return Ok(None),
        Ok(ready) => {
            ready.map_err(|error| Verdict::failed(format_args!("HTTP/2: {error}")))?;
        }
    }
    let request = ask.to_http2(&site.target);
    let request =
        request.ok_or_else(|| Verdict::not_applicable("the fields given do not go with HTTP/2"))?;
    let has_body = !ask.body().is_empty();
    let sent = sender.send_request(request, !has_body);
    let (answer, mut body) =
        sent.map_err(|error| Verdict::failed(format_args!("HTTP/2: {error}")))?;
    if has_body {
        let body_bytes = Bytes::copy_from_slice(ask.body());
        let sent = body.send_data(body_bytes, true);
        sent.map_err(|error| Verdict::failed(format_args!("HTTP/2: {error}")))?;
    }
    Ok(Some(answer))
}

/// A connection on which TLS agreed on HTTP/2.
async fn by_alpn(site: &Shared) -> Option<Stream> {
    let tls = site.tls().as_ref().ok()?;
    let mut config = ClientConfig::clone(tls);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tls = Ok(Arc::new(config));
    let socket = site.socket().await.ok()?;
    let secured = timeout(site.patience, secure(&tls, &site.target.url, socket)).await;
    let stream = secured.ok()?.ok()?;
    let agreed = stream.protocol() == Some(b"h2");
    agreed.then_some(stream)
}

/// A connection whose server answers the preface of HTTP/2 in kind.
async fn by_preface(site: &Shared) -> Option<Stream> {
    let mut trial = site.socket().await.ok()?;
    trial.write_all(PREFACE).await.ok()?;
    trial.write_all(SETTINGS).await.ok()?;
    let mut frame = [0; 9];
    let read = timeout(
        site.patience.min(Duration::from_secs(2)),
        trial.read_exact(&mut frame),
    );
    read.await.ok()?.ok()?;
    let is_settings = frame[3] == 4 && frame[5..] == [0; 4];
    if !is_settings {
        return None;
    }
    Some(Stream::Plain(site.socket().await.ok()?))
}
