//! Cookies, in bounds: a server that sets new ones with every connection must
//! not make the client hold, and send, ever more.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use cookie_store::{Cookie, CookieStore, StoreAction};
use http::HeaderValue;
use url::Url;

/// The least that a client should be able to keep (RFC 6265 §6.1): bytes of a
/// cookie, attributes included, and cookies of a domain.
const MOST_BYTES: usize = 4096;
const MOST_OF_DOMAIN: usize = 50;
const MOST: usize = 300;

/// A cookie beyond the bounds is not kept; one that is known is renewed.
#[derive(Debug, Default)]
pub(super) struct Cookies(RwLock<CookieStore>);

impl reqwest::cookie::CookieStore for Cookies {
    fn set_cookies(&self, lines: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        let mut store = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for line in lines.filter(|line| line.len() <= MOST_BYTES) {
            if let Ok(line) = std::str::from_utf8(line.as_bytes())
                && let Ok(cookie) = Cookie::parse(line, url)
            {
                insert(&mut store, cookie.into_owned(), url);
            }
        }
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let store = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> = store
            .get_request_values(url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let line = Bytes::from(pairs.join("; "));
        (!line.is_empty()).then(|| HeaderValue::from_maybe_shared(line).ok())?
    }
}

fn insert(store: &mut CookieStore, cookie: Cookie<'static>, url: &Url) {
    let key = key(&cookie);
    if !matches!(store.insert(cookie, url), Ok(StoreAction::Inserted)) || fits(store, &key.0) {
        return;
    }
    let expired: Vec<Key> = store
        .iter_any()
        .filter(|cookie| cookie.is_expired())
        .map(self::key)
        .collect();
    for (domain, path, name) in &expired {
        store.remove(domain, path, name);
    }
    if !fits(store, &key.0) {
        store.remove(&key.0, &key.1, &key.2);
    }
}

/// Domain, path and name.
type Key = (String, String, String);

fn key(cookie: &Cookie<'_>) -> Key {
    (
        String::from(&cookie.domain),
        cookie.path.to_string(),
        cookie.name().to_owned(),
    )
}

fn fits(store: &CookieStore, domain: &str) -> bool {
    let of_domain = |cookie: &&Cookie<'_>| String::from(&cookie.domain) == domain;
    store.iter_any().count() <= MOST && store.iter_any().filter(of_domain).count() <= MOST_OF_DOMAIN
}
