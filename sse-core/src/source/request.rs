//! What to send, and where to.

use std::fmt;

use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_LOCATION, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

/// The header that resumes a stream (§9.2.3).
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A request that the driver is to send now, on a new connection.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connect {
    /// The number that this connection has once it is open: 1, 2, ...
    pub leg: u64,
    /// Which attempt at this leg it is: 1, 2, ...
    pub attempt: u32,
    /// How many redirects of this attempt led here.
    pub redirects: u32,
    /// Where to.
    pub url: Url,
    /// Whether that is not the caller's URL, but the target of a redirect of
    /// this attempt or of an earlier connection.
    pub redirected: bool,
    /// What to send.
    pub method: Method,
    /// Whether the caller's body goes with it: a redirect may have turned the
    /// request into a GET.
    pub send_body: bool,
    /// Whether a redirect led to another origin, so that credentials and custom
    /// headers must stay behind.
    pub cross_origin: bool,
    /// Empty: none is sent.
    pub last_event_id: String,
}

impl Connect {
    /// All headers of the request: `Accept` and `Cache-Control` of §9.2.3,
    /// then `custom`, which may replace them, then `Last-Event-ID`.
    ///
    /// To another origin only `Accept`, `Accept-Language`, `Content-Type`,
    /// `Content-Language` and `User-Agent` of the custom headers go, and
    /// without a body none that describes one (Fetch Standard, HTTP-redirect fetch).
    pub fn headers(&self, custom: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(custom.len() + 3);
        for (name, value) in custom {
            if self.admits(name) {
                headers.append(name, value.clone());
            }
        }
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("text/event-stream"));
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-cache"));
        if !self.last_event_id.is_empty()
            && let Ok(value) = HeaderValue::from_bytes(self.last_event_id.as_bytes())
        {
            headers.insert(LAST_EVENT_ID, value);
        }
        headers
    }

    /// Whether there is a last event ID that no header can carry, because it
    /// contains a control character (RFC 9110 §5.5). The stream then restarts
    /// where the server starts a new client.
    pub fn last_event_id_unsendable(&self) -> bool {
        HeaderValue::from_bytes(self.last_event_id.as_bytes()).is_err()
    }

    fn admits(&self, name: &HeaderName) -> bool {
        let of_body = [
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LENGTH,
            CONTENT_LOCATION,
            CONTENT_TYPE,
            TRANSFER_ENCODING,
        ];
        let anywhere = [
            ACCEPT,
            ACCEPT_LANGUAGE,
            CONTENT_LANGUAGE,
            CONTENT_TYPE,
            USER_AGENT,
        ];
        *name != LAST_EVENT_ID
            && (self.send_body || !of_body.contains(name))
            && (!self.redirected || *name != HOST)
            && (!self.cross_origin || anywhere.contains(name))
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("leg", &self.leg)
            .field("attempt", &self.attempt)
            .field("redirects", &self.redirects)
            .field("method", &self.method)
            .field("url", &without_credentials(&self.url).as_str())
            .field("last_event_id", &self.last_event_id)
            .finish_non_exhaustive()
    }
}

/// Where a request goes, and what redirects have made of it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) send_body: bool,
    pub(super) cross_origin: bool,
    pub(super) redirected: bool,
}

impl Target {
    pub(super) fn new(url: Url, method: Method) -> Self {
        Self {
            url,
            method,
            send_body: true,
            cross_origin: false,
            redirected: false,
        }
    }

    /// Where a redirect leads (Fetch Standard, HTTP-redirect fetch); `None` if
    /// its `Location` names no place that HTTP reaches.
    pub(super) fn redirected(&self, status: StatusCode, location: &[u8]) -> Option<Self> {
        let location = String::from_utf8_lossy(location);
        let location = location.trim();
        if location.is_empty() {
            return None;
        }
        let mut url = self.url.join(location).ok()?;
        if !is_http(&url) {
            return None;
        }
        let cross_origin = url.origin() != self.url.origin();
        if !cross_origin && url.username().is_empty() && url.password().is_none() {
            // What a browser does by remembering them for the origin.
            let _ = url.set_username(self.url.username());
            let _ = url.set_password(self.url.password());
        }
        let to_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        Some(Self {
            cross_origin: self.cross_origin || cross_origin,
            method: if to_get {
                Method::GET
            } else {
                self.method.clone()
            },
            send_body: self.send_body && !to_get,
            redirected: true,
            url,
        })
    }
}

/// Whether requests can be sent to this URL at all.
pub(crate) fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// A URL as it may be shown.
pub(crate) fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Fails only for URLs that can hold no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}
