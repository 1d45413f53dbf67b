//! What a recording leaves out, so that it can be shown to others.
//!
//! The data of the stream itself is recorded whatever it says.

use http::{HeaderMap, HeaderName, header};
use url::Url;

use super::Headers;

/// Stands for the value of a query parameter that was left out.
pub const LEFT_OUT: &str = "left-out";

/// Headers of a request, with the values of those that cannot be a secret:
/// `Accept`, `Accept-Language`, `Cache-Control`, `Content-Type`,
/// `Last-Event-ID`, `User-Agent`. Keys come in headers of any name.
pub fn of_request(headers: &HeaderMap) -> Headers {
    list(headers, |name| {
        matches!(
            name.as_str(),
            "accept"
                | "accept-language"
                | "cache-control"
                | "content-type"
                | "last-event-id"
                | "user-agent"
        )
    })
}

/// Headers of a response, with the values of all but `Set-Cookie`,
/// `Authentication-Info` and `Proxy-Authentication-Info`.
pub fn of_response(headers: &HeaderMap) -> Headers {
    list(headers, |name| {
        *name != header::SET_COOKIE && !name.as_str().ends_with("authentication-info")
    })
}

/// The URL without user name, password and fragment, and without the values of
/// query parameters that are called a key, a token, a ticket or the like.
pub fn of_url(url: &Url) -> Url {
    let mut url = crate::source::without_credentials(url);
    url.set_fragment(None);
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in &pairs {
            query.append_pair(name, if is_secret(name) { LEFT_OUT } else { value });
        }
        drop(query);
    }
    url
}

fn list(headers: &HeaderMap, harmless: impl Fn(&HeaderName) -> bool) -> Headers {
    let shown = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let text = || String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), harmless(name).then(text))
    };
    headers.iter().map(shown).collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = [
        "token",
        "secret",
        "passw",
        "ticket",
        "signature",
        "apikey",
        "api_key",
        "api-key",
        "auth",
        "credential",
        "jwt",
    ];
    matches!(name.as_str(), "key" | "sig" | "code") || parts.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn values_of_request_headers_are_kept_only_where_they_are_harmless() {
        let shown = of_request(&headers(&[
            ("accept", "text/event-stream"),
            ("authorization", "Bearer t0p"),
            ("cookie", "s=t0p"),
            ("x-api-key", "t0p"),
            ("last-event-id", "k-7"),
        ]));
        assert!(!format!("{shown:?}").contains("t0p"), "{shown:?}");
        assert_eq!(shown.len(), 5);
        assert!(shown.contains(&("accept".to_owned(), Some("text/event-stream".to_owned()))));
        assert!(shown.contains(&("x-api-key".to_owned(), None)));
        assert!(shown.contains(&("last-event-id".to_owned(), Some("k-7".to_owned()))));
    }

    #[test]
    fn values_of_response_headers_are_kept_unless_they_are_cookies() {
        let shown = of_response(&headers(&[
            ("set-cookie", "s=t0p"),
            ("authentication-info", "t0p"),
            ("x-accel-buffering", "no"),
        ]));
        assert!(!format!("{shown:?}").contains("t0p"), "{shown:?}");
        assert!(shown.contains(&("x-accel-buffering".to_owned(), Some("no".to_owned()))));
    }

    #[test]
    fn a_url_keeps_what_says_where_and_loses_what_lets_in() {
        let url = |text: &str| of_url(&text.parse().unwrap()).to_string();
        assert_eq!(
            url("https://me:t0p@host/events?topic=a&Ticket=t0p&access_token=t0p&key=t0p#t0p"),
            "https://host/events?topic=a&Ticket=left-out&access_token=left-out&key=left-out"
        );
        let plain = "https://host/events?topic=a%20b&last=100&session=alice";
        assert_eq!(url(plain), plain);
    }
}
