//! The server under test: how to reach it, and how to publish through it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method};
use tokio::time::{Instant, timeout};

use super::ask::Ask;
use super::leg::{Leg, Missing, NoAnswer};
use crate::conform::args::ServerArgs;
use crate::conform::grade::Verdict;
use crate::connect::{Tls, connect_unix, secure};
use crate::stream::{Socket, Stream};
use crate::target::Target;

/// Redirects that are followed to the stream.
const MOST_REDIRECTS: usize = 10;
/// What comes at once comes within this time.
pub(super) const AT_ONCE: Duration = Duration::from_secs(1);

/// What every check needs.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) target: Target,
    addresses: Vec<SocketAddr>,
    pub(super) patience: Duration,
    pub(super) silence: Duration,
    /// Redirects on the way.
    pub(super) redirects: Vec<String>,
    pub(super) publishing: Option<Publishing>,
    /// Whether the user gave credentials.
    pub(super) has_credentials: bool,
    /// Whether two streams can be open at once.
    pub(super) serves_two: bool,
}

/// Where and how events are published.
#[derive(Debug)]
pub(super) struct Publishing {
    target: Target,
    addresses: Vec<SocketAddr>,
    body: String,
}

impl Site {
    pub(super) fn new(args: &ServerArgs) -> Result<Self> {
        ensure!(
            !args.request.transport.http2,
            "--http2: conform asks over HTTP/1.1, and looks for HTTP/2 by itself (V39)"
        );
        let target = Target::new(&args.url, args.request.clone())?;
        let publishing = args.publish_url.as_deref().map(|url| {
            let mut target = Target::new(url, args.request.for_publishing())?;
            target.method = Method::POST;
            let json = HeaderValue::from_static("application/json");
            target.headers.entry(CONTENT_TYPE).or_insert(json);
            let body = args.publish_body.clone();
            ensure!(
                body.contains("{{data}}") || body.contains("{{text}}"),
                "--publish-body has neither {{{{data}}}} nor {{{{text}}}}"
            );
            Ok(Publishing {
                target,
                addresses: Vec::new(),
                body,
            })
        });
        Ok(Self {
            has_credentials: target.headers.contains_key("authorization"),
            target,
            addresses: Vec::new(),
            patience: args.patience,
            silence: args.silence,
            redirects: Vec::new(),
            publishing: publishing.transpose()?,
            serves_two: true,
        })
    }

    /// Finds the stream, over redirects as a client would.
    pub(super) async fn find(&mut self) -> Result<Leg, NoAnswer> {
        self.addresses = addresses(&self.target, self.patience).await?;
        if let Some(publishing) = &mut self.publishing {
            publishing.addresses = addresses(&publishing.target, self.patience).await?;
        }
        loop {
            let leg = self.send(&self.ask()).await?;
            let location = leg.headers.get(LOCATION).map(HeaderValue::to_str);
            let Some(Ok(location)) = location.filter(|_| leg.status.is_redirection()) else {
                return Ok(leg);
            };
            let Ok(url) = self.target.url.join(location) else {
                return Ok(leg);
            };
            let known = matches!(url.scheme(), "http" | "https") && url.has_host();
            if !known || self.redirects.len() == MOST_REDIRECTS {
                return Ok(leg);
            }
            if url.origin() != self.target.url.origin() {
                // What the user gave for one server is not for another.
                self.target.headers.clear();
            }
            self.redirects.push(format!("{} to {url}", leg.status));
            self.target.url = url;
            self.addresses = addresses(&self.target, self.patience).await?;
        }
    }

    /// The request of an event source.
    pub(super) fn ask(&self) -> Ask {
        Ask::new(&self.target)
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.target.transport.tls
    }

    pub(super) fn is_secure(&self) -> bool {
        self.target.url.scheme() == "https"
    }

    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// A bare connection.
    pub(super) async fn socket(&self) -> Result<Socket, NoAnswer> {
        socket(&self.target, &self.addresses, self.patience).await
    }

    pub(super) async fn connect(&self) -> Result<Stream, NoAnswer> {
        connect(&self.target, &self.addresses, self.patience).await
    }

