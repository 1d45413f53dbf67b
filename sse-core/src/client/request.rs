//! What to ask for.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::source::without_credentials;

/// A request for an event stream, sent anew for every connection. Its `Debug`
/// text holds no credentials: names of headers, but no values.
#[derive(Clone)]
pub struct Request {
    /// Default GET.
    pub method: Method,
    /// `http` or `https`. A user name and password in it are sent as basic
    /// authentication, to this origin only.
    pub url: Url,
    /// Sent besides, or instead of, `Accept` and `Cache-Control`. A
    /// `Last-Event-ID` here is taken as the initial last event ID.
    /// `Accept-Encoding` is refused: a stream is read as it comes.
    pub headers: HeaderMap,
    /// Sent with every connection, unless a redirect turned it into a GET.
    pub body: Bytes,
    /// Sent instead of those in the URL, and not to another origin. Default: none.
    pub auth: Option<Auth>,
}

/// Credentials for the `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// RFC 7617.
    Basic {
        /// The user name.
        user: String,
        /// The password, if any.
        password: Option<String>,
    },
    /// RFC 6750.
    Bearer(String),
}

impl Request {
    /// A GET without headers of its own.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A request without headers and body of its own.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            auth: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the credentials.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &without_credentials(&self.url).as_str())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &self.body.len())
            .field("auth", &self.auth)
            .finish()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(..)",
            Self::Bearer(_) => "Bearer(..)",
        })
    }
}
