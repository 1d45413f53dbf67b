//! How connections are made.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::tls::Certificate;
use rustls::crypto::CryptoProvider;
use url::Url;

use super::cookies::Cookies;
use super::error::ConnectError;
use crate::source::without_credentials;

/// How connections are made. Shared by all connections of a [`Transport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportOptions {
    /// Default [`HttpVersion::Auto`].
    pub http_version: HttpVersion,
    /// For name resolution, TCP and TLS together. Default 10 s.
    pub connect_timeout: Option<Duration>,
    /// PEM files of certificate authorities to trust besides the system's.
    pub extra_authorities: Vec<PathBuf>,
    /// Accept any server certificate. Default: no.
    pub insecure: bool,
    /// Default [`Proxy::System`].
    pub proxy: Proxy,
    /// Keep cookies, in memory, and send them back. Default: yes. Kept are 50 of a
    /// domain and 300 in all, of 4 KiB each (RFC 6265 §6.1), and none beyond that.
    pub cookies: bool,
    /// Connect to this socket, whatever the URL's host. Unix only.
    pub unix_socket: Option<PathBuf>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            http_version: HttpVersion::Auto,
            connect_timeout: Some(Duration::from_secs(10)),
            extra_authorities: Vec::new(),
            insecure: false,
            proxy: Proxy::System,
            cookies: true,
            unix_socket: None,
        }
    }
}

/// Which HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// HTTP/2 where TLS negotiates it (RFC 7301, ALPN), HTTP/1.1 elsewhere.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 without negotiation (RFC 9113 §3.3, prior knowledge).
    Http2,
}

/// Which proxy to use.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the
    /// settings of macOS and Windows, say.
    #[default]
    System,
    /// None.
    Direct,
    /// This one for everything: `http`, `https`, `socks4`, `socks4a`, `socks5` or
    /// `socks5h`, a user name and password in the URL.
    Url(Url),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Direct => f.write_str("Direct"),
            Self::Url(url) => write!(f, "Url({})", without_credentials(url)),
        }
    }
}

/// Makes connections. A clone shares the cookies.
///
/// Every request has a connection of its own, so that a leg is a physical
/// connection. There is no total timeout, `TCP_NODELAY` is set, redirects are
/// left to the state machine, and nothing is sent twice behind its back.
#[derive(Debug, Clone)]
pub struct Transport {
    pub(super) client: reqwest::Client,
}

impl Transport {
    /// # Errors
    /// [`ConnectError`] names the option that cannot be met.
    pub fn new(options: &TransportOptions) -> Result<Self, ConnectError> {
        if CryptoProvider::get_default().is_none() {
            return Err(ConnectError::NoTlsProvider);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sse-core/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0)
            .tcp_nodelay(true)
            .tls_danger_accept_invalid_certs(options.insecure);
        if let Some(timeout) = options.connect_timeout {
            builder = builder.connect_timeout(timeout);
        }
        if options.cookies {
            builder = builder.cookie_provider(Arc::new(Cookies::default()));
        }
        builder = match options.http_version {
            HttpVersion::Auto => builder,
            HttpVersion::Http1 => builder.http1_only(),
            HttpVersion::Http2 => builder.http2_prior_knowledge(),
        };
        builder = match &options.proxy {
            Proxy::System => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Url(url) => builder.proxy(proxy(url)?),
        };
        for path in &options.extra_authorities {
            builder = builder.tls_certs_merge(certificates(path)?);
        }
        if let Some(path) = &options.unix_socket {
            builder = unix_socket(builder, path)?;
        }
        match builder.build() {
            Ok(client) => Ok(Self { client }),
            Err(error) => Err(ConnectError::Setup(super::error::innermost(&error))),
        }
    }
}

fn proxy(url: &Url) -> Result<reqwest::Proxy, ConnectError> {
    reqwest::Proxy::all(url.clone()).map_err(|error| ConnectError::Proxy {
        url: without_credentials(url).into(),
        reason: super::error::innermost(&error),
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, ConnectError> {
    let unusable = |reason: String| ConnectError::Certificate {
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem)
        .map_err(|error| unusable(super::error::innermost(&error)))?;
    if certificates.is_empty() {
        return Err(unusable("it holds no PEM certificate".to_owned()));
    }
    Ok(certificates)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other platforms refuse")]
fn unix_socket(
    builder: reqwest::ClientBuilder,
    path: &Path,
) -> Result<reqwest::ClientBuilder, ConnectError> {
    Ok(builder.unix_socket(path))
}

#[cfg(not(unix))]
fn unix_socket(
    _builder: reqwest::ClientBuilder,
    _path: &Path,
) -> Result<reqwest::ClientBuilder, ConnectError> {
    Err(ConnectError::NoUnixSockets)
}
