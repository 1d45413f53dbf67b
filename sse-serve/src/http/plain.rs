//! HTTP/1 on a bare socket, until a stream begins there, which the writers go on
//! with.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::http::connection::{Bounds, Deadlined, count};
use crate::http::handover::{Plain, Stage};
use crate::hub::Hub;
use crate::metrics::OpenSocket;
use crate::writer::Writers;

/// Serves HTTP/1 until either end closes, or until a stream begins. A client that
/// half-closes is gone: nothing tells it from one that went away.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    hub: Hub,
    writers: &Writers,
    bounds: Bounds,
    open: OpenSocket,
) {
    // A newcomer still gets its one answer.
    let is_late = hub.is_draining();
    let stage = Arc::new(Stage::default());
    let mut connection = begin(stream, peer, router, &stage, bounds, !is_late);
    let mut drained = pin!(hub.drained());
    let mut is_drained = is_late;
    let ended = poll_fn(|context| {
        if !is_drained && drained.as_mut().poll(context).is_ready() {
            is_drained = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        poll(&mut connection, &stage, context)
    })
    .await;
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            count(&error, &hub);
            tracing::debug!(%peer, %error, "connection ended");
        }
        None => {
            // What else was read is dropped: the head says that nothing follows.
            let stream = connection.into_parts().io.into_inner();
            let Some(taken) = stage.take() else { return };
            match stream.stream.into_inner().into_std() {
                Ok(stream) => writers.take(taken.with(stream, open)),
                Err(error) => tracing::debug!(%peer, %error, "connection ended"),
            }
        }
    }
}

type Http1<S> = http1::Connection<TokioIo<Watched<S>>, Plain>;

fn begin<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    stage: &Arc<Stage>,
    bounds: Bounds,
    keep_alive: bool,
) -> Http1<S> {
    let stream = Watched {
        stream: Deadlined::new(stream, bounds.write_timeout),
        stage: Arc::clone(stage),
    };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_buf_size(bounds.head_bytes)
        .keep_alive(keep_alive)
        .serve_connection(
            TokioIo::new(stream),
            Plain::new(peer, router, Arc::clone(stage)),
        )
}

/// Ready with `None` once the stream can be taken from hyper.
fn poll<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Http1<S>,
    stage: &Stage,
    context: &mut Context<'_>,
) -> Poll<Option<hyper::Result<()>>> {
    match Pin::new(connection).poll(context) {
        Poll::Ready(served) => Poll::Ready(Some(served)),
        Poll::Pending if stage.is_ready() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    }
}

/// Keeps in mind whether hyper's last word was a flush.
#[derive(Debug)]
struct Watched<S> {
    stream: Deadlined<S>,
    stage: Arc<Stage>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stage.set_flushed(false);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stage.set_flushed(false);
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stage.set_flushed(true);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use std::time::{Duration, Instant};

    use super::*;
    use crate::config::Config;
    use crate::http::router::router;
    use crate::hub::HubConfig;

    #[tokio::test]
    async fn a_stream_is_not_taken_from_hyper_before_all_answers_are_out() {
        let hub = Hub::new(HubConfig::default());
        // Takes less than one answer.
        let (mut client, server) = tokio::io::duplex(64);
        let bounds = Bounds {
            head_bytes: 16 << 10,
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            streams: 1,
        };
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let router = router(hub.clone(), &Config::default(), true, None);
        let stage = Arc::new(Stage::default());
        let mut connection = begin(server, peer, router, &stage, bounds, true);
        let mut step = || {
            let polled = poll_fn(|context| poll(&mut connection, &stage, context));
            polled.now_or_never()
        };
        let head = "Host: localhost\r\n\r\n";
        let asked = [
            format!("HEAD /health HTTP/1.1\r\n{head}"),
            format!("HEAD /ready HTTP/1.1\r\n{head}"),
            format!("GET /events HTTP/1.1\r\n{head}"),
        ]
        .concat();
        for bytes in asked.as_bytes().chunks(64) {
            client.write_all(bytes).await.unwrap();
            assert!(step().is_none());
        }
        let mut answered = Vec::new();
        let deadline = Instant::now() + testing::PATIENCE;
        let ended = loop {
            assert!(Instant::now() < deadline, "it does not end");
            let mut buffer = [0; 16];
            let read = client.read(&mut buffer).now_or_never();
            answered.extend_from_slice(&buffer[..read.map_or(0, Result::unwrap)]);
            if let Some(ended) = step() {
                break ended;
            }
            tokio::task::yield_now().await;
        };
        assert!(ended.is_none());
        let mut rest = [0; 64];
        let left = client.read(&mut rest).now_or_never();
        answered.extend_from_slice(&rest[..left.map_or(0, Result::unwrap)]);
        let answered = String::from_utf8(answered).unwrap();
        assert_eq!(answered.matches("HTTP/1.1 200 OK\r\n").count(), 2);
        assert!(answered.ends_with("\r\n\r\n"), "{answered}");
    }
}
