//! One HTTP/2 connection (RFC 9113): many streams, each with a deadline of its
//! own.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http2;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::http::connection::{Bounds, OfPeer, is_stalled};
use crate::http::streams::{PIECE, Piecewise, Streams};
use crate::hub::Hub;

/// What may wait for the socket, per stream.
const SEND_MAX: usize = 2 * PIECE;

/// What a publisher may send ahead of being read (RFC 9113 §6.9.2): on one
/// stream, and on all of a connection together.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// Serves HTTP/2 until either end closes. The settings of h2 against floods of
/// CONTINUATION frames and of resets stay as they are.
pub(super) async fn serve<S>(stream: S, peer: SocketAddr, router: Router, hub: Hub, bounds: Bounds)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let is_late = hub.is_draining();
    let streams = Streams::new(hub.metrics().write_timeouts.clone(), bounds.write_timeout);
    let router = OfPeer::new(peer, router);
    let service = service_fn(move |request| {
        let answer = router.call(request);
        async move { answer.await.map(|response| response.map(Piecewise::new)) }
    });
    let (ping, pong) = keep_alive(bounds.write_timeout);
    let head_bytes = u32::try_from(bounds.head_bytes).unwrap_or(u32::MAX);
    let mut connection = pin!(
        http2::Builder::new(streams.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(bounds.streams)
            .max_header_list_size(head_bytes)
            .max_send_buf_size(SEND_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(ping)
            .keep_alive_timeout(pong)
            .serve_connection(TokioIo::new(stream), service)
    );
    // A newcomer still gets its answers, and learns that there will be no more.
    let mut closing = is_late;
    if closing {
        connection.as_mut().graceful_shutdown();
    }
    let mut drained = pin!(hub.drained());
    let mut idle = tokio::time::interval(bounds.header_timeout);
    idle.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    idle.tick().await;
    let served = loop {
        tokio::select! {
            biased;
            served = connection.as_mut() => break served,
            () = &mut drained, if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            // Slow heads too, of which nothing else is to be seen here.
            _ = idle.tick() => {
                if streams.were_idle() {
                    if closing {
                        tracing::debug!(%peer, "an idle connection did not close");
                        return;
                    }
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    };
    if let Err(error) = served {
        // A timeout is that of a PING.
        if error.is_timeout() || is_stalled(&error) {
            hub.metrics().write_timeouts.inc();
        }
        tracing::debug!(%peer, %error, cause = error.source(), "connection ended");
    }
}

/// The silence before a PING (RFC 9113 §6.7), and the time for its answer. Both
/// together are the time after which a write that stands still is given up.
fn keep_alive(write_timeout: Duration) -> (Duration, Duration) {
    let silence = write_timeout / 4;
    (silence, silence * 3)
}