    /// Sends a request on a connection of its own.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Leg, NoAnswer> {
        let stream = self.connect().await?;
        Leg::open(stream, &ask.encode(), ask.is_head(), self.patience).await
    }

    /// A stream, or why the check cannot be made.
    pub(super) async fn stream(&self) -> Result<Leg, Verdict> {
        self.stream_by(&self.ask()).await
    }

    pub(super) async fn stream_by(&self, ask: &Ask) -> Result<Leg, Verdict> {
        let seen = match self.send(ask).await {
            Ok(leg) if leg.is_stream() => return Ok(leg),
            Ok(leg) => leg.summary(),
            Err(none) => none.to_string(),
        };
        let text = format_args!("instead of another stream: {seen}");
        Err(Verdict::not_applicable(text))
    }

    /// After a strange request the server must still serve others.
    pub(super) async fn survives(&self) -> Result<(), Verdict> {
        match self.send(&self.ask()).await {
            Ok(leg) if !leg.status.is_server_error() => Ok(()),
            Ok(leg) => Err(Verdict::non_strict(format_args!(
                "a plain request after it was answered {}",
                leg.summary()
            ))),
            Err(none) => Err(Verdict::failed(format_args!(
                "a plain request after it was not answered: {none}"
            ))),
        }
    }
}

impl Publishing {
    /// Publishes one event; the status of the answer.
    pub(super) async fn publish(
        &self,
        event: &str,
        data: &str,
        patience: Duration,
    ) -> Result<http::StatusCode, NoAnswer> {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        // The data last: what it holds is not a placeholder.
        let body = self.body.replace("{{event}}", &json(event));
        let body = if body.contains("{{data}}") {
            body.replace("{{data}}", &json(data))
        } else {
            body.replace("{{text}}", data)
        };
        let target = &self.target;
        let ask = Ask::new(target).without("accept");
        let ask = ask.with("content-length", body.len().to_string());
        let mut bytes = ask.encode();
        bytes.extend(body.as_bytes());
        let stream = connect(target, &self.addresses, patience).await?;
        let leg = Leg::open(stream, &bytes, false, patience).await?;
        Ok(leg.status)
    }

    pub(super) fn names_types(&self) -> bool {
        self.body.contains("{{event}}")
    }
}

async fn addresses(target: &Target, patience: Duration) -> Result<Vec<SocketAddr>, NoAnswer> {
    let found = timeout(patience, target.transport.resolve(&target.url)).await;
    let found = found.map_err(|_| {
        NoAnswer::new(
            Missing::Unreachable,
            "the name of the host was not resolved",
        )
    })?;
    found.map_err(|failure| NoAnswer::new(Missing::Unreachable, failure.detail))
}

async fn connect(
    target: &Target,
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<Stream, NoAnswer> {
    let socket = socket(target, addresses, patience).await?;
    let secured = timeout(patience, secure(&target.transport.tls, &target.url, socket)).await;
    let secured = secured.map_err(|_| NoAnswer::new(Missing::Unreachable, "TLS takes too long"))?;
    secured.map_err(|failure| NoAnswer::new(Missing::Unreachable, failure.detail))
}

async fn socket(
    target: &Target,
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<Socket, NoAnswer> {
    let unreachable = |why: &dyn std::fmt::Display| NoAnswer::new(Missing::Unreachable, why);
    if let Some(path) = &target.transport.unix_socket {
        let connected = timeout(patience, connect_unix(path)).await;
        let connected = connected.map_err(|_| unreachable(&"no connection in time"))?;
        return connected.map_err(|failure| unreachable(&failure.detail));
    }
    let mut why = "no address".to_owned();
    for address in addresses {
        let connecting = target.transport.local.connect(0, *address, None);
        match timeout(patience, connecting).await {
            Ok(Ok(socket)) => return Ok(Socket::Tcp(socket)),
            Ok(Err(error)) => why = format!("{address}: {error}"),
            Err(_) => why = format!("{address}: no connection in time"),
        }
    }
    Err(unreachable(&why))
}

pub(super) type Shared = Arc<Site>;
