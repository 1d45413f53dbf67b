//! One TCP connection, from its acceptance to its end.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::http::problem::Problem;
use crate::http::protocol::{self, NotOpened, Opened};
use crate::http::publish::discard_rest;
use crate::http::tls::Tls;
use crate::http::{http2, plain};
use crate::hub::Hub;
use crate::metrics::Refusal;
use crate::writer::Writers;

/// Serves what the client speaks until either end closes.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    hub: Hub,
    writers: Arc<Writers>,
    bounds: Bounds,
) {
    let open = hub.metrics().open_socket();
    let opened = tokio::select! {
        biased;
        opened = protocol::open(stream, tls.as_ref(), &bounds) => opened,
        // A newcomer still gets its one answer.
        () = hub.drained(), if !hub.is_draining() => return,
    };
    // What is not plain HTTP/1 is boxed, or every connection would have the room
    // for it.
    match opened {
        Ok(Opened::Http1(stream)) => {
            plain::serve(stream, peer, router, hub, &writers, bounds, open).await;
        }
        Ok(Opened::Http1OverTls(stream)) => {
            Box::pin(http1(*stream, peer, router, hub, bounds)).await;
        }
        Ok(Opened::Http2(stream)) => {
            let stream = Deadlined::new(stream, bounds.write_timeout);
            Box::pin(http2::serve(stream, peer, router, hub, bounds)).await;
        }
        Ok(Opened::Http2OverTls(stream)) => {
            Box::pin(http2::serve(*stream, peer, router, hub, bounds)).await;
        }
        Ok(Opened::NoTls(stream)) => {
            hub.metrics().refuse(Refusal::NoTls);
            let stream = Deadlined::new(stream, bounds.write_timeout);
            Box::pin(http1(stream, peer, no_tls(), hub, bounds)).await;
        }
        Err(cause) => {
            count_unopened(&cause, &hub);
            tracing::debug!(%peer, %cause, "not opened");
        }
    }
}

/// Serves HTTP/1 until either end closes. A client that half-closes is gone:
/// nothing tells it from one that went away.
async fn http1<S>(stream: S, peer: SocketAddr, router: Router, hub: Hub, bounds: Bounds)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A newcomer still gets its one answer.
    let is_late = hub.is_draining();
    let io = TokioIo::new(stream);
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.header_timeout)
            .max_buf_size(bounds.head_bytes)
            .keep_alive(!is_late)
            .serve_connection(io, OfPeer::new(peer, router))
    );
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        () = hub.drained(), if !is_late => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        count(&error, &hub);
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// What one connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of the request head, and of what is buffered towards a slow reader.
    pub(super) head_bytes: usize,
    pub(super) header_timeout: Duration,
    pub(super) write_timeout: Duration,
    /// Streams at the same time on one HTTP/2 connection.
    pub(super) streams: u32,
}

/// Tells whoever speaks HTTP to a TLS port so, and closes.
fn no_tls() -> Router {
    Router::new().fallback(async |request: axum::extract::Request| {
        discard_rest(request.into_body()).await;
        let problem = Problem::bad_request("this port speaks TLS; use an https:// URL");
        ([(CONNECTION, "close")], problem)
    })
}

fn count_unopened(cause: &NotOpened, hub: &Hub) {
    let metrics = hub.metrics();
    match cause {
        NotOpened::Closed => {}
        NotOpened::Silent => metrics.refuse(Refusal::HeadTime),
        NotOpened::SlowHandshake | NotOpened::Handshake(_) => {
            metrics.handshakes_failed.inc();
        }
    }
}

pub(super) fn count(error: &hyper::Error, hub: &Hub) {
    let metrics = hub.metrics();
    if error.is_parse_too_large() {
        metrics.refuse(Refusal::HeadSize);
    } else if error.is_timeout() {
        metrics.refuse(Refusal::HeadTime);
    } else if is_stalled(error) {
        metrics.write_timeouts.inc();
    }
}

/// Whether a write stood still for too long, by our clock or the system's.
pub(super) fn is_stalled(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref());
    source.is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
}

/// The router, told who asks.
#[derive(Debug)]
pub(super) struct OfPeer {
    peer: ConnectInfo<SocketAddr>,
    router: TowerToHyperService<Router>,
}

impl OfPeer {
    pub(super) fn new(peer: SocketAddr, router: Router) -> Self {
        Self {
            peer: ConnectInfo(peer),
            router: TowerToHyperService::new(router),
        }
    }
}

impl Service<Request<Incoming>> for OfPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}

/// A stream whose writes may not stand still for longer than `timeout`.
#[derive(Debug)]
pub(super) struct Deadlined<S = TcpStream> {
    stream: S,
    timeout: Duration,
    /// Set while a write stands still.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Deadlined<S> {
    pub(super) fn new(stream: S, timeout: Duration) -> Self {
        Self {
            stream,
            timeout,
            stalled: None,
        }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    fn watch<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.timeout;
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deadlined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deadlined<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
