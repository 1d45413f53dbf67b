//! From a URL to a connected, where need be TLS-secured socket.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::failure::{Failure, Kind};
use crate::http2::{Lease, Pool, Sharing};
use crate::live::Live;
use crate::report::invocation::shown_url;
use crate::stream::{Socket, Stream};
use crate::transport::Transport;

/// Hosts whose addresses a thread remembers; redirects may lead to many.
const MOST_HOSTS: usize = 64;

/// TLS settings, or why there are none.
pub type Tls = Result<Arc<ClientConfig>, String>;

/// Opens the connections of one thread.
#[derive(Debug)]
pub struct Connector {
    transport: Transport,
    /// Addresses by host and port; the one that last worked is first.
    hosts: RefCell<HashMap<(String, u16), Vec<SocketAddr>>>,
    pool: Option<Pool>,
    /// Connections begun for the pool.
    dialed: Cell<u64>,
}

/// What a request can be sent on.
#[derive(Debug)]
pub enum Link {
    /// A connection of its own.
    Http1(Stream),
    /// A stream of a connection that is shared.
    Http2(Lease),
}

impl Connector {
    /// A connector that knows the addresses of the first target.
    pub fn new(transport: &Transport, url: &Url, addresses: Vec<SocketAddr>) -> Self {
        let hosts = match transport.host_and_port(url) {
            Ok(key) => HashMap::from([(key, addresses)]),
            Err(_) => HashMap::new(),
        };
        Self {
            hosts: RefCell::new(hosts),
            pool: transport.http2.map(Pool::new),
            dialed: Cell::new(0),
            transport: transport.clone(),
        }
    }

    /// A connection of its own, or over HTTP/2 a stream of one with room for it.
    /// A connected socket is counted in `live` even if no request can be sent on it.
    pub async fn connect(&self, url: &Url, slot: u32, live: &Live) -> Result<Link, Failure> {
        let dial = || self.dial(url, slot, live);
        match &self.pool {
            None => dial().await.map(Link::Http1),
            Some(pool) => {
                let lease = pool.lease(&url.origin(), dial).await;
                lease.map(Link::Http2)
            }
        }
    }

    /// What became of HTTP/2 connections.
    pub fn sharing(&self) -> Sharing {
        self.pool.as_ref().map(Pool::sharing).unwrap_or_default()
    }

    /// Connects, trying each address of the host in turn.
    async fn dial(&self, url: &Url, slot: u32, live: &Live) -> Result<Stream, Failure> {
        if let Some(path) = &self.transport.unix_socket {
            let socket = connect_unix(path).await?;
            live.connected.add(1);
            return secure(&self.transport.tls, url, socket).await;
        }
        let key = self.transport.host_and_port(url)?;
        let known = self.hosts.borrow().get(&key).cloned();
        let addresses = match known {
            Some(addresses) => addresses,
            None => self.remember(&key, self.transport.resolve(url).await?),
        };
        let local = &self.transport.local;
        let turn = match &self.pool {
            None => u64::from(slot),
            // Slots share connections: these take turns.
            Some(_) => self.dialed.replace(self.dialed.get() + 1),
        };
        let mut failure = None;
        for (index, address) in addresses.iter().enumerate() {
            match local
                .connect(turn, *address, self.transport.receive_buffer)
                .await
            {
                Ok(socket) => {
                    live.connected.add(1);
                    if index > 0 {
                        self.prefer(&key, *address);
                    }
                    return secure(&self.transport.tls, url, Socket::Tcp(socket)).await;
                }
                Err(error) => failure = Some(Failure::connecting(&error, address)),
            }
        }
        Err(failure
            .unwrap_or_else(|| Failure::new(Kind::Dns, format_args!("{}: no address", key.0))))
    }

    fn remember(&self, key: &(String, u16), addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let mut hosts = self.hosts.borrow_mut();
        if hosts.len() >= MOST_HOSTS {
            hosts.clear();
        }
        hosts.insert(key.clone(), addresses.clone());
        addresses
    }

    fn prefer(&self, key: &(String, u16), address: SocketAddr) {
        if let Some(addresses) = self.hosts.borrow_mut().get_mut(key)
            && let Some(index) = addresses.iter().position(|known| *known == address)
        {
            addresses.swap(0, index);
        }
    }
}

#[cfg(unix)]
pub(crate) async fn connect_unix(path: &Path) -> Result<Socket, Failure> {
    let socket = tokio::net::UnixStream::connect(path).await;
    socket
        .map(Socket::Unix)
        .map_err(|error| Failure::connecting(&error, path.display()))
}

#[cfg(not(unix))]
pub(crate) async fn connect_unix(path: &Path) -> Result<Socket, Failure> {
    let none = format_args!("{}: this system has no Unix sockets", path.display());
    Err(Failure::new(Kind::Connect, none))
}

/// Puts TLS on a connected socket where the URL asks for it.
pub(crate) async fn secure(tls: &Tls, url: &Url, socket: Socket) -> Result<Stream, Failure> {
    if let Socket::Tcp(socket) = &socket {
        // Requests are written whole; waiting for more would only delay them.
        let _ = socket.set_nodelay(true);
    }
    if url.scheme() != "https" {
        return Ok(Stream::Plain(socket));
    }
    let tls = tls
        .as_ref()
        .map_err(|error| Failure::new(Kind::Tls, error))?;
    let name = url.host_str().unwrap_or_default();
    let name = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let name = ServerName::try_from(name).map_err(|error| Failure::new(Kind::Tls, error))?;
    let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
    match connecting.await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(Failure::handshake(&error)),
    }
}

impl Transport {
    /// The addresses of a URL's host; none where a Unix socket stands for it.
    ///
    /// # Errors
    /// The name has no address.
    pub async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        if self.unix_socket.is_some() {
            return Ok(Vec::new());
        }
        let (host, port) = self.host_and_port(url)?;
        lookup(&host, port).await
    }

    fn host_and_port(&self, url: &Url) -> Result<(String, u16), Failure> {
        let (host, port) = host_and_port(url)?;
        Ok(self.route(host, port))
    }
}

/// The addresses of a URL's host.
pub async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = host_and_port(url)?;
    lookup(&host, port).await
}

async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let found = tokio::net::lookup_host((host, port)).await;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Kind::Dns, format_args!("cannot resolve {host}: {error}"))
    };
    let addresses: Vec<_> = found.map_err(|error| failed(&error))?.collect();
    if addresses.is_empty() {
        return Err(failed(&"it has no address"));
    }
    Ok(addresses)
}

fn host_and_port(url: &Url) -> Result<(String, u16), Failure> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    match url.port_or_known_default() {
        Some(port) if !host.is_empty() => Ok((host, port)),
        _ => Err(Failure::new(
            Kind::Connect,
            format_args!("{} names no host", shown_url(url)),
        )),
    }
}
