//! Accepting clients, one request after another on each connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::client::{BadRequest, Inbox};
use super::exchange::{self, Next};
use super::response::problem;
use super::shared::Shared;

/// A connection without a whole request for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client may still send after the last response, so that it reads
/// this before it learns of the close (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
/// The pause after an accept that failed for want of descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// Serves for ever. Beyond `most` connections, further ones wait in the
/// system's queue until one ends.
pub(super) async fn serve(listener: TcpListener, most: usize, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(most));
    loop {
        if room.available_permits() == 0 {
            shared.log.line(format_args!(
                "all {most} connections are taken: further ones wait; --max-connections allows more"
            ));
        }
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    connection(stream, &shared).await;
                    drop(permit);
                });
            }
            Err(error) => {
                shared.log.line(format_args!("cannot accept: {error}"));
                sleep(BREATH).await;
            }
        }
    }
}

async fn connection(mut stream: TcpStream, shared: &Arc<Shared>) {
    shared.counters.connections.fetch_add(1, Ordering::Relaxed);
    // Each write is a segment of its own, as far as the system allows.
    let _ = stream.set_nodelay(true);
    let mut inbox = Inbox::default();
    loop {
        let request = match timeout(IDLE, inbox.request(&mut stream)).await {
            Ok(Ok(request)) => request,
            Ok(Err(BadRequest::Refused(status, detail))) => {
                let _ = refuse(&mut stream, status, &detail).await;
                return close(stream).await;
            }
            Ok(Err(BadRequest::Gone)) | Err(_) => return,
        };
        match exchange::answer(&mut stream, &mut inbox, request, shared).await {
            Next::Request => {}
            Next::Close => return close(stream).await,
            Next::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
        }
    }
}

async fn refuse(stream: &mut TcpStream, status: StatusCode, detail: &str) -> io::Result<()> {
    let body = problem(status, detail);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}

/// Closing with bytes unread would reset the connection and could take from the
/// client what was sent to it.
async fn close(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut sink = [0; 4096];
    let drain = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
    let _ = timeout(LINGER, drain).await;
}
