//! How to reach the servers, as curl spells it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::{HeaderValue, StatusCode};
use sse_core::client::{Auth, HttpVersion, Options as ClientOptions, Proxy};
use url::Url;

/// What all streams have in common.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectArgs {
    /// Basic authentication; for a bearer token, -H 'Authorization: Bearer TOKEN'
    #[arg(short, long, value_name = "USER:PASSWORD", alias = "basic-auth", short_alias = 'a', value_parser = auth)]
    user: Option<Auth>,

    /// Cookies to send, instead of those that the servers set; repeatable
    #[arg(short = 'b', long, value_name = "NAME=VALUE", value_parser = cookie)]
    cookie: Vec<String>,

    #[arg(
        short = 'x',
        long,
        value_name = "URL",
        value_parser = proxy,
        help = "Connect through this proxy, http or socks5, or through none [default: as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say]"
    )]
    proxy: Option<Proxy>,

    /// Trust the certificate authorities in this PEM file too; repeatable
    #[arg(long, value_name = "FILE")]
    cacert: Vec<PathBuf>,

    /// Accept any certificate
    #[arg(short = 'k', long)]
    insecure: bool,

    /// Speak HTTP/2 from the start; over TLS it is used of itself where servers offer it
    #[arg(long)]
    http2: bool,

    /// Connect to this socket, whatever the host of the URL
    #[arg(long, value_name = "PATH", conflicts_with = "proxy")]
    unix_socket: Option<PathBuf>,

    /// How long a connection may take to be made
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    connect_timeout: Duration,

    /// Connect again after so long without a byte [default: wait for ever]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    read_timeout: Option<Duration>,

    /// Try again after these statuses, heeding Retry-After, instead of giving up
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status)]
    retry_status: Vec<StatusCode>,
}

impl ConnectArgs {
    /// Credentials of every request.
    pub(super) fn auth(&self) -> Option<Auth> {
        self.user.clone()
    }

    /// The `Cookie` field of every request.
    pub(super) fn cookies(&self) -> Result<Option<HeaderValue>, String> {
        if self.cookie.is_empty() {
            return Ok(None);
        }
        HeaderValue::from_str(&self.cookie.join("; "))
            .map(Some)
            .map_err(|_| "a cookie cannot hold control characters".to_owned())
    }

    /// What does not differ from stream to stream.
    pub(super) fn set(self, client: &mut ClientOptions) {
        let transport = &mut client.transport;
        transport.proxy = self.proxy.unwrap_or_default();
        transport.extra_authorities = self.cacert;
        transport.insecure = self.insecure;
        if self.http2 {
            transport.http_version = HttpVersion::Http2;
        }
        transport.unix_socket = self.unix_socket;
        transport.connect_timeout = Some(self.connect_timeout);
        client.source.read_timeout = self.read_timeout;
        client.source.retry_statuses = self.retry_status;
    }
}

fn auth(text: &str) -> Result<Auth, String> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password.to_owned())),
        None => (text, None),
    };
    if text.contains(char::is_control) {
        return Err("credentials cannot hold control characters".to_owned());
    }
    Ok(Auth::Basic {
        user: user.to_owned(),
        password,
    })
}

fn cookie(text: &str) -> Result<String, String> {
    let pairs = text.trim().trim_end_matches(';');
    if pairs.contains('=') {
        Ok(pairs.to_owned())
    } else {
        Err("a cookie is written as NAME=VALUE, several as 'A=1; B=2'".to_owned())
    }
}

/// As curl: a proxy without a scheme is http.
fn proxy(text: &str) -> Result<Proxy, String> {
    if text == "none" {
        return Ok(Proxy::Direct);
    }
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mend = "write it as http://host:port or socks5://host:port, or none";
    let url = Url::parse(&full).map_err(|error| format!("{error}; {mend}"))?;
    match url.scheme() {
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" => Ok(Proxy::Url(url)),
        other => Err(format!("a proxy does not speak {other}; {mend}")),
    }
}

fn status(text: &str) -> Result<StatusCode, String> {
    text.parse()
        .ok()
        .filter(|status: &StatusCode| status.is_client_error() || status.is_server_error())
        .ok_or_else(|| "a status of a refusal is a number from 400 to 599".to_owned())
}
