//! How connections are made, whatever is asked on them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use clap::{Args, ValueHint, value_parser};
use thiserror::Error;

use crate::connect::Tls;
use crate::local_addr::{LocalAddresses, LocalRange};

/// Options of the transport.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transport")]
pub struct TransportArgs {
    /// HTTP/2: negotiated by TLS (ALPN) for https://, with prior knowledge for http://
    #[arg(long)]
    pub http2: bool,

    /// Streams on one HTTP/2 connection; fewer where the server allows fewer
    #[arg(long, value_name = "N", default_value = "100", value_parser = value_parser!(u32).range(1..=1 << 20), requires = "http2")]
    pub http2_streams: u32,

    /// Connect to this Unix socket instead of the host of the URL
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "connect_to")]
    pub unix_socket: Option<PathBuf>,

    /// Connect to another host and port than those of the URL, repeatable; an empty HOST or PORT
    /// before the address stands for any
    #[arg(long, value_name = "HOST:PORT:ADDRESS:PORT")]
    pub connect_to: Vec<ConnectTo>,

    /// Connect from these addresses, in turns by connection: one, a range (127.0.0.2-127.0.0.9)
    /// or a network (10.0.0.0/28); repeatable. Each has local ports of its own
    #[arg(
        long,
        value_name = "ADDRESSES",
        value_delimiter = ',',
        conflicts_with = "unix_socket"
    )]
    pub local_addr: Vec<LocalRange>,
}

/// How connections are made.
#[derive(Debug, Clone)]
pub struct Transport {
    /// TLS settings.
    pub tls: Tls,
    /// HTTP/2 with so many streams on one connection; `None` for HTTP/1.1.
    pub http2: Option<u32>,
    /// Instead of any host.
    pub unix_socket: Option<Arc<Path>>,
    /// Instead of some.
    pub connect_to: Arc<[ConnectTo]>,
    /// The receive buffer to ask the system for, in bytes.
    pub receive_buffer: Option<u32>,
    /// Where connections come from.
    pub local: Arc<LocalAddresses>,
}

impl Transport {
    /// # Errors
    /// What this machine cannot do.
    pub fn new(args: &TransportArgs, tls: Tls) -> Result<Self> {
        ensure!(
            cfg!(unix) || args.unix_socket.is_none(),
            "--unix-socket: this system has no Unix sockets"
        );
        Ok(Self {
            tls,
            http2: args.http2.then_some(args.http2_streams),
            unix_socket: args.unix_socket.as_deref().map(Into::into),
            connect_to: args.connect_to.as_slice().into(),
            receive_buffer: None,
            local: Arc::new(LocalAddresses::new(&args.local_addr)),
        })
    }

    /// The same with another receive buffer.
    #[must_use]
    pub fn with_receive_buffer(&self, bytes: u32) -> Self {
        Self {
            receive_buffer: Some(bytes),
            ..self.clone()
        }
    }

    /// Where to look for a host and port.
    pub fn route(&self, host: String, port: u16) -> (String, u16) {
        let other = self
            .connect_to
            .iter()
            .find(|other| other.is_for(&host, port));
        match other {
            Some(other) => other.to.clone(),
            None => (host, port),
        }
    }

    /// The sockets that so many event streams take at least, on so many threads.
    pub fn sockets(&self, streams: u32, threads: u32) -> u32 {
        match self.http2 {
            None => streams,
            Some(most) => streams.div_ceil(most).saturating_add(threads),
        }
    }
}

/// Another address for a host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    host: Option<String>,
    port: Option<u16>,
    to: (String, u16),
}

/// Why a text is no [`ConnectTo`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write it as HOST:PORT:ADDRESS:PORT, such as example.org:443:localhost:8443")]
pub struct InvalidConnectTo;

impl ConnectTo {
    fn is_for(&self, host: &str, port: u16) -> bool {
        let same = |own: &String| own.eq_ignore_ascii_case(host);
        self.host.as_ref().is_none_or(same) && self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for ConnectTo {
    type Err = InvalidConnectTo;

    fn from_str(text: &str) -> Result<Self, InvalidConnectTo> {
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let (rest, to_port) = text.rsplit_once(':').ok_or(InvalidConnectTo)?;
        let (host, rest) = split_host(rest)?;
        let (from_port, to_host) = rest.split_once(':').ok_or(InvalidConnectTo)?;
        let (to_host, left) = split_host(&format!("{to_host}:"))
            .map(|(host, left)| (host.to_owned(), left.to_owned()))?;
        if to_host.is_empty() || !left.is_empty() {
            return Err(InvalidConnectTo);
        }
        Ok(Self {
            host: (!host.is_empty()).then(|| host.to_owned()),
            port: match from_port {
                "" => None,
                given => Some(port(given).ok_or(InvalidConnectTo)?),
            },
            to: (to_host, port(to_port).ok_or(InvalidConnectTo)?),
        })
    }
}

/// A host, without the brackets of an IPv6 address, and what follows its colon.
fn split_host(text: &str) -> Result<(&str, &str), InvalidConnectTo> {
    match text.strip_prefix('[') {
        Some(inside) => inside.split_once("]:"),
        None => text.split_once(':'),
    }
    .ok_or(InvalidConnectTo)
}

/// # Errors
/// Fields that HTTP/2 has no room for (RFC 9113 §8.2.2).
pub fn check_fields(headers: &http::HeaderMap) -> Result<()> {
    let connection = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    match connection.iter().find(|name| headers.contains_key(**name)) {
        Some(name) => Err(anyhow!(
            "header {name} has no place in HTTP/2: leave it or --http2 out"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(rules: &[&str]) -> Transport {
        Transport {
            tls: Err(String::new()),
            http2: None,
            unix_socket: None,
            receive_buffer: None,
            connect_to: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            local: Arc::default(),
        }
    }

    #[test]
    fn the_first_rule_for_a_host_and_port_says_where_to_connect() {
        let rules = [
            "Example.org:443:[::1]:8443",
            ":80:localhost:8080",
            "[::2]::h:1",
        ];
        let transport = transport(&rules);
        let route = |host: &str, port| transport.route(host.to_owned(), port);
        assert_eq!(route("example.org", 443), ("::1".to_owned(), 8443));
        assert_eq!(route("example.org", 80), ("localhost".to_owned(), 8080));
        assert_eq!(route("::2", 9), ("h".to_owned(), 1));
        assert_eq!(route("example.org", 1), ("example.org".to_owned(), 1));
    }

    #[test]
    fn a_rule_without_four_parts_is_refused() {
        for text in [
            "",
            "a:1",
            "a:1:b",
            "a:1::2",
            "a:1:b:0",
            "a:x:b:1",
            "a:1:b:c:2",
            "[a:1:b:2",
        ] {
            assert_eq!(text.parse::<ConnectTo>(), Err(InvalidConnectTo), "{text}");
        }
    }
}
