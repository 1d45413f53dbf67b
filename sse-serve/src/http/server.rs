//! The listener, and the life of a server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::error::StartError;
use crate::http::auth::Authenticator;
use crate::http::check::check_address;
use crate::http::connection::{self, Bounds};
use crate::http::embed::open_hub;
use crate::http::pace::Pace;
use crate::http::router::router;
use crate::http::tls::Tls;
use crate::hub::Hub;
use crate::sys;
use crate::writer::{self, Writers};

/// Connections that may wait to be accepted: a thousand clients that come back
/// at once shall not meet a refusal.
const BACKLOG: u32 = 4096;

/// After the drain, the time for last writes to slow readers.
const GRACE: Duration = Duration::from_secs(1);

/// The pause after a failed accept, as when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Between two warnings of that.
const ACCEPT_SILENCE: Duration = Duration::from_secs(60);

/// A hub that listens.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let mut config = sse_serve::Config::default();
/// config.listen = "127.0.0.1:0".to_owned();
/// let server = sse_serve::Server::bind(config).await?;
/// println!("listening on http://{}", server.local_addr());
///
/// let hub = server.hub();
/// hub.publish(&[sse_serve::Publication::new("hello")]).await?;
/// server.run(async { /* returns when it shall stop */ }).await;
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    hub: Hub,
    tls: Option<Tls>,
    writers: Arc<Writers>,
    config: Config,
    auth: Option<Arc<Authenticator>>,
    /// When it last said that it cannot accept connections.
    warned: Mutex<Option<Instant>>,
}

impl Server {
    /// Takes the address. Clients can connect from now on and are served once
    /// [`Server::run`] is polled.
    ///
    /// # Errors
    /// [`StartError`] if the address cannot be listened on, or not without
    /// [`Config::allow_anonymous`], the path cannot be routed, an origin or a pattern
    /// of topics is none, a secret cannot be read, the limits contradict one another,
    /// the certificate or its key cannot be used, or the log cannot be opened.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let auth = Authenticator::new(&config.auth)?.map(Arc::new);
        let tls = Tls::load(&config)?;
        let refused = |cause| StartError::Listen {
            address: config.listen.clone(),
            cause,
        };
        let addresses = tokio::net::lookup_host(&config.listen).await;
        let addresses: Vec<SocketAddr> = addresses.map_err(refused)?.collect();
        check_address(&config, &addresses)?;
        let listener = listen(&addresses).map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        let hub = open_hub(&config)?;
        let options = writer::Options {
            threads: config.writer_threads.get(),
            write_timeout: config.write_timeout,
            flush_interval: config.flush_interval,
        };
        let writers = Writers::start(&hub, options).map_err(StartError::Writer)?;
        Ok(Self {
            listener,
            local_addr,
            hub,
            writers: Arc::new(writers),
            tls,
            config,
            auth,
            warned: Mutex::default(),
        })
    }

    /// Where it listens, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `http`, or `https` where it has a certificate.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Its certificate, if it has one, to be read anew when it is renewed.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// The hub it serves.
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }

    /// Serves until `shutdown` completes, then drains: over
    /// [`HubConfig::drain`](crate::HubConfig::drain) every stream is told a
    /// reconnection time and closed. Returns when the last connection has
    /// ended, or a second after the drain at the latest.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let router = router(
            self.hub.clone(),
            &self.config,
            self.local_addr.ip().is_loopback(),
            self.auth.clone(),
        );
        let accept_rate = self.config.limits.accept_rate;
        let mut pace = accept_rate.map(|rate| Pace::new(rate, Instant::now()));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                // In this order, or a signal could come before its handler.
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                stream = self.accept(&mut pace) => self.spawn(&mut connections, stream, &router),
            }
        }
        let open = self.hub.connections();
        tracing::info!(connections = open, "draining");
        self.hub.drain();
        let deadline = tokio::time::sleep(self.config.hub.drain.saturating_add(GRACE));
        let mut deadline = std::pin::pin!(deadline);
        while !connections.is_empty() || self.writers.open() > 0 {
            tokio::select! {
                () = &mut deadline => {
                    let left = connections.len() + self.writers.open();
                    tracing::info!(connections = left, "cut after the drain");
                    break;
                }
                Some(_) = connections.join_next() => {}
                () = self.writers.emptied(), if self.writers.open() > 0 => {}
                stream = self.accept(&mut pace) => self.spawn(&mut connections, stream, &router),
            }
        }
    }

    /// The next connection, when the accept rate has room for it.
    async fn accept(&self, pace: &mut Option<Pace>) -> (TcpStream, SocketAddr) {
        let metrics = self.hub.metrics();
        loop {
            let ready = pace.as_ref().map(Pace::ready);
            let is_late = ready.is_some_and(|ready| ready > Instant::now());
            if let Some(ready) = ready.filter(|_| is_late) {
                tokio::time::sleep_until(ready.into()).await;
            }
            let waiting = self.listener.accept().now_or_never();
            let delayed = is_late && waiting.is_some();
            let accepted = match waiting {
                Some(accepted) => accepted,
                None => self.listener.accept().await,
            };
            match accepted {
                Ok(accepted) => {
                    metrics.accepted.inc();
                    metrics.accepts_delayed.inc_by(delayed.into());
                    if let Some(pace) = pace {
                        pace.took(Instant::now());
                    }
                    return accepted;
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    metrics.accepts_failed.inc();
                    self.warn_of_accepts(&error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// At most once in a while: what holds one up holds up many.
    fn warn_of_accepts(&self, error: &io::Error) {
        let now = Instant::now();
        let is_new = |before: Instant| now.duration_since(before) >= ACCEPT_SILENCE;
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(is_new) {
            *warned = Some(now);
            tracing::warn!(
                %error,
                open_files = sys::open_files_max(),
                "cannot accept connections, which wait until others end; raise the open-file \
                 limit, or lower --max-connections and --header-timeout"
            );
        }
    }

    fn spawn(
        &self,
        connections: &mut JoinSet<()>,
        (stream, peer): (TcpStream, SocketAddr),
        router: &Router,
    ) {
        let config = &self.config;
        if let Err(error) = sys::prepare(&stream, config.write_timeout) {
            tracing::debug!(%peer, %error, "the peer is gone already");
            return;
        }
        connections.spawn(connection::serve(
            stream,
            peer,
            self.tls.clone(),
            router.clone(),
            self.hub.clone(),
            Arc::clone(&self.writers),
            Bounds {
                head_bytes: config.limits.head_bytes,
                header_timeout: config.header_timeout,
                write_timeout: config.write_timeout,
                streams: config.limits.http2_streams,
            },
        ));
    }
}

fn listen(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut refusal = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for &address in addresses {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows the option would let another process take the port over.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
