//! From a URL to a connected, where need be TLS-secured socket.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use crate::failure::{Failure, Kind};
use crate::live::Live;

/// Hosts whose addresses a thread remembers; redirects may lead to many.
const MOST_HOSTS: usize = 64;

/// TLS settings, or why there are none.
pub type Tls = Result<Arc<ClientConfig>, String>;

/// Opens the connections of one thread.
#[derive(Debug)]
pub struct Connector {
    tls: Tls,
    /// Addresses by host and port; the one that last worked is first.
    hosts: RefCell<HashMap<(String, u16), Vec<SocketAddr>>>,
}

impl Connector {
    /// A connector that knows the addresses of the first target.
    pub fn new(tls: Tls, url: &Url, addresses: Vec<SocketAddr>) -> Self {
        let hosts = match host_and_port(url) {
            Ok(key) => HashMap::from([(key, addresses)]),
            Err(_) => HashMap::new(),
        };
        let hosts = RefCell::new(hosts);
        Self { tls, hosts }
    }

    /// Connects, trying each address of the host in turn. A connected socket
    /// is counted in `live` even if TLS fails on it.
    pub async fn connect(&self, url: &Url, live: &Live) -> Result<Stream, Failure> {
        let key = host_and_port(url)?;
        let known = self.hosts.borrow().get(&key).cloned();
        let addresses = match known {
            Some(addresses) => addresses,
            None => self.remember(&key, resolve(url).await?),
        };
        let mut failure = None;
        for (index, address) in addresses.iter().enumerate() {
            match TcpStream::connect(address).await {
                Ok(socket) => {
                    live.connected.add(1);
                    if index > 0 {
                        self.prefer(&key, *address);
                    }
                    return secure(&self.tls, url, socket).await;
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

/// Puts TLS on a connected socket where the URL asks for it.
pub(crate) async fn secure(tls: &Tls, url: &Url, socket: TcpStream) -> Result<Stream, Failure> {
    // Requests are written whole; waiting for more would only delay them.
    let _ = socket.set_nodelay(true);
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

/// The addresses of a URL's host.
pub async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = host_and_port(url)?;
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
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
            format_args!("{url} names no host"),
        )),
    }
}

/// A connection, plain or with TLS.
#[derive(Debug)]
pub enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
