//! What can be wrong before anything is sent, and what reqwest reports.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use thiserror::Error;
use url::Url;

use crate::source::{NetworkError, NetworkErrorKind};

/// A request or an option that cannot work, whatever the server does.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not a URL that HTTP reaches.
    #[error("{url}: only http and https URLs can be read")]
    Url {
        /// The URL.
        url: Url,
    },
    /// The request asks for a coding.
    #[error("Accept-Encoding cannot be set: a stream is read as it comes, uncompressed")]
    AcceptEncoding,
    /// `Last-Event-ID` among the headers is not an id.
    #[error("the Last-Event-ID header is not valid UTF-8")]
    LastEventId,
    /// The program installed no TLS provider.
    #[error("no TLS provider is installed; the program must install rustls's ring provider first")]
    NoTlsProvider,
    /// A certificate file cannot be used.
    #[error("certificate file {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A proxy URL cannot be used.
    #[error("proxy {url}: {reason}")]
    Proxy {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The request cannot be put into HTTP, a bearer token with a line end for instance.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// This platform has no unix sockets.
    #[error("unix sockets are not available on this platform")]
    NoUnixSockets,
    /// reqwest refused the options.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

/// Says what failed in the terms of [`NetworkErrorKind`], with the innermost
/// words, which name the fault, and not the URL, which may hold a password.
pub(super) fn classify(error: &reqwest::Error) -> NetworkError {
    let kind = if error.is_dns() {
        NetworkErrorKind::Unresolved
    } else if error.is_timeout() {
        NetworkErrorKind::TimedOut
    } else {
        chain(error)
            .filter_map(kind_of)
            .last()
            .unwrap_or(NetworkErrorKind::Other)
    };
    if kind.says_it_all() {
        return NetworkError::new(kind, "");
    }
    NetworkError::new(kind, innermost(error))
}

/// The words of the layer that failed.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn kind_of(error: &(dyn StdError + 'static)) -> Option<NetworkErrorKind> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => NetworkErrorKind::Certificate,
            _ => NetworkErrorKind::Tls,
        });
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return match NetworkErrorKind::of_io(error.kind()) {
            NetworkErrorKind::Other => error.get_ref().and_then(|inner| kind_of(inner)),
            kind => Some(kind),
        };
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return match error.get_io() {
            // What h2 makes of an end without a word.
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Some(NetworkErrorKind::Truncated),
            Some(io) => Some(NetworkErrorKind::of_io(io.kind())),
            None if error.is_library() => Some(NetworkErrorKind::Protocol),
            None => None,
        };
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_incomplete_message() || error.is_body_write_aborted() {
            return Some(NetworkErrorKind::Truncated);
        }
        if error.is_parse() {
            return Some(NetworkErrorKind::Protocol);
        }
    }
    None
}
